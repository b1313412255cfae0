"""Counts: exact, complete, and blind to the machine."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from bench.gate.counted import Operators, compare, passes


def test_passes_are_counted_with_and_without_gradients_and_inner_modules_are_not():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    with passes() as counted:
        net(torch.zeros(5, 3))
        with torch.no_grad():
            net(torch.zeros(7, 3))
            net(torch.zeros(2, 3))
    net(torch.zeros(5, 3))
    assert (counted.training, counted.training_images) == (1, 5)
    assert (counted.scoring, counted.scored_images) == (2, 9)


def test_a_pass_that_raises_leaves_the_count_in_order():
    net = nn.Linear(3, 4)
    with passes() as counted:
        with pytest.raises(RuntimeError):
            net(torch.zeros(5, 4))
        net(torch.zeros(5, 3))
    assert counted.training == 2


def test_functional_and_vectorised_passes_count_too():
    net = nn.Linear(3, 1)
    tensors = {name: p.detach().expand(4, *p.shape) for name, p in net.named_parameters()}

    def loss(tensors: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return functional_call(net, tensors, (x,)).sum()

    with passes() as counted:
        vmap(grad(loss))(tensors, torch.zeros(4, 5, 3))
    assert counted.training == 1


def test_operators_see_a_copy_and_a_second_pass():
    net = nn.Linear(3, 4)
    x = torch.zeros(5, 3)

    def count(step) -> tuple[int, int]:
        with Operators() as operators:
            step()
        return operators.calls, operators.bytes

    plain = count(lambda: net(x).sum().backward())
    copying = count(lambda: net(x.clone()).sum().backward())
    assert copying == (plain[0] + 1, plain[1] + 5 * 3 * 4)
    assert count(lambda: (net(x), net(x).sum().backward())) > plain
    assert count(lambda: net(x).sum().backward()) == plain


def test_every_difference_is_named_and_operators_only_under_one_torch():
    before, now = {"steps": 80, "bytes_up": 10, "operators": 9}, {"steps": 40, "bytes_up": 10, "operators": 8}
    assert compare(before, now, same_torch=True) == ["steps 80 -> 40", "operators 9 -> 8"]
    assert compare(before, now, same_torch=False) == ["steps 80 -> 40"]
    assert compare(before, {"steps": 80}, same_torch=False) == ["bytes up 10 -> not counted"]
    assert compare({}, {"steps": 1}, same_torch=True) == ["steps not counted -> 1"]
