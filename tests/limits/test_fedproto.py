"""FedProto: where it is Local, what prototypes are, and what their classifier says."""

from typing import Any

import pytest
import torch

from algorithms.fedproto import FedProto
from algorithms.local import LocalOnly
from bench.engines.client import size
from bench.plugin import Round
from bench.rounds.federation import Federation
from tests.compare import gap, state_gap
from tests.limits.worlds import ALONE, WORLDS
from tests.transcripts.check import MIXED, ONE_WIDTH
from tests.world import play, setting

averages = pytest.mark.parametrize("average", ["examples", "uniform"])


def features(federation: Federation, client: int) -> tuple[Any, Any]:
    """A client's final features of its training images, and their labels."""
    images, rows = federation.setting.images, federation.setting.shares[client].train
    net, tensors = federation.models(federation.training["rounds"] - 1)["personal"][client]
    x, y = images.batch(rows)
    with torch.no_grad():
        return torch.func.functional_call(net.eval(), tensors, (x,))[1], y


@pytest.mark.parametrize("world", [*WORLDS, ONE_WIDTH])
def test_without_weight_it_is_local(world: dict[str, Any]) -> None:
    proto, alone = play(FedProto(lam=0.0), **world), play(LocalOnly(), **world)
    assert max(state_gap(a.state, b.state) for a, b in zip(proto.clients, alone.clients, strict=True)) == 0
    assert proto.server["prototypes"]["means"].abs().max() > 0.1  # it has prototypes, and they pull at nothing


@averages
def test_the_first_round_is_local(average: str) -> None:
    proto, alone = play(FedProto(average=average), rounds=1), play(LocalOnly(), rounds=1)
    assert max(state_gap(a.state, b.state) for a, b in zip(proto.clients, alone.clients, strict=True)) == 0
    assert proto.journal.bytes_down == [0]
    second = play(FedProto(average=average), rounds=2), play(LocalOnly(), rounds=2)
    assert min(state_gap(a.state, b.state) for a, b in zip(second[0].clients, second[1].clients, strict=True)) > 1e-4


def test_prototypes_weighted_by_examples_are_the_means_over_everyones_images() -> None:
    federation = play(FedProto(), **ONE_WIDTH)
    pairs = [features(federation, k) for k in range(4)]
    found, y = torch.cat([f for f, _ in pairs]), torch.cat([y for _, y in pairs])
    means = torch.stack([found[y == label].mean(0) for label in range(4)])
    assert torch.allclose(federation.server["prototypes"]["means"], means, atol=1e-5)


def test_plain_prototypes_are_means_of_the_clients_that_have_the_class() -> None:
    federation = play(FedProto(average="uniform"), alpha=0.2)
    pairs = [features(federation, k) for k in range(4)]
    each = [[f[y == label].mean(0) for f, y in pairs if (y == label).any()] for label in range(4)]
    assert min(map(len, each)) < 4  # somebody lacks a class
    means = torch.stack([torch.stack(of_class).mean(0) for of_class in each])
    assert torch.allclose(federation.server["prototypes"]["means"], means, atol=1e-5)


@averages
def test_equal_prototypes_merge_into_themselves_and_a_lost_class_keeps_its_own(average: str) -> None:
    algorithm, made = FedProto(average=average), setting()
    at = made.at(algorithm, 0, None)
    means, counts = torch.randn(4, 64), torch.tensor([[3.0, 1.0, 0.0, 2.0], [1.0, 5.0, 0.0, 0.0]])
    old = {"means": torch.randn(4, 64), "known": torch.tensor([0.0, 1.0, 1.0, 0.0])}
    uploads = {"prototypes": {"means": torch.stack([means] * 2), "counts": counts}}
    merged = algorithm.aggregate({"prototypes": old}, uploads, Round(torch.tensor([6.0, 6.0]), 2), at)["prototypes"]
    expected = torch.where(torch.tensor([True, True, False, True])[:, None], means, old["means"])
    assert torch.allclose(merged["means"], expected, rtol=1e-6)
    assert merged["known"].tolist() == [1, 1, 1, 1]
    first = algorithm.aggregate({"prototypes": {}}, uploads, Round(torch.tensor([6.0, 6.0]), 2), at)["prototypes"]
    assert first["known"].tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize("world", [{}, {"net": "cnn"}, ONE_WIDTH])
def test_prototypes_in_the_head_name_the_nearest(world: dict[str, Any]) -> None:
    head, nearest = (play(FedProto(predict=predict), **world) for predict in ("head", "prototypes"))
    assert max(state_gap(a.state, b.state) for a, b in zip(head.clients, nearest.clients, strict=True)) == 0
    means = nearest.server["prototypes"]["means"]
    x = nearest.setting.test.batch(torch.arange(60))[0]
    for net, tensors in nearest.models(2)["personal"]:
        with torch.no_grad():
            logits, seen = torch.func.functional_call(net.eval(), tensors, (x,))
        assert torch.equal(logits.argmax(1), torch.cdist(seen, means).argmin(1))


def test_a_class_without_a_prototype_is_never_named() -> None:
    algorithm, made = FedProto(predict="prototypes"), setting()
    model = made.fresh(LocalOnly(), 0)["model"]
    given = {"means": torch.zeros(4, 64), "known": torch.tensor([1.0, 0.0, 1.0, 1.0])}
    _, tensors = algorithm.views({"model": model}, {"prototypes": given}, made.at(algorithm, 1, 0))["personal"]
    logits = torch.randn(50, 64) @ tensors["head.weight"].T + tensors["head.bias"]
    assert not (logits.argmax(1) == 1).any()
    before = algorithm.views({"model": model}, {"prototypes": {}}, made.at(algorithm, 0, 0))["personal"][1]
    assert gap(before, model) == 0  # nothing has been sent: the head it has


def test_one_client_alone_is_pulled_to_its_own_prototypes() -> None:
    """They draw together what belongs together: the spread of features around their class means shrinks."""

    def spread(lam: float) -> float:
        found, y = features(play(FedProto(lam=lam), rounds=6, **ALONE), 0)
        within = sum(found[y == label].var(0).sum() for label in range(4))
        return float(within / found.var(0).sum())

    assert spread(5.0) < 0.7 * spread(0.0)


def test_only_prototypes_are_paid_for() -> None:
    federation = play(FedProto(), **ONE_WIDTH)
    table = 4 * (4 * 64 + 4)  # bytes: float32, 4 classes of 64 features, how many images or whether there are any
    assert size(federation.server) == table
    assert federation.journal.bytes_up == [4 * table] * 3
    assert federation.journal.bytes_down == [0, 4 * table, 4 * table]


def test_features_of_several_widths_are_declined_by_name() -> None:
    reason = FedProto().skip(setting(**MIXED).task)
    assert reason is not None
    assert "64 (mlp cnn1 cnn2), 84 (lenet5)" in reason
    assert FedProto().skip(setting(**ONE_WIDTH).task) is None
