"""The comparison of two runs for people: on a terminal, and as a page with its tables."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bench.records.store import StoreError, save
from reports import sentences
from reports.analysis.against import Judged
from reports.html import environment, style
from reports.results import Run
from reports.sections import Shown
from reports.statistics import LEVEL, ROPE
from reports.tables.files import write as write_tables
from reports.tables.kinds import COUNT, POINTS, SIZE, TEXT, Kind, P, Value
from reports.tables.table import Column, Group, Row, Table
from reports.versus.differences import FIRST, SECOND, Versus, name, warnings
from reports.wording import at_level, counted, points

TIMES = Kind(lambda value: f"{value:.2f}")


def said(versus: Versus) -> list[str]:
    """The comparison in lines: what is compared, what to know, and one verdict per algorithm."""
    lines = [headline(versus), *warnings(versus)]
    for title, judged in (("client accuracy", versus.verdicts), ("accuracy of the global model", versus.general)):
        if judged:
            lines += ["", f"{title}, {SECOND} minus {FIRST}:", *(f"  {_line(each)}" for each in judged)]
    lines += ["", f"training time, {SECOND} / {FIRST}:"]
    for each in versus.ratios:
        lines.append(f"  {each.algorithm}: {TIMES.whole(each.seconds)}")
    return lines


def headline(versus: Versus) -> str:
    """What is compared and how many cells."""
    differing = ", ".join(
        f"{what} ({'; '.join(f'{a} -> {b}' for a, b in values[:2])}{'; ...' if len(values) > 2 else ''})"
        for what, values in versus.matched.differing.items()
    )
    done = versus.done
    return (
        f"{counted(len(versus.matched.matches), 'cell')} in both runs, {done} finished on both sides, "
        f"{versus.identical} of these the same to the bit. Differing: {differing or 'nothing'}."
    )


def _line(judged: Judged) -> str:
    told = sentences.said(judged)
    return f"{_algorithm(judged)}: {told.verdict}, {told.numbers}. {' '.join(told.more)}".strip()


def _algorithm(judged: Judged) -> str:
    return judged.pair.first.removesuffix(name("", SECOND))


def write(versus: Versus, folders: tuple[Path, Path], out: Path) -> Path:
    """Write OUT/compare.html and its tables; returns the page's path. Raises StoreError."""
    shown = [Shown(table, heading=place > 0) for place, table in enumerate(tables(versus))]
    try:
        (out / "tables").mkdir(parents=True, exist_ok=True)
        write_tables([each.table for each in shown], out / "tables")
    except OSError as error:
        raise StoreError(f"cannot write the comparison in {out}: {error.strerror or error}") from error
    words: dict[str, Any] = {
        "title": f"{versus.first.name}: {SECOND} against {FIRST}",
        "headline": headline(versus),
        "notices": warnings(versus),
        "verdicts": [_told(each) for each in versus.verdicts],
        "rule": sentences.RULE.replace("algorithm minus reference", f"{SECOND} minus {FIRST}"),
        "tables": shown,
        "sides": [_side(versus, place, folder, out) for place, folder in enumerate(folders)],
        "differing": versus.matched.differing,
        "matches": [
            (each.first.algorithm, sentences.place(each.first.setting), each, _same(each.first, each.second))
            for each in versus.matched.matches
        ],
        "roots": [Path(os.path.relpath(folder / "cells", out)).as_posix() for folder in folders],
        "lonely": [
            (side, run.algorithm, sentences.place(run.setting), run)
            for side, runs in ((FIRST, versus.matched.only_first), (SECOND, versus.matched.only_second))
            for run in runs
        ],
    }
    page = out / "compare.html"
    save(page, environment().get_template("compare.html.j2").render(words, style=Markup(style())))
    return page


def _told(judged: Judged) -> dict[str, Any]:
    told = sentences.said(judged)
    return {"verdict": told.verdict, "algorithm": _algorithm(judged), "numbers": told.numbers, "more": told.more}


def _side(versus: Versus, place: int, folder: Path, out: Path) -> dict[str, Any]:
    results = (versus.first, versus.second)[place]
    return {
        "name": (FIRST, SECOND)[place],
        "folder": Path(os.path.relpath(folder, out)).as_posix(),
        "argv": " ".join(map(str, results.provenance.get("argv") or ())),
        "commits": ", ".join(results.commits),
        "ended": ", ".join(f"{number} {status}" for status, number in results.counts.items() if number),
    }


def _same(first: Run, second: Run) -> bool:
    return bool(first.score and second.score and first.score.fingerprint == second.score.fingerprint)


VERDICTS = (
    Column("algorithm", "algorithm", TEXT),
    Column("what", "what", TEXT),
    Column("verdict", "verdict", TEXT),
    Column("difference", "difference", POINTS),
    Column("replicates", "replicates", COUNT),
    Column("cells", "cells", COUNT),
    Column("detectable", "detectable", SIZE),
)
RATIOS = (
    Column("algorithm", "algorithm", TEXT),
    Column("seconds", "train seconds", TIMES),
    Column("sent", "bytes sent", TIMES),
)
CELLS = (
    *(Column(key, key, TEXT) for key in ("algorithm", "dataset", "partition", "zoo", "alpha")),
    Column("difference", "difference", POINTS),
    Column("replicates", "replicates", COUNT),
    Column("p", "p", P),
    Column("adjusted_p", "adjusted p", P),
)


def tables(versus: Versus) -> list[Table]:
    """Verdicts, ratios, and differences cell by cell."""
    return [_verdicts(versus), _ratios(versus), _cells(versus)]


def _verdicts(versus: Versus) -> Table:
    rows = [
        Row(
            {
                "algorithm": _algorithm(each),
                "what": what,
                "verdict": each.verdict,
                "difference": each.estimate,
                "replicates": each.estimate.n,
                "cells": each.cells,
                "detectable": each.detectable,
            }
        )
        for what, judged in (("client accuracy", versus.verdicts), ("global accuracy", versus.general))
        for each in judged
    ]
    caption = (
        f"{SECOND} minus {FIRST} in points: mean over replicates of their means over cells; the intervals of one "
        f"measure hold together with {100 * LEVEL:g} %. Practically equal: within {points(ROPE)[1:]} points."
    )
    return Table("compare-verdicts", "Verdicts", caption, VERDICTS, [Group(rows)])


def _ratios(versus: Versus) -> Table:
    rows = [Row({"algorithm": r.algorithm, "seconds": r.seconds, "sent": r.sent}) for r in versus.ratios]
    caption = (
        f"{SECOND} relative to {FIRST}: geometric mean of training seconds over cells with its {100 * LEVEL:g} % t "
        "interval over replicates; bytes of whole runs. Seconds are wall-clock, beside whatever else the machines did."
    )
    return Table("compare-costs", "Costs", caption, RATIOS, [Group(rows)])


def _cells(versus: Versus) -> Table:
    rows = []
    for each in versus.cells:
        values: dict[str, Value] = {
            "algorithm": each.algorithm.removesuffix(name("", SECOND)),
            "dataset": each.setting.dataset,
            "partition": each.setting.partition,
            "zoo": each.setting.zoo,
            "alpha": at_level(each.setting.alpha).removeprefix("alpha ") or "–",
            "difference": each.estimate,
            "replicates": each.estimate.n,
            "p": each.p,
            "adjusted_p": each.adjusted,
        }
        bold = frozenset({"difference", "adjusted_p"}) if each.discovered else frozenset[str]()
        rows.append(Row(values, bold=bold))
    caption = (
        f"{SECOND} minus {FIRST} in each cell, client accuracy in points, with its own {100 * LEVEL:g} % t interval; "
        "p of the paired t test, adjusted by Benjamini and Hochberg over all of them. Bold: adjusted p up to 0.05."
    )
    return Table("compare-cells", "Cell by cell", caption, CELLS, [Group(rows)])


def names(judged: Sequence[Judged]) -> str:
    """The algorithms of some verdicts."""
    return ", ".join(dict.fromkeys(_algorithm(each) for each in judged))
