"""Engines: ways to do the local work of a cohort. The reference engine is the specification of all others."""

import importlib
from typing import Any

_CLASSES = {  # by name, so that listing them imports no torch
    "reference": "bench.engines.reference:Reference",
    "vectorised": "bench.engines.vectorised:Vectorised",
}

NAMES = tuple(_CLASSES)

PRECISIONS = ("fp32", "bf16")
"""What nets may compute in while they train; see `bench.engines.precision`."""

NUMERICS = {"fp32": 3, "bf16": 4}
"""By precision; part of a result's identity. Raise it when a change makes the same declaration give other numbers."""


def engine(name: str) -> Any:
    """The class of an engine; see `bench.engines.job.Engine`."""
    module, _, attribute = _CLASSES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
