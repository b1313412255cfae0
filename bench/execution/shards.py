"""A suite cut into shards for machines that know nothing of each other: each cell in one, all about equally long.

Who gets what depends on the declaration, the number of shards and the committed costs only, never on the machine or
on what is finished: so every machine that is given the same command cuts alike.
"""

from collections.abc import Callable, Sequence

from bench.declaration.cell import Cell
from bench.execution.bundles import bundles


def shards(cells: Sequence[Cell], cost: Callable[[Cell], float], number: int) -> list[list[Cell]]:
    """The cells of each of `number` shards, in the order of `cells`; `cost` is the expected seconds of one.

    Cells that run side by side stay together. The longest bundle goes first, each to the shard that has least to do,
    so no shard has more than one bundle's seconds above an even part.
    """
    whole = bundles(list({cell.hash: cell for cell in cells}.values()), cost, number)
    weighed = sorted(
        ((sum(map(cost, bundle)), bundle) for bundle in whole), key=lambda pair: (-pair[0], pair[1][0].hash)
    )
    load = [0.0] * number
    owner: dict[str, int] = {}  # of a cell's hash
    for seconds, bundle in weighed:
        least = load.index(min(load))
        load[least] += seconds
        owner |= dict.fromkeys((cell.hash for cell in bundle), least)
    return [[cell for cell in cells if owner[cell.hash] == shard] for shard in range(number)]
