"""A suite's points: one algorithm on one data set, partition, alpha, zoo and replicate, and the identity of each.

Running a cell is a pure function of its declaration, and `Cell.hash` names that declaration: two cells with one hash
give the same numbers, so a finished cell is never computed twice.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal, Self

from bench.declaration import tuned
from bench.declaration.digest import digest
from bench.declaration.hyperparameters import Scalar, resolved
from bench.declaration.suite import Suite
from bench.declaration.tasks import ClientTask, label, settled
from bench.declaration.variants import algorithm_of
from bench.parameters import ParameterError
from bench.registry import ALGORITHMS, DATASETS, NETS, PARTITIONS, Registry
from bench.seeds import Axis

_LATER: dict[str, Any] = {
    "variant_of": None,
    "lr_factor": 1.0,
    "draws": "",
    "tasks": [],
    "reserved": 0.0,
    "tuning": False,
}


@dataclass(frozen=True)
class Cell:
    """Every setting that decides a cell's numbers, resolved. Made by `cells`; crosses process borders as it is."""

    algorithm: str
    params: dict[str, Scalar]  # all of them, defaults included
    dataset: str  # or the names of the tasks, where clients have tasks of their own
    data_md5: str  # of the content, as the data set declares and loading verifies it
    partition: str
    partition_params: dict[str, Scalar]  # all of them, defaults included
    alpha: float | None  # None where the partition does not use it
    zoo: str
    architectures: tuple[str, ...]  # client k gets architectures[k % len(architectures)]
    shared: str  # architecture of the global model and of the meme
    clients: int
    training: dict[str, Any]  # `bench.declaration.suite.Training` as a plain dict
    replicate: int  # from 0
    partition_seed: int
    training_seed: int
    digests: dict[str, str]  # "algorithm", "partition", "dataset", "nets" -> source digest
    precision: str = "fp32"
    framework: str = "native"
    engine: str = "reference"
    device: str = "cpu"
    numerics: int = 0  # version of the engines' arithmetic
    draws: str = ""  # the zoo whose draws it meets, where those are not its own zoo's
    variant_of: str | None = None  # where `algorithm` is a suite's own name: the algorithm or preset that it is
    lr_factor: float = 1.0  # what the suite's learning rate is multiplied by
    tasks: tuple[ClientTask, ...] = ()  # none: all clients have the data set's own
    reserved: float = 0.0  # share of the training rows that tuning may use and no client of a result is tested on
    tuning: bool = False  # whether this is a trial of bench.tune: draws of its own, on the reserved rows

    @property
    def plugin(self) -> str:
        """The name of the algorithm in its registry; `algorithm` is that of its results."""
        return self.variant_of or self.algorithm

    @property
    def data(self) -> dict[str, str]:
        """The data sets that it needs, with the md5 of each."""
        return {task.dataset: task.md5 for task in self.tasks} or {self.dataset: self.data_md5}

    def identity(self) -> dict[str, Any]:
        """The declaration as JSON types.

        Without the fields that came later where they say nothing, so that what was declared before keeps its hash.
        """
        values = {f.name: _plain(getattr(self, f.name)) for f in fields(self)}
        return {name: value for name, value in values.items() if name not in _LATER or value != _LATER[name]}

    @cached_property
    def hash(self) -> str:
        """16 hex digits that name the declaration: sha256 of its canonical JSON."""
        text = json.dumps(self.identity(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return sha256(text.encode()).hexdigest()[:16]

    def __hash__(self) -> int:
        return int(self.hash, 16)

    @cached_property
    def _partition_text(self) -> str:
        return json.dumps(self.partition_params, sort_keys=True)

    def axes(self, kind: Literal["partition", "training"]) -> dict[str, Axis]:
        """The axes of this cell's random streams, see `bench.seeds`: never the algorithm, nor where and how it runs.

        "partition" is for what deals data to clients, "training" for initial weights, batch order and cohorts; each
        has a seed of its own.
        """
        return {
            "dataset": self.dataset,
            "partition": self.partition,
            "partition_params": self._partition_text,
            "alpha": self.alpha,
            "zoo": self.draws or self.zoo,
            "clients": self.clients,
            "seed": self.partition_seed if kind == "partition" else self.training_seed,
            **({"tuning": True} if self.tuning else {}),
        }


def cells(
    suite: Suite,
    *,
    engine: str = "reference",
    device: str = "cpu",
    precision: str = "fp32",
    framework: str = "native",
) -> list[Cell]:
    """The cells of a suite, replicate by replicate: an interrupted run has whole replicates.

    Within a replicate the order is data set, partition, alpha, zoo, algorithm. A partition that does not use alpha
    has one cell, not one for each alpha. `engine` and `device` are as resolved, never "auto".
    """
    from bench.engines import NUMERICS

    data = _data(suite)
    pairs = [(dataset, name) for dataset in data for name in suite.algorithms]
    algorithms = {pair: _algorithm(suite, *pair) for pair in pairs}
    training = {pair: tuned.training(suite, *pair) for pair in pairs}
    partitions = {name: _Plugin.of(PARTITIONS, name, suite.params.get(name, {})) for name in suite.partitions}
    zoos = {name: _Zoo.of(name, suite) for name in suite.zoos}
    return [
        Cell(
            algorithm=point.algorithm,
            params=algorithms[point.dataset, point.algorithm].params,
            dataset=point.dataset,
            data_md5=data[point.dataset].md5,
            partition=point.partition,
            partition_params=partitions[point.partition].params,
            alpha=point.alpha,
            zoo=point.zoo,
            architectures=zoos[point.zoo].clients,
            shared=zoos[point.zoo].shared,
            clients=suite.training.clients,
            training=training[point.dataset, point.algorithm],
            replicate=point.replicate,
            partition_seed=_seed(suite, suite.seeds.partition, point.replicate),
            training_seed=_seed(suite, suite.seeds.training, point.replicate),
            digests={
                "algorithm": algorithms[point.dataset, point.algorithm].digest,
                "partition": partitions[point.partition].digest,
                "dataset": data[point.dataset].digest,
                "nets": zoos[point.zoo].digest,
            },
            precision=precision,
            framework=framework,
            engine=engine,
            device=device,
            numerics=NUMERICS[precision],
            draws=zoos[point.zoo].draws,
            variant_of=suite.variants[point.algorithm].algorithm if point.algorithm in suite.variants else None,
            lr_factor=suite.variants[point.algorithm].lr_factor if point.algorithm in suite.variants else 1.0,
            tasks=data[point.dataset].tasks,
            reserved=suite.tune.reserved if suite.tune else 0.0,
        )
        for point in _points(suite)
    ]


@dataclass(frozen=True)
class _Point:
    """One place on the axes of a suite."""

    replicate: int
    dataset: str
    partition: str
    alpha: float | None
    zoo: str
    algorithm: str


def _points(suite: Suite) -> Iterator[_Point]:
    for replicate in range(suite.replicates):
        for dataset in _data(suite):
            for partition in suite.partitions:
                alphas = suite.alphas if PARTITIONS.get(partition).uses_alpha else (None,)
                for alpha in alphas:
                    for zoo in suite.zoos:
                        for algorithm in suite.algorithms:
                            yield _Point(replicate, dataset, partition, alpha, zoo, algorithm)


def _seed(suite: Suite, fixed: int | None, replicate: int) -> int:
    return suite.seeds.base + replicate if fixed is None else fixed


@dataclass(frozen=True)
class _Plugin:
    """What an algorithm or a partition of the suite adds to an identity."""

    params: dict[str, Scalar]
    digest: str

    @classmethod
    def of(cls, registry: Registry, name: str, given: Mapping[str, Scalar]) -> Self:
        return cls(resolved(registry, name, given), digest(registry.get(name)))


def _algorithm(suite: Suite, dataset: str, name: str) -> _Plugin:
    """An algorithm as it runs on a data set. Raises ParameterError where its tuned values contradict the others."""
    try:
        return _Plugin.of(ALGORITHMS, algorithm_of(name, suite.variants), tuned.params(suite, dataset, name))
    except ParameterError as error:  # a variant's own values were checked without those tuned for its algorithm
        raise ParameterError(f"{name} on {dataset}, with its tuned values: {error}") from None


@dataclass(frozen=True)
class _Zoo:
    """What a zoo of the suite adds to an identity."""

    clients: tuple[str, ...]
    shared: str
    digest: str
    draws: str

    @classmethod
    def of(cls, name: str, suite: Suite) -> Self:
        from bench.nets.zoos import resolve

        zoo = suite.zoo.get(name) or resolve(name)
        return cls(tuple(zoo.clients), zoo.shared, _nets_digest({*zoo.clients, zoo.shared}), zoo.draws)


@dataclass(frozen=True)
class _Data:
    """What a data set, or all tasks together, add to an identity."""

    md5: str
    digest: str  # of the source: how images are read and normalised
    tasks: tuple[ClientTask, ...] = ()


def _data(suite: Suite) -> dict[str, _Data]:
    """The values of the data axis by name: the data sets, or the one combination of the suite's tasks."""
    if not suite.tasks:
        return {name: _Data(DATASETS.get(name).md5, digest(DATASETS.get(name))) for name in suite.datasets}
    tasks = settled(suite.tasks, suite.training.clients)
    return {label(tasks): _Data(_of_all([task.md5 for task in tasks])[:32], _source_of_all(tasks), tasks)}


def _source_of_all(tasks: Sequence[ClientTask]) -> str:
    """The source digest of the tasks' data sets together."""
    return _of_all([digest(DATASETS.get(task.dataset)) for task in tasks])[:16]


def _of_all(digests: list[str]) -> str:
    return sha256(json.dumps(digests).encode()).hexdigest()


def _nets_digest(names: set[str]) -> str:
    return sha256(json.dumps({net: digest(NETS.get(net)) for net in sorted(names)}).encode()).hexdigest()[:16]


def source_digests(cell: Cell) -> dict[str, str]:
    """The digests of a cell's plugins as they are on this machine. Raises RegistryError where one is not there."""
    return {
        "algorithm": digest(ALGORITHMS.get(cell.plugin)),
        "partition": digest(PARTITIONS.get(cell.partition)),
        "dataset": _source_of_all(cell.tasks) if cell.tasks else digest(DATASETS.get(cell.dataset)),
        "nets": _nets_digest({*cell.architectures, cell.shared}),
    }


def _plain(value: Any) -> Any:
    """JSON types: a tuple as a list, tables in tables too."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value
