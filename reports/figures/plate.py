"""What a report knows of a figure: its name, how it is drawn, what to read from it, and the numbers behind it."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.figure import Figure

from reports.style import Look

Looks = Mapping[str, Look]
Key = Sequence[tuple[str, Look]]
"""A legend: the name and look of each entry."""
Value = str | int | float | None


@dataclass(frozen=True)
class Form:
    """For where a figure is drawn.

    For print: all panels, with titles and legend. For the page: one panel alone, because the page sets titles and
    legend as text and lets panels flow.
    """

    width: float | None = None  # inches; None: one column's where one panel is narrow, else two columns'
    only: int | None = None  # the one panel for the page


@dataclass(frozen=True)
class Table:
    """The numbers that a figure draws. Accuracies are in per cent; None: there is none."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]

    def csv(self) -> str:
        """As a CSV file, lines ending in a newline; numbers in full, nothing for None.

        >>> Table(["algorithm", "mean"], [["a, b", 0.5], ["c", None]]).csv()
        'algorithm,mean\\n"a, b",0.5\\nc,\\n'
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows(self.rows)
        return text.getvalue()


@dataclass(frozen=True)
class Panel:
    """One panel as the page shows it."""

    title: str  # "" where there is but one
    draw: Callable[[], Figure]
    wide: bool = False  # 7 inches instead of 3.4: not to be set beside another


@dataclass(frozen=True)
class Plate:
    """One figure of a report."""

    stem: str  # of its files
    family: str  # "accuracy-alpha", "forest": what kind of figure it is
    title: str
    caption: str  # what to read from it, and what bands and bars are
    table: Table
    draw: Callable[[Form], Figure]
    titles: Sequence[str]  # of its panels
    key: Key = ()  # empty where the axes name everything
    most: int | None = None  # images at full colour, where colour means a count
    wide: bool = False

    @property
    def panels(self) -> Sequence[Panel]:
        """The panels one by one, for the page."""
        return [
            Panel(title, partial(self.draw, Form(only=place)), self.wide) for place, title in enumerate(self.titles)
        ]
