"""How a column's values are written: for people, and as plain numbers for CSV."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reports.statistics import Estimate, MedianRounds
from reports.wording import NOTHING, percent, points

Value = str | int | float | Estimate | MedianRounds | None
Plain = str | int | float | None


@dataclass(frozen=True)
class Kind:
    """One way to write values."""

    write: Callable[[float], str]  # a number for people
    scale: float = 1.0  # from the analysis's unit to the one in which CSV has it
    left: bool = False  # text, not number
    long: bool = False  # sentences

    def text(self, value: Value) -> str:
        """A value for people, without its interval."""
        if value is None:
            return NOTHING
        if isinstance(value, str | MedianRounds):
            return str(value)
        number = value.mean if isinstance(value, Estimate) else value
        return self.write(number) if math.isfinite(number) else ("∞" if number > 0 else NOTHING)

    def interval(self, value: Value) -> str:
        """The interval for people; nothing where there is none."""
        if not isinstance(value, Estimate) or value.low is None or value.high is None:
            return ""
        return f"[{self.write(value.low)}, {self.write(value.high)}]"

    def whole(self, value: Value) -> str:
        """The value with its interval."""
        return f"{self.text(value)} {self.interval(value)}".strip()

    def plain(self, key: str, value: Value) -> Mapping[str, Plain]:
        """What CSV columns of this name hold."""
        if isinstance(value, Estimate):
            numbers = {key: value.mean, f"{key}_low": value.low, f"{key}_high": value.high}
            return {name: self._scaled(number) for name, number in numbers.items()}
        if isinstance(value, MedianRounds):
            return {key: str(value)}
        return {key: value if isinstance(value, str) or value is None else self._scaled(value)}

    def _scaled(self, number: float | None) -> Plain:
        if number is None or (isinstance(number, int) and self.scale == 1):
            return number
        return round(self.scale * number, 6)


def _p(value: float) -> str:
    """A p-value.

    >>> _p(0.0312), _p(0.00004), _p(1.0)
    ('0.031', '< 0.001', '1.000')
    """
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _seconds(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _mib(value: float) -> str:
    """Bytes in MiB, with three digits where it is small.

    >>> _mib(0.0), _mib(300_000.0), _mib(2.5 * 2**30)
    ('0', '0.29', '2560')
    """
    size = value / 2**20
    return "0" if size == 0 else f"{size:.2f}" if size < 10 else f"{size:.1f}" if size < 100 else f"{size:.0f}"


TEXT = Kind(str, left=True)
PROSE = Kind(str, left=True, long=True)
COUNT = Kind(lambda value: f"{value:g}")
PERCENT = Kind(percent, scale=100)
POINTS = Kind(lambda value: points(value, 2), scale=100)
SIZE = Kind(lambda value: points(value, 2).lstrip("+"), scale=100)
"""Points of what has no sign."""
SHARE = Kind(lambda value: f"{value:.2f}")
NUMBER = Kind(lambda value: f"{value:.2f}".replace("-", "−"))
SMALL = Kind(lambda value: f"{value:.3f}".replace("-", "−"))
P = Kind(_p)
MIB = Kind(_mib, scale=2**-20)
SECONDS = Kind(_seconds)
ROUNDS = Kind(lambda value: f"{value:g}")
