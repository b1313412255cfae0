"""From panels to a figure: columns and rows that fit the width of print, margins for the labels, and the legend.

Margins are computed from the text they hold, not solved for: that is fast, panels line up, and the same figure is
laid out alike on every machine.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports.figures.plate import Form, Key
from reports.style import DOUBLE, PAPER, SINGLE, SMALL, Look, extent, fitted, label, paper

LINE = 0.145  # inches from one line of text to the next
PAGE = 8.8  # inches: what fits on a page with its caption
LEAST = 0.6  # of their height that panels keep where they would not fit
LEGEND = 7.5  # points
EM = LEGEND / 72  # inches: the unit of the three below
LONGEST = 1.7  # inches of a name in a legend
GAP, APART = 0.6, 1.5  # between a piece of line and its name; between two columns


@dataclass(frozen=True)
class Picture:
    """One panel, for `sheet` to set among others."""

    title: str
    draw: Callable[[Axes], None]


@dataclass(frozen=True)
class Frame:
    """What the panels of one figure have in common. Lengths are in inches."""

    xlabel: str
    ylabel: str
    height: float = 1.6  # of a panel
    least: float = 1.2  # width below which a panel is not readable
    left: float = 0.46  # for the labels of the y axis
    right: float = 0.1
    gap: float = 0.14  # between panels that share their y axis
    shared: bool = True  # whether the panels of a row share their y axis, so that the first one names it for all
    key: Key = ()
    drawing: float | None = None  # the natural width of what is no plot: it has no ticks, and its height is exact


def sheet(pictures: Sequence[Picture], frame: Frame, form: Form) -> Figure:
    """All panels in one figure for print, or the one that `form` asks for, bare, for the page."""
    bare = form.only is not None
    shown = pictures if form.only is None else [pictures[form.only]]
    width = form.width or frame.drawing or (SINGLE if len(shown) == 1 else DOUBLE)
    grid = _Grid.of(len(shown), frame, width, titled=not bare and any(picture.title for picture in shown), bare=bare)
    legend = _Legend.of(() if bare else frame.key, width)
    height = legend.height + grid.height
    with paper():
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        for place, picture in enumerate(shown):
            x, y = grid.corner(place)
            axes = figure.add_axes((x / width, y / height, grid.each / width, grid.tall / height))
            picture.draw(axes)
            if grid.titled:
                axes.set_title(fitted(picture.title, 8.0, grid.each + 0.8 * grid.side), pad=3.0)
            if place % grid.columns == 0 or not frame.shared:
                axes.set_ylabel(frame.ylabel, verticalalignment="top")
                axes.yaxis.set_label_coords((0.03 - frame.left) / grid.each, 0.5)
            else:
                axes.tick_params(axis="y", labelleft=False, length=0)
        if frame.xlabel:
            _name_x(figure, frame.xlabel, (grid.corner(0)[0], grid.corner(grid.columns - 1)[0] + grid.each))
        legend.draw(figure)
        figure.draw_without_rendering()  # makes what is made late, such as ticks, in this style
    return figure


def _name_x(figure: Figure, text: str, across: tuple[float, float]) -> None:
    """One name for the x axes of all panels, in the middle below them."""
    width, height = figure.get_size_inches()
    size = min(8.0, 8.0 * (width - 0.05) / extent(text, 8.0))
    half = extent(text, size) / 2
    x = min(max(sum(across) / 2, half + 0.02), width - half - 0.02)
    figure.text(x / width, 0.03 / height, text, fontsize=size, ha="center", va="bottom")


@dataclass(frozen=True)
class _Grid:
    """Where panels stand. Lengths are in inches, from the lower left."""

    frame: Frame
    columns: int
    rows: int
    each: float  # width of a panel
    tall: float  # height of a panel
    side: float  # between two panels of a row
    between: float  # between two rows
    above: float
    below: float
    titled: bool

    @classmethod
    def of(cls, number: int, frame: Frame, width: float, titled: bool, bare: bool) -> "_Grid":
        side = frame.gap if frame.shared else frame.left + frame.right + 0.05
        room = width - frame.left - frame.right + side
        most = max(1, math.floor(room / (frame.least + side)))
        rows = math.ceil(number / most)
        columns = math.ceil(number / rows)
        ticks, name = 0.02 if frame.drawing else LINE + 0.05, LINE + 0.03 if frame.xlabel else 0.0
        above = LINE + 0.06 if titled else 0.06
        between = above + ticks + 0.05
        tall = frame.height * (1.2 if bare and not frame.drawing and frame.height < 2 else 1.0)
        if not bare and not frame.drawing:
            free = PAGE - above - ticks - name - (rows - 1) * between - (0.5 if frame.key else 0.0)
            tall = max(LEAST * tall, min(tall, free / rows))
        return cls(
            frame, columns, rows, room / columns - side, tall, side, between, above, ticks + name, titled
        )  # fmt: skip

    @property
    def height(self) -> float:
        return self.above + self.rows * self.tall + (self.rows - 1) * self.between + self.below

    def corner(self, place: int) -> tuple[float, float]:
        row, column = divmod(place, self.columns)
        x = self.frame.left + column * (self.each + self.side)
        return x, self.below + (self.rows - 1 - row) * (self.tall + self.between)


@dataclass(frozen=True)
class _Legend:
    """A legend above the panels, in as few rows as the width allows."""

    key: Key
    names: Sequence[str]
    columns: int
    rows: int
    handle: float  # a piece of line, in EM

    @classmethod
    def of(cls, key: Key, width: float) -> "_Legend":
        looks = [look for _, look in key]
        handle = 3.2 if any(look.dash and look.marker for look in looks) else 2.0 if any(x.dash for x in looks) else 1.2
        names = [fitted(name, LEGEND, LONGEST) for name, _ in key]
        entries = np.asarray([(handle + GAP) * EM + extent(name, LEGEND) for name in names])
        for rows in range(1, len(names) + 1):
            columns = math.ceil(len(names) / rows)  # as even as so many rows allow
            widths = [column.max() for column in np.array_split(entries, columns)]
            if columns == 1 or sum(widths) + APART * EM * (columns - 1) <= width - 0.1:
                return cls(key, names, columns, math.ceil(len(names) / columns), handle)
        return cls(key, names, 1, 0, handle)

    @property
    def height(self) -> float:
        return 0.145 * self.rows + 0.07 if self.rows else 0.0

    def draw(self, figure: Figure) -> None:
        if self.names:
            handles = [stroke(look, [], []) for _, look in self.key]
            figure.legend(
                handles, self.names, loc="upper center", ncols=self.columns, columnspacing=APART, handletextpad=GAP,
                handlelength=self.handle, borderpad=0.0, borderaxespad=0.4, labelspacing=0.4, fontsize=LEGEND,
            )  # fmt: skip


def stroke(look: Look, x: Sequence[float], y: Sequence[float], **options: object) -> Line2D:
    """A line in an algorithm's look."""
    thin = look.marker in ("|", "x", "+")  # nothing but edge
    return Line2D(
        x, y, color=look.colour, linestyle=look.dash or "none", marker=look.marker or "none",
        markerfacecolor=PAPER if look.hollow else look.colour, markeredgewidth=0.9 if look.hollow or thin else 0.0,
        **options,  # type: ignore[arg-type]
    )  # fmt: skip


def names_width(names: Sequence[str], most: float = 1.3) -> float:
    """Inches that the names of rows take at the left, at most so many."""
    return min(most, max((extent(label(name), SMALL) for name in names), default=0.0)) + 0.1
