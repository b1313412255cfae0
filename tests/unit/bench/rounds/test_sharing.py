"""What clients of different tasks may share, and what is said where they cannot."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from algorithms.fedavg import FedAvg
from algorithms.fedproto import FedProto
from algorithms.fml import FML
from algorithms.local import LocalOnly
from algorithms.scaffold import Scaffold
from bench.declaration.cell import Cell
from bench.nets.net import Net
from bench.plugin import Algorithm, At, Local, Round, Slot, State
from bench.registry import ALGORITHMS, NETS
from bench.rounds import group, loading
from bench.rounds.federation import Federation
from bench.rounds.group import Group, Skip
from tests import world
from tests.contract.plugins import PrivateHead
from tests.world import UNEQUAL, play


@dataclass(frozen=True)
class SharedHead(FedAvg):
    """LG-FedAvg (Liang et al. 2020): bodies stay, the head is shared."""

    def slots(self) -> dict[str, Slot]:
        return {"model": Slot(private=("body",))}


@dataclass(frozen=True)
class Reports(FedAvg):
    """FedAvg whose clients send a number beside the model."""

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        return client, {"model": work["model"], "length": {"steps": local.steps}}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        return super().aggregate(server, {"model": uploads["model"]}, round, at)


@dataclass(frozen=True)
class ReportsFreely(Reports):
    """The same, and it says that the number has nothing to do with classes."""

    class_free = True


@pytest.fixture
def linear(monkeypatch: pytest.MonkeyPatch) -> str:
    """A net that is all head."""

    def made(shape: tuple[int, int, int], classes: int) -> Net:
        return Net(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes))

    monkeypatch.setitem(NETS._loaded, "test-linear", (__name__, made))
    return "test-linear"


def reason(algorithm: Algorithm, **changes: Any) -> str:
    """Why an algorithm is skipped, before or after the first round."""
    with pytest.raises(Skip) as caught:
        play(algorithm, **{"rounds": 1, **UNEQUAL, **changes})
    return str(caught.value)


def test_a_net_that_is_all_head_leaves_nothing_to_share(linear: str) -> None:
    expected = (
        "shares nothing of {}: expected tensors outside of the head, which stays private where tasks differ, got none "
        "(net 'test-linear')"
    )
    assert reason(FedAvg(), net=linear) == expected.format("model")
    assert reason(FML(), net=linear) == expected.format("meme")
    assert reason(PrivateHead(), net=linear) == expected.format("model")
    play(LocalOnly(), net=linear, rounds=1, **UNEQUAL)  # shares nothing on purpose
    play(FedAvg(), net=linear, rounds=1)  # and without tasks the head can be shared


def test_an_algorithm_that_shares_heads_only_has_nothing_to_share() -> None:
    assert reason(SharedHead()).startswith("shares nothing of model: expected tensors outside of the head")
    play(SharedHead(), rounds=1)


@pytest.mark.parametrize(
    ("algorithm", "what"), [(Scaffold(), "control"), (FedProto(), "prototypes"), (Reports(), "length")]
)
def test_what_may_depend_on_classes_is_not_shared(algorithm: Algorithm, what: str) -> None:
    assert reason(algorithm) == (
        f"shares {what} beside nets, which is not known to mean the same for all tasks' classes"
    )


def test_an_algorithm_may_say_that_what_it_shares_is_free_of_classes() -> None:
    def sent(algorithm: Algorithm) -> int:
        (of_round,) = play(algorithm, rounds=1, **UNEQUAL).outcome["bytes_up"]  # type: ignore[attr-defined]
        return int(of_round)

    clients = len(play(FedAvg(), rounds=1, **UNEQUAL).clients)
    assert sent(ReportsFreely()) - sent(FedAvg()) == 8 * clients  # a number in double precision of each


def test_the_record_says_whose_heads_were_kept() -> None:
    def told(algorithm: Algorithm) -> Any:
        return play(algorithm, rounds=1, **UNEQUAL).outcome["tasks"]  # type: ignore[attr-defined]

    assert told(FedAvg()) == {"of_clients": [0, 0, 1, 1], "private_heads": ["model"]}
    assert told(FML())["private_heads"] == ["meme"]
    assert told(LocalOnly())["private_heads"] == []
    assert told(PrivateHead())["private_heads"] == []  # its heads are private whatever the tasks
    assert "tasks" not in play(FedAvg(), rounds=1).outcome  # type: ignore[attr-defined]


def test_there_is_no_global_view_and_clients_meet_their_own_tasks_test_images() -> None:
    for algorithm in (FedAvg(), FML()):
        outcome = play(algorithm, rounds=2, **UNEQUAL).outcome  # type: ignore[attr-defined]
        assert set(outcome["views"]) == {"personal"}
        assert len(outcome["at_headline"]["personal"]["clients"]["global_accuracy"]) == 4


def test_the_server_never_holds_a_head_and_no_head_is_counted_as_sent() -> None:
    federation = Federation(world.setting(**UNEQUAL), FedAvg())
    assert not [name for name in federation.server["model"] if name.startswith("head.")]
    Group([federation]).round(0)
    assert not [name for name in federation.server["model"] if name.startswith("head.")]
    body = sum(t.numel() * t.element_size() for t in federation.server["model"].values())
    assert federation.journal.bytes_up == federation.journal.bytes_down == [4 * body]
    heads = [client.kept["model"]["head.weight"] for client in federation.clients]
    assert [tuple(head.shape) for head in heads] == [(2, 64), (2, 64), (3, 64), (3, 64)]


def test_bodies_start_alike_even_where_a_net_draws_its_head_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def made(shape: tuple[int, int, int], classes: int) -> Net:
        head = nn.Linear(8, classes)
        return Net(nn.Sequential(nn.Flatten(), nn.Linear(64, 8)), head)

    monkeypatch.setitem(NETS._loaded, "test-head-first", (__name__, made))
    there = world.setting(**UNEQUAL, net="test-head-first")
    server = there.fresh(FedAvg(), None)["model"]
    for k in range(4):
        fresh = there.fresh(FedAvg(), k)["model"]
        assert all(torch.equal(fresh[name], tensor) for name, tensor in server.items())
        assert fresh["head.weight"].shape == ((2, 8) if k < 2 else (3, 8))


def test_a_cell_of_a_run_is_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "load", lambda name, root: world.sources([world.LOW])[name])
    monkeypatch.setitem(ALGORITHMS._loaded, "test-reports", (__name__, Reports))
    monkeypatch.setitem(ALGORITHMS._loaded, "test-scaffold", (__name__, Scaffold))

    def cell(name: str) -> Cell:
        return world.cell(rounds=1, algorithm=name, engine="vectorised", **UNEQUAL)

    early, late = (group.run_together([cell(name)])[0] for name in ("test-scaffold", "test-reports"))
    assert isinstance(early, Skip)
    assert isinstance(late, Skip)
    together = group.run_together([cell("fml"), cell("fml")])
    assert together[0]["result"] == together[1]["result"]  # type: ignore[index]
