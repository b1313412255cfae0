"""Every algorithm does what its paper says, tensor by tensor, over several rounds of unequal clients."""

from typing import Any

import pytest
import torch

from bench.registry import ALGORITHMS
from tests import world
from tests.transcripts.check import (
    MIXED,
    ONE_WIDTH,
    SETTINGS,
    TOLERANCE,
    TOLERANCE_SINGLE,
    TRANSCRIPTS,
    differences,
    merge_of_equals,
)
from tests.transcripts.double import in_double
from tests.transcripts.fml import CONSTANT
from tests.transcripts.given import Given

PLAIN = {"optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.0, "weight_decay": 0.0}}
STEP = {"lr_schedule": {"name": "step", "every": 2, "gamma": 0.1}}
SCENARIOS: dict[str, dict[str, Any]] = {
    "mlp": {"net": "mlp", "local_epochs": 2, "batch_size": 8},
    "cnn": {"net": "cnn"},
    "batchnorm": {"net": "test-batchnorm"},
    "plain SGD": PLAIN,
    "half of the clients": {"net": "test-batchnorm", "participation": 0.5, "rounds": 5},
    "step schedule": STEP,
    "local steps": {"local_epochs": None, "local_steps": 7},
}


def agree(name: str, params: dict[str, Any], *, double: bool = True, **changes: Any) -> None:
    algorithm = ALGORITHMS.get(name)(**params)
    assert algorithm.parameters().keys() == params.keys(), "a new hyper-parameter needs a line in the transcript"
    found = differences(name, algorithm, double=double, **changes)
    apart = [difference for difference in found if difference.relative > (TOLERANCE if double else TOLERANCE_SINGLE)]
    assert not apart, f"{len(apart)} of {len(found)} tensors differ, worst: {apart[:3]}"


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", sorted(TRANSCRIPTS))
def test_the_plugin_agrees_with_its_paper(name: str, scenario: str) -> None:
    agree(name, TRANSCRIPTS[name].params, **SCENARIOS[scenario])


@pytest.mark.parametrize("net", ["mlp", "cnn", "test-batchnorm"])
@pytest.mark.parametrize("name", sorted(TRANSCRIPTS))
def test_they_agree_in_single_precision_for_some_steps(name: str, net: str) -> None:
    agree(name, TRANSCRIPTS[name].params, double=False, net=net, rounds=2, local_epochs=None, local_steps=3)


@pytest.mark.parametrize("scenario", ["batchnorm", "half of the clients"])
@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("fml", {"average": "examples"}),
        ("scaffold", {"option": "I"}),
        ("fedrep", {"head_epochs": 0}),
        ("fedproto", {"average": "uniform"}),
        ("fedproto", {"predict": "prototypes"}),
    ],
    ids=lambda value: " ".join(map(str, *value.items())) if isinstance(value, dict) else value,
)
def test_other_choices_agree(name: str, other: dict[str, Any], scenario: str) -> None:
    agree(name, {**TRANSCRIPTS[name].params, **other}, **SCENARIOS[scenario])


MOVES: dict[str, dict[str, Any]] = {
    "constant": {},
    "step for alpha": {"alpha_schedule": "step", "alpha_end": 1.0, "step_percent": 40},
    "linear for beta": {"beta_schedule": "linear", "beta_end": 0.0},
    "teacher for alpha": {"alpha_schedule": "teacher", "alpha_end": 0.0},
}


@pytest.mark.parametrize("moves", MOVES.values(), ids=list(MOVES))
def test_schedules_of_fml_agree(moves: dict[str, Any]) -> None:
    agree("fml", {**CONSTANT, **moves}, rounds=5, local_epochs=None, local_steps=4)


@pytest.mark.parametrize("changes", [{}, {**STEP, "participation": 0.5, "rounds": 5}], ids=["all", "half"])
@pytest.mark.parametrize("name", ["fml", "local", "fd", "fedkd"])
def test_clients_with_nets_of_their_own_agree(name: str, changes: dict[str, Any]) -> None:
    agree(name, TRANSCRIPTS[name].params, **MIXED, **changes)


@pytest.mark.parametrize("changes", [{}, {**STEP, "participation": 0.5, "rounds": 5}], ids=["all", "half"])
@pytest.mark.parametrize("name", ["lg-fedavg", "fedproto"])
def test_clients_with_nets_of_one_width_agree(name: str, changes: dict[str, Any]) -> None:
    agree(name, TRANSCRIPTS[name].params, **ONE_WIDTH, **changes)


@pytest.mark.parametrize("name", sorted(TRANSCRIPTS.keys() - {"fd", "fedproto"}))  # these two send no models
def test_equal_models_merge_into_themselves(name: str) -> None:
    """aggregate([s] * K) = s, to the bit and buffers included, at the defaults: a server step of 0.7 goes 0.7 there."""
    assert merge_of_equals(ALGORITHMS.get(name)()) == 0


def given(**changes: Any) -> Given:
    return Given(in_double(world.setting(**{**SETTINGS, **changes})), cohort=lambda round: list(range(4)))


def test_the_clients_are_unequal() -> None:
    inputs = given()
    assert len({inputs.examples(k) for k in inputs.clients}) == 4


def test_batches_hold_the_clients_own_images() -> None:
    inputs = given()
    x, y = next(iter(inputs.batches(0, 0)))
    assert x.shape == (16, 1, 8, 8)
    rows = inputs.setting.shares[0].train
    own = (inputs.setting.images.x[rows].double() - 8.0) / 6.0  # shift and scale of the synthetic images
    places = [(own == image).flatten(1).all(1).nonzero()[0].item() for image in x]
    assert torch.equal(inputs.setting.images.y[rows[places]], y)


def test_the_schedule_steps_down_every_second_round() -> None:
    inputs = given(**STEP)
    assert [inputs.lr(t) for t in range(5)] == pytest.approx([0.05, 0.05, 0.005, 0.005, 0.0005])


def test_roles_decide_the_initial_weights() -> None:
    inputs = given()
    one, other, general = inputs.own_model(0), inputs.own_model(1), inputs.global_model()
    for a, b, c in zip(one.parameters(), other.parameters(), general.parameters(), strict=True):
        assert not torch.equal(a, b)
        assert not torch.equal(a, c)
