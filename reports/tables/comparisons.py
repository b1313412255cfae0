"""Tables of pairs: verdicts, differences cell by cell, all against all, and the Bayesian test."""

from collections.abc import Mapping, Sequence

from reports.analysis import Analysis, CellDifference, Judged
from reports.analysis.matrix import Entry
from reports.results import Run, Setting
from reports.sources import hashes
from reports.statistics import LEVEL, ROPE
from reports.tables.kinds import COUNT, NUMBER, POINTS, SHARE, SIZE, TEXT, P, Value
from reports.tables.table import Column, Group, Row, Table
from reports.wording import at_level, points

VERDICTS = (
    Column("algorithm", "algorithm", TEXT),
    Column("reference", "reference", TEXT, shown=False),
    Column("where", "where", TEXT, shown=False),
    Column("verdict", "verdict", TEXT),
    Column("difference", "difference", POINTS),
    Column("replicates", "replicates", COUNT),
    Column("cells", "cells", COUNT),
    Column("detectable", "detectable", SIZE),
    Column("bound_low", "bound low", POINTS, shown=False),
    Column("bound_high", "bound high", POINTS, shown=False),
)


def verdicts(stem: str, title: str, judged: Sequence[Judged], what: str = "client accuracy") -> Table:
    """One row per verdict, in points; grouped by block where they are about blocks."""
    groups: dict[str, list[Row]] = {}
    for each in judged:
        values: dict[str, Value] = {
            "algorithm": each.pair.first,
            "reference": each.pair.second,
            "where": each.where,
            "verdict": each.verdict,
            "difference": each.estimate,
            "replicates": each.estimate.n,
            "cells": each.cells,
            "detectable": each.detectable,
            "bound_low": each.bounds.low if each.bounds else None,
            "bound_high": each.bounds.high if each.bounds else None,
        }
        groups.setdefault(each.where, []).append(Row(values))
    reference = judged[0].pair.second if judged else "the reference"
    caption = (
        f"Each algorithm minus {reference}, {what} in points: mean over replicates of their means over cells, with "
        f"intervals that hold together with {100 * LEVEL:g} %. Practically equal: within {points(ROPE)[1:]} points. "
        "Detectable: the true difference that would have been found with 80 %."
    )
    return Table(stem, title, caption, VERDICTS, [Group(rows, name) for name, rows in groups.items()])


CELLS = (
    *(Column(key, key, TEXT, shown=False) for key in ("dataset", "partition", "zoo")),
    Column("alpha", "alpha", TEXT),
    Column("algorithm", "algorithm", TEXT),
    Column("reference", "reference", TEXT, shown=False),
    Column("difference", "difference", POINTS),
    Column("replicates", "replicates", COUNT),
    Column("p", "p", P),
    Column("adjusted_p", "adjusted p", P),
    Column("algorithm_cells", "cells", TEXT, shown=False),
    Column("reference_cells", "reference cells", TEXT, shown=False),
)


def cells(analysis: Analysis, ids: Mapping[Setting, str]) -> Table:
    """Every algorithm minus the reference in every cell."""
    runs = {(run.algorithm, run.setting, run.replicate): run for run in analysis.results.runs}
    groups: dict[str, list[Row]] = {}
    for setting in ids:
        for each in analysis.cells:
            if each.setting == setting:
                name = f"{setting.dataset}, {setting.partition}, zoo {setting.zoo}"
                groups.setdefault(name, []).append(_cell(each, analysis.reference, runs, ids))
    caption = (
        f"Each algorithm minus {analysis.reference} in each cell, client accuracy in points: mean over replicates with "
        f"its own {100 * LEVEL:g} % t interval; p of the paired t test, adjusted by Benjamini and Hochberg over all of "
        "them. Bold: adjusted p up to 0.05."
    )
    return Table("differences", "Differences in each cell", caption, CELLS, [Group(r, n) for n, r in groups.items()])


def _cell(
    each: CellDifference, reference: str, runs: Mapping[tuple[str, Setting, int], Run], ids: Mapping[Setting, str]
) -> Row:
    setting = each.setting

    def files(name: str) -> str:
        return hashes([runs.get((name, setting, replicate)) for replicate in each.replicates])

    values: dict[str, Value] = {
        "dataset": setting.dataset,
        "partition": setting.partition,
        "zoo": setting.zoo,
        "alpha": at_level(setting.alpha).removeprefix("alpha ") or "–",
        "algorithm": each.algorithm,
        "reference": reference,
        "difference": each.estimate,
        "replicates": each.estimate.n,
        "p": each.p,
        "adjusted_p": each.adjusted,
        "algorithm_cells": files(each.algorithm),
        "reference_cells": files(reference),
    }
    bold = frozenset({"difference", "adjusted_p"}) if each.discovered else frozenset[str]()
    return Row(values, bold=bold, cells=ids[setting])


MATRIX = (
    Column("first", "first", TEXT),
    Column("second", "second", TEXT),
    Column("difference", "first minus second", POINTS),
    Column("wins", "wins", COUNT),
    Column("ties", "ties", COUNT),
    Column("losses", "losses", COUNT),
    Column("p", "adjusted p", P),
    Column("superiority", "P(first > second)", SHARE),
    Column("effect", "d_z", NUMBER),
    Column("cells", "cells", COUNT),
    Column("replicates", "replicates", COUNT),
)


def matrix(analysis: Analysis) -> Table:
    """All pairs, the better algorithm first."""
    assert analysis.matrix is not None
    rows = [_entry(each) for each in analysis.matrix.entries]
    caption = (
        "All pairs of algorithms, client accuracy. Difference in points, with intervals that hold together with "
        f"{100 * LEVEL:g} %; wins, ties and losses over cells (a tie: within {points(ROPE)[1:]} points); Wilcoxon's "
        "signed-rank test over cell means, exact, adjusted by Holm over all pairs (it needs "
        f"{analysis.matrix.needed} cells); P(first > second) and d_z over replicates, each with its own interval."
    )
    return Table("comparison", "All against all", caption, MATRIX, [Group(rows)])


def _entry(each: Entry) -> Row:
    cells_held = len(each.pair.kept_settings)
    values: dict[str, Value] = {
        "first": each.pair.first,
        "second": each.pair.second,
        "difference": each.difference,
        "wins": each.wins,
        "ties": each.ties,
        "losses": each.losses,
        "p": "too few cells" if each.p is None else each.p,
        "superiority": each.superiority,
        "effect": each.effect,
        "cells": cells_held,
        "replicates": each.difference.n,
    }
    return Row(values, bold=frozenset({"p"}) if each.p is not None and each.p <= 1 - LEVEL else frozenset())


BAYES = (
    Column("algorithm", "algorithm", TEXT),
    Column("reference", "reference", TEXT, shown=False),
    Column("worse", "P(worse)", SHARE),
    Column("equal", "P(practically equal)", SHARE),
    Column("better", "P(better)", SHARE),
    Column("cells", "cells", COUNT),
)


def bayes(analysis: Analysis) -> Table:
    """The Bayesian signed-rank test of each algorithm against the reference."""
    rows = [
        Row(
            {
                "algorithm": each.pair.first,
                "reference": each.pair.second,
                "worse": each.posterior.worse,
                "equal": each.posterior.equal,
                "better": each.posterior.better,
                "cells": each.posterior.n,
            }
        )
        for each in analysis.bayes
    ]
    caption = (
        f"Bayesian signed-rank test over cells against {analysis.reference}: how probable it is that an algorithm is "
        f"worse, practically equal (within {points(ROPE)[1:]} points) and better."
    )
    return Table("bayes", f"Probabilities against {analysis.reference}", caption, BAYES, [Group(rows)])


MISSING = (
    Column("algorithm", "algorithm", TEXT),
    *(Column(key, key, TEXT) for key in ("dataset", "partition", "zoo", "alpha")),
    Column("replicate", "replicate", COUNT),
    Column("status", "status", TEXT),
    Column("reason", "reason", TEXT, shown=False),
)


def missing(analysis: Analysis) -> Table:
    """Every cell that is missing beside finished ones."""
    rows = [
        Row(
            {
                "algorithm": gap.algorithm,
                "dataset": block.dataset,
                "partition": block.partition,
                "zoo": block.zoo,
                "alpha": at_level(gap.alpha).removeprefix("alpha ") or "–",
                "replicate": gap.replicate,
                "status": gap.status,
                "reason": gap.reason,
            }
        )
        for block in analysis.blocks
        for gap in block.gaps
    ]
    caption = "Cells that are missing beside finished ones: what one algorithm lacks counts for none of those compared."
    return Table("missing", "Missing pairs", caption, MISSING, [Group(rows)])
