"""Validation accuracy against each hyper-parameter: every setting that was tried, and the best at each value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.records.tuning import Choice, Scalar, Tuning
from reports.figures import scales
from reports.figures.plate import Form, Looks, Plate, Table
from reports.figures.sheet import Frame, Picture, sheet, stroke
from reports.style import FLOOR, SMALL, Look, extent, fitted

QUANTITY = "validation accuracy (%)"
REACH = 30.0
"""Points below the best setting that a figure shows: a setting that diverged would flatten all the others."""
KEY = (
    ("a setting", Look(FLOOR, "o", None)),
    ("chosen", Look(FLOOR, "D", None)),
    ("lower than shown", Look(FLOOR, "v", None, hollow=True)),
)


@dataclass(frozen=True)
class Point:
    """One setting that was tried."""

    place: int  # of its value on the axis
    accuracy: float  # per cent
    spread: float | None  # over replicates, in points
    trial: int
    chosen: bool


@dataclass(frozen=True)
class Axis:
    """One panel: one hyper-parameter of one algorithm."""

    algorithm: str
    name: str
    values: Sequence[Scalar]  # ascending
    points: Sequence[Point]

    @property
    def best(self) -> list[tuple[int, float]]:
        """The best setting at each value that was tried, whatever else it had."""
        tops: dict[int, float] = {}
        for point in self.points:
            tops[point.place] = max(point.accuracy, tops.get(point.place, 0.0))
        return sorted(tops.items())


def plates(tuning: Tuning, looks: Looks) -> Iterator[Plate]:
    """The figures: one for the learning rate, which all share, and one for all other hyper-parameters."""
    axes = [axis for choice in tuning.choices for axis in _axes(choice)]
    for stem, what, chosen in (
        ("sensitivity-lr", "the learning rate", [axis for axis in axes if axis.name == "lr"]),
        ("sensitivity-parameters", "the other hyper-parameters", [axis for axis in axes if axis.name != "lr"]),
    ):
        if chosen:
            yield Plate(
                stem=f"{stem}-{tuning.dataset}",
                family="sensitivity",
                title=f"Sensitivity to {what}",
                caption="Each mark is a setting, the mean over tuning replicates and places; the line joins the best "
                "setting at each value, which may owe it to its other hyper-parameters. A flat line: the value hardly "
                "matters. A line that still rises at an end: the grid is too narrow.",
                table=table(chosen),
                draw=partial(figure, chosen, looks),
                titles=[_title(axis) for axis in chosen],
                key=KEY,
            )


def _axes(choice: Choice) -> Iterator[Axis]:
    for name, values in choice.axes.items():
        if len(values) > 1:
            points = [
                Point(
                    place=list(values).index(each.setting[name]),
                    accuracy=100 * each.accuracy,
                    spread=None if each.spread is None else 100 * each.spread,
                    trial=each.number,
                    chosen=each == choice.chosen,
                )
                for each in choice.tried
            ]
            yield Axis(choice.algorithm, name, values, points)


def _title(axis: Axis) -> str:
    return axis.algorithm if axis.name == "lr" else f"{axis.algorithm}: {axis.name}"


def figure(axes: Sequence[Axis], looks: Looks, form: Form) -> Figure:
    """Panels on one scale, which holds what lies within `REACH` of the best of all."""
    accuracies = [point.accuracy for axis in axes for point in axis.points]
    floor = max(accuracies) - REACH
    limits = scales.span([value for value in accuracies if value >= floor], 0.0, 100.0)
    pictures = [Picture(_title(axis), partial(_draw, axis, looks[axis.algorithm], limits)) for axis in axes]
    name = "learning rate (not to scale)" if axes[0].name == "lr" else "value (not to scale)"
    return sheet(pictures, Frame(name, QUANTITY, 1.7, least=1.6, left=scales.beside(limits), key=KEY), form)


def _draw(axis: Axis, look: Look, limits: tuple[float, float], axes: Axes) -> None:
    line = [(place, top) for place, top in axis.best if top >= limits[0]]
    axes.add_line(stroke(Look(look.colour, "", look.dash), [x for x, _ in line], [y for _, y in line], linewidth=1.0))
    for point in sorted(axis.points, key=lambda point: point.chosen):
        shown = point.accuracy >= limits[0]
        mark = Look(look.colour, "D" if point.chosen else "o" if shown else "v", None, hollow=not shown)
        size = 5.0 if point.chosen else 3.0
        height = point.accuracy if shown else limits[0] + 0.03 * (limits[1] - limits[0])
        axes.add_line(stroke(mark, [point.place], [height], markersize=size))
    scales.up(axes, limits)
    axes.set_xlim(-0.5, len(axis.values) - 0.5)
    names = [fitted(f"{value:g}" if isinstance(value, float) else str(value), SMALL, 0.6) for value in axis.values]
    every = 1 + int(sum(extent(name, SMALL) + 0.06 for name in names) / 1.5)  # the labels that find room
    axes.set_xticks(range(0, len(names), every), names[::every])
    axes.grid(visible=False, axis="x")


def table(axes: Sequence[Axis]) -> Table:
    """One row per setting and hyper-parameter."""
    rows = [
        (axis.algorithm, axis.name, axis.values[point.place], point.trial, point.accuracy, point.spread, point.chosen)
        for axis in axes
        for point in axis.points
    ]
    return Table(("algorithm", "hyper-parameter", "value", "trial", QUANTITY, "deviation", "chosen"), rows)
