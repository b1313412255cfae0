"""How numbers and names are written in a report: per cent with one decimal, alpha as 0.1, names of files."""

import re
from collections.abc import Sequence

from reports.statistics import Estimate

NOTHING = "–"
MINUS = "−"


def percent(fraction: float | None) -> str:
    """A fraction as per cent, without the sign, which the column's head carries.

    >>> percent(0.8432), percent(None)
    ('84.3', '–')
    """
    return NOTHING if fraction is None else f"{100 * fraction:.1f}".replace("-", MINUS)


def points(fraction: float | None, digits: int = 1) -> str:
    """A difference of fractions in percentage points, with its sign.

    >>> points(0.012), points(-0.012), points(0.0001), points(0.0001, digits=2)
    ('+1.2', '−1.2', '0.0', '+0.01')
    """
    if fraction is None:
        return NOTHING
    text = f"{100 * fraction:+.{digits}f}"
    return text[1:] if not float(text) else text.replace("-", MINUS)


def interval(estimate: Estimate | None, signed: bool = False) -> str:
    """The interval alone; nothing where one replicate has none.

    >>> interval(Estimate(0.8, 0.75, 0.85, 5))
    '[75.0, 85.0]'
    """
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    write = points if signed else percent
    return f"[{write(estimate.low)}, {write(estimate.high)}]"


def level(alpha: float | None) -> str:
    """An alpha as people write it.

    >>> level(0.1), level(100.0), level(None)
    ('0.1', '100', '–')
    """
    return NOTHING if alpha is None else f"{alpha:g}"


def at_level(alpha: float | None) -> str:
    """An alpha with its name; nothing for a partition that has none."""
    return "" if alpha is None else f"alpha {alpha:g}"


def listed(items: Sequence[object], most: int = 10) -> str:
    """Items in a row, cut after `most`.

    >>> listed([0, 1, 2], most=2)
    '0, 1 and 1 more'
    """
    shown = ", ".join(str(item) for item in items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "cell"), counted(0, "cell")
    ('1 cell', '0 cells')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(42.4), duration(200), duration(9000)
    ('42 s', '3.3 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def markdown(text: str) -> str:
    """Text from outside as Markdown prints it: no markup, one line.

    >>> print(markdown("a|b <i> *c*"))
    a\\|b &lt;i&gt; \\*c\\*
    """
    line = " ".join(text.split()) if text.strip() else text
    line = re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", line)
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slug(*names: str) -> str:
    """Names joined to one that is safe in a file name; plugins may be called anything.

    >>> slug("accuracy", "my/net v2", "α=1")
    'accuracy-my-net-v2-1'
    """
    safe = (re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.") for name in names)
    return "-".join(part for part in safe if part) or "unnamed"


def distinct(stems: Sequence[str]) -> list[str]:
    """The stems, with a number behind those that came before: two odd names may have one slug.

    >>> distinct(["a", "b", "a"])
    ['a', 'b', 'a-2']
    """
    seen: dict[str, int] = {}
    out = []
    for stem in stems:
        seen[stem.lower()] = seen.get(stem.lower(), 0) + 1
        out.append(stem if seen[stem.lower()] == 1 else f"{stem}-{seen[stem.lower()]}")
    return out
