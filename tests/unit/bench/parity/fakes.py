"""Stand-ins for frameworks, as `bench.frameworks.FUNCTIONS` names them. A cell's zoo says how its run ends."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULT: dict[str, Any] = {
    "headline": {"view": "global", "round": 3, "rule": "last"},
    "at_headline": {"global": {"accuracy": 0.5}},
    "bytes_up": [1 << 20, 3 << 20],
    "bytes_down": [1 << 20, 1 << 20],
}


class Skip(Exception):
    """As in bench.rounds.group."""


def run(
    cell: Any, root: Path | None, on_round: Callable[[int], None] = print, trace: Path | None = None
) -> dict[str, Any]:
    """Rounds without work; then what the zoo's name says."""
    for number in (1, 2, 3, 4):
        on_round(number)
    end = cell.zoo
    if end == "skips":
        raise Skip("not for me")
    if end == "raises":
        raise ValueError("broken")
    if end == "dies":
        print("last words", file=sys.stderr, flush=True)
        os._exit(7)
    if end == "hangs":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        assert root
        (root / "child").write_text(str(child.pid))
        time.sleep(600)
    if trace:
        write_trace(trace / cell.hash, {1: {"global/w": np.zeros(2, np.float32)}})
    return {"result": RESULT | {"evaluate_every": cell.training["evaluate_every"]}, "timing": {}}


def write_trace(folder: Path, rounds: dict[int, dict[str, np.ndarray]], hashes: str = "same") -> None:
    """A trace as `bench.rounds.trace` leaves it, without its torch; `hashes`: what stands for those of all models."""
    import json

    folder.mkdir(parents=True)
    told: dict[str, dict[str, str]] = {}
    for number, arrays in rounds.items():
        np.savez(folder / f"round-{number:04d}.npz", **arrays)  # type: ignore[arg-type]
        told[str(number)] = {name.rpartition("/")[0]: hashes for name in arrays}
    (folder / "trace.json").write_text(json.dumps({"rounds": told}))
