"""From the records of trials to a choice: the highest mean validation accuracy, by a rule that leaves nothing open."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from statistics import mean, median
from typing import Any

from bench.declaration.hyperparameters import Scalar
from bench.declaration.trials import Trial
from bench.declaration.tune import LR, numeric
from bench.records.store import Record
from bench.records.tuning import Choice, Outcome, Place, Tried
from bench.registry import ALGORITHMS

Axes = Mapping[str, Sequence[Scalar]]
TIE = 1e-12
"""Accuracies nearer than this are equal: they are means of the same numbers, summed in another order at most."""


class NoChoice(Exception):
    """Why nothing can be chosen for an algorithm."""


def choose(trials: Sequence[Trial], axes: Axes, read: Callable[[str], Record | None], digest: str) -> Choice:
    """The choice for one algorithm; `read` gives the record of a cell. Raises NoChoice.

    An accuracy is that of the headline view at the headline round on the clients' validation rows. A cell that diverged
    counts with 0. Places that an algorithm cannot serve do not count; a setting that is skipped where another is not
    has 0 there.
    """
    name = trials[0].algorithm
    outcomes = [[_outcome(cell.hash, read) for cell in trial.cells] for trial in trials]
    served = {each.place for tried in outcomes for each in tried if each.accuracy is not None}
    if not served:
        raise NoChoice("it was skipped everywhere")
    tried = [
        Tried(trial.number, trial.setting, each, _by_replicate(each, served))
        for trial, each in zip(trials, outcomes, strict=True)
    ]
    if all(each.diverged == sum(outcome.place in served for outcome in each.outcomes) for each in tried):
        raise NoChoice("every cell of every setting diverged")
    chosen = best(tried, axes)
    replicates = range(len(chosen.by_replicate))
    without = [best(tried, axes, leave_out=replicate) for replicate in replicates] if len(replicates) > 1 else []
    kept = [each.by_replicate[r] - median(other.by_replicate[r] for other in tried) for r, each in enumerate(without)]
    return Choice(
        algorithm=name,
        axes=axes,
        tried=tried,
        chosen=chosen,
        edge=edges(chosen.setting, axes, bounds(name)),
        agree=sum(each == chosen for each in without),
        kept_gain=mean(kept) if kept else None,
        digest=digest,
    )


def _outcome(cell: str, read: Callable[[str], Record | None]) -> Outcome:
    record = read(cell)
    if record is None:
        raise NoChoice("some of its cells have not been run")
    status, identity = record["status"], record["identity"]
    place = Place(identity["partition"], identity["alpha"], identity["zoo"])
    if status not in ("done", "diverged", "skipped"):
        raise NoChoice(f"cell {cell} ended as {status}: {record['reason']}")
    if status != "done":
        return Outcome(cell, place, identity["replicate"], status, None, 0.0 if status == "diverged" else None)
    result: Mapping[str, Any] = record["result"]
    headline = result["headline"]
    figures = result["views"][headline["view"]]
    accuracy = figures["validation_accuracy"][figures["rounds"].index(headline["round"])]
    return Outcome(cell, place, identity["replicate"], status, headline["round"], float(accuracy))


def _by_replicate(outcomes: Sequence[Outcome], served: set[Place]) -> list[float]:
    replicates = sorted({each.replicate for each in outcomes})
    return [
        mean(each.accuracy or 0.0 for each in outcomes if each.replicate == number and each.place in served)
        for number in replicates
    ]


def best(tried: Sequence[Tried], axes: Axes, leave_out: int | None = None) -> Tried:
    """The setting of the highest mean accuracy over replicates, of all but `leave_out` where it is given.

    Of equal ones the nearest to the middle of the grid, which says least; then the one of smaller values.
    """
    means = [mean(a for r, a in enumerate(each.by_replicate) if r != leave_out) for each in tried]
    equal = [each for each, value in zip(tried, means, strict=True) if value >= max(means) - TIE]
    return min(equal, key=lambda each: (_from_middle(each, axes), _positions(each, axes)))


def _positions(tried: Tried, axes: Axes) -> list[int]:
    return [list(values).index(tried.setting[name]) for name, values in axes.items()]


def _from_middle(tried: Tried, axes: Axes) -> float:
    """How far from the middle of the grid, from 0 to 1 on each axis, summed."""
    return sum(
        abs(2 * at - (len(values) - 1)) / max(1, len(values) - 1)
        for at, values in zip(_positions(tried, axes), axes.values(), strict=True)
    )


def edges(setting: Mapping[str, Scalar], axes: Axes, limits: Mapping[str, tuple[float, float]]) -> list[str]:
    """The hyper-parameters whose value is the smallest or largest that was tried, though one beyond it is allowed.

    >>> edges({"lr": 0.5, "alpha": 1.0}, {"lr": [0.1, 0.5], "alpha": [0.5, 1.0]}, {"alpha": (0.0, 1.0)})
    ['lr']
    """
    return [
        name
        for name, values in axes.items()
        if len(values) > 1
        and numeric(values)
        and setting[name] in (values[0], values[-1])
        and setting[name] not in limits.get(name, ())
    ]


def bounds(algorithm: str) -> dict[str, tuple[float, float]]:
    """The range of each hyper-parameter that declares one; the learning rate has none that can be reached."""
    return {
        f.name: (f.metadata["low"], f.metadata["high"])
        for f in fields(ALGORITHMS.get(algorithm))
        if f.name != LR and {"low", "high"} <= f.metadata.keys()
    }
