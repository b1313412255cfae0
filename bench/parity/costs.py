"""Cost: what a cell takes under each framework, per round and before the first."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.parity.runs import NATIVE, PARITY, Run, Stamp
from bench.speedometer.results import Spread


@dataclass(frozen=True)
class Cost:
    """One cell under one framework: medians and quartiles over the middle rounds of all repetitions.

    The first round holds what is made on first use, the last one the scoring of models: both are left out. Bytes are
    of one round on average, up and down: `counted` is what the algorithm sends, `wire` what its messages weighed (None:
    there are no messages).
    """

    framework: str
    dataset: str
    zoo: str
    algorithm: str
    replicate: int
    wall: Spread  # seconds a round
    cpu: Spread  # seconds a round, of all processes
    start: Spread  # seconds from the start of the process to the first round
    peak: int  # bytes, see `bench.parity.tree.peak_bytes`
    counted: tuple[float, float]
    wire: tuple[float, float] | None
    repeats: int
    interleaved: bool  # with the native runs of the same cell, in one session
    ratio: float | None  # CPU seconds a round over those of the native run


def costs(runs: Sequence[Run]) -> list[Cost]:
    """One for every cell and framework that has runs with at least three rounds."""
    grouped: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        if run.kind != PARITY and run.status == "done" and len(run.stamps) > 2:
            grouped.setdefault((run.alike, run.framework), []).append(run)
    found = []
    for (cell, _), some in grouped.items():
        found.append(_cost(some, grouped.get((cell, NATIVE), [])))
    return found


def _cost(runs: Sequence[Run], ours: Sequence[Run]) -> Cost:
    result = runs[0].result
    assert result
    wall, cpu = _a_round(runs, "wall"), _a_round(runs, "cpu")
    native = _a_round(ours, "cpu").median if ours else None
    starts = [run.stamps[0].wall - wall.median for run in runs]
    return Cost(
        **runs[0].place,
        wall=wall,
        cpu=cpu,
        start=Spread.of(starts),
        peak=max(stamp.peak for run in runs for stamp in run.stamps),
        counted=(_mean(result["bytes_up"]), _mean(result["bytes_down"])),
        wire=_wire(runs[0].timing),
        repeats=len(runs),
        interleaved={run.session for run in runs} == {run.session for run in ours},
        ratio=cpu.median / native if native else None,
    )


def middle(stamps: Sequence[Stamp], what: str) -> list[float]:
    """Seconds of every round but the first and the last."""
    rounds = [getattr(b, what) - getattr(a, what) for a, b in itertools.pairwise(stamps)]
    return rounds[:-1]


def _a_round(runs: Sequence[Run], what: str) -> Spread:
    return Spread.of([seconds for run in runs for seconds in middle(run.stamps, what)])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _wire(timing: Mapping[str, Any] | None) -> tuple[float, float] | None:
    """What a framework says that it has sent a round, up and down: tensors, without repeated ones, and framing."""
    wire = (timing or {}).get("wire")
    if not wire:
        return None
    up, down = (
        _mean(wire[way]["tensors"]) - _mean(wire[way]["repeats"]) + _mean(wire[way]["framing"])
        for way in ("up", "down")
    )
    return up, down
