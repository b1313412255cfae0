"""The libraries that the project asks for, and what is installed of them."""

import re
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from bench.registry import ROOT

DISTRIBUTION = "fml-bench"
_REQUIREMENT = re.compile(r"([A-Za-z0-9][\w.-]*)\s*(?:\[[^]]*\])?\s*>=\s*([\d.]+)\s*$")
_PIN = re.compile(r"([A-Za-z0-9][\w.-]*)\s*==\s*([\w.+!-]+)")


@dataclass(frozen=True)
class Library:
    """One library: what is asked for, what is there."""

    name: str
    least: str  # the lowest version that will do
    tested: str | None  # the version of constraints.txt
    installed: str | None

    @property
    def usable(self) -> bool:
        """Whether the installed version will do."""
        return self.installed is not None and _order(self.installed) >= _order(self.least)

    @property
    def as_tested(self) -> bool:
        """Whether it is the version that the project's own tests ran with; a build tag (+cpu) does not matter."""
        return self.tested is None or (self.installed or "").partition("+")[0] == self.tested.partition("+")[0]


def libraries(root: Path = ROOT) -> list[Library]:
    """Every library that the project needs at run time, in the order in which it names them."""
    pins = _pins(root / "constraints.txt")
    found = []
    for text in _declared(root / "pyproject.toml"):
        if match := _REQUIREMENT.match(text.partition(";")[0].strip()):
            name, least = match.groups()
            found.append(Library(name, least, pins.get(_key(name)), _installed(name)))
    return found


def _declared(pyproject: Path) -> list[str]:
    """Of a checkout its own file; of an installed copy what the package says."""
    if pyproject.is_file():
        dependencies: list[str] = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]
        return dependencies
    try:
        return [text for text in metadata.requires(DISTRIBUTION) or [] if "extra ==" not in text]
    except metadata.PackageNotFoundError:
        return []


def _pins(constraints: Path) -> dict[str, str]:
    if not constraints.is_file():
        return {}
    lines = constraints.read_text(encoding="utf-8").splitlines()
    return {_key(match[1]): match[2] for line in lines if (match := _PIN.match(line.strip()))}


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _key(name: str) -> str:
    """Names of distributions are equal over case and separators."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _order(version: str) -> tuple[int, ...]:
    """A version as comparable numbers; what follows the numbers (rc1, +cpu) is left out.

    >>> _order("2.13.0+cpu") > _order("2.6")
    True
    """
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
