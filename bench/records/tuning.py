"""What tuning found, as it is kept: OUT/tuning.json, and every trial's cells in OUT/tidy/trials.csv."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from statistics import mean, median, stdev

from bench.records.store import save

Scalar = float | int | str | bool
SCHEMA = 1


@dataclass(frozen=True)
class Place:
    """Where a trial was judged, replicate by replicate."""

    partition: str
    alpha: float | None
    zoo: str


@dataclass(frozen=True)
class Outcome:
    """One cell of a trial."""

    cell: str  # hash
    place: Place
    replicate: int
    status: str  # done, diverged, or skipped
    round: int | None  # the headline round
    accuracy: float | None  # on validation data at that round, mean over clients; None: skipped


@dataclass(frozen=True)
class Tried:
    """One setting of an algorithm and what it reached. Accuracies are fractions."""

    number: int  # from 1, in the order of drawing
    setting: Mapping[str, Scalar]  # "lr" and hyper-parameters
    outcomes: Sequence[Outcome]
    by_replicate: Sequence[float]  # validation accuracy of each tuning replicate: the mean over places

    @property
    def accuracy(self) -> float:
        """The mean over replicates: what the choice looks at."""
        return mean(self.by_replicate)

    @property
    def spread(self) -> float | None:
        """The sample standard deviation over replicates; None for one."""
        return stdev(self.by_replicate) if len(self.by_replicate) > 1 else None

    @property
    def diverged(self) -> int:
        """Cells that diverged, each of which counts with accuracy 0."""
        return sum(each.status == "diverged" for each in self.outcomes)


@dataclass(frozen=True)
class Choice:
    """What was chosen for one algorithm, among what."""

    algorithm: str
    axes: Mapping[str, Sequence[Scalar]]  # the declared values of each hyper-parameter, ascending
    tried: Sequence[Tried]
    chosen: Tried
    edge: Sequence[str]  # hyper-parameters whose chosen value is an end of its axis, and could be passed
    agree: int  # replicates without which the same setting would have been chosen
    kept_gain: float | None  # over the median setting, on replicates that had no part in choosing; None: one replicate
    digest: str  # of the trials: everything that decided the choice

    @property
    def gain(self) -> float:
        """How much the best setting is above the median one: optimistic, for chance has a part in being the best."""
        return self.chosen.accuracy - median(each.accuracy for each in self.tried)

    @property
    def reach(self) -> float:
        """From the worst setting to the best."""
        return self.chosen.accuracy - min(each.accuracy for each in self.tried)


@dataclass(frozen=True)
class Tuning:
    """The choices of a suite on one data set."""

    suite: str
    version: str
    dataset: str
    command: str
    trials: int  # settings that every algorithm got
    replicates: int
    reserved: float  # share of the training rows that tuning saw; 0: all, as results do
    clients: int  # of a trial
    client_size: float  # rows of a trial's client over those of a result's; where tasks differ in it, the least
    choices: Sequence[Choice]
    without: Mapping[str, str]  # algorithm -> why nothing was chosen


def write(out: Path, tuning: Tuning) -> None:
    """Write OUT/tuning.json and OUT/tidy/trials.csv. Raises StoreError."""
    save(out / "tuning.json", json.dumps({"schema": SCHEMA, **asdict(tuning)}, indent=1, allow_nan=False) + "\n")
    save(out / "tidy" / "trials.csv", table(tuning))


def table(tuning: Tuning) -> str:
    """One row per trial and cell; a hyper-parameter has a column of its own, named as ``--set`` names it."""
    names = {f"{each.algorithm}.{axis}": None for each in tuning.choices for axis in each.axes if axis != "lr"}
    head = ("suite", "dataset", "algorithm", "trial", "chosen", "lr", *names)
    columns = (*head, "partition", "alpha", "zoo", "replicate", "cell", "status", "round", "validation_accuracy")
    out = StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    for choice in tuning.choices:
        for tried in choice.tried:
            own = {name if name == "lr" else f"{choice.algorithm}.{name}": v for name, v in tried.setting.items()}
            for each in tried.outcomes:
                writer.writerow(
                    {
                        **{"suite": tuning.suite, "dataset": tuning.dataset, "algorithm": choice.algorithm},
                        **{"trial": tried.number, "chosen": int(tried == choice.chosen), **own},
                        **{"cell": each.cell, "replicate": each.replicate, **asdict(each.place)},
                        **{"status": each.status, "round": each.round, "validation_accuracy": each.accuracy},
                    }
                )
    return out.getvalue()
