import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from bench.rounds.nets import build
from bench.speedometer import limit
from bench.speedometer.limit import Flops, Rates

SHAPES = {"digits": (1, 8, 8), "mnist": (1, 28, 28), "cifar": (3, 32, 32)}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("net", ["mlp", "lenet5", "cnn", "cnn1", "cnn2"])
def test_operations_are_those_that_torch_counts(net: str, shape: tuple[int, int, int]) -> None:
    module = build(net, shape, 10)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(module(torch.zeros(6, *shape))[0], torch.zeros(6, dtype=torch.int64)).backward()
    counts = counter.get_flop_counts()["Global"]
    found = limit.step_flops(module, shape, 6)
    convolutions = sum(count for operator, count in counts.items() if "convolution" in str(operator))
    assert found == Flops(counter.get_total_flops() - convolutions, convolutions)
    assert (found.convolution > 0) == (net != "mlp")


def test_a_limit_is_the_sum_of_both_kinds_of_work() -> None:
    work = (Flops(100, 0) + Flops(100, 300)) * 2
    assert work == Flops(400, 600)
    assert Rates(matmul=100.0, convolution=50.0).seconds(work) == pytest.approx(4 + 12)


def test_rates_are_of_the_work_that_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that gives every piece of work one second, the rates are its operations."""
    ticks = iter(range(1000))
    monkeypatch.setattr(limit.time, "thread_time", lambda: float(next(ticks)))
    assert limit.matmul_rate(torch.float32, side=16) == 2 * 16**3
    size = limit.CONVOLUTION
    layer = torch.nn.Conv2d(size["channels"], size["channels"], size["kernel"], padding="same", bias=False)
    with FlopCounterMode(display=False) as counter:
        layer(torch.zeros(1, size["channels"], size["side"], size["side"], requires_grad=True)).sum().backward()
    assert limit.convolution_rate(torch.float32, batch=1) == counter.get_total_flops()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rates_are_measured_in_every_precision(dtype: torch.dtype) -> None:
    assert limit.matmul_rate(dtype, repeats=1, side=64) > 1e6
    assert limit.convolution_rate(dtype, repeats=1, batch=1) > 1e6
