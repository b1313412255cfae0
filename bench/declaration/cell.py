"""A suite's points: one algorithm on one data set, partition, alpha, zoo and replicate, and the identity of each.

Running a cell is a pure function of its declaration, and `Cell.hash` names that declaration: two cells with one hash
give the same numbers, so a finished cell is never computed twice.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal, Self

from bench.declaration import tuned
from bench.declaration.digest import digest
from bench.declaration.hyperparameters import Scalar, resolved
from bench.declaration.suite import Suite
from bench.registry import ALGORITHMS, DATASETS, NETS, PARTITIONS, Registry
from bench.seeds import Axis


@dataclass(frozen=True)
class Cell:
    """Every setting that decides a cell's numbers, resolved. Made by `cells`; crosses process borders as it is."""

    algorithm: str
    params: dict[str, Scalar]  # all of them, defaults included
    dataset: str
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
    reserved: float = 0.0  # share of the training rows that tuning may use and no client of a result is tested on
    tuning: bool = False  # whether this is a trial of bench.tune: draws of its own, on the reserved rows

    def identity(self) -> dict[str, Any]:
        """The declaration as JSON types. What came later than the first results is left out where it does nothing."""
        return {
            f.name: _plain(getattr(self, f.name))
            for f in fields(self)
            if f.name not in _LATER or getattr(self, f.name) != f.default
        }

    @cached_property
    def hash(self) -> str:
        """16 hex digits that name the declaration: sha256 of its canonical JSON."""
        text = json.dumps(self.identity(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return sha256(text.encode()).hexdigest()[:16]

    def __hash__(self) -> int:
        return int(self.hash, 16)

    def axes(self, kind: Literal["partition", "training"]) -> dict[str, Axis]:
        """The axes of this cell's random streams, see `bench.seeds`: never the algorithm, nor where and how it runs.

        "partition" is for what deals data to clients, "training" for initial weights, batch order and cohorts; each
        has a seed of its own.
        """
        return {
            "dataset": self.dataset,
            "partition": self.partition,
            "partition_params": json.dumps(self.partition_params, sort_keys=True),
            "alpha": self.alpha,
            "zoo": self.zoo,
            "clients": self.clients,
            "seed": self.partition_seed if kind == "partition" else self.training_seed,
            **({"tuning": True} if self.tuning else {}),
        }


_LATER = frozenset({"reserved", "tuning"})
"""Fields that older cells do not have: at their default they leave a cell's name what it was."""


def cells(suite: Suite, *, engine: str = "reference", device: str = "cpu", precision: str = "fp32") -> list[Cell]:
    """The cells of a suite, replicate by replicate: an interrupted run has whole replicates.

    Within a replicate the order is data set, partition, alpha, zoo, algorithm. A partition that does not use alpha
    has one cell, not one for each alpha. `engine` and `device` are as resolved, never "auto".
    """
    from bench.engines import NUMERICS

    pairs = [(dataset, name) for dataset in suite.datasets for name in suite.algorithms]
    algorithms = {pair: _Plugin.of(ALGORITHMS, pair[1], tuned.params(suite, *pair)) for pair in pairs}
    training = {pair: tuned.training(suite, *pair) for pair in pairs}
    partitions = {name: _Plugin.of(PARTITIONS, name, suite.params.get(name, {})) for name in suite.partitions}
    zoos = {name: _Zoo.of(name, suite) for name in suite.zoos}
    sources = {name: digest(DATASETS.get(name)) for name in suite.datasets}  # how images are read and normalised
    return [
        Cell(
            algorithm=point.algorithm,
            params=algorithms[point.dataset, point.algorithm].params,
            dataset=point.dataset,
            data_md5=DATASETS.get(point.dataset).md5,
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
                "dataset": sources[point.dataset],
                "nets": zoos[point.zoo].digest,
            },
            precision=precision,
            engine=engine,
            device=device,
            numerics=NUMERICS,
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
        for dataset in suite.datasets:
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


@dataclass(frozen=True)
class _Zoo:
    """What a zoo of the suite adds to an identity."""

    clients: tuple[str, ...]
    shared: str
    digest: str

    @classmethod
    def of(cls, name: str, suite: Suite) -> Self:
        from bench.nets.zoos import resolve

        zoo = suite.zoo.get(name) or resolve(name)
        nets = {net: digest(NETS.get(net)) for net in sorted({*zoo.clients, zoo.shared})}
        return cls(tuple(zoo.clients), zoo.shared, sha256(json.dumps(nets).encode()).hexdigest()[:16])


def _plain(value: Any) -> Any:
    """JSON types: a tuple as a list, tables in tables too."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, dict) else value
