"""How figures look: sizes of print, and one colour, marker and dash per algorithm, the same in all figures.

Colours are Okabe and Ito's (2008), distinct for colour-blind readers; markers and dashes tell curves apart in grey.
Their yellow is left out: on white paper it is hardly seen.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import count
from typing import Any, cast

import matplotlib as mpl
from matplotlib import font_manager

INK = "#1a1a1a"  # text and axes
PALE = "#d9d9d9"  # grid
FLOOR = "#7f7f7f"  # the majority floor

BLACK, ORANGE, SKY, GREEN = "#101010", "#e69f00", "#56b4e9", "#009e73"
BLUE, VERMILION, PURPLE = "#0072b2", "#d55e00", "#cc79a7"
COLOURS = (BLACK, ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE)

SINGLE, DOUBLE = 3.4, 7.0  # inches: the column widths of most journals
FLOOR_DASH = (0.0, (1.0, 1.6))

Dash = tuple[float, tuple[float, ...]]

SOLID: Dash = (0.0, ())
DASHED: Dash = (0.0, (5.0, 2.0))
DASHDOT: Dash = (0.0, (6.0, 1.6, 1.4, 1.6))
DENSE: Dash = (0.0, (2.6, 1.3))


@dataclass(frozen=True)
class Look:
    """How one algorithm is drawn."""

    colour: str
    marker: str
    dash: Dash


KNOWN = {
    "fml": Look(BLUE, "o", SOLID),
    "fedavg": Look(ORANGE, "s", DASHED),
    "fedprox": Look(GREEN, "^", DASHDOT),
    "local": Look(BLACK, "D", DENSE),
}
SPARE = tuple(
    Look(
        (VERMILION, PURPLE, SKY, BLUE, ORANGE, GREEN, BLACK)[place % 7],
        "vPX<>ph*"[place % 8],
        (SOLID, DASHED, DASHDOT, DENSE)[place % 4],
    )
    for place in range(56)  # the least common multiple: no two are alike, and neighbours differ in all three
)


def looks(names: Iterable[str]) -> Mapping[str, Look]:
    """The look of every algorithm of a report. Ask once, for all of them: so figures of a subset agree.

    Ours have fixed looks. Another name's first choice depends on the name alone; only where two want the same look
    does the later one, in alphabetical order, take the next that is free.

    >>> looks(["fml"])["fml"].colour == looks(["other", "fml"])["fml"].colour
    True
    """
    asked = set(names)
    chosen = {name: look for name, look in KNOWN.items() if name in asked}
    taken: set[int] = set()
    for name in sorted(asked - KNOWN.keys()):
        first = int.from_bytes(sha256(name.encode()).digest()[:4], "big") % 3  # colours that ours do not use
        place = next(place for place in count(first) if place not in taken)
        taken.add(place)
        chosen[name] = SPARE[place % len(SPARE)]
    return chosen


STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.5,
    "figure.titlesize": 8.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": PALE,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.handlelength": 3.2,
    "figure.constrained_layout.use": True,
    "axes.facecolor": "none",
    "svg.fonttype": "path",  # the reader's fonts must not move a label
    "svg.hashsalt": "bench",
    "pdf.fonttype": 42,
    "path.simplify": True,
}


@contextmanager
def paper() -> Iterator[None]:
    """Draw in this style alone, whatever the user's matplotlibrc says; the user's settings come back afterwards."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast(Any, STYLE))  # its keys are checked when they are set
        yield


def label(text: str, most: int = 28) -> str:
    """A name as figures may print it: no formula in it, no letter that the font lacks, not endless.

    >>> label("a$b$"), label("_hidden"), label("x" * 40, most=8)
    ('a\\\\$b\\\\$', ' _hidden', 'xxxxxxx…')
    """
    letters = _letters()
    plain = "".join(letter if ord(letter) in letters else "?" for letter in text)
    short = plain if len(plain) <= most else plain[: most - 1] + "…"
    return (" " if short.startswith("_") else "") + short.replace("$", r"\$")


@cache
def _letters() -> frozenset[int]:
    font = font_manager.get_font(font_manager.findfont(STYLE["font.family"]))
    return frozenset(font.get_charmap())
