"""What was measured, as it is kept in a JSON file, and the figures that are made of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from bench.speedometer.limit import Flops, Rates

NAIVE = "naive"


@dataclass(frozen=True)
class Spread:
    """The median of repetitions and their quartiles."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value.

        >>> Spread.of([1.0, 2.0, 3.0])
        Spread(median=2.0, low=1.5, high=2.5)
        """
        low, middle, high = np.quantile(np.asarray(values, float), (0.25, 0.5, 0.75))
        return cls(float(middle), float(low), float(high))


@dataclass
class Series:
    """One workload at one momentum: repetitions of all contestants, interleaved."""

    workload: dict[str, Any]  # fields of a `Workload`
    momentum: float
    facts: dict[str, int]  # of a round: cells, steps, clients, longest, matmul_flops, convolution_flops, threads
    seconds: dict[str, list[float]] = field(default_factory=dict)  # contestant -> CPU seconds of each repetition
    rates: list[dict[str, float]] = field(default_factory=list)  # operations per second, one measurement a repetition
    distances: dict[str, float] = field(default_factory=dict)  # from the naive loop's models, after the warm-up
    problem: str | None = None  # why the numbers must not be used

    @property
    def name(self) -> str:
        """The workload's name."""
        return str(self.workload["name"])

    @property
    def title(self) -> str:
        """The workload in words."""
        return f"{self.workload['title']}, batch {self.workload['batch']}"

    def rate(self, contestant: str) -> float | None:
        """Client steps per second."""
        taken = self.seconds.get(contestant)
        return self.facts["steps"] / Spread.of(taken).median if taken else None

    def ratio(self, contestant: str, base: str = NAIVE) -> Spread | None:
        """How many times as fast as the base a contestant is, repetition by repetition."""
        pairs = list(zip(self.seconds.get(base, []), self.seconds.get(contestant, []), strict=False))
        return Spread.of([slow / fast for slow, fast in pairs]) if pairs else None

    def limit(self) -> float | None:
        """Client steps per second if a round took no longer than its operations at the machine's best rates."""
        if not self.rates:
            return None
        best = Rates(*(Spread.of([rate[kind] for rate in self.rates]).median for kind in ("matmul", "convolution")))
        work = Flops(self.facts["matmul_flops"], self.facts["convolution_flops"])
        return self.facts["steps"] / best.seconds(work)

    def share(self, contestant: str) -> float | None:
        """Which share of the limit a contestant reaches."""
        rate, limit = self.rate(contestant), self.limit()
        return rate / limit if rate and limit else None


@dataclass
class Growth:
    """A round with so many clients."""

    clients: int
    steps: int
    seconds: dict[str, list[float]]  # contestant -> CPU seconds of each repetition


@dataclass
class Memory:
    """Resident memory of a process that trains one cell, in bytes."""

    engine: str
    title: str
    peak: int  # of a whole cell, evaluation included
    imports: int  # of the same process before the cell: Python, torch
    early: int  # after EARLY short rounds
    late: int  # after LATE short rounds


@dataclass
class Job:
    """A whole job by the clock, start-up and evaluation included."""

    name: str
    title: str
    cells: int
    rounds: int
    processes: int  # ours
    naive: list[float]  # seconds; empty where the naive loop has no such job
    ours: list[float]
    naive_accuracy: float | None = None  # mean over cells of the global model's, as a check that the work was the same
    our_accuracy: float | None = None
    floor: float | None = None  # how many times as fast as the naive loop we want to be, on two cores
    most: float | None = None  # seconds that ours may take


@dataclass
class Report:
    """All parts; each knows where and when it was measured."""

    comparison: list[Series] = field(default_factory=list)
    overhead: list[Series] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    origins: dict[str, dict[str, Any]] = field(default_factory=dict)  # part -> provenance

    def parts(self) -> list[str]:
        """The parts that hold anything."""
        return [name for name in PARTS if getattr(self, name)]

    def updated(self, newer: "Report") -> "Report":
        """This report with the parts of a newer one in place of its own."""
        origins = {**self.origins, **newer.origins}
        return Report(**{name: getattr(newer, name) or getattr(self, name) for name in PARTS}, origins=origins)

    def write(self, path: Path) -> None:
        """Keep it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Report":
        """Raises OSError, and ValueError where the file is not such a report."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            made = {name: [kind(**entry) for entry in kept[name]] for name, kind in PARTS.items()}
            return cls(**made, origins=kept["origins"])
        except (KeyError, TypeError, json.JSONDecodeError) as error:
            known = ", ".join(f.name for f in fields(cls))
            raise ValueError(f"{path}: expected the JSON of a speed report with {known}, got {error!r}") from None


PARTS: dict[str, Any] = {
    "comparison": Series,
    "overhead": Series,
    "growth": Growth,
    "memory": Memory,
    "jobs": Job,
}
