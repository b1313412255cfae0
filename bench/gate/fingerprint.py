"""Fingerprints: the first numbers of a computation, close enough to tell it from any other.

Accuracy is a blunt instrument: a lost detach or a score on training data can leave it where it was, or raise it. The
losses of the first steps, the norms of what clients send, and scores of models that no training touched are the same
on every machine up to the order of float operations, and change with the slightest change of what is computed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.engines.job import Engine, Job, Trained
from bench.gate.counted import Operators
from bench.plugin import Algorithm, State
from bench.rounds.federation import Federation
from bench.rounds.scorer import Scorer
from bench.rounds.setting import Setting

STEPS = 20
"""Losses that are kept of a round: of the first steps, client after client."""
ROUNDS = 2
"""Rounds that are kept: the second starts from the first one's average and from what clients kept."""
STATES = 3
"""Sets of models without training that are scored; the headline round must be chosen among them."""


@dataclass(frozen=True)
class Tolerance:
    """How far numbers may be from the baseline's, relatively, for no other reason than the order of float operations.

    Two limits, because float order shows in two ways: as rounding in all numbers, and here and there as a ReLU or a
    maximum that falls to its other side, which moves a few numbers a thousand times as far.
    """

    median: float  # for the middle one of a group
    largest: float  # for each


_SCORES = Tolerance(2e-6, 2e-6)
_FIRST = Tolerance(3e-6, 5e-3)  # one round's rounding, and flips that no average has spread yet
_SECOND = Tolerance(1e-3, 1e-2)  # a flip on one client has reached all others through the average
FLOAT_ORDER = {
    "rates": _SCORES,
    "metrics": _SCORES,
    "partition": _SCORES,
    **{f"{name} 1": _FIRST for name in ("losses", "uploads", "moves", "clients", "memories")},
    **{f"{name} 2": _SECOND for name in ("losses", "uploads", "moves", "clients", "memories", "server")},
    "server 1": Tolerance(2e-4, 2e-4),  # two numbers at most, so that a flip on one client shows in the median
}
TOLERANCES = {"reference": FLOAT_ORDER, "vectorised": FLOAT_ORDER}
"""Engine -> group -> tolerance against the *reference* engine's baseline; docs/gate.md has the measurements."""


class Recorder:
    """An engine that notes what another one is given and gives, for the first rounds."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.operators = Operators()
        self.plans = sha256()
        self.numbers: dict[str, list[float]] = {"rates": []}
        self.rounds = 0

    def train(self, jobs: Sequence[Job]) -> list[Trained]:
        """Do the jobs; results in their order."""
        self.rounds += 1
        if self.rounds > ROUNDS:
            return list(self.engine.train(jobs))
        if self.rounds == 1:
            with self.operators:
                trained = list(self.engine.train(jobs))
        else:
            trained = list(self.engine.train(jobs))
        self._note(jobs, trained)
        return trained

    def _note(self, jobs: Sequence[Job], trained: Sequence[Trained]) -> None:
        noted: dict[str, list[float]] = {name: [] for name in ("uploads", "moves", "clients", "memories")}
        for job, each in zip(jobs, trained, strict=True):
            for plan in job.plans:
                self.plans.update(repr(tuple(plan.shape)).encode() + plan.numpy(force=True).tobytes())
            noted["uploads"] += norms(each.upload)
            noted["moves"] += moves(each.upload, job.down) + moves(each.client.state, job.client.state)
            noted["clients"] += norms(each.client.state)
            noted["memories"] += norms(each.client.memory)
        self.numbers["rates"] += [job.lr for job in jobs]
        noted["losses"] = torch.cat([each.losses for each in trained])[:STEPS].double().tolist()
        self.numbers |= {f"{name} {self.rounds}": numbers for name, numbers in noted.items()}


def norms(state: State) -> list[float]:
    """The Euclidean norm of each slot."""
    return [_norm(tensors.values()) for _, tensors in sorted(state.items())]


def moves(after: State, before: State) -> list[float]:
    """How far each slot that was there before has moved, as a Euclidean norm."""
    return [
        _norm(t.double() - before[slot][name].double() for name, t in tensors.items() if name in before[slot])
        for slot, tensors in sorted(after.items())
        if slot in before
    ]


def _norm(tensors: Any) -> float:
    return math.sqrt(sum(float(t.double().square().sum()) for t in tensors if isinstance(t, Tensor)))


def on_fixed_states(setting: Setting, algorithm: Algorithm) -> dict[str, Any]:
    """Scores of models that are there before any training: of the initial weights under `STATES` other seeds.

    {"metrics": losses, "hits": accuracies and what is made of them, "headline": which of them was chosen}.
    """
    scorer = Scorer(setting)
    for number in range(STATES):
        cell = replace(setting.cell, training_seed=setting.cell.training_seed + 1_000_003 * (number + 1))
        untrained = Federation(replace(setting, cell=cell), algorithm)
        scorer.note(number + 1, untrained.models(0))
    found = scorer.headline()
    numbers: dict[str, list[float]] = {"metrics": [], "hits": []}
    _collect({"views": found["views"], "at_headline": found["at_headline"]}, "", numbers)
    return {**numbers, "headline": found["headline"]["round"]}


def _collect(value: Any, name: str, numbers: dict[str, list[float]]) -> None:
    """Sort all floats of nested figures into losses and the rest, in the order of their names."""
    if isinstance(value, Mapping):
        for key in sorted(value):
            _collect(value[key], key if key not in ("personal", "global") else name, numbers)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, name, numbers)
    elif isinstance(value, float):
        numbers["metrics" if "loss" in name else "hits"].append(value)


@dataclass(frozen=True)
class Deviation:
    """How far one group of numbers is from the baseline's, relatively; inf where they cannot be compared."""

    group: str
    median: float
    largest: float
    tolerance: Tolerance

    @property
    def excess(self) -> float:
        """In tolerances: more than 1 is another computation."""
        return max(self.median / self.tolerance.median, self.largest / self.tolerance.largest)


def tolerances(engine: str, one_image: float) -> dict[str, Tolerance]:
    """The tolerance of every group; accuracies may differ by one image on the smallest client."""
    return {**TOLERANCES.get(engine, FLOAT_ORDER), "hits": Tolerance(one_image, one_image)}


def compare(
    baseline: Mapping[str, Sequence[float]], now: Mapping[str, Sequence[float]], allowed: Mapping[str, Tolerance]
) -> list[Deviation]:
    """The deviation of each group of numbers, both ways; a group that only one side has deviates by inf.

    A number deviates by ``|now - baseline| / max(|baseline|, mean |baseline| of its group)``: a loss that has become
    tiny carries the rounding of the larger ones before it. Accuracies ("hits") deviate by ``|now - baseline|``.
    """
    return [
        Deviation(name, *_deviation(baseline.get(name), now.get(name), relative=name != "hits"), allowed[name])
        for name in dict.fromkeys((*baseline, *now))
    ]


def _deviation(
    baseline: Sequence[float] | None, now: Sequence[float] | None, relative: bool = True
) -> tuple[float, float]:
    """The middle and the largest deviation.

    >>> _deviation([1.0, 2.0, 3.0], [1.0, 2.5, 3.0])
    (0.0, 0.25)
    >>> _deviation([1.0], [1.0, 2.0])
    (inf, inf)
    """
    if baseline is None or now is None or len(baseline) != len(now):
        return math.inf, math.inf
    expected, found = np.asarray(baseline, dtype=np.float64), np.asarray(now, dtype=np.float64)
    if expected.size == 0:
        return 0.0, 0.0
    if not (np.isfinite(expected).all() and np.isfinite(found).all()):
        return math.inf, math.inf
    apart = np.abs(found - expected)
    if relative:
        scale = np.maximum(np.abs(expected), np.abs(expected).mean())
        apart = np.divide(apart, scale, out=np.where(apart > 0, math.inf, 0.0), where=scale > 0)
    return float(np.median(apart)), float(apart.max())
