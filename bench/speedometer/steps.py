"""What a step on a net costs on this machine, and what stacking gains: the numbers of bench/costs.toml."""

import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import nnls

from bench.costs import BATCHES, SHAPES, forward_flops
from bench.engines import engine
from bench.engines.client import Client
from bench.engines.job import Images, Job
from bench.engines.optimiser import SGD
from bench.engines.stacked.program import Program
from bench.nets.net import parts
from bench.plugin import At, Task
from bench.registry import ALGORITHMS, NETS

STACKED_CLIENTS = 8  # few: a cohort of ten in a mixed zoo, beside a handful of other cells


class Steps:
    """Lives in a worker process, see bench.speedometer.process."""

    def cost(self, net: str) -> dict[str, Any]:
        """A net's table in costs.toml."""
        overhead, rate = measure(net)
        return {"overhead_us": overhead, "gflops": rate, "stacked": measure_stacked(net)}


def measure(net: str, repeats: int = 7) -> tuple[float, float]:
    """Overhead (microseconds) and rate (GFLOP/s) of a net's optimiser step on this machine, one thread."""
    points = []
    for shape in SHAPES:
        for batch in BATCHES:
            work = 3.0 * forward_flops(net, shape, 10) * batch
            points.append((work, _time_step(net, shape, batch, repeats)))
    return fit(points)


def fit(points: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Least squares on relative errors of ``seconds = overhead + work / rate``; both stay positive.

    >>> [round(x, 3) for x in fit([(1e9, 0.2), (2e9, 0.3)])]
    [100000.0, 10.0]
    """
    work, seconds = np.array(list(points)).T
    (overhead, per_flop), _ = nnls(np.stack([1 / seconds, work / seconds], axis=1), np.ones(len(work)))
    return float(max(overhead, 1e-6) * 1e6), float(1e-9 / max(per_flop, 1e-14))


def _time_step(net: str, shape: tuple[int, int, int], batch: int, repeats: int) -> float:
    """Median seconds of a step: forward, backward, SGD with momentum."""
    module = NETS.get(net)(shape, 10)
    parameters = dict(module.named_parameters())
    optimiser = SGD(list(parameters), list(parameters.values()), {"momentum": 0.9})
    x, y = torch.randn(batch, *shape), torch.arange(batch) % 10
    steps = 5 if net.startswith("resnet") else 20

    def some() -> float:
        begin = time.thread_time()
        for _ in range(steps):
            gradients = torch.autograd.grad(F.cross_entropy(module(x)[0], y), optimiser.parameters)
            with torch.no_grad():
                optimiser.step(list(gradients), 0.01)
        return (time.thread_time() - begin) / steps

    some()
    return median(some() for _ in range(repeats if steps > 5 else 1))


def measure_stacked(net: str, repeats: int = 5) -> list[list[float]]:
    """Reference over vectorised CPU time of FedAvg's local training, for each of `SHAPES` and each of `BATCHES`.

    0 for a net with a layer that has no stacked form: vmap has to make do, which takes a residual net minutes a round.
    """
    gains = []
    for shape in SHAPES:
        if Program.of(NETS.get(net)(shape, 10), shape) is None:
            return [[0.0] * len(BATCHES)] * len(SHAPES)
        gains.append([_gain(net, shape, batch, repeats) for batch in BATCHES])
    return gains


def _gain(net: str, shape: tuple[int, int, int], batch: int, repeats: int) -> float:
    times: dict[str, list[float]] = {"reference": [], "vectorised": []}
    train = {name: _cohort(name, net, shape, batch) for name in times}
    for _ in range(repeats + 1):  # the first is a warm-up
        for name, work in train.items():
            begin = time.thread_time()
            work()
            times[name].append(time.thread_time() - begin)
    return float(median(a / b for a, b in zip(*(t[1:] for t in times.values()), strict=True)))


def _cohort(name: str, net: str, shape: tuple[int, int, int], batch: int) -> Callable[[], object]:
    """Local training of a few clients on noise by an engine."""
    module = NETS.get(net)(shape, 10)
    own, one = parts(module, net), torch.ones(shape[0], 1, 1)
    images = Images(torch.randint(0, 256, (400, *shape), dtype=torch.uint8), torch.arange(400) % 10, one, one * 99)
    task = Task(10, shape, own, (own,) * STACKED_CLIENTS)
    at = At(0, 1, task, {"model": own})
    down = {"model": {key: value.clone() for key, value in module.state_dict().items()}}
    jobs = [
        Job(ALGORITHMS.get("fedavg")(), Client({}), down, plan.flatten(), [plan], 0.01, at)
        for plan in torch.randint(0, 400, (STACKED_CLIENTS, 10, batch))
    ]
    made = engine(name)({net: module}, images, {"name": "sgd", "momentum": 0.9})
    return lambda: made.train(jobs)
