"""The comparisons of an analysis as the figures take them."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from reports.analysis import Analysis, Field
from reports.analysis.matrix import Matrix
from reports.figures import Compared, Difference, Forest, Ranks
from reports.figures import Matrix as Drawn
from reports.results import Setting
from reports.tables.methods import name_of
from reports.wording import at_level


def compared(analysis: Analysis) -> Compared:
    """Forests by data set and partition, the matrix, and ranks by field."""
    fields = [field for field in analysis.fields if len(field.algorithms) > 2]
    return Compared(
        forests=_forests(analysis),
        matrices=[_matrix(analysis.matrix)] if analysis.matrix else [],
        ranks=[ranks for field in fields if (ranks := _ranks(field))],
    )


def _forests(analysis: Analysis) -> list[Forest]:
    settings = [block.setting(level) for block in analysis.blocks for level in block.levels]
    known = {(each.algorithm, each.setting): each for each in analysis.cells}
    names = [pair.first for pair in analysis.pairs]

    def row(name: str, rows: Sequence[Setting]) -> list[Difference | None]:
        held = (known.get((name, setting)) for setting in rows)
        return [Difference(each.estimate, each.discovered) if each else None for each in held]

    places = [(place, list(of)) for place, of in groupby(settings, key=lambda each: (each.dataset, each.partition))]
    forests = []
    for (dataset, partition), all_rows in places:
        rows = [setting for setting in all_rows if any((name, setting) in known for name in names)]
        against = {name: held for name in names if any(held := row(name, rows))}
        if rows and against:
            scope = f"{dataset}, {partition}"
            # The mean over cells stands in the last row only where the report has but one such figure.
            overall = {} if len(places) > 1 else {each.pair.first: each.estimate for each in analysis.verdicts}
            forests.append(Forest(scope, analysis.reference, [_short(each) for each in rows], against, overall))
    return forests


def _short(setting: Setting) -> str:
    return ", ".join(part for part in (setting.zoo, at_level(setting.alpha)) if part)


def _matrix(matrix: Matrix) -> Drawn:
    k = len(matrix.algorithms)
    places = {name: place for place, name in enumerate(matrix.algorithms)}
    difference, superiority, p = (np.full((k, k), np.nan) for _ in range(3))
    wins, ties, losses = (np.zeros((k, k), dtype=np.int64) for _ in range(3))
    for each in matrix.entries:
        i, j = places[each.pair.first], places[each.pair.second]
        difference[i, j], difference[j, i] = each.difference.mean, -each.difference.mean
        if each.superiority:
            superiority[i, j], superiority[j, i] = each.superiority.mean, 1 - each.superiority.mean
        p[i, j] = p[j, i] = np.nan if each.p is None else each.p
        wins[i, j], losses[i, j] = each.wins, each.losses
        wins[j, i], losses[j, i] = each.losses, each.wins
        ties[i, j] = ties[j, i] = each.ties
    return Drawn("all cells", matrix.algorithms, difference, wins, ties, losses, superiority, p)


def _ranks(field: Field) -> Ranks | None:
    held = field.ranking
    if held is None:
        return None
    p = held.test.p if held.test else None
    return Ranks(name_of(field), field.algorithms, held.mean, held.width, len(field.settings), p)
