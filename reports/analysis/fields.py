"""Several algorithms over the cells that all of them finished: interquartile means, profiles, mean ranks.

A *field* is a set of algorithms and the cells where just these run: zoos that some algorithm cannot use are a field of
their own, so no mean is over other cells than its neighbour's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.blocks import Block, Level
from reports.results import Setting
from reports.statistics import (
    FEW_CELLS,
    Band,
    Estimate,
    Floats,
    ImanDavenport,
    cliques,
    complete,
    critical_difference,
    iman_davenport,
    iqm_interval,
    mean_ranks,
    performance_profile,
)

THRESHOLDS: Floats = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Ranking:
    """Mean ranks over cells, 1 the best."""

    mean: Floats  # [k]
    width: float  # the critical difference
    bars: Sequence[tuple[int, ...]]  # algorithms, by place, that it does not separate
    test: ImanDavenport | None  # None: fewer than `FEW_CELLS` cells


@dataclass(frozen=True)
class Field:
    """Some algorithms over the cells that all of them finished."""

    algorithms: Sequence[str]  # [k]
    settings: Sequence[Setting]  # [C] that count
    left_out: Sequence[Setting]  # of the field, but without enough finished cells
    replicates: Sequence[int]  # [n] that count
    iqm: Sequence[Estimate]  # [k]
    profile: Sequence[Band]  # [k] over `THRESHOLDS`
    ranking: Ranking | None  # None: one cell has an order, not mean ranks


def fields(blocks: Sequence[Block]) -> list[Field]:
    """The fields of a report, the largest set of algorithms first; none of one algorithm alone."""
    sets: dict[tuple[str, ...], list[Block]] = {}
    for block in blocks:
        if len(block.finishers) > 1:
            sets.setdefault(tuple(block.finishers), []).append(block)
    found = (_field(names, members) for names, members in sorted(sets.items(), key=lambda item: -len(item[0])))
    return [field for field in found if field]


def _field(names: Sequence[str], blocks: Sequence[Block]) -> Field | None:
    levels = [(block.setting(level), level) for block in blocks for level in block.levels]
    replicates = sorted({replicate for _, level in levels for replicate in level.present})
    held = np.asarray([[_held(level, names, r) for _, level in levels] for r in replicates], dtype=bool)
    if not held.any():
        return None
    rows, columns = complete(held)
    kept = [r for r, keep in zip(replicates, rows, strict=True) if keep]
    counted = [level for (_, level), keep in zip(levels, columns, strict=True) if keep]
    scores = np.asarray([[[level.done[name][r].accuracy for level in counted] for r in kept] for name in names])
    return Field(
        algorithms=names,
        settings=[setting for (setting, _), keep in zip(levels, columns, strict=True) if keep],
        left_out=[setting for (setting, _), keep in zip(levels, columns, strict=True) if not keep],
        replicates=kept,
        iqm=[iqm_interval(each) for each in scores],
        profile=[performance_profile(each, THRESHOLDS) for each in scores],
        ranking=_ranking(scores.mean(axis=1).T),
    )


def _held(level: Level, names: Sequence[str], replicate: int) -> bool:
    return all(replicate in level.done.get(name, {}) for name in names)


def _ranking(cells: Floats) -> Ranking | None:
    """From the cells' means over replicates [C, k]."""
    count, k = cells.shape
    if count < 2:
        return None
    ranks, width = mean_ranks(cells), critical_difference(k, count)
    test = iman_davenport(cells) if count >= FEW_CELLS else None
    return Ranking(ranks, width, cliques(ranks, width), test)
