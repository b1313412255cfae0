"""How clients fare by the net they own: in zoos of several nets, and beside a zoo that differs in a few clients."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reports.analysis.pairs import honest
from reports.blocks import LOCAL, Block, Level
from reports.results import Run
from reports.statistics import Estimate, Verdict, mean_interval, paired_difference, simultaneous_intervals, verdict


@dataclass(frozen=True)
class ArchitectureRow:
    """One algorithm and one net of a block. Accuracies are fractions; the unit is the replicate."""

    algorithm: str
    architecture: str
    clients: int  # that own this net
    accuracy: Estimate  # of the models that these clients are given, on their own test splits
    to_local: Estimate | None  # minus their accuracy when training alone, paired; None: no such baseline, or it


@dataclass(frozen=True)
class ArchitectureTable:
    """The nets of one block, over the draws that all its algorithms finished."""

    block: Block
    draws: int
    rows: Sequence[ArchitectureRow]


@dataclass(frozen=True)
class Company:
    """The clients that own one net in two zoos of the same draws: what the others' nets do to them."""

    block: Block  # of the zoo that meets the draws of `beside`
    beside: Block
    others: Sequence[str]  # the nets of the clients that differ
    architecture: str
    clients: int
    algorithm: str
    estimate: Estimate  # accuracy in the one zoo minus that in the other, simultaneous with its siblings'
    verdict: Verdict


def architecture_tables(blocks: Sequence[Block]) -> list[ArchitectureTable]:
    """One per block with several nets in which any draw was finished by all."""
    return [table for block in blocks if (table := _table(block))]


def companies(blocks: Sequence[Block]) -> list[Company]:
    """What differs for clients with the same net in two zoos that meet the same draws; intervals hold together."""
    found = [each for block in blocks for beside in blocks if _meets(block, beside) for each in _same(block, beside)]
    intervals = simultaneous_intervals([np.subtract(each.here, each.there) for each in found]) if found else []
    made = []
    for each, interval in zip(found, intervals, strict=True):
        estimate = honest(interval, np.asarray(each.here), np.asarray(each.there))
        made.append(
            Company(
                *(each.block, each.beside, each.others, each.architecture, each.clients, each.algorithm),
                estimate=estimate,
                verdict=verdict(estimate),
            )
        )
    return made


def nets(run: Run) -> list[str]:
    """The net that each client of a cell owns."""
    dealt = list(run.identity.get("architectures") or ["?"])
    return [dealt[k % len(dealt)] for k in range(run.clients)]


def _table(block: Block) -> ArchitectureTable | None:
    levels, replicates = block.common
    owned = _owned(block)
    if not levels or not replicates or len(set(owned)) < 2:
        return None
    rows = []
    for name in block.finishers:
        for architecture in dict.fromkeys(owned):
            places = [k for k, net in enumerate(owned) if net == architecture]
            reached = _means(levels, name, replicates, places)
            alone = _means(levels, LOCAL, replicates, places) if LOCAL in block.finishers and name != LOCAL else None
            to_local = None if alone is None else paired_difference(reached, alone)
            rows.append(ArchitectureRow(name, architecture, len(places), mean_interval(reached), to_local))
    return ArchitectureTable(block, len(levels) * len(replicates), rows)


def _owned(block: Block) -> list[str]:
    runs = (run for level in block.levels for run in level.runs)
    return nets(next(runs))


def _means(levels: Sequence[Level], name: str, replicates: Sequence[int], places: Sequence[int]) -> list[float]:
    """Each replicate's mean accuracy over levels and over the clients at `places`."""
    return [float(np.mean([level.done[name][r].clients[list(places)].mean() for level in levels])) for r in replicates]


def _meets(block: Block, beside: Block) -> bool:
    draws = {run.identity.get("draws") for level in block.levels for run in level.runs}
    return draws == {beside.zoo} and (block.dataset, block.partition) == (beside.dataset, beside.partition)


@dataclass(frozen=True)
class _Same:
    """One algorithm's clients with one net in two zoos: each replicate's mean accuracy in the one and in the other."""

    block: Block
    beside: Block
    others: Sequence[str]
    architecture: str
    clients: int
    algorithm: str
    here: Sequence[float]
    there: Sequence[float]


def _same(block: Block, beside: Block) -> Iterator[_Same]:
    ours, theirs = _owned(block), _owned(beside)
    if len(ours) != len(theirs):
        return
    both = list(zip(ours, theirs, strict=True))
    others = [a for a, b in both if a != b]
    for name in block.finishers:
        levels, replicates = _shared(block, beside, name)
        for net in dict.fromkeys(a for a, b in both if a == b):
            places = [k for k, pair in enumerate(both) if pair == (net, net)]
            if replicates:
                here = _means([level for level, _ in levels], name, replicates, places)
                there = _means([level for _, level in levels], name, replicates, places)
                yield _Same(block, beside, others, net, len(places), name, here, there)


def _shared(block: Block, beside: Block, name: str) -> tuple[list[tuple[Level, Level]], list[int]]:
    """The levels of both that this algorithm finished, and the replicates that it finished in all of them."""
    levels = [
        (x, y) for x in block.levels for y in beside.levels if x.alpha == y.alpha and name in x.done and name in y.done
    ]
    held = [set(each.done[name]) for pair in levels for each in pair]
    return levels, sorted(set.intersection(*held)) if held else []
