"""Where numbers come from: the cell files behind each setting, and the anchor under which the page lists them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.analysis import Analysis
from reports.results import Run, Setting
from reports.wording import at_level


@dataclass(frozen=True)
class Source:
    """One setting's cell files: algorithm (row) by replicate (column)."""

    anchor: str
    name: str
    replicates: Sequence[int]
    rows: Sequence[tuple[str, Sequence[Run | None]]]  # None: there is no record


def anchors(analysis: Analysis) -> Mapping[Setting, str]:
    """An id for every setting, whatever odd names it is made of."""
    settings = [block.setting(level) for block in analysis.blocks for level in block.levels]
    study = analysis.results.study
    return {setting: within(study, f"cells-{place}") for place, setting in enumerate(settings, 1)}


def within(study: str, anchor: str) -> str:
    """An anchor of the page, of its own in each study."""
    return f"{study}-{anchor}" if study else anchor


def sources(analysis: Analysis) -> list[Source]:
    """All cells of the report, setting by setting."""
    ids = anchors(analysis)
    found = []
    for block in analysis.blocks:
        for level in block.levels:
            runs = {(run.algorithm, run.replicate): run for run in level.runs}
            replicates = sorted({replicate for _, replicate in runs})
            rows = [(name, [runs.get((name, r)) for r in replicates]) for name in level.algorithms]
            name = ", ".join(part for part in (block.name, at_level(level.alpha)) if part)
            found.append(Source(ids[block.setting(level)], name, replicates, rows))
    return found


def hashes(runs: Sequence[Run | None]) -> str:
    """The names of some cell files, as a CSV field."""
    return " ".join(run.cell for run in runs if run)
