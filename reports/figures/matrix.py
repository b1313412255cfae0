"""Every algorithm against every other: mean difference, wins, and whether a test could and did tell them apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reports.figures.marks import signed
from reports.figures.plate import Form, Table
from reports.figures.sheet import Frame, Picture, names_width, sheet
from reports.statistics import LEVEL, Floats
from reports.style import BLUE, DOUBLE, PALE, SINGLE, SMALL, TINY, VERMILION, extent, fitted, label

FULL = 0.1
"""The difference at which a cell has its full colour, at least; larger where a larger one occurs."""
SMALLEST = 5.0  # points: type that print still shows
ROOMY = 0.85  # inches: cells this wide have a third line
STRONGEST = 0.55  # opacity of full colour: the text on it stays readable


@dataclass(frozen=True)
class Matrix:
    """k algorithms in pairs, row against column, over cells that both finished."""

    scope: str
    algorithms: Sequence[str]
    difference: Floats  # [k, k] row minus column, mean over cells, fractions; nan: no common cell
    wins: NDArray[np.int64]  # [k, k] cells where the row is above the column
    ties: NDArray[np.int64]
    losses: NDArray[np.int64]
    superiority: Floats  # [k, k] P(row > column); nan: not known
    p: Floats  # [k, k] Wilcoxon over cells, Holm-adjusted; nan: not tested


def figure(data: Matrix, form: Form) -> Figure:
    """Blue where the row is ahead, vermilion where it is behind; bold where the test tells them apart."""
    k = len(data.algorithms)
    left = names_width(data.algorithms)
    width = form.width or (SINGLE if k <= 3 else DOUBLE)
    each = (width - left - 0.1) / k
    tall = 0.5 if each >= ROOMY else 0.32
    upright = any(extent(label(name), SMALL) > each - 0.06 for name in data.algorithms)
    head = min(1.0, max(extent(label(name), SMALL) for name in data.algorithms)) + 0.1 if upright else 0.2
    frame = Frame("", "", tall * k + head, left=left, drawing=width)
    cells = _Cells(each, tall, head, upright)
    return sheet([Picture("", partial(_draw, data, left, cells))], frame, form)


@dataclass(frozen=True)
class _Cells:
    """Sizes in inches."""

    each: float  # width of a cell
    tall: float
    head: float  # for the names above
    upright: bool  # whether those stand on end


def _draw(data: Matrix, left: float, cells: _Cells, axes: Axes) -> None:
    k = len(data.algorithms)
    held = np.abs(data.difference[np.isfinite(data.difference)])
    full = max(FULL, float(held.max()) if len(held) else 0.0)
    axes.set_xlim(-0.5, k - 0.5)
    axes.set_ylim(k - 0.5, -0.5 - cells.head / cells.tall)
    axes.set_yticks(range(k), [fitted(name, SMALL, left - 0.08) for name in data.algorithms])
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for column, name in enumerate(data.algorithms):
        room = cells.head - 0.08 if cells.upright else cells.each - 0.04
        axes.text(
            column, -0.5 - 0.05 / cells.tall, fitted(name, SMALL, room), fontsize=SMALL,
            ha="center", va="bottom", rotation=90 if cells.upright else 0,
        )  # fmt: skip
    corners = 0.48 * np.asarray([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    for row, column in np.ndindex(k, k):
        value = data.difference[row, column]
        if row == column or not np.isfinite(value):
            colour: tuple[str, float] = (PALE, 0.5)
        else:
            colour = (BLUE if value > 0 else VERMILION, STRONGEST * min(1.0, abs(float(value)) / full))
        axes.add_collection(PolyCollection([corners + np.asarray((column, row))], facecolors=[colour], linewidths=0))
        if row != column:
            _write(axes, _lines(data, row, column, cells.each >= ROOMY), row, column, cells)


def _lines(data: Matrix, row: int, column: int, roomy: bool) -> list[tuple[str, bool]]:
    """What stands in a cell, each line with whether it is bold."""
    if not np.isfinite(data.difference[row, column]):
        return [("no pair", False)]
    p, ahead = float(data.p[row, column]), float(data.superiority[row, column])
    record = "\N{EN DASH}".join(str(counts[row, column]) for counts in (data.wins, data.ties, data.losses))
    lines = [(signed(100 * float(data.difference[row, column])), bool(p <= 1 - LEVEL)), (record, False)]
    if roomy:
        tested = "" if np.isnan(p) else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
        chance = "" if np.isnan(ahead) else f"P {ahead:.2f}"
        lines.append((", ".join(part for part in (chance, tested) if part), False))
    return [line for line in lines if line[0]]


def _write(axes: Axes, lines: Sequence[tuple[str, bool]], row: int, column: int, cells: _Cells) -> None:
    step = 0.135 if cells.each >= ROOMY else 0.12
    for place, (text, bold) in enumerate(lines):
        largest = SMALL if place == 0 else TINY
        size = min(largest, largest * (cells.each - 0.05) / (extent(text, largest) * (1.12 if bold else 1.0)))
        if size < SMALLEST:  # the colour and the sign are what is left
            if place == 0 and text[0] != "0":
                axes.text(column, row, text[0], fontsize=SMALL, ha="center", va="center")
            return
        height = row + (place - (len(lines) - 1) / 2) * step / cells.tall
        weight = "bold" if bold else "normal"
        axes.text(column, height, text, fontsize=size, ha="center", va="center", fontweight=weight)


def table(data: Matrix) -> Table:
    """One row per ordered pair."""
    rows = []
    for row, first in enumerate(data.algorithms):
        for column, second in enumerate(data.algorithms):
            if row != column:
                numbers = (100 * data.difference[row, column], data.superiority[row, column], data.p[row, column])
                mean, ahead, p = (None if np.isnan(number) else float(number) for number in numbers)
                counts = (int(each[row, column]) for each in (data.wins, data.ties, data.losses))
                rows.append((first, second, mean, *counts, ahead, p))
    columns = ("algorithm", "minus", "points", "wins", "ties", "losses")
    return Table((*columns, "P(algorithm ahead)", "p (Wilcoxon, Holm)"), rows)
