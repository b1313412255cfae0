"""``python -m bench.parity.one``: a cell by a framework in this process, watched. `bench.parity.drive` starts it.

Standard input holds what to do (`Order` as JSON); what comes out is the run's file. Output is the framework's own.
"""

import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Self

from bench.declaration.cell import Cell
from bench.parity import tree
from bench.parity.runs import PARITY, Run, Stamp, cell_of


@dataclass(frozen=True)
class Order:
    """What a process is to run."""

    framework: str
    function: str  # "module:name", see `bench.frameworks.FUNCTIONS`
    kind: str
    identity: dict[str, Any]
    session: str
    out: str
    root: str | None
    started: float  # time.monotonic() when the process was started
    plugins: tuple[str, ...] = ()

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        """From JSON."""
        return cls(**json.loads(text))


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
        trace = Path(order.out) / "trace" / order.framework if order.kind == PARITY else None
        root = Path(order.root) if order.root else None
        outcome = function(_cell(order), root, on_round=on_round, trace=trace)
        done |= {"result": outcome["result"], "timing": outcome["timing"]}
    except Exception as error:
        skipped = module is not None and isinstance(error, module.Skip)
        done = {"status": "skipped" if skipped else "failed", "reason": str(error) if skipped else explain(error)}
    origin = {**provenance(), "load": os.getloadavg()[0]}
    return Run(
        order.framework, order.kind, order.identity, order.session, stamps=tuple(stamps), provenance=origin, **done
    )


def _cell(order: Order) -> Cell:
    """The cell as it is run: where costs are measured, models are scored after the last round only."""
    cell = cell_of(order.identity)
    if order.kind == PARITY:
        return cell
    return replace(cell, training={**cell.training, "evaluate_every": cell.training["rounds"]})


def _end(number: int, frame: FrameType | None) -> None:
    """SIGTERM leaves through every `finally`, so that a framework can take down what it has started."""
    raise SystemExit(128 + number)


def main() -> int:
    """Do what standard input says."""
    signal.signal(signal.SIGTERM, _end)
    order = Order.read(sys.stdin.read())
    run(order).write(Path(order.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
