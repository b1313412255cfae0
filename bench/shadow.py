"""Whether another project's package stands where one of ours should be found.

Our folders are top-level packages, and `datasets` is also the name of a well-known one on PyPI. In a checkout ours
come first, and a worker process inherits the search path; elsewhere the other may win, and then nothing of ours in
that folder could be imported. `shadowed` says so before anything fails in a less clear way.
"""

from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("algorithms", "datasets", "reports")


def location(package: str) -> Path | None:
    """The folder that ``import package`` would use, without importing it; None where there is none."""
    spec = find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]).resolve() if places else None


def shadowed() -> str | None:
    """What to do about a foreign package that comes before ours, or None when all is well."""
    for room in ROOMS:
        expected, found = ROOT / room, location(room)
        if found != expected:
            return (
                f"Python finds the package '{room}' at {found or 'no place at all'}, expected it at {expected}: "
                f"another project's package of that name comes first. Start from the project's own folder (cd {ROOT}), "
                "or give this project an environment of its own, without the other package."
            )
    return None
