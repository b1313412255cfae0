"""Mean ranks on a line; bars join algorithms whose ranks lie closer than the critical difference (Demsar 2006)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.plate import Form, Looks, Table
from reports.figures.sheet import Frame, Picture, sheet, stroke
from reports.statistics import Floats, cliques
from reports.style import DOUBLE, INK, SINGLE, SMALL, SOLID, TINY, Look, extent, fitted, label
from reports.wording import counted

STEP = 0.16  # inches between two names
BARS = 0.09  # inches between two bars
TOP = 0.46  # inches above the axis of ranks
NUMBER = 0.3  # inches of a mean rank
CROWD = 5
"""Up to so many algorithms one column is wide enough."""


@dataclass(frozen=True)
class Ranks:
    """Mean ranks of k algorithms over cells."""

    scope: str
    algorithms: Sequence[str]
    mean: Floats  # [k] 1 is the best
    width: float  # the critical difference
    cells: int
    p: float | None  # of Iman and Davenport's test; None: not tested


def figure(data: Ranks, looks: Looks, form: Form) -> Figure:
    """The axis of ranks, bars under it, and names at both sides with lines up to their ranks."""
    bars = _stacked(data)
    levels = 1 + max((level for _, _, level in bars), default=-1)
    lines = (len(data.algorithms) + 1) // 2
    width = form.width or (SINGLE if len(data.algorithms) <= CROWD else DOUBLE)
    inside = _Inside(width - 0.1, TOP + 0.12 + BARS * levels + STEP * lines, BARS * levels, data)
    frame = Frame("", "", inside.height, left=0.05, right=0.05, drawing=width)
    return sheet([Picture("", partial(_draw, data, bars, looks, inside))], frame, form)


def _stacked(data: Ranks) -> list[tuple[float, float, int]]:
    """The bars as first rank, last rank and level: each on the first level where it touches no other."""
    bars: list[tuple[float, float, int]] = []
    for bar in cliques(data.mean, data.width):
        first, last = float(data.mean[bar[0]]), float(data.mean[bar[-1]])
        taken = {level for start, end, level in bars if start <= last and first <= end}
        bars.append((first, last, min(set(range(len(bars) + 1)) - taken)))
    return bars


@dataclass(frozen=True)
class _Inside:
    """Where things stand inside the axes, in inches."""

    width: float
    height: float
    bars: float  # what bars take below the axis of ranks
    data: Ranks

    @property
    def side(self) -> float:
        """For the names at the left and at the right."""
        widest = max(extent(label(name), SMALL) for name in self.data.algorithms)
        return min(0.3 * self.width, widest + NUMBER + 0.12)

    @property
    def axis(self) -> float:
        return self.height - TOP

    def x(self, rank: float) -> float:
        k = len(self.data.algorithms)
        return self.side + (self.width - 2 * self.side) * (rank - 1) / (k - 1)


def _draw(data: Ranks, bars: Sequence[tuple[float, float, int]], looks: Looks, inside: _Inside, axes: Axes) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, inside.width)
    axes.set_ylim(0, inside.height)
    k = len(data.algorithms)
    rule = Look(INK, "", SOLID)
    axes.add_line(stroke(rule, [inside.x(1), inside.x(k)], [inside.axis] * 2, linewidth=0.8))
    every = math.ceil((extent(str(k), SMALL) + 0.06) / (inside.x(2) - inside.x(1)))
    for rank in range(1, k + 1):
        axes.add_line(stroke(rule, [inside.x(rank)] * 2, [inside.axis, inside.axis + 0.05], linewidth=0.8))
        if (rank - 1) % every == 0:
            axes.text(inside.x(rank), inside.axis + 0.07, str(rank), fontsize=SMALL, ha="center", va="bottom")
    _draw_width(axes, data, inside)
    for first, last, level in bars:
        height, air = inside.axis - 0.09 - BARS * level, 0.03
        ends = [inside.x(first) - air, inside.x(last) + air]
        axes.add_line(stroke(rule, ends, [height] * 2, linewidth=2.4, solid_capstyle="butt"))
    order = [int(place) for place in np.argsort(data.mean, kind="stable")]
    half = (k + 1) // 2
    for depth, place in enumerate(order[:half]):
        _name(axes, data, place, depth, looks, inside, at_left=True)
    for depth, place in enumerate(reversed(order[half:])):
        _name(axes, data, place, depth, looks, inside, at_left=False)


def _draw_width(axes: Axes, data: Ranks, inside: _Inside) -> None:
    """The critical difference as a length, and in words."""
    k = len(data.algorithms)
    fits = data.width <= k - 1
    tested = "" if data.p is None else ", p < 0.001" if data.p < 0.001 else f", p = {data.p:.3f}"
    beyond = "" if fits else " (beyond this axis)"
    words = f"critical difference {data.width:.2f}{beyond}, {counted(data.cells, 'cell')}{tested}"
    size = min(SMALL, SMALL * (inside.width - 0.05) / extent(words, SMALL))
    axes.text(inside.width / 2, inside.height - 0.02, words, fontsize=size, ha="center", va="top")
    if fits:
        ends, height = [inside.x(1), inside.x(1 + data.width)], inside.height - 0.24
        axes.add_line(stroke(Look(INK, "|", SOLID), ends, [height] * 2, linewidth=0.8))


def _name(axes: Axes, data: Ranks, place: int, depth: int, looks: Looks, inside: _Inside, at_left: bool) -> None:
    """One algorithm: its mark on the axis, and a line from there to its name and mean rank."""
    rank = float(data.mean[place])
    height = inside.axis - 0.12 - inside.bars - STEP * (depth + 0.5)
    edge = inside.side - 0.05 if at_left else inside.width - inside.side + 0.05
    x = inside.x(rank)
    axes.add_line(stroke(Look(INK, "", SOLID), [x, x, edge], [inside.axis, height, height], linewidth=0.6))
    look = looks[data.algorithms[place]]
    axes.add_line(stroke(Look(look.colour, look.marker, None), [x], [inside.axis], markersize=4.6, zorder=3))
    name, number = fitted(data.algorithms[place], SMALL, inside.side - NUMBER - 0.1), f"{rank:.2f}"
    out, side = (-1, "right") if at_left else (1, "left")
    axes.text(edge + out * 0.03, height, number, fontsize=TINY, ha=side, va="center")
    axes.text(edge + out * (0.05 + NUMBER), height, name, fontsize=SMALL, ha=side, va="center")


def table(data: Ranks) -> Table:
    """One row per algorithm, the best rank first."""
    order = np.argsort(data.mean, kind="stable")
    rows = [(data.algorithms[place], float(data.mean[place]), data.cells, data.width, data.p) for place in order]
    return Table(("algorithm", "mean rank", "cells", "critical difference", "p (Iman-Davenport)"), rows)
