"""How accuracy is spread over the clients, one row per algorithm, one panel per level of heterogeneity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from reports.figures import marks, scales
from reports.figures.plate import Form, Key, Looks, Table, Value
from reports.figures.sheet import Frame, Picture, names_width, sheet, stroke
from reports.statistics import Floats, gini, worst_tenth
from reports.style import FLOOR, INK, SOLID, Look

DOTS = 150
"""Up to so many clients in a row each is a dot; more are told by the box alone."""
GOLDEN = 0.6180339887498949  # multiples of it, modulo 1, are spread evenly and look like no pattern
KEY = (
    ("quartiles and median", Look(FLOOR, "s", None)),
    ("one client", Look(FLOOR, "o", None)),
    ("mean of the worst 10 %", Look(INK, "^", None)),
)


@dataclass(frozen=True)
class Spread:
    """One panel: for each algorithm the accuracies of the clients of each replicate [replicates, clients], per cent."""

    title: str
    accuracies: Mapping[str, Sequence[Floats]]


@dataclass(frozen=True)
class Clients:
    """All panels of a block."""

    algorithms: Sequence[str]  # the rows
    panels: Sequence[Spread]


def figure(data: Clients, looks: Looks, form: Form) -> Figure:
    """Boxes over quartiles with a dot per client; the worst tenth's mean is a triangle."""
    names = data.algorithms
    values = [float(v) for panel in data.panels for each in panel.accuracies.values() for row in each for v in row]
    limits = scales.span(values, 0.0, 100.0)
    left = names_width(names)
    pictures = [Picture(panel.title, partial(_draw, panel, names, looks, limits, left)) for panel in data.panels]
    tall = 0.23 * len(names) + 0.05
    return sheet(pictures, Frame("accuracy of a client (%)", "", tall, left=left, gap=0.2, key=key(data)), form)


def _draw(
    panel: Spread, names: Sequence[str], looks: Looks, limits: tuple[float, float], left: float, axes: Axes
) -> None:
    marks.named_rows(axes, names, left)
    for place, name in enumerate(names):
        if name in panel.accuracies:
            _row(axes, place, panel.accuracies[name], looks[name].colour)
        else:
            marks.absent(axes, place, "no result")
    scales.across(axes, limits)


def _row(axes: Axes, place: int, replicates: Sequence[Floats], colour: str) -> None:
    pooled = np.concatenate(list(replicates))
    low, middle, high = np.percentile(pooled, (25, 50, 75))
    rule = Look(colour, "", SOLID)
    axes.add_line(stroke(rule, [pooled.min(), pooled.max()], [place, place], linewidth=0.7))
    axes.add_patch(
        Rectangle((low, place - 0.3), high - low, 0.6, facecolor=(colour, 0.25), edgecolor=colour, linewidth=0.7)
    )
    if len(pooled) <= DOTS:
        heights = place + 0.4 * ((np.arange(len(pooled)) * GOLDEN) % 1 - 0.5)
        axes.plot(
            np.sort(pooled), heights, linestyle="none", marker="o", markersize=1.6, color=colour, markeredgewidth=0
        )
    axes.add_line(stroke(rule, [middle, middle], [place - 0.3, place + 0.3], linewidth=1.6))
    worst = float(np.mean([worst_tenth(each) for each in replicates]))
    axes.add_line(stroke(Look(INK, "^", None), [worst], [place + 0.3], markersize=4.0, clip_on=False))


def key(data: Clients) -> Key:
    """What the marks mean; dots only where there are any."""
    sizes = [sum(map(len, each)) for panel in data.panels for each in panel.accuracies.values()]
    return [entry for entry in KEY if entry[1].marker != "o" or min(sizes) <= DOTS]


def table(data: Clients) -> Table:
    """One row per panel and algorithm: quartiles over the clients of all replicates, the rest means of replicates."""
    rows: list[Sequence[Value]] = []
    for panel in data.panels:
        for name, replicates in panel.accuracies.items():
            quartiles = np.percentile(np.concatenate(list(replicates)), (0, 25, 50, 75, 100))
            worst, unequal = (float(np.mean([measure(each) for each in replicates])) for measure in (worst_tenth, gini))
            clients = sum(map(len, replicates))
            rows.append((panel.title, name, clients, *(float(q) for q in quartiles), worst, unequal))
    columns = ("panel", "algorithm", "clients", "least", "quartile 1", "median", "quartile 3", "most")
    return Table((*columns, "worst 10 %", "Gini"), rows)
