"""Small baselines for tests."""

from typing import Any

from bench.declaration.suite import Suite, load
from bench.gate.baseline import Baseline, Fingerprint, Runtimes, Speed

CELL, VIEW = "fedavg digits iid mlp", "fedavg digits iid mlp, global"
NUMBERS = {"losses 1": [2.0, 1.0], "losses 2": [1.0, 0.5], "metrics": [2.3]}
COUNTS = {"steps": 80, "bytes_up": 100, "operators": 900}


def suite() -> Suite:
    return load("ci", {"replicates": "3"})


def fingerprint(**changes: Any) -> Fingerprint:
    return Fingerprint(**{"exact": {"plans": "abc"}, "numbers": NUMBERS, "one_image": 0.1, **changes})


def runtimes(frozen: str = "f", **ratios: float) -> Runtimes:
    """Runtimes of one processor; underscores in names stand for hyphens."""
    speeds = {name.replace("_", "-"): Speed(ratio=ratio, waits=0) for name, ratio in ratios.items()}
    return Runtimes(provenance={"commit": "c"}, frozen=frozen, speeds=speeds)


def baseline(**changes: Any) -> Baseline:
    fields: dict[str, Any] = {
        "suite": suite().model_dump(mode="json"),
        "provenance": {gate: {"commit": "c"} for gate in ("accuracy", "fingerprint", "counted")},
        "operators_of": "torch 2",
        "engines": ["reference"],
        "accuracy": {VIEW: [0.8, 0.81, 0.82]},
        "skipped": {"fedavg digits iid mixed": "mixed"},
        "fingerprints": {CELL: fingerprint()},
        "counts": {f"reference {CELL}": COUNTS},
        "runtime": {"one": runtimes(reference_fedavg_mlp=2.0)},
    }
    return Baseline(**{**fields, **changes})
