"""The transcripts by algorithm: each is a function NAME and its `PARAMS` in ``tests/transcripts/NAME.py``."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from tests import transcripts as folder
from tests.transcripts.given import Models


@dataclass(frozen=True)
class Transcript:
    """What a paper says, in plain modules."""

    models: Callable[..., Models]  # of what is `Given` and the hyper-parameters
    params: dict[str, Any]  # hyper-parameters to compare at, none of them at a value that does nothing


def transcripts() -> dict[str, Transcript]:
    """Algorithm -> its transcript. A file and its function are named as the algorithm, with "_" for "-"."""
    found = {}
    others = {"check", "found"}  # they import this file
    for file in iter_modules(folder.__path__):
        if file.name in others or file.name.startswith("test_"):
            continue
        module = import_module(f"tests.transcripts.{file.name}")
        if hasattr(module, "PARAMS"):
            found[file.name.replace("_", "-")] = Transcript(getattr(module, file.name), module.PARAMS)
    return found
