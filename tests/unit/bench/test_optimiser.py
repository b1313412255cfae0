"""The engine's optimisers do what torch.optim does, step by step."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.engines.optimiser import KINDS, Optimiser, clip, make
from bench.plugin import Slot

SHAPES = [(3, 4), (4,), (2, 1, 3, 3)]
NAMES = ["a", "b", "c"]
STEPS = 6
LRS = [0.1, 0.1, 0.05, 0.05, 0.2, 0.01]  # the engine passes the rate at each step

ORIGINALS: dict[str, Callable[..., torch.optim.Optimizer]] = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
SETTINGS: list[dict[str, Any]] = [
    {"name": "sgd", "momentum": 0.0, "weight_decay": 0.0},
    {"name": "sgd", "momentum": 0.0, "weight_decay": 0.1},
    {"name": "sgd", "momentum": 0.9, "weight_decay": 0.0},
    {"name": "sgd", "momentum": 0.9, "weight_decay": 0.1},
    {"name": "adam", "momentum": 0.0, "weight_decay": 0.0},
    {"name": "adam", "momentum": 0.0, "weight_decay": 0.1},
]
TOLERANCE = 1e-12  # double precision, a few steps: only the order of operations may differ
every_setting = pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join(str(v) for v in s.values()))


def weights() -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(shape, dtype=torch.float64) for shape in SHAPES]


def gradients() -> Iterator[list[Tensor]]:
    """The same gradients each time; one that is zero throughout is among them."""
    torch.manual_seed(1)
    for step in range(STEPS):
        yield [torch.randn(shape, dtype=torch.float64) * (shape != (4,) or step > 0) for shape in SHAPES]


def ours(settings: dict[str, Any], parameters: list[Tensor]) -> Optimiser:
    return KINDS[settings["name"]](NAMES, parameters, settings)


def run(settings: dict[str, Any]) -> list[Tensor]:
    """Our weights after all steps."""
    parameters = weights()
    optimiser = ours(settings, parameters)
    for gradient, lr in zip(gradients(), LRS, strict=True):
        optimiser.step(gradient, lr)
    return parameters


def torch_optimiser(settings: dict[str, Any], parameters: list[Tensor]) -> torch.optim.Optimizer:
    options = {"lr": LRS[0], "weight_decay": settings["weight_decay"]}
    if settings["name"] == "sgd":
        options["momentum"] = settings["momentum"]
    return ORIGINALS[settings["name"]](parameters, **options)


def gap(found: list[Tensor], expected: list[Tensor]) -> float:
    return max((a - b).abs().max().item() for a, b in zip(found, expected, strict=True))


@every_setting
def test_it_steps_like_torch(settings: dict[str, Any]) -> None:
    parameters, theirs = weights(), weights()
    optimiser, original = ours(settings, parameters), torch_optimiser(settings, theirs)
    for gradient, lr in zip(gradients(), LRS, strict=True):
        original.param_groups[0]["lr"] = lr
        for parameter, value in zip(theirs, gradient, strict=True):
            parameter.grad = value.clone()
        original.step()
        optimiser.step(gradient, lr)
        assert gap(parameters, theirs) <= TOLERANCE
    assert gap(parameters, weights()) > 1e-2  # it went somewhere


@every_setting
def test_the_gradients_given_stay_as_they_are(settings: dict[str, Any]) -> None:
    optimiser = ours(settings, weights())
    for gradient, lr in zip(gradients(), LRS, strict=True):
        before = [tensor.clone() for tensor in gradient]
        optimiser.step(gradient, lr)
        assert gap(gradient, before) == 0


@every_setting
@pytest.mark.parametrize("pause", [1, 3])
def test_it_goes_on_from_its_memory_as_if_never_stopped(settings: dict[str, Any], pause: int) -> None:
    parameters = weights()
    optimiser = ours(settings, parameters)
    for number, (gradient, lr) in enumerate(zip(gradients(), LRS, strict=True)):
        if number == pause:
            memory = optimiser.memory()
            optimiser = ours(settings, parameters)
            optimiser.recall(memory)
        optimiser.step(gradient, lr)
    assert gap(parameters, run(settings)) == 0


@pytest.mark.parametrize("settings", [SETTINGS[2], SETTINGS[4]], ids=["sgd", "adam"])
def test_without_its_memory_it_starts_anew(settings: dict[str, Any]) -> None:
    parameters = weights()
    optimiser = ours(settings, parameters)
    for number, (gradient, lr) in enumerate(zip(gradients(), LRS, strict=True)):
        if number == 3:
            optimiser = ours(settings, parameters)
            optimiser.recall({})
        optimiser.step(gradient, lr)
    assert gap(parameters, run(settings)) > 1e-2


@every_setting
def test_memory_is_a_copy_both_ways(settings: dict[str, Any]) -> None:
    optimiser = ours(settings, weights())
    steps = zip(gradients(), LRS, strict=True)
    optimiser.step(*next(steps))
    memory = optimiser.memory()
    before = {name: tensor.clone() for name, tensor in memory.items()}
    optimiser.step(*next(steps))  # must not reach into what was handed out
    other = ours(settings, weights())
    other.recall(memory)
    other.step(*next(steps))  # nor into what was taken up
    assert memory.keys() == before.keys()
    assert all(torch.equal(memory[name], before[name]) for name in before)


@every_setting
def test_memory_is_empty_before_the_first_step(settings: dict[str, Any]) -> None:
    assert ours(settings, weights()).memory() == {}


def test_memory_is_named_by_parameter() -> None:
    sgd, adam = ours(SETTINGS[2], weights()), ours(SETTINGS[4], weights())
    gradient = next(gradients())
    sgd.step(gradient, 0.1)
    adam.step(gradient, 0.1)
    assert set(sgd.memory()) == {"velocity/a", "velocity/b", "velocity/c"}
    assert set(adam.memory()) == {f"{m}/{n}" for m in ("first", "second", "steps") for n in NAMES}


@pytest.mark.parametrize("largest", [0.1, 1.0, 4.0, 1e3])
def test_clip_is_torchs(largest: float) -> None:
    gradient = next(gradients())
    theirs = [torch.zeros_like(g, requires_grad=True) for g in gradient]
    for parameter, value in zip(theirs, gradient, strict=True):
        parameter.grad = value.clone()
    torch.nn.utils.clip_grad_norm_(theirs, largest)
    clipped = clip(gradient, largest)
    assert gap(clipped, [p.grad for p in theirs if p.grad is not None]) <= TOLERANCE
    norm = torch.cat([g.flatten() for g in clipped]).norm().item()
    whole = torch.cat([g.flatten() for g in gradient]).norm().item()
    assert norm == pytest.approx(min(largest, whole), rel=1e-4)


def test_clip_leaves_small_gradients_alone() -> None:
    gradient = next(gradients())
    assert gap(clip(gradient, 1e3), gradient) == 0


def test_clip_of_zeros_is_zeros() -> None:
    zeros = [torch.zeros(3), torch.zeros(2, 2)]
    assert gap(clip(zeros, 1.0), zeros) == 0


def test_a_slot_may_have_momentum_and_decay_of_its_own() -> None:
    """As in torch.optim with these values; what a slot leaves open is the suite's."""
    suite: dict[str, Any] = {"name": "sgd", "momentum": 0.9, "weight_decay": 0.1}
    for slot, momentum, decay in (
        (Slot(), 0.9, 0.1),
        (Slot(momentum=0.0), 0.0, 0.1),
        (Slot(weight_decay=0.0), 0.9, 0.0),
        (Slot(momentum=0.5, weight_decay=0.2), 0.5, 0.2),
    ):
        mine, theirs = weights(), weights()
        optimiser = make(slot, NAMES, mine, suite)
        original = torch.optim.SGD(theirs, 0.1, momentum=momentum, weight_decay=decay)
        for found in gradients():
            optimiser.step([gradient.clone() for gradient in found], 0.1)
            for parameter, gradient in zip(theirs, found, strict=True):
                parameter.grad = gradient
            original.step()
        for one, other in zip(mine, theirs, strict=True):
            assert torch.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)
