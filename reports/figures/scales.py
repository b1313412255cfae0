"""Limits and ticks of axes, and the room that their labels take."""

from collections.abc import Callable, Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from reports.statistics import Band
from reports.style import SMALL, extent

Limits = tuple[float, float]
STEPS = (1, 2, 2.5, 5, 10)  # between ticks: what people count in
EDGE = 0.02  # of an axis: a tick nearer to its end would have a label that reaches into the next panel
NAME = 0.26  # inches: an axis's name, and the marks of its ticks


def span(values: Iterable[float | None], least: float | None = None, most: float | None = None) -> Limits:
    """Limits that hold all values, within what is possible, with some air.

    >>> span([50.0, 90.0, None, 130.0], 0.0, 100.0)
    (48.0, 102.0)
    """
    held = [value for value in values if value is not None and np.isfinite(value)]
    low, high = (min(held), max(held)) if held else (0.0, 1.0)
    low = low if least is None else max(least, low)
    high = high if most is None else min(most, high)
    air = max(0.04 * (high - low), 0.02 * max(abs(high), abs(low), 0.1))
    return low - air, high + air


def ends(bands: Iterable[Band]) -> list[float]:
    """The lowest and highest values of bands, for `span`."""
    found = []
    for band in bands:
        found += [float(np.min(band.mean if band.low is None else band.low))]
        found += [float(np.max(band.mean if band.high is None else band.high))]
    return found


def ticks(limits: Limits, most: int = 6, whole: bool = False) -> list[float]:
    """Round values inside the limits, about `most` at the most; not too near to the ends.

    >>> ticks((48.0, 102.0))
    [50.0, 60.0, 70.0, 80.0, 90.0, 100.0]
    """
    low, high = limits
    edge = EDGE * (high - low)
    found = MaxNLocator(most, steps=STEPS, integer=whole).tick_values(low, high)
    return [float(tick) for tick in found if low + edge <= tick <= high - edge]


def plain(value: float) -> str:
    """A tick's label."""
    return f"{value:g}"


def across(axes: Axes, limits: Limits, write: Callable[[float], str] = plain) -> None:
    """Limits and ticks of the x axis."""
    axes.set_xlim(limits)
    held = ticks(limits, 4)
    axes.set_xticks(held, [write(tick) for tick in held])


def up(axes: Axes, limits: Limits) -> None:
    """Limits and ticks of the y axis."""
    axes.set_ylim(limits)
    held = ticks(limits)
    axes.set_yticks(held, [plain(tick) for tick in held])


def beside(limits: Limits) -> float:
    """Inches that `up` needs at the left, with the axis's name."""
    return NAME + max((extent(plain(tick), SMALL) for tick in ticks(limits)), default=0.0)


def rounds(axes: Axes, first: float, last: float) -> None:
    """An x axis of rounds, which are whole numbers."""
    air = max(0.4, 0.03 * (last - first))
    limits = first - air, last + air
    held = [tick for tick in ticks(limits, 5, whole=True) if first <= tick <= last] or [first]
    axes.set_xlim(limits)
    axes.set_xticks(held, [plain(tick) for tick in held])
