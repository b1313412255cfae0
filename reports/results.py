"""What a result folder says, reduced to what a report needs: one `Run` per cell, then forgotten again.

Records of large runs are big (per client, per round); they are read one at a time and not kept.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.records.store import STATUSES, Store, StoreError
from reports.statistics import Floats


class NotResults(Exception):
    """The folder is not one that bench.run wrote; the message says what was expected."""


@dataclass(frozen=True)
class Curves:
    """One view's metrics over its evaluated rounds [T]. Accuracies are fractions, losses nats; NaN: not measured."""

    rounds: NDArray[np.int64]  # ascending, from 1
    accuracy: Floats  # client accuracy: mean over clients, each on its own test split
    loss: Floats  # the same mean of the cross-entropy
    global_accuracy: Floats  # on the global test set; personal models meet it at the headline round only
    global_loss: Floats


@dataclass(frozen=True)
class Score:
    """What a finished cell reached at its headline round. Accuracies are fractions in [0, 1]."""

    round: int  # the headline round, from 1
    view: str  # "personal" or "global": which of an algorithm's models the clients are given
    accuracy: float  # client accuracy: mean over clients, each on its own test split, of the model it is given
    worst10: float  # the same over the worst 10 % of clients
    global_accuracy: float | None  # the global model on the global test set; None: the algorithm has none
    personal_global: float | None  # mean over clients of their own models on the global test set
    general: float | None  # client accuracy of the global model; None: the algorithm has none
    floor: float  # mean over clients of a constant guess of the training majority class
    clients: Floats  # [K] accuracy of each client, whose mean is `accuracy`
    views: Mapping[str, Curves]  # "personal", "global": those that the algorithm has
    never_sampled: int  # clients that never took part
    bytes_up: Floats  # [R] of each round, all its clients together
    bytes_down: Floats  # [R]
    seconds: float  # of the whole cell, wall-clock
    train_seconds: float  # without evaluation
    shared: bool  # whether cells ran stacked, and their seconds are an equal share of the stack's
    partition_hash: str  # of the draw: equal draws have equal ones
    fingerprint: str  # of everything that is deterministic: equal to the bit, equal here
    tasks: Mapping[str, float] = field(
        default_factory=dict
    )  # client accuracy by task; {}: clients have none of their own
    private_heads: Sequence[str] = ()  # shared nets whose heads stayed with clients because tasks differ

    @property
    def rounds(self) -> NDArray[np.int64]:
        """[T] evaluated rounds."""
        return self.views[self.view].rounds

    @property
    def curve(self) -> Floats:
        """[T] client accuracy."""
        return self.views[self.view].accuracy

    @property
    def loss(self) -> Floats:
        """[T] client loss in nats."""
        return self.views[self.view].loss

    @property
    def general_curve(self) -> Floats | None:
        """[T] accuracy of the global model on the global test set; None: the algorithm has none."""
        return self.views["global"].global_accuracy if "global" in self.views else None

    @property
    def sent(self) -> Floats:
        """[T] bytes, up and down, all clients together, until each evaluated round."""
        return np.asarray(np.cumsum(self.bytes_up + self.bytes_down)[self.rounds - 1])


@dataclass(frozen=True)
class Run:
    """One cell: where it stands, how it ended, what it reached."""

    cell: str  # hash
    algorithm: str
    dataset: str
    partition: str
    alpha: float | None
    zoo: str
    replicate: int  # equal in two cells of a folder only where their draws are the same
    clients: int
    params: Mapping[str, Any]  # hyper-parameters as resolved
    status: str
    reason: str
    score: Score | None  # None unless done
    identity: Mapping[str, Any]  # every setting that decides the numbers
    commit: str  # of the code that computed it
    processor: str

    @property
    def tasks(self) -> Sequence[Mapping[str, Any]]:
        """The clients' own tasks: "name", "dataset", "classes", "clients", "images"; none: all have the data set's."""
        return tuple(self.identity.get("tasks", ()))

    @property
    def setting(self) -> "Setting":
        """Where the cell stands, whatever its algorithm and replicate."""
        return Setting(self.dataset, self.partition, self.alpha, self.zoo)


@dataclass(frozen=True)
class Setting:
    """One cell of the comparison: what algorithms meet, replicate by replicate."""

    dataset: str
    partition: str
    alpha: float | None  # None: the partition does not use it
    zoo: str


@dataclass(frozen=True)
class Picture:
    """How one draw of a partition dealt the classes."""

    dataset: str
    partition: str
    alpha: float | None
    zoo: str
    replicate: int
    counts: NDArray[np.int64]  # [clients, classes] images
    study: str = ""  # of a run of several studies: in which it was drawn
    tasks: Sequence[tuple[str, int]] = ()  # clients' own tasks: name and number of classes, as `counts` has them


@dataclass(frozen=True)
class Results:
    """A result folder: the cells of its latest declaration, and what is known of their origin."""

    suite: Mapping[str, Any]  # as declared: name, version, axes, training, ...
    provenance: Mapping[str, Any]  # of the latest command: commit, versions, processor, argv, ...
    setup: Mapping[str, Any]  # engine, device, precision, data (data set -> md5 of its content)
    runs: Sequence[Run]
    pictures: Sequence[Picture]  # the first draw of each data set, partition and alpha
    waiting: int  # declared cells without a record
    others: int  # cells of the folder that the latest declaration does not hold
    commits: Sequence[str]  # of the code that computed the cells
    notices: Sequence[str] = field(default=())  # cell files that could not be read
    joined: Sequence[Mapping[str, Any]] = field(default=())  # "folder" and "provenance" of each folder it was made of
    studies: Sequence[Mapping[str, Any]] = field(default=())  # "name", "title", "about", "suite", "cells" of each
    study: str = ""  # the name of the one that these results are of, where they are a part (see `reports.parts`)

    @property
    def counts(self) -> dict[str, int]:
        """How many cells ended how; every status is there."""
        return {status: sum(run.status == status for run in self.runs) for status in STATUSES}

    @property
    def name(self) -> str:
        """The suite's name."""
        return str(self.suite.get("name", "results"))

    @property
    def replicates(self) -> int:
        """How many replicates have at least one finished cell."""
        return len({run.replicate for run in self.runs if run.score})

    def axis(self, name: str) -> list[Any]:
        """The values of an axis of `Run` that occur, as the suite orders them; others follow, sorted."""
        found = {getattr(run, name) for run in self.runs}
        if name == "alpha":
            return sorted(found, key=lambda alpha: (alpha is not None, alpha or 0.0))
        declared = [value for value in self.suite.get(f"{name}s", ()) if value in found]
        return declared + sorted(found - set(declared))


def read(out: Path) -> Results:
    """The results in a folder. Raises NotResults, or StoreError where a file is of a newer version."""
    store = Store(out)
    manifest = store.manifest()
    if manifest is None:
        raise NotResults(f"{out}: expected a result folder with a manifest.json, as bench.run writes it, found none")
    refuse_trials(out, manifest)
    declared = list(dict.fromkeys(manifest["cells"]))
    runs: list[Run] = []
    pictures: dict[tuple[Any, ...], Picture] = {}
    studies = manifest.get("studies") or []
    members = [(study["name"], frozenset(study["cells"])) for study in studies]
    waiting = 0
    for cell in declared:
        record = store.read(cell)
        if record is None:
            waiting += 1
            continue
        try:
            runs.append(_run(record))
            for study in [name for name, cells in members if cell in cells] or [""]:
                _keep_picture(pictures, record, study)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise StoreError(
                f"{store.path(cell)} lacks what its schema promises: {type(error).__name__} {error}"
            ) from None
    return Results(
        suite=manifest["suite"],
        provenance=manifest.get("provenance") or {},
        setup={name: manifest.get(name) for name in ("engine", "device", "precision", "data")},
        runs=_renumbered(runs),
        pictures=list(pictures.values()),
        waiting=waiting,
        others=len({path.stem for path in store.cells.glob("*.json")} - set(declared)),
        commits=sorted({run.commit for run in runs}),
        notices=list(store.notices),
        joined=manifest.get("joined") or [],
        studies=studies,
    )


def refuse_trials(out: Path, manifest: Mapping[str, Any]) -> None:
    """Raise NotResults for a folder of `bench.tune`: its cells are settings to choose from."""
    if manifest.get("tuning"):
        raise NotResults(f"{out} holds trials of bench.tune, which are no results: see {out / 'report' / 'tuning.md'}")


def _renumbered(runs: Sequence[Run]) -> list[Run]:
    """The runs, where replicates of joined folders that have one number but other draws get numbers of their own.

    A draw is known by its seeds. One folder numbers its replicates from 0, whatever its seeds start from.
    """
    draws = {(run.replicate, *_seeds(run)) for run in runs}
    if len(draws) == len({number for number, *_ in draws}):
        return list(runs)
    order = {draw: place for place, draw in enumerate(sorted(draws, key=lambda draw: (draw[1:], draw[0])))}
    return [replace(run, replicate=order[run.replicate, *_seeds(run)]) for run in runs]


def _seeds(run: Run) -> tuple[int, int]:
    number = run.replicate
    return int(run.identity.get("partition_seed", number)), int(run.identity.get("training_seed", number))


def _run(record: Mapping[str, Any]) -> Run:
    identity = record["identity"]
    origin = record.get("provenance") or {}
    alpha = identity.get("alpha")
    return Run(
        cell=record["cell"],
        algorithm=identity["algorithm"],
        dataset=identity["dataset"],
        partition=identity["partition"],
        alpha=None if alpha is None else float(alpha),
        zoo=identity["zoo"],
        replicate=int(identity["replicate"]),
        clients=int(identity["clients"]),
        params=identity.get("params") or {},
        status=record["status"],
        reason=str(record.get("reason") or ""),
        score=_score(record) if record["status"] == "done" else None,
        identity=identity,
        commit=str(origin.get("commit") or "unknown"),
        processor=str(origin.get("processor") or ""),
    )


def _score(record: Mapping[str, Any]) -> Score:
    result, timing = record["result"], record["timing"]
    view, best = result["headline"]["view"], result["at_headline"]
    return Score(
        round=int(result["headline"]["round"]),
        view=view,
        accuracy=float(best[view]["accuracy"]),
        worst10=float(best[view]["worst10"]),
        global_accuracy=_global_accuracy(best, "global"),
        personal_global=_global_accuracy(best, "personal"),
        general=float(best["global"]["accuracy"]) if "global" in best else None,
        floor=float(result["partition"]["floor"]),
        clients=_floats(best[view]["clients"]["accuracy"]),
        views={name: _curves(figures) for name, figures in result["views"].items()},
        never_sampled=int(result["never_sampled"]),
        bytes_up=_floats(result["bytes_up"]),
        bytes_down=_floats(result["bytes_down"]),
        seconds=float(timing["total_seconds"]),
        train_seconds=float(timing["train_seconds"]),
        shared=bool(timing.get("shared", False)),
        partition_hash=str(result["partition"]["hash"]),
        fingerprint=sha256(json.dumps(result, sort_keys=True).encode()).hexdigest()[:16],
        tasks=_by_task(record["identity"], best[view]["clients"]["accuracy"]),
        private_heads=(result.get("tasks") or {}).get("private_heads", ()),
    )


def _by_task(identity: Mapping[str, Any], clients: Sequence[float]) -> dict[str, float]:
    """The mean over the clients of each task, in the suite's order: the first clients have the first task."""
    means, begin = {}, 0
    for task in identity.get("tasks", ()):
        means[str(task["name"])] = float(np.mean(clients[begin : begin + task["clients"]]))
        begin += task["clients"]
    return means


def _curves(figures: Mapping[str, Any]) -> Curves:
    names = ("accuracy", "loss", "global_accuracy", "global_loss")
    return Curves(np.asarray(figures["rounds"], dtype=np.int64), *(_floats(figures[name]) for name in names))


def _floats(values: Sequence[float | None]) -> Floats:
    return np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)


def _global_accuracy(best: Mapping[str, Any], view: str) -> float | None:
    value = best[view]["global_accuracy"] if view in best else None
    return None if value is None else float(value)


def _keep_picture(pictures: dict[tuple[Any, ...], Picture], record: Mapping[str, Any], study: str) -> None:
    """Keep the first draw of each setting of a study: the lowest replicate, then what the declaration names first."""
    if record["status"] != "done":
        return
    identity = record["identity"]
    place = (identity["dataset"], identity["partition"], identity.get("alpha"))
    key = (study, *place)
    if key in pictures and pictures[key].replicate <= int(identity["replicate"]):
        return
    counts = np.asarray(record["result"]["partition"]["counts"], dtype=np.int64)
    if counts.ndim != 2:
        raise ValueError(f"counts: expected clients x classes, got shape {counts.shape}")
    tasks = tuple((str(task["name"]), len(task["classes"])) for task in identity.get("tasks", ()))
    pictures[key] = Picture(*place, identity["zoo"], int(identity["replicate"]), counts, study, tasks)


def common(sets: Iterable[Iterable[int]]) -> list[int]:
    """What all of them hold, sorted; nothing where there is no set.

    >>> common([{0, 1, 2}, {2, 1}])
    [1, 2]
    """
    held = [set(each) for each in sets]
    return sorted(set.intersection(*held)) if held else []
