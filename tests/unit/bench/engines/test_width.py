"""How many clients stand side by side."""

import pytest
import torch

from bench.engines import vectorised
from bench.engines.vectorised import NARROWEST, ROOM, WIDEST, Vectorised, room
from bench.rounds.federation import Federation
from tests.contract.test_algorithms import EVERY
from tests.world import setting


def width(monkeypatch: pytest.MonkeyPatch, memory: int) -> int:
    """Of an MLP's clients, where so many bytes may be filled."""
    monkeypatch.setattr(vectorised, "ROOM", memory)
    federation = Federation(setting(net="mlp", engine="vectorised"), EVERY[0])
    engine = federation.engine
    assert isinstance(engine, Vectorised)
    return engine._fitting(federation.open_round(0)[0])


def test_the_width_follows_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    assert width(monkeypatch, 1) == NARROWEST
    assert NARROWEST < width(monkeypatch, ROOM // 8) < WIDEST
    assert width(monkeypatch, 1 << 40) == WIDEST


def test_a_stack_fills_at_most_half_of_what_a_gpu_has_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (6 << 30, 80 << 30))
    assert room(torch.device("cuda")) == 3 << 30
    assert room(torch.device("cpu")) == ROOM
