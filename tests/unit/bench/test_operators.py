"""Looking on at operators, and what it must not cost."""

import subprocess
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.costs import forward_flops
from bench.operators import Watching
from bench.registry import NETS, ROOT

SHAPES = {"mlp": (1, 28, 28), "lenet5": (1, 28, 28), "cnn": (3, 32, 32)}


def test_it_sees_what_runs_below_autograd() -> None:
    seen: list[tuple[str, int, bool]] = []

    def saw(operator: object, args: tuple[object, ...], kwargs: object, result: object) -> None:
        seen.append((str(operator), len(args), isinstance(result, torch.Tensor)))

    x = torch.ones(3, requires_grad=True)
    with Watching(saw):
        (2 * x).sum().backward()
    operators = [name for name, _, _ in seen]
    assert operators[:2] == ["aten.mul.Tensor", "aten.sum.default"]
    assert operators.count("aten.mul.Tensor") == 2  # there and back
    assert seen[0] == ("aten.mul.Tensor", 2, True)
    before = len(seen)
    (2 * x).sum()
    assert len(seen) == before


@pytest.mark.parametrize(("net", "shape"), SHAPES.items(), ids=list(SHAPES))
def test_flops_are_those_of_pytorchs_own_counter(net: str, shape: tuple[int, int, int]) -> None:
    module = NETS.get(net)(shape, 10).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(1, *shape))
    assert forward_flops(net, shape, 10) == counter.get_total_flops() > 0


@pytest.mark.parametrize("work", ["a forecast", "written steps"])
def test_pytorchs_compiler_is_not_imported(work: str) -> None:
    """It takes seconds, in each process, and nothing here is compiled."""
    programs = {
        "a forecast": "from bench.costs import forward_flops as f; assert f('mlp', (1, 8, 8), 10)",
        "written steps": (
            "from algorithms.fedavg import FedAvg; from tests.contract.test_engines import run\n"
            "made = run(FedAvg(), 'vectorised', {'net': 'mlp', 'local_epochs': 9}, double=False)\n"
            "assert made.engine.repeats.pages"
        ),
    }
    check = "import sys; assert 'torch' in sys.modules; assert 'torch._dynamo' not in sys.modules"
    command = [sys.executable, "-c", f"{programs[work]}\n{check}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
