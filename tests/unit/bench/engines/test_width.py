"""How many clients stand side by side."""

import pytest
import torch

from bench.engines import vectorised
from bench.engines.job import Job
from bench.engines.stacked.repeats import family
from bench.engines.vectorised import NARROWEST, ROOM, WIDEST, Vectorised, room
from bench.rounds.federation import Federation
from tests.contract.test_algorithms import EVERY
from tests.world import setting


class Unlike:
    """A step that is another each time."""

    alike = False

    def __init__(self, job: Job) -> None:
        self.family = family(job.algorithm, job.at)
        self.step = None


def width(monkeypatch: pytest.MonkeyPatch, memory: int) -> int:
    """Of an MLP's clients, where so many bytes may be filled."""
    monkeypatch.setattr(vectorised, "ROOM", memory)
    monkeypatch.setattr(vectorised, "CACHE", 1 << 60)
    federation = Federation(setting(net="mlp", engine="vectorised"), EVERY[0])
    engine = federation.engine
    assert isinstance(engine, Vectorised)
    return engine._fitting(federation.open_round(0)[0])


def test_the_width_follows_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    assert width(monkeypatch, 1) == NARROWEST
    assert NARROWEST < width(monkeypatch, ROOM // 8) < WIDEST
    assert width(monkeypatch, 1 << 40) == WIDEST


def test_the_weights_of_flat_nets_stay_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    federation = Federation(setting(net="mlp", engine="vectorised"), EVERY[0])
    engine, job = federation.engine, federation.open_round(0)[0]
    assert isinstance(engine, Vectorised)
    nets = [engine.models.training[parts.architecture] for parts in job.at.nets.values()]
    weights = sum(4 * p.numel() for net in nets for p in net.parameters())
    for clients, cache in [(2, 1), (2, 2 * weights), (5, 5 * weights + 1), (99, 100 * weights - 1)]:
        monkeypatch.setattr(vectorised, "CACHE", cache)
        assert engine._fitting(job) == clients
    monkeypatch.setattr(vectorised, "CACHE", 1 << 60)
    assert engine._fitting(job) == min(WIDEST, ROOM // engine._sizes("mlp", job.plans[0].shape[1]))
    monkeypatch.setattr(vectorised, "CACHE", 1)
    engine.repeats.doing(Unlike(job), 1)
    assert engine._fitting(job) > NARROWEST  # its steps cannot be written: each costs what it costs


def test_convolutions_are_not_told_by_their_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fills the cache there are images and columns; their steps are not written."""
    federation = Federation(setting(net="cnn", engine="vectorised"), EVERY[0])
    assert isinstance(federation.engine, Vectorised)
    monkeypatch.setattr(vectorised, "CACHE", 1)
    assert federation.engine._fitting(federation.open_round(0)[0]) > 2


def test_a_stack_fills_at_most_half_of_what_a_gpu_has_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (6 << 30, 80 << 30))
    assert room(torch.device("cuda")) == 3 << 30
    assert room(torch.device("cpu")) == ROOM
