"""LG-FedAvg: heads are FedAvg's, bodies nobody's but their client's."""

from typing import Any

import pytest

from algorithms.fedavg import FedAvg
from algorithms.lg_fedavg import LGFedAvg
from bench.engines.client import size
from bench.rounds.federation import Federation
from tests.compare import gap, state_gap
from tests.limits.worlds import WORLDS
from tests.transcripts.check import MIXED, ONE_WIDTH
from tests.world import play, setting


def parts(federation: Federation) -> list[tuple[Any, Any]]:
    """Each client's head and body, as they are scored after the last round."""
    models = [tensors for _, tensors in federation.models(federation.training["rounds"] - 1)["personal"]]
    named = federation.setting.task.personal
    return [
        ({n: t for n, t in model.items() if n in own.head}, {n: t for n, t in model.items() if n not in own.head})
        for model, own in zip(models, named, strict=True)
    ]


@pytest.mark.parametrize("world", WORLDS)
def test_where_the_head_is_the_whole_net_it_is_fedavg(world: dict[str, Any]) -> None:
    world = {**world, "net": "test-linear"}
    assert state_gap(play(LGFedAvg(), **world).server, play(FedAvg(), **world).server) == 0


@pytest.mark.parametrize("world", [{}, {"net": "test-batchnorm"}, ONE_WIDTH])
def test_all_have_one_head_and_each_a_body_of_its_own(world: dict[str, Any]) -> None:
    federation = play(LGFedAvg(), **world)
    found = parts(federation)
    assert {gap(head, found[0][0]) for head, _ in found} == {0.0}
    assert gap(found[0][0], federation.server["model"]) == 0
    assert gap(found[0][1], found[3][1]) > 1e-2  # two clients of one architecture


@pytest.mark.parametrize("world", [{}, ONE_WIDTH])
def test_before_the_first_round_heads_are_alike_and_bodies_are_not(world: dict[str, Any]) -> None:
    made = setting(**world)
    server = LGFedAvg().init_server(made.fresh(LGFedAvg(), None), made.at(LGFedAvg(), 0, None))
    assert server["model"].keys() == {"head.weight", "head.bias"}
    fresh = [made.fresh(LGFedAvg(), k)["model"] for k in range(4)]
    bodies = [{name: t for name, t in model.items() if name not in server["model"]} for model in fresh]
    for model in fresh:
        assert gap({name: model[name] for name in server["model"]}, server["model"]) == 0
    assert gap(bodies[0], bodies[3]) > 1e-2  # two clients of one architecture


def test_only_heads_are_paid_for() -> None:
    federation = play(LGFedAvg(), **ONE_WIDTH)
    head = 4 * (64 * 4 + 4)  # bytes: float32, 64 features, 4 classes, a bias
    assert size(federation.server) == head
    assert federation.journal.bytes_up == federation.journal.bytes_down == [4 * head] * 3


def test_whoever_is_not_drawn_keeps_its_body_and_gets_the_new_head() -> None:
    federation = play(LGFedAvg(), participation=0.5, rounds=1)
    fresh = [federation.setting.fresh(LGFedAvg(), k)["model"] for k in range(4)]
    for k, (head, body) in enumerate(parts(federation)):
        assert gap(head, federation.server["model"]) == 0
        assert (gap(body, {name: fresh[k][name] for name in body}) > 0) == (k in federation.cohort(0))


def test_heads_of_several_widths_are_declined_by_name() -> None:
    reason = LGFedAvg().skip(setting(**MIXED).task)
    assert reason is not None
    assert "64 (mlp cnn1 cnn2), 84 (lenet5)" in reason
    assert LGFedAvg().skip(setting(**ONE_WIDTH).task) is None
