"""What one run of one cell under one framework leaves behind, and where: a JSON file each, and its trace.

OUT/runs/<framework>/<cell>-parity.json     OUT/trace/<framework>/<cell>/round-0001.npz
OUT/runs/<framework>/<cell>-cost-1.json
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from bench.declaration.cell import Cell

SCHEMA = 1
NATIVE = "native"
PARITY = "parity"  # the kind of run whose models are traced; the others are "cost-1", "cost-2", ...


@dataclass(frozen=True)
class Stamp:
    """The state of things when a round was over."""

    round: int  # finished rounds
    wall: float  # seconds since the process was started
    cpu: float  # seconds of the process and all that it has started
    peak: int  # bytes, see `bench.parity.tree.peak_bytes`


@dataclass(frozen=True)
class Run:
    """One cell by one framework, in a process of its own."""

    framework: str
    kind: str
    session: str  # what was measured in one go, in turns, on one machine
    cell: str  # its hash
    alike: str  # its hash if the native reference engine ran it: what runs to be compared have in common
    identity: Mapping[str, Any]  # of the cell, see `Cell.identity`
    status: str = "done"  # done, skipped, failed
    reason: str | None = None
    result: Mapping[str, Any] | None = None  # of the record
    timing: Mapping[str, Any] | None = None
    stamps: tuple[Stamp, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    @classmethod
    def of(cls, cell: Cell, kind: str, session: str, **outcome: Any) -> Self:
        """The run of a cell by its framework."""
        native = replace(cell, framework=NATIVE, engine="reference").hash
        return cls(cell.framework, kind, session, cell.hash, native, cell.identity(), **outcome)

    @property
    def place(self) -> dict[str, Any]:
        """Where it stands in tables."""
        names = ("dataset", "zoo", "algorithm", "replicate")
        return {"framework": self.framework, **{name: self.identity[name] for name in names}}

    def path(self, out: Path) -> Path:
        """Its file."""
        return out / "runs" / self.framework / f"{self.cell}-{self.kind}.json"

    def write(self, out: Path) -> None:
        """Whole or not at all."""
        path = self.path(out)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        os.replace(temporary, path)

    def trace(self, out: Path) -> Path:
        """The folder of its models, see `bench.rounds.trace`."""
        return out / "trace" / self.framework / self.cell


def read(path: Path) -> Run:
    """A run from its file. Raises ValueError where it is none of ours."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["schema"] != SCHEMA:
            raise ValueError(f"{path}: expected schema {SCHEMA}, got {raw['schema']}")
        return Run(**{**raw, "stamps": tuple(Stamp(**stamp) for stamp in raw["stamps"])})
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: expected a run of bench.frameworks, got {type(error).__name__}: {error}") from None


def read_all(out: Path) -> Iterator[Run]:
    """All runs of a folder, by framework, cell and kind."""
    for path in sorted(out.glob("runs/*/*.json")):
        yield read(path)
