"""What is written down of a step, and what is not."""

import pytest
import torch
from torch import Tensor

from bench.engines.stacked.repeats import Doing, Key
from bench.engines.stacked.written import BOUND, Unwritable, Written, note
from bench.engines.stacked.written import write as write_down

WEIGHT, CENTRE = ("work", "model", "w"), ("down", "model", "w")


class Net:
    """A step of something like gradient descent towards a centre."""

    def __init__(self, seed: int, rows: int = 2) -> None:
        made = torch.Generator().manual_seed(seed)
        self.tensors = {key: torch.randn(rows, 3, 4, generator=made) for key in (WEIGHT, CENTRE)}

    def step(self, x: Tensor) -> Tensor:
        w, centre = self.tensors[WEIGHT], self.tensors[CENTRE]
        torch.sub(w, 1.0)  # nobody looks at it
        out = torch.bmm(x, w.mT)
        half = torch.ones_like(out).mul(0.5)  # the same each time
        w.sub_(w - centre, alpha=0.1)
        w.baddbmm_((out * half).mT, x, alpha=-0.01)
        return out.sum((1, 2))

    def tensor(self, key: Key) -> Tensor:
        return self.tensors[key]


def write(step: Doing, inputs: list[Tensor], names: dict[Key, Tensor]) -> tuple[Tensor, Written]:
    with torch.no_grad():
        output, operations = note(step, inputs)
    return output, write_down(operations, inputs, output, names)


def batch(seed: int) -> Tensor:
    return torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(seed))


def written(net: Net, x: Tensor) -> Written:
    _, page = write(net.step, [x], net.tensors)
    return page


def test_the_source_is_the_operations() -> None:
    page = written(Net(0), batch(0))
    words = [line.partition(" = ")[2] or line.strip() for line in page.source.splitlines()]
    called = [word.partition("(")[0] for word in words if word.startswith("do_")]
    assert called == ["do_transpose", "do_bmm", "do_sub", "do_sub_", "do_mul", "do_transpose", "do_baddbmm_", "do_sum"]
    assert [key for key, _ in page.needs] == [WEIGHT, CENTRE]
    before = page.source.partition("def step")[0]
    assert before.count("do_") == 1  # the weight's transpose is taken once


def test_it_is_the_step_of_other_tensors_too() -> None:
    page = written(Net(0), batch(0))
    plain, mine = Net(1), Net(1)
    step = page.of(mine.tensor)
    assert step is not None
    for seed in range(3):
        with torch.no_grad():
            assert torch.equal(step(batch(seed)), plain.step(batch(seed)))
        assert torch.equal(mine.tensors[WEIGHT], plain.tensors[WEIGHT])


def test_writing_does_the_step_once() -> None:
    plain, noted = Net(2), Net(2)
    output, _ = write(noted.step, [batch(0)], noted.tensors)
    assert torch.equal(output, plain.step(batch(0)))
    assert torch.equal(noted.tensors[WEIGHT], plain.tensors[WEIGHT])


def test_tensors_that_lie_in_another_way_need_a_page_of_their_own() -> None:
    page, other = written(Net(0), batch(0)), Net(1)
    other.tensors[CENTRE] = other.tensors[CENTRE][:1].expand(2, 3, 4)
    assert page.of(other.tensor) is None
    assert page.of(Net(0, rows=1).tensor) is None
    one = Net(0, rows=1)
    first = written(one, batch(0)[:1])
    one.tensors[CENTRE] = one.tensors[CENTRE].as_strided((1, 3, 4), (99, 4, 1))  # of one entry: no difference
    assert first.of(one.tensor) is not None


def test_a_tensor_that_changes_is_no_constant() -> None:
    count = torch.zeros(2)

    def step(x: Tensor) -> Tensor:
        fresh = torch.zeros_like(x[:, 0, 0])
        fresh.add_(x.sum((1, 2)))
        return fresh + fresh.mul(2)

    page = write(step, [batch(0)], {})[1]
    again = page.of(lambda key: count)
    assert again is not None
    for seed in (3, 4):
        assert torch.equal(again(batch(seed)), step(batch(seed)))


def test_a_tensor_of_unknown_origin() -> None:
    net, hidden = Net(0), torch.randn(2, 3, 4)
    before = net.tensors[WEIGHT].clone()

    def step(x: Tensor) -> Tensor:
        net.tensors[WEIGHT].add_(hidden)
        return net.tensors[WEIGHT].sum((1, 2))

    with pytest.raises(Unwritable, match=r"a tensor \[2, 3, 4\] of unknown origin"):
        write(step, [batch(0)], net.tensors)
    assert torch.equal(net.tensors[WEIGHT], before + hidden)  # it is done, once


def test_a_step_that_asks_for_a_number() -> None:
    net = Net(0)

    def step(x: Tensor) -> Tensor:
        return x.sum((1, 2)) * float(net.tensors[WEIGHT].max())

    with pytest.raises(Unwritable, match="gives a number"):
        write(step, [batch(0)], net.tensors)


def test_results_that_are_left_out() -> None:
    weight = torch.randn(3, 2, 3, 3)

    def step(x: Tensor) -> Tensor:
        images = x.view(2, 5, 2, 2, 1).permute(0, 2, 1, 3, 4).expand(2, 2, 5, 2, 5).flatten(3)[..., :5]
        d = torch.ones_like(torch.conv2d(images, weight))
        settings = [3], (1, 1), (0, 0), (1, 1), False, (0, 0), 1, [False, True, True]
        _, of_weight, of_bias = torch.ops.aten.convolution_backward(d, images, weight, *settings)
        weight.sub_(of_weight, alpha=0.1)
        return of_bias[:2] + weight.sum()

    before = weight.clone()
    outputs = [step(batch(seed)) for seed in range(3)]
    weight.copy_(before)
    first, page = write(step, [batch(0)], {WEIGHT: weight})
    written = page.of(lambda key: weight)
    assert written is not None
    assert torch.equal(first, outputs[0])
    for seed in (1, 2):
        assert torch.equal(written(batch(seed)), outputs[seed])


def test_all_bindings_are_there() -> None:
    assert [name for name in BOUND if not hasattr(torch, name) and not hasattr(Tensor, name)] == []
