"""What several figures draw alike: a curve with its band, a mean with its interval, rows named by algorithm."""

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes

from reports.figures.plate import Key, Looks, Value
from reports.figures.sheet import stroke
from reports.statistics import Band, Estimate, Floats
from reports.style import FLOOR, FLOOR_LOOK, FLOOR_NAME, SMALL, TINY, Look, fitted

ROW = 0.17  # inches of a row
OPACITY = 0.16  # of a band; less where there are many


def curve(axes: Axes, x: Floats, band: Band, look: Look, place: int, of: int, most: float | None) -> None:
    """The one at `place` among `of` curves of values from 0 to `most`; their markers stand at different points."""
    if band.low is not None and band.high is not None:
        opacity = min(OPACITY, 4 * OPACITY / of)
        low, high = np.clip(band.low, 0.0, most), np.clip(band.high, 0.0, most)
        axes.fill_between(x, low, high, color=look.colour, alpha=opacity, linewidth=0)
    every = max(1, len(x) // 6)
    start = place * every // of
    axes.add_line(stroke(look, list(x), list(band.mean), markevery=(start, every)))


def mean(axes: Axes, x: float, estimate: Estimate, look: Look, flat: bool = False) -> None:
    """A mean with its interval, upright at x, or flat at the height x."""
    if estimate.low is not None and estimate.high is not None:
        ends, at = [estimate.low, estimate.high], [x, x]
        bar = stroke(Look(look.colour, "", (0.0, ())), *((ends, at) if flat else (at, ends)), solid_capstyle="butt")
        bar.set_linewidth(0.9)
        axes.add_line(bar)
    dot = Look(look.colour, look.marker, None, look.hollow)
    axes.add_line(stroke(dot, *(([estimate.mean], [x]) if flat else ([x], [estimate.mean])), markersize=4.2))


def floor_line(axes: Axes, height: float | None, upright: bool = False) -> None:
    """The majority floor across the panel; nothing where it is not known."""
    if height is not None:
        draw = axes.axvline if upright else axes.axhline
        draw(height, color=FLOOR_LOOK.colour, linestyle=FLOOR_LOOK.dash, linewidth=1.1)


def named_rows(axes: Axes, names: Sequence[str], width: float) -> None:
    """One row per name, the first at the top; `width` is what names may take, in inches."""
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [fitted(name, SMALL, width - 0.08) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")


def absent(axes: Axes, row: int, words: str) -> None:
    """Words in a row that has nothing to show, at its right end."""
    axes.annotate(
        words, (0.98, row), xycoords=("axes fraction", "data"), va="center", ha="right", fontsize=TINY, color=FLOOR
    )


def key(names: Iterable[str], looks: Looks, floor: bool = False) -> Key:
    """A legend of algorithms, each once, and of the majority floor."""
    return [(name, looks[name]) for name in dict.fromkeys(names)] + ([(FLOOR_NAME, FLOOR_LOOK)] if floor else [])


def signed(value: float, form: str = ".1f") -> str:
    """A difference with its sign, a true minus; 0 has none.

    >>> signed(1.25), signed(-0.04), signed(-2, "g")
    ('+1.2', '0.0', '−2')
    """
    plain = f"{value:{form}}"
    return plain.lstrip("-") if float(plain) == 0 else f"{value:+{form}}".replace("-", "\N{MINUS SIGN}")


def parts(estimate: Estimate | None) -> tuple[Value, ...]:
    """Mean, ends of the interval and number of replicates, for a table."""
    return (estimate.mean, estimate.low, estimate.high, estimate.n) if estimate else (None, None, None, 0)


def at(band: Band, place: int) -> tuple[Value, ...]:
    """Mean and ends of the interval at one point of a band, for a table."""
    ends = (None if end is None else float(end[place]) for end in (band.low, band.high))
    return (float(band.mean[place]), *ends)
