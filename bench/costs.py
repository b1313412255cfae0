"""What a cell is expected to cost, from committed measurements: for ``--dry-run`` and for starting long cells first.

An optimiser step on a net is taken to cost ``overhead + 3 x forward FLOPs x batch / rate`` seconds, with both numbers
measured per net and committed in costs.toml; the vectorised engine is `stacked` times as fast. ``--engine auto`` takes
it for cells whose nets all gain from it: a choice that follows from the declaration and this file alone, never from how
fast the machine at hand happens to be. ``python -m bench.costs`` measures anew and prints or writes that file.
"""

import argparse
import functools
import math
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.declaration.cell import Cell
from bench.declaration.tasks import facts
from bench.registry import ALGORITHMS, NETS

if TYPE_CHECKING:  # importing it imports torch
    from bench.plugin import Algorithm, Phase

COSTS = Path(__file__).with_name("costs.toml")
SHAPES, BATCHES = ((1, 8, 8), (1, 28, 28), (3, 32, 32)), (10, 50)
TRAIN_SHARE, EVALUATED_SHARE = 0.7, 0.3  # of a client's rows: what it trains on; its validation and test rows
WORTH = 1.1
"""A gain from which stacking is chosen: processors differ by a tenth. The CNN on MNIST's images gains 2 to 5 % on the
AMD processor that the file is from, and loses 8 % on a Xeon."""
HEAD_SHARE = 0.45  # of a step: what it costs to train a head alone, .4 (cnn) to .56 (mlp), since no gradient goes below


def estimate(cell: Cell) -> float:
    """Expected seconds of one cell on one core; loads no data. Right within a factor of two on like machines."""
    share = cell.reserved if cell.tuning and cell.reserved else 1.0
    source = facts(cell.dataset, cell.tasks, share)
    algorithm: Algorithm = ALGORITHMS.get(cell.plugin)(**cell.params)
    training = cell.training
    rounds, batch = int(training["rounds"]), int(training["batch_size"])
    cohort = max(1.0, cell.clients * float(training["participation"]))
    rows = TRAIN_SHARE * source.train_size / cell.clients
    own = [cell.architectures[k % len(cell.architectures)] for k in range(cell.clients)]
    slots = algorithm.slots()
    stacks = cell.engine == "vectorised"

    def mean_over_clients(role: str, seconds: Callable[[str], float]) -> float:
        nets = [cell.shared] * cell.clients if role == "shared" else own
        return sum(seconds(net) for net in nets) / len(nets)

    def step(net: str) -> float:
        seconds = step_seconds(net, source.shape, source.classes, batch)
        return seconds / (stacked(net, source.shape, batch) or 0.2) if stacks else seconds

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
    images = EVALUATED_SHARE * source.train_size
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


def stacked(net: str, shape: tuple[int, int, int], batch: int) -> float:
    """How many times faster the vectorised engine trains a net than the reference engine, from the committed file.

    Of the sizes that were measured, the one nearest to the images' counts; between batches it is interpolated, beyond
    them it is the nearer one's. 0: it cannot, or nobody knows.
    """
    table = _table()
    gains = table.get(net, table["other"])["stacked"]
    nearest = min(range(len(SHAPES)), key=lambda i: abs(math.log(math.prod(SHAPES[i]) / math.prod(shape))))
    few, many = gains[nearest]
    place = math.log(batch / BATCHES[0]) / math.log(BATCHES[1] / BATCHES[0])
    return float(few + (many - few) * min(1.0, max(0.0, place)))


def engine_for(cell: Cell) -> str:
    """What ``--engine auto`` means for a cell: vectorised where its clients' nets together gain `WORTH` by it.

    One net that cannot be stacked makes it the reference engine. The global net, which memes copy, counts once.
    """
    source = facts(cell.dataset, cell.tasks)
    batch, seconds, gained = int(cell.training["batch_size"]), 0.0, 0.0
    for net in (*cell.architectures, cell.shared):
        if (gain := stacked(net, source.shape, batch)) == 0:
            return "reference"
        step = step_seconds(net, source.shape, source.classes, batch)
        seconds, gained = seconds + step, gained + step / gain
    return "vectorised" if WORTH * gained <= seconds else "reference"


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
    from torch.utils.flop_counter import flop_registry  # without its mode, which imports PyTorch's compiler

    from bench.operators import Watching

    found = 0

    def count(operator: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        nonlocal found
        formula = flop_registry.get(operator.overloadpacket)
        found += 0 if formula is None else int(formula(*args, **kwargs, out_val=result))

    module = NETS.get(net)(shape, classes).eval()
    with Watching(count), torch.no_grad():
        module(torch.zeros(1, *shape))
    return found


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    return dict(tomllib.loads(COSTS.read_text(encoding="utf-8"))["nets"])


def document(nets: Mapping[str, Mapping[str, Any]], machine: str) -> str:
    """The text of costs.toml."""
    lines = [
        f'# Measured by "python -m bench.costs": {machine}.',
        "# A net that is not listed is taken to cost what [nets.other] says. Gains by stacking are for images of",
        f"# {', '.join('x'.join(map(str, shape)) for shape in SHAPES)}, each for batches of"
        f" {' and '.join(map(str, BATCHES))}; 0: the net has no stacked form.",
    ]
    for net, cost in nets.items():
        gains = ", ".join(f"[{', '.join(f'{gain:.2f}' for gain in of_size)}]" for of_size in cost["stacked"])
        rate = f"overhead_us = {cost['overhead_us']:.0f}\ngflops = {cost['gflops']:.1f}"
        lines.append(f"\n[nets.{net}]\n{rate}\nstacked = [{gains}]")
    return "\n".join(lines) + "\n"


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.costs",
        description="Measure what a step on every built-in net costs on this machine, for --dry-run and --engine auto.",
        epilog="About twelve minutes on a quiet machine. What auto means, and with it results, may"
        " change with the file: see docs/adr/0018-cells-side-by-side.md. Exit codes: 0 done, 2 usage, 130 stopped.",
    )
    parser.add_argument("--nets", help="only these, written a,b; the others stay as committed")
    parser.add_argument("--write", action="store_true", help=f"write bench/{COSTS.name} instead of printing it")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the nets one after another in a process that is set up as a worker of a run is."""
    parser = arguments()
    asked = parser.parse_args(argv)
    known = NETS.names()
    chosen = [name.strip() for name in asked.nets.split(",")] if asked.nets else known
    if unknown := [name for name in chosen if name not in known]:
        parser.error(f"--nets: {', '.join(unknown)}: expected {', '.join(known)}")
    import torch

    from bench.host.provenance import processor
    from bench.records.store import save
    from bench.speedometer.process import Worker

    nets = dict(_table())
    try:
        with Worker("bench.speedometer.steps:Steps") as steps:
            for net in chosen:
                nets[net] = steps.call("cost", net=net)
                print(f"{net}: {nets[net]}", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("stopped; nothing is written", file=sys.stderr)
        return 130
    # Of a net that is not listed nobody knows whether all its layers have a stacked form.
    nets["other"] = {**nets["cnn2"], "stacked": [[0.0] * len(BATCHES)] * len(SHAPES)}
    text = document(nets, f"{processor()}, one thread, torch {torch.__version__}")
    if not asked.write:
        print(text, end="")
        return 0
    save(COSTS, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
