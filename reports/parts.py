"""The studies of a run, each with its own results: nothing is pooled across them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reports.results import NotResults, Results


@dataclass(frozen=True)
class Part:
    """One study; a run without studies is one part without a name."""

    name: str
    title: str
    about: str  # what it asks; may be empty
    results: Results


def parts(results: Results) -> Sequence[Part]:
    """The studies in their order; the results themselves where there are none."""
    return [_part(results, place) for place in range(len(results.studies))] or [Part("", "", "", results)]


def one(results: Results, name: str | None, folder: Path) -> Results:
    """The results of one study; all of them where there are no studies and no name. Raises NotResults."""
    held = {study["name"]: place for place, study in enumerate(results.studies)}
    if name is None and not held:
        return results
    if name not in held:
        there = f"the studies {', '.join(held)}" if held else "no studies"
        asked = "expected --study with the name of one" if name is None else f"expected the study '{name}'"
        raise NotResults(f"{folder}: {asked}, found {there}")
    return _part(results, held[name]).results


def _part(results: Results, place: int) -> Part:
    study = results.studies[place]
    cells = frozenset(study["cells"])
    runs = [run for run in results.runs if run.cell in cells]
    own = replace(
        results,
        suite=study["suite"],
        runs=runs,
        pictures=[picture for picture in results.pictures if picture.study == study["name"]],
        waiting=len(cells) - len(runs),
        others=0,
        commits=sorted({run.commit for run in runs}),
        notices=(),
        joined=(),
        studies=(),
        study=study["name"],
    )
    return Part(study["name"], study["title"], study["about"], own)
