"""Personal against general: how good a model is for its clients, and how good on everyone's data.

Here FML's claim lives: a general model *and* personal ones. Each algorithm has up to two points, one per kind of model,
joined by a line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import marks, scales
from reports.figures.plate import Form, Key, Looks, Table
from reports.figures.sheet import Frame, Picture, sheet, stroke
from reports.statistics import Estimate
from reports.style import FLOOR, Look

KEY = (
    ("personal models", Look(FLOOR, "o", None)),
    ("global model", Look(FLOOR, "o", None, hollow=True)),
)


@dataclass(frozen=True)
class Model:
    """One kind of model of one algorithm. Accuracies are in per cent."""

    everyone: Estimate  # on the data set's own test split
    clients: Estimate  # mean over clients, each on its own test split


@dataclass(frozen=True)
class Plane:
    """One panel: for each algorithm its personal and its global model; None: it has none."""

    title: str
    models: Mapping[str, tuple[Model | None, Model | None]]


@dataclass(frozen=True)
class Planes:
    """All panels of a block."""

    algorithms: Sequence[str]  # who is drawn, in the order of the report
    panels: Sequence[Plane]


def figure(data: Planes, looks: Looks, form: Form) -> Figure:
    """Points with intervals both ways; the better for everyone the further right, for its clients the further up."""
    models = [model for panel in data.panels for pair in panel.models.values() for model in pair if model]
    across = scales.span([v for model in models for v in _reach(model.everyone)], 0.0, 100.0)
    up = scales.span([v for model in models for v in _reach(model.clients)], 0.0, 100.0)
    pictures = [Picture(panel.title, partial(_draw, panel, looks, across, up)) for panel in data.panels]
    name, left = "accuracy on the global test set (%)", scales.beside(up)
    frame = Frame(name, "client accuracy (%)", left=left, gap=0.2, key=key(data, looks))
    return sheet(pictures, frame, form)


def _reach(estimate: Estimate) -> tuple[float | None, ...]:
    return estimate.mean, estimate.low, estimate.high


def _draw(panel: Plane, looks: Looks, across: tuple[float, float], up: tuple[float, float], axes: Axes) -> None:
    for name, (personal, general) in panel.models.items():
        look = looks[name]
        if personal and general:
            ends = [(model.everyone.mean, model.clients.mean) for model in (personal, general)]
            line = stroke(Look(look.colour, "", look.dash), [x for x, _ in ends], [y for _, y in ends])
            line.set(linewidth=0.8, alpha=0.6)
            axes.add_line(line)
        for model, hollow in ((personal, False), (general, True)):
            if model:
                _cross(axes, model, Look(look.colour, look.marker, look.dash, hollow))
    scales.across(axes, across)
    scales.up(axes, up)


def _cross(axes: Axes, model: Model, look: Look) -> None:
    """A point with its intervals in both directions."""
    marks.mean(axes, model.clients.mean, model.everyone, look, flat=True)
    marks.mean(axes, model.everyone.mean, model.clients, look)


def key(data: Planes, looks: Looks) -> Key:
    """Who is drawn, and which marks are which models."""
    points = [(name, Look(looks[name].colour, looks[name].marker, None)) for name in data.algorithms]
    return [*points, *KEY]


def table(data: Planes) -> Table:
    """One row per panel, algorithm and kind of model."""
    rows = [
        (panel.title, name, kind, *marks.parts(model.everyone)[:3], *marks.parts(model.clients))
        for panel in data.panels
        for name, pair in panel.models.items()
        for kind, model in zip(("personal", "global"), pair, strict=True)
        if model
    ]
    columns = ("global test set (%)", "low", "high", "client accuracy (%)", "low", "high", "replicates")
    return Table(("panel", "algorithm", "model", *columns), rows)
