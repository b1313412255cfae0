"""``python -m bench.parity.one``: a cell by its framework in this process, watched. `bench.parity.drive` starts it.

Standard input holds what to do, an `Order`; what comes out is the run's file. All output is the framework's own.
"""

import os
import pickle
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from bench.declaration.cell import Cell
from bench.parity import tree
from bench.parity.runs import PARITY, Run, Stamp


@dataclass(frozen=True)
class Order:
    """What a process is to run."""

    cell: Cell
    function: str  # "module:name", see `bench.frameworks.FUNCTIONS`
    kind: str
    session: str
    out: Path  # absolute, as all paths here
    root: Path | None
    started: float  # time.monotonic() when the process was started
    plugins: tuple[str, ...] = ()


def run(order: Order) -> Run:
    """Run the cell; the outcome, whatever it is."""
    from bench.execution.worker import named
    from bench.host.provenance import provenance
    from bench.registry import explain, load_file

    stamps: list[Stamp] = []

    def on_round(number: int) -> None:
        wall = time.monotonic() - order.started
        stamps.append(Stamp(number, wall, tree.cpu_seconds(), tree.peak_bytes()))

    done: dict[str, Any] = {"status": "done"}
    module: Any = None
    try:
        for plugin in order.plugins:
            load_file(plugin)
        module, function = named(order.function)
        trace = order.out / "trace" / order.cell.framework if order.kind == PARITY else None
        outcome = function(_as_run(order), order.root, on_round=on_round, trace=trace)
        done |= {"result": outcome["result"], "timing": outcome["timing"]}
    except Exception as error:
        skipped = module is not None and isinstance(error, module.Skip)
        done = {"status": "skipped" if skipped else "failed", "reason": str(error) if skipped else explain(error)}
    origin = {**provenance(), "load": os.getloadavg()[0]}
    return Run.of(order.cell, order.kind, order.session, stamps=tuple(stamps), provenance=origin, **done)


def _as_run(order: Order) -> Cell:
    """The cell as it is run: where costs are measured, models are scored after the last round only."""
    if order.kind == PARITY:
        return order.cell
    training = order.cell.training
    return replace(order.cell, training={**training, "evaluate_every": training["rounds"]})


def _end(number: int, frame: FrameType | None) -> None:
    """SIGTERM leaves through every `finally`, so that a framework can take down what it has started."""
    raise SystemExit(128 + number)


def main() -> int:
    """Do what standard input says."""
    signal.signal(signal.SIGTERM, _end)
    order: Order = pickle.load(sys.stdin.buffer)
    run(order).write(order.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
