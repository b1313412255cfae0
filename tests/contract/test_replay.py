"""A step that is recorded and replayed gives what a step that is run gives, to the bit, for every algorithm.

The recorder is a stand-in for CUDA graphs that needs no GPU: it notes operations with the memory they work on, and
does them again without Python. A step that leaves its memory, or whose operations depend on a count, would show.
"""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from algorithms.fedavg import FedAvg
from bench.engines import vectorised
from bench.engines.optimiser import Adam
from bench.engines.stacked import replay
from bench.plugin import Algorithm
from bench.registry import ALGORITHMS
from tests.contract.test_algorithms import EVERY, names
from tests.contract.test_engines import ADAM, DECAY, PLAIN, apart, run
from tests.recording import Taped

WORLDS: dict[str, dict[str, Any]] = {
    "very unequal clients": {"net": "mlp", "alpha": 0.2, "local_epochs": 6, "optimizer": DECAY},
    "convolutions": {"net": "cnn", "local_epochs": 6, "optimizer": PLAIN},
}
RECORDED = {
    ALGORITHMS.get(name) for name in ("fedavg", "fedprox", "fml", "local", "lg-fedavg", "fedproto", "fd", "fedkd")
}


@pytest.fixture
def taped(monkeypatch: pytest.MonkeyPatch) -> Taped:
    made = Taped()
    monkeypatch.setattr(vectorised, "recorder", lambda device: made)
    return made


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
@pytest.mark.parametrize("algorithm", EVERY, ids=names)
def test_replayed_steps_equal_run_ones(
    algorithm: Algorithm, world: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = run(algorithm, "vectorised", {**world, "rounds": 2}, double=False)
    made = Taped()
    monkeypatch.setattr(vectorised, "recorder", lambda device: made)
    replayed = run(algorithm, "vectorised", {**world, "rounds": 2}, double=False)
    assert apart(replayed, plain) == 0
    assert replayed.outcome == plain.outcome  # type: ignore[attr-defined] - run() notes it
    if type(algorithm) in RECORDED:
        assert made.recorded
        assert made.replayed > 2 * made.recorded


def test_a_step_with_a_count_in_it_is_run(taped: Taped) -> None:
    """Adam's: its corrections differ from step to step. Recorded it is wrong: the tests above can tell."""
    world = {**WORLDS["convolutions"], "optimizer": ADAM}
    plain = run(FedAvg(), "vectorised", world, double=False)
    assert not taped.recorded
    with pytest.MonkeyPatch.context() as forced:
        forced.setattr(Adam, "uniform", True)
        assert apart(run(FedAvg(), "vectorised", world, double=False), plain) > 1e-4
    assert taped.recorded


def test_few_steps_are_not_worth_it(taped: Taped) -> None:
    run(FedAvg(), "vectorised", {"net": "mlp", "local_epochs": None, "local_steps": replay.WORTH - 1}, double=False)
    assert not taped.recorded
    run(FedAvg(), "vectorised", {"net": "mlp", "local_epochs": None, "local_steps": replay.WORTH}, double=False)
    assert taped.recorded


def test_a_step_that_cannot_be_recorded_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(Taped):
        def record(self, step: Any, inputs: Sequence[torch.Tensor]) -> Any:
            self.recorded += 1
            raise RuntimeError("operation not permitted when stream is capturing")

    refusing = Refusing()
    plain = run(FedAvg(), "vectorised", WORLDS["convolutions"], double=False)
    monkeypatch.setattr(vectorised, "recorder", lambda device: refusing)
    with pytest.warns(UserWarning, match="launched one by one: operation not permitted"):
        slower = run(FedAvg(), "vectorised", WORLDS["convolutions"], double=False)
    assert refusing.recorded
    assert apart(slower, plain) == 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
def test_on_a_gpu_too(world: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    there = {**world, "device": "cuda"}
    replayed = run(FedAvg(), "vectorised", there, double=False)
    monkeypatch.setattr(vectorised, "recorder", lambda device: None)
    assert apart(replayed, run(FedAvg(), "vectorised", there, double=False)) < 5e-5
