"""Where copies of data sets lie on this machine, and whether they may be downloaded to there."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.data import DataError

VARIABLE = "BENCH_DATA"
CACHE = "fml-bench"


@dataclass(frozen=True)
class Folder:
    """A folder with copies of data sets, laid out as torchvision lays them out."""

    path: Path
    ours: bool  # the user cache, which downloads may fill; a folder that someone named is only read
    origin: str  # for messages: who named it


def locate(root: Path | None) -> Folder:
    """The folder to read: `root`, else the one that BENCH_DATA names, else the user cache.

    Raises DataError where a named folder is none.
    """
    variable = os.environ.get(VARIABLE)
    if root is not None:
        named = Folder(root.expanduser(), ours=False, origin="the data root")
    elif variable:
        named = Folder(Path(variable).expanduser(), ours=False, origin=f"the data root from {VARIABLE}")
    else:
        return Folder(_user_cache(), ours=True, origin="the download cache")
    if not named.path.is_dir():
        found = "a file" if named.path.exists() else "nothing"
        raise DataError(f"{named.origin}: expected a folder with data sets at {named.path}, found {found} there")
    return named


def _user_cache() -> Path:
    """Where this platform wants caches. A relative XDG_CACHE_HOME is ignored, as its specification asks."""
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if chosen.is_absolute():
        return chosen / CACHE
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / CACHE
