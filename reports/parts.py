"""The studies of a run, each with its own results: nothing is pooled across them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reports.results import Results


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
