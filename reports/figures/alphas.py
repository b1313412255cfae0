"""Client accuracy at the headline round: against alpha, one panel per zoo, or side by side where there is no alpha."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import marks, scales
from reports.figures.plate import Form, Key, Looks, Table
from reports.figures.sheet import Frame, Picture, names_width, sheet, stroke
from reports.statistics import Estimate
from reports.style import FLOOR_LOOK, SMALL, Look, extent

QUANTITY = "client accuracy (%)"
SHARE = 0.6  # of the room of one alpha that its algorithms may take


@dataclass(frozen=True)
class Zoo:
    """One panel. Accuracies are in per cent."""

    title: str
    levels: Sequence[str]  # alphas as text, ascending; a single one where there is no alpha
    points: Mapping[str, Sequence[Estimate | None]]  # algorithm -> one per level; None: it finished nothing there
    floors: Sequence[float | None]  # the majority floor, one per level


@dataclass(frozen=True)
class Alphas:
    """All panels of a data set and partition."""

    algorithms: Sequence[str]  # who is drawn, in the order of the report
    zoos: Sequence[Zoo]

    @property
    def lines(self) -> bool:
        """Whether there is something to draw against: more than one level in each zoo."""
        return all(len(zoo.levels) > 1 for zoo in self.zoos)


def figure(data: Alphas, looks: Looks, form: Form) -> Figure:
    """Means with their intervals and the floor; all panels on the same scale."""
    values: list[float | None] = [floor for zoo in data.zoos for floor in zoo.floors]
    for zoo in data.zoos:
        for estimate in (each for points in zoo.points.values() for each in points if each):
            values += [estimate.mean, estimate.low, estimate.high]
    limits = scales.span(values, 0.0, 100.0)
    if data.lines:
        pictures = [Picture(zoo.title, partial(_against, zoo, looks, limits)) for zoo in data.zoos]
        name, left = "alpha (not to scale; small: clients differ more)", scales.beside(limits)
        frame = Frame(name, QUANTITY, height=2.2, least=2.3, left=left, key=key(data, looks))
        return sheet(pictures, frame, form)
    left = names_width(data.algorithms)
    pictures = [Picture(zoo.title, partial(_beside, zoo, data.algorithms, looks, limits, left)) for zoo in data.zoos]
    height = marks.ROW * len(data.algorithms) + 0.15
    frame = Frame(QUANTITY, "", height, least=1.6, left=left, gap=0.24, key=key(data, looks))
    return sheet(pictures, frame, form)


def _against(zoo: Zoo, looks: Looks, limits: tuple[float, float], axes: Axes) -> None:
    """Algorithms stand a little beside each other, so that no interval hides another."""
    held = [(place, floor) for place, floor in enumerate(zoo.floors) if floor is not None]
    axes.add_line(stroke(FLOOR_LOOK, [place for place, _ in held], [floor for _, floor in held], linewidth=1.1))
    step = min(0.09, SHARE / max(1, len(zoo.points)))
    for number, (name, points) in enumerate(zoo.points.items()):
        shift = step * (number - (len(zoo.points) - 1) / 2)
        there = [(place + shift, point) for place, point in enumerate(points) if point]
        look = looks[name]
        line = Look(look.colour, "", look.dash)
        axes.add_line(stroke(line, [x for x, _ in there], [point.mean for _, point in there], linewidth=1.0))
        for x, point in there:
            marks.mean(axes, x, point, look)
    scales.up(axes, limits)
    axes.set_xlim(-0.5, len(zoo.levels) - 0.5)
    room = axes.get_position().width * _inches(axes)
    every = math.ceil(sum(extent(level, SMALL) + 0.1 for level in zoo.levels) / room)  # the labels that find room
    axes.set_xticks(range(0, len(zoo.levels), every), zoo.levels[::every])
    axes.grid(visible=False, axis="x")


def _inches(axes: Axes) -> float:
    figure = axes.get_figure()
    return float(figure.get_size_inches()[0]) if isinstance(figure, Figure) else 0.0


def _beside(zoo: Zoo, names: Sequence[str], looks: Looks, limits: tuple[float, float], left: float, axes: Axes) -> None:
    marks.named_rows(axes, names, left)
    marks.floor_line(axes, zoo.floors[0], upright=True)
    for place, name in enumerate(names):
        point = zoo.points[name][0] if name in zoo.points else None
        if point:
            marks.mean(axes, place, point, looks[name], flat=True)
        else:
            marks.absent(axes, place, "no result")
    scales.across(axes, limits)


def key(data: Alphas, looks: Looks) -> Key:
    """Who is drawn; the floor alone where rows name the algorithms."""
    floor = any(height is not None for zoo in data.zoos for height in zoo.floors)
    return marks.key(data.algorithms if data.lines else (), looks, floor)


def table(data: Alphas) -> Table:
    """One row per zoo, alpha and algorithm."""
    rows = [
        (zoo.title, level, name, *marks.parts(points[place]), zoo.floors[place])
        for zoo in data.zoos
        for place, level in enumerate(zoo.levels)
        for name, points in zoo.points.items()
    ]
    return Table(("panel", "alpha", "algorithm", QUANTITY, "low", "high", "replicates", "majority floor (%)"), rows)
