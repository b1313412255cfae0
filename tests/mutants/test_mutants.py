"""Each mutant is caught by the very check that its original passes."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch

from bench.declaration.optimiser import Schedule
from bench.engines.optimiser import SGD, Optimiser
from bench.engines.reference import Workpiece
from bench.plugin import Algorithm
from bench.registry import ALGORITHMS
from tests.mutants.cases import BATCHNORM, Case, cases
from tests.mutants.fml import BuffersPileUp
from tests.mutants.fml_variant import PRESETS as WRONG_PRESETS
from tests.transcripts.check import TOLERANCE, TRANSCRIPTS, differences, merge_of_equals

RED = 1e-4
"""A mutant must differ by this much: a hundred million times the tolerance."""

SHORT: dict[str, Any] = {"rounds": 2, "local_epochs": None, "local_steps": 6}  # enough for a mistake to show
STEP: dict[str, Any] = {"lr_schedule": {"name": "step", "every": 1, "gamma": 0.5}}
CASES = cases()


def test_every_algorithm_has_mutants() -> None:
    assert CASES.keys() == TRANSCRIPTS.keys()


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
    assert merge_of_equals(BuffersPileUp()) > RED


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


@pytest.mark.parametrize(("name", "wrong", "changes"), WRONG_PRESETS, ids=lambda value: str(value))
def test_a_preset_with_one_wrong_value_is_noticed(name: str, wrong: dict[str, Any], changes: dict[str, Any]) -> None:
    assert original_is_right(name, {}, changes)
    assert worst(name, ALGORITHMS.get(name)(**wrong), **changes) > RED
