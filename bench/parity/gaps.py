"""Parity: how far another framework's models are from those of the native reference engine, after each round."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.parity.runs import NATIVE, PARITY, Run

TOLERANCE = 1e-6
"""The largest difference of any value of any tensor after any round that passes for float rounding.

Weights here are at most about 1, so that one rounding of float32 is at most 6e-8; the shortest path by which frameworks
differ is an average taken in float32 instead of float64, a few roundings a round.
"""


@dataclass(frozen=True)
class Gap:
    """One cell by another framework against ours."""

    framework: str
    dataset: str
    zoo: str
    algorithm: str
    replicate: int
    rounds: tuple[float, ...] = ()  # the largest absolute difference over all tensors of all models, per scored round
    where: str | None = None  # the model and tensor of the largest of them
    equal: bool = False  # all bits of all models of all rounds
    accuracies: tuple[float, float] | None = None  # headline, fractions: ours, theirs
    problem: str | None = None  # why there is no comparison

    @property
    def largest(self) -> float | None:
        """Over all rounds."""
        return max(self.rounds) if self.rounds else None

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.problem or self.largest is None:
            return self.problem or "nothing was scored"
        if self.equal:
            return "bit for bit"
        return f"within {TOLERANCE:g}" if self.largest <= TOLERANCE else f"beyond {TOLERANCE:g}"


def gaps(runs: Sequence[Run], out: Path) -> list[Gap]:
    """A gap for every traced run of another framework, in the order of the runs."""
    traced = [run for run in runs if run.kind == PARITY]
    ours = {run.alike: run for run in traced if run.framework == NATIVE}
    return [_gap(run, ours.get(run.alike), out) for run in traced if run.framework != NATIVE]


def _gap(theirs: Run, ours: Run | None, out: Path) -> Gap:
    at = theirs.place
    if ours is None:
        return Gap(**at, problem="no native run to compare with")
    for side in (ours, theirs):
        if side.status != "done":
            return Gap(**at, problem=f"{side.status} by {side.framework}")
    mine, other = (_told(run.trace(out)) for run in (ours, theirs))
    if mine.keys() != other.keys():
        return Gap(**at, problem=f"other scored rounds: {', '.join(sorted(mine.keys() ^ other.keys()))}")
    found: list[float] = []
    worst: tuple[float, str] = (-1.0, "")
    for number in sorted(mine, key=int):
        if mine[number].keys() != other[number].keys():
            odd = ", ".join(sorted(mine[number].keys() ^ other[number].keys())[:4])
            return Gap(**at, problem=f"other models after round {number}: {odd}")
        here = _largest(ours.trace(out), theirs.trace(out), int(number))
        if isinstance(here, str):
            return Gap(**at, problem=here)
        found.append(here[0])
        worst = max(worst, here)
    return Gap(
        **at,
        rounds=tuple(found),
        where=worst[1],
        equal=mine == other,
        accuracies=(headline(ours), headline(theirs)),
    )


def _told(folder: Path) -> dict[str, dict[str, str]]:
    """Round -> model -> hash."""
    told: dict[str, dict[str, str]] = json.loads((folder / "trace.json").read_text(encoding="utf-8"))["rounds"]
    return told


def _largest(mine: Path, other: Path, number: int) -> tuple[float, str] | str:
    """The largest difference after a round and the tensor that has it, or why there is none."""
    name = f"round-{number:04d}.npz"
    with np.load(mine / name) as a, np.load(other / name) as b:
        if set(a.files) != set(b.files):
            return f"other tensors after round {number}: {', '.join(sorted(set(a.files) ^ set(b.files))[:4])}"
        worst = (0.0, a.files[0])
        for tensor in a.files:
            if a[tensor].shape != b[tensor].shape:
                return f"other shape of {tensor}: {a[tensor].shape} and {b[tensor].shape}"
            difference = np.abs(a[tensor].astype(np.float64) - b[tensor].astype(np.float64))
            if difference.size and float(difference.max()) > worst[0]:
                worst = (float(difference.max()), tensor)
    return worst


def headline(run: Run) -> float:
    """The headline accuracy of a finished run, a fraction."""
    assert run.result
    return float(run.result["at_headline"][run.result["headline"]["view"]]["accuracy"])
