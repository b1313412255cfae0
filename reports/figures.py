"""What the figures show. A `Plate` is one figure for print and, panel by panel, for the page of the report.

Means and bands are over the same replicates as the headline table's, so figures and tables agree.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from reports.blocks import Block, Level
from reports.results import Picture, Results
from reports.statistics import Band, Floats, mean_band
from reports.style import BLUE, FLOOR, FLOOR_DASH, Look, label
from reports.wording import at_level, slug

Looks = Mapping[str, Look]
BAND = 0.16  # opacity of a band; less where there are many


@dataclass(frozen=True)
class Panel:
    """One pair of axes."""

    title: str  # "" where there is but one
    draw: Callable[[Axes], None]


@dataclass(frozen=True)
class Plate:
    """One figure."""

    stem: str  # of its files
    title: str
    caption: str
    xlabel: str
    ylabel: str
    panels: Sequence[Panel]
    algorithms: Sequence[str] = ()  # for the legend; none where the axis names them
    floor: bool = False  # whether the legend names the majority floor
    most: int | None = None  # images at full colour, where colour means a count
    height: float = 2.1  # inches of one panel in print
    left: float = 0.145  # margins of a panel in the page, as shares of its width
    right: float = 0.025


def plates(results: Results, found: Sequence[Block], looks: Looks) -> list[Plate]:
    """Every figure that the results allow, in the report's order; none has an empty panel."""
    places = list(dict.fromkeys((block.dataset, block.partition) for block in found))
    wanted = [_against_alpha([b for b in found if (b.dataset, b.partition) == place], looks) for place in places]
    wanted += [_against_rounds(block, looks) for block in found]
    wanted += [_partition([p for p in results.pictures if (p.dataset, p.partition) == place]) for place in places]
    return [plate for plate in wanted if plate]


# Accuracy against the round


def curve(level: Level, algorithm: str) -> tuple[NDArray[np.int64], Band]:
    """Client accuracy of one algorithm: rounds [T] that all common replicates evaluated, and its band in per cent."""
    scores = level.scores(algorithm)
    rounds = scores[0].rounds
    for score in scores[1:]:
        rounds = np.intersect1d(rounds, score.rounds)
    values = [score.curve[np.isin(score.rounds, rounds)] for score in scores]
    return rounds, mean_band(100 * np.asarray(values))


def _against_rounds(block: Block, looks: Looks) -> Plate | None:
    levels = [level for level in block.levels if level.replicates]
    if not levels:
        return None
    curves = {level.alpha: {name: curve(level, name) for name in level.done} for level in levels}
    floors = [100 * (level.floor or 0.0) for level in levels]
    limits = _limits([band for lines in curves.values() for _, band in lines.values()], floors)
    first, last = _ends(rounds for lines in curves.values() for rounds, _ in lines.values())

    def panel(level: Level, floor: float) -> Panel:
        def draw(axes: Axes) -> None:
            for name, (rounds, band) in curves[level.alpha].items():
                every = max(1, len(rounds) // 8)
                _line(axes, rounds.astype(np.float64), band, looks[name], len(curves[level.alpha]), every)
            axes.axhline(floor, color=FLOOR, linestyle=FLOOR_DASH, linewidth=1.1)
            axes.set_ylim(limits)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            if last == first:
                axes.set_xlim(first - 1, first + 1)

        return Panel(at_level(level.alpha), draw)

    return Plate(
        stem=slug("accuracy-rounds", block.dataset, block.partition, block.zoo),
        title=f"Client accuracy against round: {block.dataset}, {block.partition}, zoo {block.zoo}",
        caption="Mean over replicates of the client accuracy on test data, with its pointwise 95 % t interval. "
        "None of these rounds is picked for being the best on test data.",
        xlabel="round",
        ylabel="client accuracy (%)",
        panels=[panel(level, floor) for level, floor in zip(levels, floors, strict=True)],
        algorithms=block.finishers,
        floor=True,
    )


def _ends(curves: Iterable[NDArray[np.int64]]) -> tuple[int, int]:
    every = np.concatenate(list(curves))
    return int(every.min()), int(every.max())


# Accuracy against alpha


def _against_alpha(found: Sequence[Block], looks: Looks) -> Plate | None:
    """One panel per zoo; where there is but one level, algorithms side by side instead."""
    held = [block for block in found if any(level.replicates for level in block.levels)]
    if not held:
        return None
    lines = all(sum(bool(level.replicates) for level in block.levels) > 1 for block in held)
    stem = "accuracy-alpha" if lines else "accuracy-algorithm"
    against = "against alpha" if lines else "by algorithm"
    panel = _alpha_panel if lines else _dots_panel
    return Plate(
        stem=slug(stem, held[0].dataset, held[0].partition),
        title=f"Client accuracy {against}: {held[0].dataset}, {held[0].partition}",
        caption="Client accuracy at the headline round, mean over replicates with 95 % t interval. The dotted line is "
        "what a constant guess of each client's majority class reaches.",
        xlabel="alpha (small: clients differ more)" if lines else "client accuracy (%)",
        ylabel="client accuracy (%)" if lines else "",
        panels=[panel(block, looks, held) for block in held],
        algorithms=list(dict.fromkeys(name for block in held for name in block.finishers)) if lines else [],
        floor=True,
        height=2.4 if lines else 2.0,
        left=0.145 if lines else 0.34,
    )


def _headline(level: Level, algorithm: str) -> Band:
    """Mean and interval of one algorithm at one level, in per cent, as a band of one point."""
    return mean_band(100 * np.asarray([[score.accuracy] for score in level.scores(algorithm)]))


def _alpha_panel(block: Block, looks: Looks, beside: Sequence[Block]) -> Panel:
    levels = [level for level in block.levels if level.replicates and level.alpha is not None]
    everyone = [level for other in beside for level in other.levels if level.replicates]
    bands = [_headline(level, name) for level in everyone for name in level.done]
    limits = _limits(bands, [100 * (level.floor or 0.0) for level in everyone])

    def draw(axes: Axes) -> None:
        alphas = [level.alpha or 0.0 for level in levels]
        axes.set_xscale("log")
        for name in block.algorithms:
            held = [level for level in levels if name in level.done]
            if held:
                x = np.asarray([level.alpha or 0.0 for level in held])
                _line(axes, x, _joined([_headline(level, name) for level in held]), looks[name], len(block.finishers))
        floors = [100 * (level.floor or 0.0) for level in levels]
        axes.plot(alphas, floors, color=FLOOR, linestyle=FLOOR_DASH, linewidth=1.1)
        axes.set_ylim(limits)
        axes.xaxis.set_major_locator(FixedLocator(_apart(alphas)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))

    return Panel(f"zoo {block.zoo}", draw)


def _dots_panel(block: Block, looks: Looks, beside: Sequence[Block]) -> Panel:
    level = next(level for level in block.levels if level.replicates)
    names = list(level.done)

    def draw(axes: Axes) -> None:
        for place, name in enumerate(names):
            band, look = _headline(level, name), looks[name]
            if band.low is not None and band.high is not None:
                axes.plot([band.low[0], band.high[0]], [place, place], color=look.colour, solid_capstyle="butt")
            axes.plot(band.mean, [place], color=look.colour, marker=look.marker, markersize=4.5, linestyle="none")
        axes.axvline(100 * (level.floor or 0.0), color=FLOOR, linestyle=FLOOR_DASH, linewidth=1.1)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), [label(name, 18) for name in names])
        axes.grid(visible=False, axis="y")
        low, high = axes.get_xlim()
        axes.set_xlim(max(low, 0.0), min(high, 100.5))

    titles = [f"zoo {block.zoo}", at_level(level.alpha)]
    return Panel(", ".join(title for title in titles if title), draw)


def _joined(bands: Sequence[Band]) -> Band:
    """Bands of one point each as one band; without intervals if any lacks one."""
    low = [band.low for band in bands if band.low is not None]
    high = [band.high for band in bands if band.high is not None]
    whole = len(low) == len(bands)
    return Band(
        np.concatenate([band.mean for band in bands]),
        np.concatenate(low) if whole else None,
        np.concatenate(high) if whole else None,
    )


def _apart(alphas: Sequence[float]) -> list[float]:
    """The alphas that get a label: none so near to the one before that their labels would touch."""
    span = np.log(max(alphas) / min(alphas)) or 1.0
    kept: list[float] = []
    for alpha in sorted(alphas):
        if not kept or np.log(alpha / kept[-1]) > 0.09 * span:
            kept.append(alpha)
    return kept


# What both have in common


def _line(axes: Axes, x: Floats, band: Band, look: Look, of: int, every: int = 1) -> None:
    """One of `of` curves."""
    if band.low is not None and band.high is not None:
        low, high = np.clip(band.low, 0, 100), np.clip(band.high, 0, 100)
        axes.fill_between(x, low, high, color=look.colour, alpha=min(BAND, 4 * BAND / of), linewidth=0)
    axes.plot(x, band.mean, color=look.colour, linestyle=look.dash, marker=look.marker, markevery=every)


def _limits(bands: Sequence[Band], floors: Sequence[float]) -> tuple[float, float]:
    """The range of per cent that holds all bands and floors, within what is possible, with some air."""
    lows = [float(np.min(band.mean if band.low is None else band.low)) for band in bands]
    highs = [float(np.max(band.mean if band.high is None else band.high)) for band in bands]
    low, high = max(0.0, min(lows + list(floors))), min(100.0, max(highs + list(floors)))
    air = max(1.0, 0.04 * (high - low))
    return max(-1.0, low - air), min(101.0, high + air)


# Partitions

SUMMED = 20
"""Up to so many clients there is room for each one's number of images."""


def _partition(pictures: Sequence[Picture]) -> Plate | None:
    if not any(picture.counts.any() for picture in pictures):
        return None
    ordered = sorted(pictures, key=lambda picture: (picture.alpha is not None, picture.alpha or 0.0))
    most = max(int(picture.counts.max()) for picture in ordered)
    first = ordered[0]
    sums = any(len(picture.counts) <= SUMMED for picture in ordered)

    def panel(picture: Picture) -> Panel:
        return Panel(at_level(picture.alpha), lambda axes: _tiles(axes, picture.counts, most))

    return Plate(
        stem=slug("partition", first.dataset, first.partition),
        title=f"Who holds what: {first.dataset}, {first.partition}",
        caption=f"One draw of each ({_which(ordered)}): images of each class on each client, training, validation and "
        f"test together{'; at the right their sum' if sums else ''}. Each replicate draws anew.",
        xlabel="class",
        ylabel="client",
        panels=[panel(picture) for picture in ordered],
        most=most,
        height=2.3,
        right=0.09,
    )


def _which(pictures: Sequence[Picture]) -> str:
    draws = {(picture.replicate, picture.zoo) for picture in pictures}
    if len(draws) > 1:
        return "the first that finished"
    replicate, zoo = draws.pop()
    return f"replicate {replicate}, zoo {zoo}"


def _tiles(axes: Axes, counts: NDArray[np.int64], most: int) -> None:
    """A tile per client (row) and class (column); its opacity is the square root of the share of `most`."""
    clients, classes = counts.shape
    opacity = np.sqrt(counts / most)
    if max(counts.shape) > 30:  # too many for gaps between them, and for shapes of their own
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
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    if clients <= SUMMED:
        for client, total in enumerate(counts.sum(axis=1)):
            axes.annotate(
                str(total), (1, client), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points",
                va="center", fontsize=6,
            )  # fmt: skip
