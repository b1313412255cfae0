"""What is asked of the gate: which suite, which gates, and how to run them."""

import platform
from collections.abc import Callable
from dataclasses import dataclass

import torch

from bench.gate import runtime
from bench.gate.measure import Bench
from bench.gate.runtime import Pace

Tell = Callable[[str], None]
"""Tells a person what is being done."""


@dataclass(frozen=True)
class Asked:
    """What is to be checked, and how."""

    bench: Bench
    suite_file: str  # where the benchmark processes find it
    gates: tuple[str, ...]
    tell: Tell

    @property
    def title(self) -> str:
        """The suite's name and version."""
        return f"{self.bench.suite.name} {self.bench.suite.version}"

    def paces(self, processes: int) -> dict[str, list[Pace]]:
        """Runtimes in fresh processes. Raises RuntimeUnavailable, BenchmarkFailed."""
        return runtime.take(self.suite_file, self.bench.plugins, self.bench.data_root, processes)


def operators_of() -> str:
    """What decides of which operators a step is made."""
    build = "with" if torch.backends.mkldnn.enabled and torch._C._has_mkldnn else "without"
    return f"torch {torch.__version__.partition('+')[0]} {build} oneDNN on {platform.machine()}"
