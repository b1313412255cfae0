"""What two runs of one suite say differently: verdicts, cell by cell, seconds and bytes. Second minus first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reports.analysis.against import CellDifference, Judged, cell_differences, judge
from reports.analysis.pairs import Measure, Pair, client_accuracy, global_accuracy, index, pair
from reports.results import Results, Run, Setting
from reports.statistics import FEW, Estimate, mean_interval
from reports.versus.matching import Match, Matched, match
from reports.wording import counted, listed

SECOND, FIRST = "B", "A"


@dataclass(frozen=True)
class Ratio:
    """How much of something the second run took, relative to the first: above 1 is more."""

    algorithm: str
    seconds: Estimate | None  # of training, geometric mean with interval over replicates; None: nothing measured
    sent: float | None  # bytes, ratio of totals; None: the first sent nothing


@dataclass(frozen=True)
class Versus:
    """Two runs compared. Accuracies are fractions."""

    first: Results
    second: Results
    matched: Matched
    identical: int  # matches that finished and are the same to the bit
    redrawn: int  # matches that did not meet the same partition
    verdicts: Sequence[Judged]  # client accuracy, one per algorithm, simultaneous
    general: Sequence[Judged]  # accuracy of the global model, likewise
    cells: Sequence[CellDifference]
    ratios: Sequence[Ratio]

    @property
    def done(self) -> int:
        """How many matches finished on both sides."""
        return sum(each.done for each in self.matched.matches)

    @property
    def lost(self) -> list[Run]:
        """What finished in the first run and, though declared, not in the second."""
        return [each.second for each in self.matched.matches if each.first.score and not each.second.score]

    @property
    def worse(self) -> list[Judged]:
        """The verdicts by which the second run is worse."""
        return [each for each in [*self.verdicts, *self.general] if each.verdict == "worse"]


def compare(first: Results, second: Results, across: Sequence[str] = ()) -> Versus:
    """Compare two runs. Raises `reports.versus.matching.NotComparable`."""
    matched = match(first, second, across)
    done = [each for each in matched.matches if each.done]
    return Versus(
        first=first,
        second=second,
        matched=matched,
        identical=sum(_fingerprint(each.first) == _fingerprint(each.second) for each in done),
        redrawn=sum(_hash(each.first) != _hash(each.second) for each in done),
        verdicts=judge(_pairs(first, matched, client_accuracy)),
        general=judge(_pairs(first, matched, global_accuracy)),
        cells=cell_differences(_pairs(first, matched, client_accuracy)),
        ratios=[_ratio(name, [each for each in done if each.first.algorithm == name]) for name in _names(first, done)],
    )


def warnings(versus: Versus) -> list[str]:
    """What to know before believing the comparison."""
    found = []
    least = min((each.estimate.n for each in versus.verdicts), default=0)
    if least < FEW:
        found.append(f"Descriptive only: {counted(least, 'replicate')}, fewer than {FEW}.")
    if versus.redrawn:
        found.append(
            f"{counted(versus.redrawn, 'cell')} did not meet the same partition in both runs: these are no true pairs."
        )
    datasets = {each.first.dataset for each in versus.matched.matches}
    if len(datasets) == 1:
        found.append(f"One data set only ({listed(sorted(datasets))}): nothing here holds in general.")
    lonely = len(versus.matched.only_first), len(versus.matched.only_second)
    if any(lonely):
        found.append(f"Without a partner: {counted(lonely[0], 'cell')} of A, {counted(lonely[1], 'cell')} of B.")
    if versus.matched.refused:
        fields = listed([f"{name} ({count})" for name, count in versus.matched.refused.items()])
        found.append(f"Not compared, because they are another experiment (cells): {fields}.")
    if versus.lost:
        names = listed(sorted({run.algorithm for run in versus.lost}))
        found.append(f"{counted(len(versus.lost), 'cell')} finished in A and not in B ({names}).")
    return found


def name(algorithm: str, side: str) -> str:
    """An algorithm in one of the runs."""
    return f"{algorithm} in {side}"


def _pairs(first: Results, matched: Matched, measure: Measure) -> list[Pair]:
    settings = _settings(first, matched)
    runs = index(
        run
        for each in matched.matches
        for run in (
            replace(each.first, algorithm=name(each.first.algorithm, FIRST)),
            replace(each.second, algorithm=name(each.second.algorithm, SECOND)),
        )
    )
    made = (
        pair(name(algorithm, SECOND), name(algorithm, FIRST), runs, settings, measure)
        for algorithm in _names(first, matched.matches)
    )
    return [each for each in made if each.any]


def _names(first: Results, matches: Sequence[Match]) -> list[str]:
    there = {each.first.algorithm for each in matches}
    return [algorithm for algorithm in first.axis("algorithm") if algorithm in there]


def _settings(first: Results, matched: Matched) -> list[Setting]:
    order = {value: place for axis in ("dataset", "partition", "zoo") for place, value in enumerate(first.axis(axis))}
    there = {each.first.setting for each in matched.matches}
    return sorted(
        there, key=lambda each: (order[each.dataset], order[each.partition], order[each.zoo], each.alpha or 0.0)
    )


def _fingerprint(run: Run) -> str:
    return run.score.fingerprint if run.score else ""


def _hash(run: Run) -> str:
    return run.score.partition_hash if run.score else ""


def _ratio(algorithm: str, done: Sequence[Match]) -> Ratio:
    """The mean over cells of the logarithm is each replicate's number, so that no long cell outweighs the others."""
    logs: dict[int, list[float]] = {}
    sent = [0.0, 0.0]
    for each in done:
        ours, theirs = each.first.score, each.second.score
        assert ours is not None
        assert theirs is not None
        if ours.train_seconds > 0 and theirs.train_seconds > 0:
            logs.setdefault(each.first.replicate, []).append(float(np.log(theirs.train_seconds / ours.train_seconds)))
        for place, score in enumerate((ours, theirs)):
            sent[place] += float((score.bytes_up + score.bytes_down).sum())
    seconds = None
    if logs:
        log = mean_interval([float(np.mean(of)) for of in logs.values()])
        bounds = [None if bound is None else float(np.exp(bound)) for bound in (log.low, log.high)]
        seconds = Estimate(float(np.exp(log.mean)), bounds[0], bounds[1], log.n)
    return Ratio(algorithm, seconds, sent[1] / sent[0] if sent[0] else None)
