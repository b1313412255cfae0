"""Accuracy or loss against the round, one panel per level of heterogeneity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import marks, scales
from reports.figures.plate import Form, Key, Looks, Table
from reports.figures.sheet import Frame, Picture, sheet
from reports.statistics import Band, Floats


@dataclass(frozen=True)
class Curves:
    """The lines of one panel: for each algorithm its evaluated rounds [T], and a mean with its band [T]."""

    title: str
    lines: Mapping[str, tuple[Floats, Band]]
    floor: float | None = None  # the majority floor, where it is of the same kind


@dataclass(frozen=True)
class Rounds:
    """What is drawn against rounds."""

    algorithms: Sequence[str]  # who is drawn, in the order of the report
    quantity: str  # with its unit: "client accuracy (%)", "client loss (nats)"
    panels: Sequence[Curves]
    most: float | None = None  # the largest value that is possible; the least is 0


def figure(data: Rounds, looks: Looks, form: Form) -> Figure:
    """Curves with their bands, on the same scale in all panels."""
    lines = [line for panel in data.panels for line in panel.lines.values()]
    most = data.most or 1.6 * max(float(band.mean.max()) for _, band in lines)  # a band may reach beyond the axis
    limits = scales.span([*scales.ends(band for _, band in lines), *(panel.floor for panel in data.panels)], 0.0, most)
    first, last = min(float(rounds[0]) for rounds, _ in lines), max(float(rounds[-1]) for rounds, _ in lines)
    pictures = [
        Picture(panel.title, partial(_draw, panel, looks, limits, (first, last), data.most)) for panel in data.panels
    ]
    return sheet(pictures, Frame("round", data.quantity, left=scales.beside(limits), key=key(data, looks)), form)


def _draw(
    panel: Curves,
    looks: Looks,
    limits: tuple[float, float],
    rounds: tuple[float, float],
    most: float | None,
    axes: Axes,
) -> None:
    marks.floor_line(axes, panel.floor)
    for place, (name, (x, band)) in enumerate(panel.lines.items()):
        marks.curve(axes, x, band, looks[name], place, len(panel.lines), most)
    scales.up(axes, limits)
    scales.rounds(axes, *rounds)


def key(data: Rounds, looks: Looks) -> Key:
    """Who is drawn."""
    return marks.key(data.algorithms, looks, floor=any(panel.floor is not None for panel in data.panels))


def table(data: Rounds) -> Table:
    """One row per panel, algorithm and round."""
    rows = [
        (panel.title, name, int(x[place]), *marks.at(band, place))
        for panel in data.panels
        for name, (x, band) in panel.lines.items()
        for place in range(len(x))
    ]
    return Table(("panel", "algorithm", "round", data.quantity, "low", "high"), rows)
