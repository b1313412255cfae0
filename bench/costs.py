"""What a cell is expected to cost, from committed measurements: for ``--dry-run`` and for starting long cells first.

An optimiser step on a net is taken to cost ``overhead + 3 x forward FLOPs x batch / rate`` seconds, with both numbers
measured per net and committed in costs.toml; the vectorised engine is `stacked` times as fast. ``--engine auto`` takes
it for cells whose nets all gain from it: a choice that follows from the declaration and this file alone, never from how
fast the machine at hand happens to be. ``python -m bench.costs`` measures anew and prints that file.
"""

import functools
import math
import time
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.declaration.cell import Cell
from bench.declaration.tasks import facts
from bench.registry import ALGORITHMS, NETS

if TYPE_CHECKING:  # importing it imports torch
    from bench.plugin import Algorithm, Phase

COSTS = Path(__file__).with_name("costs.toml")
SHAPES = ((1, 8, 8), (1, 28, 28), (3, 32, 32))
BATCHES = (10, 50)
TRAIN_SHARE, EVALUATED_SHARE = 0.7, 0.3  # of a client's rows: what it trains on; its validation and test rows
HEAD_SHARE = 0.45  # of a step: what it costs to train a head alone, .4 (cnn) to .56 (mlp), since no gradient goes below


def estimate(cell: Cell) -> float:
    """Expected seconds of one cell on one core; loads no data. Right within a factor of two on like machines."""
    source = facts(cell.dataset, cell.tasks)
    algorithm: Algorithm = ALGORITHMS.get(cell.plugin)(**cell.params)
    training = cell.training
    rounds, batch = int(training["rounds"]), int(training["batch_size"])
    cohort = max(1.0, cell.clients * float(training["participation"]))
    held = source.train_size * (cell.reserved if cell.tuning and cell.reserved else 1)
    rows = TRAIN_SHARE * held / cell.clients
    own = [cell.architectures[k % len(cell.architectures)] for k in range(cell.clients)]
    slots = algorithm.slots()
    stacks = cell.engine == "vectorised"

    def mean_over_clients(role: str, seconds: Callable[[str], float]) -> float:
        nets = [cell.shared] * cell.clients if role == "shared" else own
        return sum(seconds(net) for net in nets) / len(nets)

    def step(net: str) -> float:
        seconds = step_seconds(net, source.shape, source.classes, batch)
        return seconds / (stacked(net, source.shape) or 0.2) if stacks else seconds

    def forward(net: str) -> float:
        return step_seconds(net, source.shape, source.classes, 1000) / 3000

    train = 0.0
    for phase in algorithm.phases():
        epochs = phase.epochs or training["local_epochs"]
        steps = math.ceil(rows / batch) * int(epochs) if epochs else int(training["local_steps"])
        for name, share in _shares(phase).items():
            train += cohort * steps * share * mean_over_clients(slots[name].role, step)
    if algorithm.summarises:
        train += cohort * rows * sum(mean_over_clients(slot.role, forward) for slot in slots.values())
    scored = rounds / int(training["evaluate_every"])
    images = EVALUATED_SHARE * held
    evaluate = sum(mean_over_clients(slot.role, forward) for slot in slots.values()) * images
    general = images if cell.tuning else source.test_size  # see bench.rounds.setting
    evaluate += forward(cell.shared) * general
    at_headline = mean_over_clients("personal", forward) * general * cell.clients
    return rounds * train + scored * evaluate + at_headline


def _shares(phase: "Phase") -> dict[str, float]:
    """How much of a whole step the nets of a phase cost, by slot: less where nothing but a head is trained."""
    parts: dict[str, set[str]] = {}
    for target in phase.trains:
        slot, _, part = target.partition("/")
        parts.setdefault(slot, set()).add(part)
    return {slot: HEAD_SHARE if trained == {"head"} else 1.0 for slot, trained in parts.items()}


def stacked(net: str, shape: tuple[int, int, int]) -> float:
    """How many times faster the vectorised engine trains a net than the reference engine, from the committed file.

    Of the sizes that were measured, the one nearest to the images' counts; 0: it cannot, or nobody knows.
    """
    table = _table()
    gains = table.get(net, table["other"])["stacked"]
    nearest = min(range(len(SHAPES)), key=lambda i: abs(math.log(math.prod(SHAPES[i]) / math.prod(shape))))
    return float(gains[nearest])


def engine_for(cell: Cell) -> str:
    """What ``--engine auto`` means for a cell: vectorised where its clients' nets together gain from it.

    One net that cannot be stacked makes it the reference engine. The global net, which memes copy, counts once.
    """
    source = facts(cell.dataset, cell.tasks)
    batch, seconds, gained = int(cell.training["batch_size"]), 0.0, 0.0
    for net in (*cell.architectures, cell.shared):
        if (gain := stacked(net, source.shape)) == 0:
            return "reference"
        step = step_seconds(net, source.shape, source.classes, batch)
        seconds, gained = seconds + step, gained + step / gain
    return "vectorised" if gained <= seconds else "reference"


@functools.cache
def step_seconds(net: str, shape: tuple[int, int, int], classes: int, batch: int) -> float:
    """Expected seconds of one optimiser step."""
    table = _table()
    cost = table.get(net, table["other"])
    work = 3 * forward_flops(net, shape, classes) * batch
    return float(cost["overhead_us"]) * 1e-6 + work / (float(cost["gflops"]) * 1e9)


@functools.cache
def forward_flops(net: str, shape: tuple[int, int, int], classes: int) -> int:
    """Floating-point operations (two per multiply-add) of matrix products and convolutions for one image."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    module = NETS.get(net)(shape, classes).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(1, *shape))
    return int(counter.get_total_flops())


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    return dict(tomllib.loads(COSTS.read_text(encoding="utf-8"))["nets"])


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
    import numpy as np
    from scipy.optimize import nnls

    work, seconds = np.array(list(points)).T
    (overhead, per_flop), _ = nnls(np.stack([1 / seconds, work / seconds], axis=1), np.ones(len(work)))
    return float(max(overhead, 1e-6) * 1e6), float(1e-9 / max(per_flop, 1e-14))


def _time_step(net: str, shape: tuple[int, int, int], batch: int, repeats: int) -> float:
    """Median seconds of a step: forward, backward, SGD with momentum."""
    import torch
    import torch.nn.functional as F

    from bench.engines.optimiser import SGD

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


STACKED_CLIENTS = 8  # few: a cohort of ten in a mixed zoo, beside a handful of other cells


def measure_stacked(net: str, repeats: int = 5) -> list[float]:
    """Reference over vectorised CPU time of FedAvg's local training, for each of `SHAPES`, the mean over batches.

    0 for a net with a layer that has no stacked form: vmap has to make do, which takes a residual net minutes a round.
    """
    from bench.engines.stacked.program import Program

    gains = []
    for shape in SHAPES:
        if Program.of(NETS.get(net)(shape, 10)) is None:
            return [0.0] * len(SHAPES)
        ratios = []
        for batch in BATCHES:
            times: dict[str, list[float]] = {"reference": [], "vectorised": []}
            train = {name: _cohort(name, net, shape, batch) for name in times}
            for _ in range(repeats + 1):  # the first is a warm-up
                for name, work in train.items():
                    begin = time.thread_time()
                    work()
                    times[name].append(time.thread_time() - begin)
            ratios.append(median(a / b for a, b in zip(*(t[1:] for t in times.values()), strict=True)))
        gains.append(math.exp(sum(map(math.log, ratios)) / len(ratios)))
    return gains


def _cohort(name: str, net: str, shape: tuple[int, int, int], batch: int) -> Callable[[], object]:
    """Local training of a few clients on noise by an engine."""
    import torch

    from bench.engines import engine
    from bench.engines.client import Client
    from bench.engines.job import Images, Job
    from bench.nets.net import parts
    from bench.plugin import At, Task

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


def main() -> None:
    """Measure every built-in net and print costs.toml."""
    import torch

    from bench.host.provenance import processor

    torch.set_num_threads(1)
    print(f'# Measured by "python -m bench.costs": {processor()}, one thread, torch {torch.__version__}.')
    print("# A net that is not listed is taken to cost what [nets.other] says. Gains by stacking are for images of")
    print(f"# {', '.join('x'.join(map(str, shape)) for shape in SHAPES)}; 0: the net has no stacked form.")
    measured = {net: (*measure(net), measure_stacked(net)) for net in NETS.names()}
    # Of a net that is not listed nobody knows whether all its layers have a stacked form.
    measured["other"] = (*measured["cnn2"][:2], [0.0] * len(SHAPES))
    for net, (overhead, rate, gain) in measured.items():
        each = ", ".join(f"{value:.2f}" for value in gain)
        print(f"\n[nets.{net}]\noverhead_us = {overhead:.0f}\ngflops = {rate:.1f}\nstacked = [{each}]")


if __name__ == "__main__":
    main()
