"""The built-in suites, one TOML file each, and how a suite is found. Needs neither torch nor pydantic."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from bench.registry import nearest

FOLDER = Path(__file__).resolve().parent
JOINT = "+"
"""Between the data sets of a suite's tasks, see `together`."""


class UnknownSuite(Exception):
    """No suite has this name, no file this path; the message says what was looked for."""


def names() -> list[str]:
    """The built-in suites, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def find(name_or_path: str | Path) -> Path:
    """The file of a built-in suite, or the path itself where it ends in .toml. Raises UnknownSuite."""
    text = str(name_or_path)
    if text in names():
        return FOLDER / f"{text}.toml"
    path = Path(text)
    if path.is_file():
        return path
    if path.suffix == ".toml":
        raise UnknownSuite(f"expected a suite file at {text}, found {'a folder' if path.is_dir() else 'nothing'} there")
    raise UnknownSuite(f"unknown suite '{text}'.{nearest(text, names())} A file is given by its path, such as my.toml.")


def together(datasets: Iterable[str]) -> str:
    """What ``[tuned]`` calls the data sets of a suite's tasks: all of them, each once, by the alphabet.

    Values are found for clients of these data sets together: they are not those of one of them, nor of another pair.
    The order in which a suite names its tasks says nothing.

    >>> together(["mnist", "fashion-mnist", "mnist"])
    'fashion-mnist+mnist'
    """
    return JOINT.join(sorted(set(datasets)))


def tuned(path: Path) -> list[str]:
    """The data sets for which a suite file has tuned values; none where it cannot be read as TOML."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("tuned", {})
    except tomllib.TOMLDecodeError:
        return []
    return sorted(tables) if isinstance(tables, dict) else []


def summary(path: Path) -> str:
    """The first comment line of a suite file: what it is for."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            return line.lstrip("# ").rstrip()
        if line.strip():
            break
    return ""
