"""What a file of mutants declares, and how the files are found: `CASES` of ``tests/mutants/NAME.py``."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from bench.plugin import Algorithm
from tests import mutants

Case = tuple[type[Algorithm], dict[str, Any], dict[str, Any]]  # mutant, hyper-parameters, setting

HALF: dict[str, Any] = {"participation": 0.5, "rounds": 4}
BATCHNORM: dict[str, Any] = {"net": "test-batchnorm"}


def cases() -> dict[str, list[Case]]:
    """Algorithm -> its mutants. A file is named as its algorithm, with "_" for "-"."""
    found = {}
    for file in iter_modules(mutants.__path__):
        if file.name.startswith("test_"):
            continue
        if listed := getattr(import_module(f"tests.mutants.{file.name}"), "CASES", None):
            found[file.name.replace("_", "-")] = listed
    return found
