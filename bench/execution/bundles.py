"""Which cells run side by side, and in which order: so that stacking pays and all processes are busy to the end.

Bundles say nothing about results: a cell's numbers are its own to the bit, whoever it runs beside.
"""

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict

from bench.declaration.cell import Cell

STACKING = frozenset({"vectorised"})  # engines that gain from company
LONGEST = 60.0  # seconds of expected work in a bundle: what a kill may cost
PER_PROCESS = 4  # bundles that each process should get at least, so that their ends can be evened out


def bundles(cells: Sequence[Cell], cost: Callable[[Cell], float], jobs: int) -> list[tuple[Cell, ...]]:
    """The cells in bundles of cells that are alike, longest expected first within the earliest replicate they hold.

    A bundle holds at most `LONGEST` seconds of expected work, and no more than a fair part of all that there is.
    """
    alike: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        alike[kind(cell)].append(cell)
    everything = sum(cost(cell) for cell in cells)
    most = min(LONGEST, max(everything / (max(1, jobs) * PER_PROCESS), 1e-9))
    made: list[tuple[Cell, ...]] = []
    for some in alike.values():
        some.sort(key=lambda cell: cell.replicate)
        whole = sum(cost(cell) for cell in some)
        parts = min(len(some), max(1, math.ceil(whole / most)))
        bounds = [round(i * len(some) / parts) for i in range(parts + 1)]
        made += [tuple(some[a:b]) for a, b in itertools.pairwise(bounds) if a < b]
    return sorted(made, key=lambda bundle: (bundle[0].replicate, -sum(cost(cell) for cell in bundle)))


def kind(cell: Cell) -> str:
    """What cells must share to run side by side; a cell of an engine that does not stack is a kind of its own.

    So is one that a framework runs: there each client is on a node of its own.
    """
    if cell.engine not in STACKING or cell.framework != "native":
        return cell.hash
    exact = {name: value for name, value in cell.params.items() if not isinstance(value, float)}
    shared = {
        **{"algorithm": cell.algorithm, "exact": exact, "dataset": cell.dataset, "zoo": cell.zoo},
        **{"architectures": cell.architectures, "shared": cell.shared, "clients": cell.clients},
        "tasks": [asdict(task) for task in cell.tasks],
        **{"training": cell.training, "precision": cell.precision, "engine": cell.engine, "device": cell.device},
    }
    return json.dumps(shared, sort_keys=True)
