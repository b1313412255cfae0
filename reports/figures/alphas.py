"""Client accuracy at the headline round: against alpha, one panel per zoo, or side by side where there is no alpha."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import marks
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
    limits = marks.span(values, 0.0, 100.0)
    if data.lines:
        pictures = [Picture(zoo.title, partial(_against, zoo, looks, limits)) for zoo in data.zoos]
        frame = Frame(
            "alpha (not to scale; small: clients differ more)", QUANTITY, height=2.2, least=2.3, key=key(data, looks)
        )
        return sheet(pictures, frame, form)
    left = names_width([name for zoo in data.zoos for name in zoo.points])
    pictures = [Picture(zoo.title, partial(_beside, zoo, looks, limits, left)) for zoo in data.zoos]
    rows = max(len(zoo.points) for zoo in data.zoos)
    frame = Frame(
        QUANTITY, "", marks.ROW * rows + 0.15, least=1.6, left=left, shared=False, key=key(data, looks)
    )  # fmt: skip
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
    axes.set_ylim(limits)
    axes.set_xlim(-0.5, len(zoo.levels) - 0.5)
    axes.set_xticks(range(len(zoo.levels)), zoo.levels)
    if sum(extent(level, SMALL) + 0.08 for level in zoo.levels) > axes.get_position().width * _inches(axes):
        axes.set_xticks(range(0, len(zoo.levels), 2), zoo.levels[::2])
    axes.grid(visible=False, axis="x")


def _inches(axes: Axes) -> float:
    figure = axes.get_figure()
    return float(figure.get_size_inches()[0]) if isinstance(figure, Figure) else 0.0


def _beside(zoo: Zoo, looks: Looks, limits: tuple[float, float], left: float, axes: Axes) -> None:
    marks.named_rows(axes, list(zoo.points), left)
    marks.floor_line(axes, zoo.floors[0], upright=True)
    for place, (name, points) in enumerate(zoo.points.items()):
        if points[0]:
            marks.mean(axes, place, points[0], looks[name], flat=True)
    axes.set_xlim(limits)


def key(data: Alphas, looks: Looks) -> Key:
    """Who is drawn; the floor alone where rows name the algorithms."""
    names = [name for zoo in data.zoos for name in zoo.points] if data.lines else []
    return marks.key(names, looks, floor=any(floor is not None for zoo in data.zoos for floor in zoo.floors))


def table(data: Alphas) -> Table:
    """One row per zoo, alpha and algorithm."""
    rows = [
        (zoo.title, level, name, *marks.parts(points[place]), zoo.floors[place])
        for zoo in data.zoos
        for place, level in enumerate(zoo.levels)
        for name, points in zoo.points.items()
    ]
    return Table(("panel", "alpha", "algorithm", QUANTITY, "low", "high", "replicates", "majority floor (%)"), rows)
