"""Who holds what: images of each class on each client, one panel per level of heterogeneity."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap, PowerNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from reports.figures.plate import Form, Table
from reports.figures.sheet import Frame, Picture, sheet
from reports.style import BLUE, PAPER, TINY, extent, paper

SUMMED = 20
"""Up to so many clients there is room for each one's number of images."""
TILES = 30
"""Up to so many clients and classes each has a tile of its own; more become the pixels of an image."""
BAR = 0.6  # inches at the right for what the colour means


@dataclass(frozen=True)
class Draw:
    """One draw of a partition."""

    title: str
    counts: NDArray[np.int64]  # [clients, classes] images


@dataclass(frozen=True)
class Partitions:
    """The draws of one figure; at least one of them holds an image."""

    draws: Sequence[Draw]

    @property
    def most(self) -> int:
        """Images at full colour."""
        return max(int(draw.counts.max()) for draw in self.draws)

    @property
    def summed(self) -> bool:
        """Whether there is room for sums."""
        return all(len(draw.counts) <= SUMMED for draw in self.draws)


def figure(data: Partitions, form: Form) -> Figure:
    """Tiles whose opacity is the square root of their share of the largest count."""
    sums = max(extent(str(draw.counts.sum(axis=1).max()), TINY) for draw in data.draws) + 0.06 if data.summed else 0.0
    bar = BAR if form.only is None else 0.0
    same = len({draw.counts.shape[0] for draw in data.draws}) == 1
    frame = Frame(
        "class", "client", height=1.6, least=0.8, right=sums + 0.08 + bar, gap=sums + 0.14, shared=same
    )  # fmt: skip
    pictures = [Picture(draw.title, partial(_tiles, draw.counts, data.most, data.summed)) for draw in data.draws]
    made = sheet(pictures, frame, form)
    if bar:
        _scale(made, data.most)
    return made


def _tiles(counts: NDArray[np.int64], most: int, summed: bool, axes: Axes) -> None:
    """A tile per client (row) and class (column)."""
    clients, classes = counts.shape
    opacity = np.sqrt(counts / most)
    if max(counts.shape) > TILES:
        tint = np.broadcast_to(to_rgb(BLUE), (*counts.shape, 3))
        axes.imshow(np.dstack([tint, opacity]), aspect="auto", interpolation="nearest")
    else:
        rows, columns = np.nonzero(counts)
        corners = 0.45 * np.asarray([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        squares = np.stack([columns, rows], axis=1)[:, None, :] + corners
        colours = [(BLUE, float(share)) for share in opacity[rows, columns]]
        axes.add_collection(PolyCollection(list(squares), facecolors=colours, linewidths=0))
    axes.set_xlim(-0.5, classes - 0.5)
    axes.set_ylim(clients - 0.5, -0.5)
    axes.grid(visible=False)
    for axis, number in ((axes.xaxis, classes), (axes.yaxis, clients)):
        axis.set_major_locator(MaxNLocator(integer=True, nbins=10 if number <= 20 else 5))
    if summed:
        for client, total in enumerate(counts.sum(axis=1)):
            axes.annotate(
                str(total), (1, client), xycoords=("axes fraction", "data"), xytext=(2.5, 0),
                textcoords="offset points", va="center", fontsize=TINY,
            )  # fmt: skip


def _scale(figure: Figure, most: int) -> None:
    """What the tiles' colour means, at the right; on white paper opacity is a mix with white."""
    width = figure.get_figwidth()
    box = figure.axes[0].get_position()
    place = (1 - (BAR - 0.05) / width, box.y0, 0.08 / width, box.height)
    colours = LinearSegmentedColormap.from_list("images", [PAPER, BLUE])
    with paper():
        mappable = ScalarMappable(PowerNorm(0.5, 0, most), colours)
        bar = figure.colorbar(mappable, cax=figure.add_axes(place), ticks=MaxNLocator(4, integer=True))
        bar.set_label("images", labelpad=2.0)
        bar.outline.set_linewidth(0.4)
        bar.ax.tick_params(length=2.0, pad=1.5, labelsize=TINY)
        figure.draw_without_rendering()


def table(data: Partitions) -> Table:
    """One row per draw and client, one column per class."""
    classes = max(draw.counts.shape[1] for draw in data.draws)
    rows = [
        (draw.title, client, int(counts.sum()), *counts.tolist(), *[None] * (classes - len(counts)))
        for draw in data.draws
        for client, counts in enumerate(draw.counts)
    ]
    return Table(("panel", "client", "images", *(f"class {number}" for number in range(classes))), rows)
