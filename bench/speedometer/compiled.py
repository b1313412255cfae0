"""``python -m bench.speedometer.compiled``: would ``torch.compile`` repay itself on this machine?

One step of SGD of many clients at once, written as a function for one client (``functional_call``, ``grad``, ``vmap``)
and compiled, beside the same step by the stacked programs of the vectorised engine, in turns, one thread. ADR 19 draws
the conclusion from what this prints.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, grad

from bench.engines.gradient import Gradient
from bench.engines.stacked.layers import Wanted
from bench.engines.stacked.program import Program
from bench.registry import NETS

CLIENTS = 20
LR = 0.05
CASES = (  # net, shape, batch
    ("mlp", (1, 8, 8), 32),
    ("cnn", (1, 8, 8), 32),
    ("lenet5", (1, 28, 28), 10),
    ("lenet5", (1, 28, 28), 50),
)


@dataclass(frozen=True)
class Race:
    """Microseconds per client step of both, and what compilation took."""

    compiled: float
    stacked: float
    seconds_to_compile: float


def race(net: str, shape: tuple[int, int, int], batch: int, repeats: int = 7) -> Race:
    """Measure one case. Raises what torch raises where nothing can be compiled."""
    module = NETS.get(net)(shape, 10)
    weights = {name: torch.stack([p.detach()] * CLIENTS) for name, p in module.named_parameters()}
    x, y = torch.randn(CLIENTS, batch, *shape), torch.arange(batch).repeat(CLIENTS, 1) % 10
    program = Program.of(module, shape)
    assert program is not None, net

    def of_one(one: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(module, one, (images,))[0], labels)

    def all_at_once(stacks: dict[str, Tensor], images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        found = torch.vmap(grad(of_one))(stacks, images, labels)
        return {name: tensor - LR * found[name] for name, tensor in stacks.items()}

    fast = torch.compile(all_at_once)
    begin = time.perf_counter()
    fast(weights, x, y)
    seconds = time.perf_counter() - begin
    mine = {name: tensor.clone() for name, tensor in weights.items()}
    times: dict[str, list[float]] = {"compiled": [], "stacked": []}
    for _ in range(repeats):
        times["compiled"].append(_seconds(lambda: fast(weights, x, y)))
        times["stacked"].append(_seconds(lambda: step(program, mine, x, y)))
    each = {name: 1e6 * median(found) / CLIENTS for name, found in times.items()}
    return Race(each["compiled"], each["stacked"], seconds)


def step(program: Program, weights: dict[str, Tensor], x: Tensor, y: Tensor) -> None:
    """One step of every client by a stacked program, in place."""
    parts: dict[str, list[Gradient]] = {}
    with torch.no_grad():
        logits, _, tape = program.forward(x, weights)
        d = (logits.softmax(2) - F.one_hot(y, logits.shape[2])) / y.shape[1]
        wanted = Wanted(frozenset(weights), below=False)
        program.backward(d, None, tape, wanted, lambda name, part: parts.setdefault(name, []).append(part))
        for name, found in parts.items():
            for part in found:
                if isinstance(part, Tensor):
                    weights[name].add_(part, alpha=-LR)
                else:
                    part.add_to(weights[name], beta=1.0, alpha=-LR)


def _seconds(work: Callable[[], object], steps: int = 20) -> float:
    begin = time.thread_time()
    for _ in range(steps):
        work()
    return (time.thread_time() - begin) / steps


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(f"{CLIENTS} clients, one thread, microseconds per client step")
    print(f"{'net, images, batch':32}{'compiled vmap':>15}{'stacked program':>17}{'to compile':>12}")
    for net, shape, batch in CASES:
        found = race(net, shape, batch)
        name = f"{net}, {'x'.join(map(str, shape))}, {batch}"
        print(f"{name:32}{found.compiled:15.0f}{found.stacked:17.0f}{found.seconds_to_compile:10.1f} s", flush=True)


if __name__ == "__main__":
    main()
