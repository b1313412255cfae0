"""Differences to the reference cell by cell: one panel per algorithm, one row per cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from reports.figures import marks, scales
from reports.figures.plate import Form, Key, Looks, Table
from reports.figures.sheet import Frame, Picture, names_width, sheet, stroke
from reports.statistics import ROPE, Estimate
from reports.style import FLOOR, INK, PALE, Look

OVERALL = "all cells"
KEY = (
    ("kept by Benjamini-Hochberg", Look(FLOOR, "o", (0.0, ()))),
    ("not kept", Look(FLOOR, "o", (0.0, ()), hollow=True)),
)


@dataclass(frozen=True)
class Difference:
    """What the replicates of one cell say, as fractions of accuracy."""

    estimate: Estimate
    discovered: bool  # whether Benjamini and Hochberg's procedure keeps it


@dataclass(frozen=True)
class Forest:
    """Each other algorithm minus the reference: positive where it is better."""

    scope: str  # "digits, dirichlet-capped"
    reference: str
    cells: Sequence[str]  # names of the rows
    against: Mapping[str, Sequence[Difference | None]]  # algorithm -> one per cell; None: no pair there
    overall: Mapping[str, Estimate] = field(default_factory=dict)  # algorithm -> mean over its cells
    rope: float = ROPE


def figure(data: Forest, looks: Looks, form: Form) -> Figure:
    """Intervals in percentage points; the strip in the middle is practical equivalence."""
    rows = [*data.cells, *([OVERALL] if data.overall else [])]
    left = names_width(rows, most=1.6)
    values: list[float | None] = [data.rope, -data.rope]
    for name in data.against:
        estimates = [each.estimate for each in data.against[name] if each]
        for estimate in [*estimates, *([data.overall[name]] if name in data.overall else [])]:
            values += [estimate.mean, estimate.low, estimate.high]
    low, high = scales.span([100 * value for value in values if value is not None])
    pictures = [Picture(name, partial(_draw, data, name, rows, looks, (low, high), left)) for name in data.against]
    frame = Frame(
        f"minus {data.reference} (points)", "", marks.ROW * len(rows) + 0.08, left=left, key=key(data),
        gap=0.2,
    )  # fmt: skip
    return sheet(pictures, frame, form)


def _draw(
    data: Forest, name: str, rows: Sequence[str], looks: Looks, limits: tuple[float, float], left: float, axes: Axes
) -> None:
    marks.named_rows(axes, rows, left)
    axes.axvspan(-100 * data.rope, 100 * data.rope, facecolor=PALE, alpha=0.7, linewidth=0)
    axes.axvline(0, color=INK, linewidth=0.6)
    look = looks[name]
    for place, difference in enumerate(data.against[name]):
        if difference is None:
            marks.absent(axes, place, "no pair")
        else:
            point = Look(look.colour, look.marker, None, hollow=not difference.discovered)
            marks.mean(axes, place, percent(difference.estimate), point, flat=True)
    if data.overall:
        axes.axhline(len(data.cells) - 0.5, color=PALE, linewidth=0.6)
        if name in data.overall:
            _diamond(axes, len(data.cells), percent(data.overall[name]))
    scales.across(axes, limits, partial(marks.signed, form="g"))


def percent(estimate: Estimate) -> Estimate:
    """In percentage points."""
    low, high = (None if end is None else 100 * end for end in (estimate.low, estimate.high))
    return Estimate(100 * estimate.mean, low, high, estimate.n)


def _diamond(axes: Axes, place: int, estimate: Estimate) -> None:
    """A summary as forest plots draw it: as wide as its interval; a mark where it has none."""
    if estimate.low is None or estimate.high is None:
        axes.add_line(stroke(Look(INK, "D", None), [estimate.mean], [place]))
    else:
        low, middle, high = estimate.low, estimate.mean, estimate.high
        corners = [(low, place), (middle, place - 0.28), (high, place), (middle, place + 0.28)]
        axes.add_patch(Polygon(corners, closed=True, facecolor=INK, linewidth=0))


def key(data: Forest) -> Key:
    """What filled and open marks mean."""
    kept = {each.discovered for column in data.against.values() for each in column if each}
    return [entry for entry in KEY if (not entry[1].hollow) in kept]


def table(data: Forest) -> Table:
    """One row per algorithm and cell, in percentage points."""
    rows = []
    for name, column in data.against.items():
        for cell, each in zip(data.cells, column, strict=True):
            kept = "" if each is None else "yes" if each.discovered else "no"
            rows.append((name, cell, *marks.parts(percent(each.estimate) if each else None), kept))
        if name in data.overall:
            rows.append((name, OVERALL, *marks.parts(percent(data.overall[name])), ""))
    return Table(
        (
            "algorithm",
            "cell",
            f"minus {data.reference} (points)",
            "low",
            "high",
            "replicates",
            "kept by Benjamini-Hochberg",
        ),
        rows,
    )
