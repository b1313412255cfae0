"""How figures look: sizes of print, and one colour, marker and dash per algorithm, the same in all figures.

The first seven colours are Okabe and Ito's (2008), distinct for colour-blind readers, without their yellow, which is
hardly seen on white paper. Five dark ones come after them, no nearer to each other or to the seven than the seven are.
Markers and dashes tell curves apart in grey.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, cast

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

INK = "#1a1a1a"  # text and axes
PAPER = "#ffffff"  # inside hollow markers
PALE = "#d9d9d9"  # grid
FLOOR = "#7f7f7f"  # the majority floor

BLACK, ORANGE, SKY, GREEN = "#101010", "#e69f00", "#56b4e9", "#009e73"
BLUE, VERMILION, PURPLE = "#0072b2", "#d55e00", "#cc79a7"
WINE, INDIGO, LAVENDER, BROWN, MOSS = "#882255", "#332288", "#8778ff", "#661100", "#3c5a00"
COLOURS = (BLACK, ORANGE, SKY, GREEN, BLUE, VERMILION, PURPLE, WINE, INDIGO, LAVENDER, BROWN, MOSS)

SINGLE, DOUBLE = 3.4, 7.0  # inches: the column widths of most journals
SMALL, TINY = 7.0, 6.0  # points: tick labels; what stands inside a picture

Dash = tuple[float, tuple[float, ...]]

SOLID: Dash = (0.0, ())
DASHED: Dash = (0.0, (5.0, 2.0))
DASHDOT: Dash = (0.0, (6.0, 1.6, 1.4, 1.6))
DENSE: Dash = (0.0, (2.6, 1.3))
DOTTED: Dash = (0.0, (1.0, 1.6))
DASHES = (SOLID, DASHED, DASHDOT, DENSE)  # of curves; dots are the floor's


@dataclass(frozen=True)
class Look:
    """How one algorithm is drawn, or another thing that a legend names."""

    colour: str
    marker: str  # "": none
    dash: Dash | None  # None: no line
    hollow: bool = False  # the marker


KNOWN = {
    "fml": Look(BLUE, "o", SOLID),
    "fedavg": Look(ORANGE, "s", DASHED),
    "fedprox": Look(GREEN, "^", DASHDOT),
    "local": Look(BLACK, "D", DENSE),
    "scaffold": Look(VERMILION, "v", SOLID),
    "ditto": Look(PURPLE, "P", DASHED),
    "fedrep": Look(SKY, "X", DASHDOT),
    "fedavg-ft": Look(BROWN, "<", DENSE),
    "lg-fedavg": Look(MOSS, ">", SOLID),
    "fedproto": Look(WINE, "p", DASHED),
    "fd": Look(INDIGO, "h", DASHDOT),
    "fedkd": Look(LAVENDER, "*", DENSE),
}
ORDER = (*tuple(KNOWN)[4:], *tuple(KNOWN)[:4])  # those first that stand in fewer reports
SPARE = tuple(
    Look(KNOWN[name].colour, KNOWN[ORDER[(place + shift) % len(ORDER)]].marker, DASHES[(place + turn) % len(DASHES)])
    for turn in range(len(DASHES))
    for shift in range(1, len(ORDER) + 1)
    for place, name in enumerate(ORDER)
)
"""Looks of strangers, no two alike: neighbours share neither colour nor marker, and the first are like none of ours."""
FLOOR_LOOK = Look(FLOOR, "", DOTTED)
FLOOR_NAME = "majority floor"


def looks(names: Iterable[str]) -> Mapping[str, Look]:
    """The look of every algorithm of a report. Ask once, for all of them: so figures of a subset agree.

    Ours have fixed looks. Another name's first choice depends on the name alone. Where its colour or marker is taken,
    by one of ours or by a name before it in the alphabet, it takes the next look of which neither is; in a crowd, the
    next that differs in marker and dash, which grey print keeps.

    >>> looks(["fml"])["fml"].colour == looks(["other", "fml"])["fml"].colour
    True
    """
    asked = set(names)
    chosen = {name: look for name, look in KNOWN.items() if name in asked}
    for name in sorted(asked - KNOWN.keys()):
        first = int.from_bytes(sha256(name.encode()).digest()[:4], "big") % (
            len(ORDER) - 5
        )  # colour and marker of the rarer ones
        chosen[name] = _free((*SPARE[first:], *SPARE[:first]), list(chosen.values()))
    return chosen


def _free(spare: Sequence[Look], taken: Sequence[Look]) -> Look:
    """The first look that is as different from those taken as any is."""
    colours, markers = {look.colour for look in taken}, {look.marker for look in taken}
    in_grey = {(look.marker, look.dash) for look in taken}

    def sameness(look: Look) -> tuple[bool, bool, bool, bool]:
        return (
            look in taken,
            (look.marker, look.dash) in in_grey,
            look.marker in markers,
            look.colour in colours,
        )

    return min(spare, key=sameness)


STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.5,
    "figure.titlesize": 8.5,
    "text.parse_math": False,  # names of plugins may hold any sign, and none starts a formula
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
    "axes.formatter.useoffset": False,  # a tick says its whole number
    "grid.color": PALE,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.pad": 2.5,
    "ytick.major.pad": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.handlelength": 3.2,
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


def label(text: str) -> str:
    """A name as figures may print it: in letters that the font has, and not hidden from legends.

    >>> label("a$b$"), label("_hidden"), label("\u540d a")
    ('a$b$', ' _hidden', '? a')
    """
    letters = _letters()
    plain = "".join(letter if ord(letter) in letters and letter.isprintable() else "?" for letter in text)
    return (" " if plain.startswith("_") else "") + plain


def extent(text: str, size: float) -> float:
    """The width of a line of text in inches, set in `size` points.

    >>> 0.2 < extent("100", 8.0) < 0.25
    True
    """
    font = _font()
    font.set_size(size, 72 * 16)  # so fine that hinting to pixels does not count
    font.set_text(text)
    return float(font.get_width_height()[0]) / 64 / (72 * 16)


def fitted(text: str, size: float, width: float) -> str:
    """`label` of the text, cut to so many inches in `size` points; what was cut shows as an ellipsis.

    >>> fitted("federated averaging", 8.0, 0.6)
    'federate…'
    """
    plain = label(text)
    if extent(plain, size) <= width:
        return plain
    while len(plain) > 1 and extent(plain + "…", size) > width:
        plain = plain[:-1]
    return plain.rstrip() + "…"


@cache
def _font() -> FT2Font:
    return FT2Font(font_manager.findfont(STYLE["font.family"]))


@cache
def _letters() -> frozenset[int]:
    return frozenset(_font().get_charmap())
