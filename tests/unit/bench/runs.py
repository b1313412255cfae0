"""Runs of fake cells for tests of the command line."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.declaration.studies import Declared
from bench.run import Plan
from tests.unit.bench.faults import HERE, SUITE, cells


def declare(folder: Path, *algorithms: str, out: Path | None = None) -> Plan:
    """A plan of cells that need no engine, as `bench.run.plan` would make it of options."""
    suite: Any = SimpleNamespace(
        **SUITE, time_limit=60.0, tuned=None, model_dump=lambda mode: SUITE | {"algorithms": list(algorithms)}
    )
    made: Any = cells(*algorithms)
    declared = Declared(suite, suite.model_dump(mode="json"))
    return Plan(declared, made, {}, out or folder / "out", jobs=2, data_root=folder, function=HERE)
