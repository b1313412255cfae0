"""Each mutant is caught by the very check that its original passes."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch

from bench.declaration.suite import Schedule
from bench.engines.optimiser import SGD, Optimiser
from bench.engines.reference import Workpiece
from bench.plugin import Algorithm
from bench.registry import ALGORITHMS
from tests.mutants import algorithms as mutants
from tests.transcripts.check import TOLERANCE, differences, merge_of_equals

RED = 1e-4
"""A mutant must differ by this much: a hundred million times the tolerance."""

SHORT: dict[str, Any] = {"rounds": 2, "local_epochs": None, "local_steps": 6}  # enough for a mistake to show
HALF: dict[str, Any] = {"participation": 0.5, "rounds": 4}
BATCHNORM: dict[str, Any] = {"net": "test-batchnorm"}
STEP: dict[str, Any] = {"lr_schedule": {"name": "step", "every": 1, "gamma": 0.5}}
FML: dict[str, Any] = {"alpha": 0.5, "beta": 0.5}

Case = tuple[type[Algorithm], dict[str, Any], dict[str, Any]]  # mutant, hyper-parameters, setting
CASES: dict[str, list[Case]] = {
    "fedavg": [
        (mutants.Unweighted, {}, {}),
        (mutants.FirstClientsBuffers, {}, BATCHNORM),
        (mutants.ParametersOnly, {}, BATCHNORM),
    ],
    "fedprox": [
        (mutants.Unsquared, {"mu": 0.2}, {}),
        (mutants.Unhalved, {"mu": 0.2}, {}),
        (mutants.MuIgnored, {"mu": 0.2}, {}),
        (mutants.AnchorVanishes, {"mu": 0.2}, {}),
        (mutants.AnchoredToOwn, {"mu": 0.2}, HALF),
    ],
    "fml": [
        (mutants.TeacherLearns, FML, {}),
        (mutants.DividedByClasses, FML, {}),
        (mutants.WrongWayRound, FML, {}),
        (mutants.BuffersPileUp, FML, BATCHNORM),
        (mutants.MemeMomentumKept, FML, {}),
        (mutants.LocalMomentumDropped, FML, {}),
        (mutants.AveragesSwapped, {**FML, "average": "uniform"}, {}),
        (mutants.AveragesSwapped, {**FML, "average": "examples"}, {}),
    ],
    "local": [
        (mutants.NotAlone, {}, {}),
        (mutants.Forgetful, {}, {}),
        (mutants.Restarted, {}, HALF),
    ],
}


def worst(name: str, algorithm: Algorithm, **changes: Any) -> float:
    """The largest difference from the transcript, by the check of `tests.transcripts`."""
    return differences(name, algorithm, **{**SHORT, **changes})[0].relative


def original_is_right(name: str, params: dict[str, Any], changes: dict[str, Any]) -> bool:
    """Whether the original passes where a mutant is to fail."""
    return _original_is_right(json.dumps([name, params, changes]))


@cache
def _original_is_right(text: str) -> bool:
    name, params, changes = json.loads(text)
    return worst(name, ALGORITHMS.get(name)(**params), **changes) <= TOLERANCE


@pytest.mark.parametrize(
    ("name", "case"), [pytest.param(name, case, id=case[0].__name__) for name, cases in CASES.items() for case in cases]
)
def test_a_mutant_is_told_from_its_original(name: str, case: Case) -> None:
    mutant, params, changes = case
    assert original_is_right(name, params, changes)
    assert worst(name, mutant(**params), **changes) > RED


def test_buffers_that_pile_up_break_the_merge_of_equals() -> None:
    assert merge_of_equals(mutants.BuffersPileUp()) > RED


def ignore_schedule(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Schedule, "lr", lambda self, base, round, rounds: base)


def ignore_weight_decay(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Optimiser, "_decayed", lambda self, gradients: gradients)


def stay_in_evaluation_mode(patch: pytest.MonkeyPatch) -> None:
    prepare = Workpiece.prepare

    def prepared(piece: Workpiece, trained: frozenset[str]) -> list[str]:
        names = prepare(piece, trained)
        piece.module.eval()
        return names

    patch.setattr(Workpiece, "prepare", prepared)


def forget_momentum(patch: pytest.MonkeyPatch) -> None:
    """Every step starts from a velocity of zero."""
    step = SGD.step

    def stepped(self: SGD, gradients: list[torch.Tensor], lr: float) -> None:
        self.velocity = []
        step(self, gradients, lr)

    patch.setattr(SGD, "step", stepped)


@pytest.mark.parametrize(
    ("spoil", "changes"),
    [(ignore_schedule, STEP), (ignore_weight_decay, {}), (stay_in_evaluation_mode, BATCHNORM), (forget_momentum, {})],
)
@pytest.mark.parametrize("name", ["fedavg", "fml"])
def test_a_spoiled_engine_is_noticed(
    name: str,
    spoil: Callable[[pytest.MonkeyPatch], None],
    changes: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert original_is_right(name, {}, changes)
    spoil(monkeypatch)
    assert worst(name, ALGORITHMS.get(name)(), **changes) > RED
