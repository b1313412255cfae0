"""What the gate says: one row for each thing that was compared, and the verdict over all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

GATES = ("accuracy", "fingerprint", "counted", "runtime")


class Verdict(StrEnum):
    """Of one row; a warning passes."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Row:
    """One thing that was compared, in words for people and in numbers for programs."""

    gate: str
    name: str
    verdict: Verdict
    baseline: str = ""
    now: str = ""
    difference: str = ""
    interval: str = ""
    margin: str = ""
    note: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """All rows of a check."""

    suite: str  # name and version
    baseline: str  # its path
    rows: tuple[Row, ...]
    gates: tuple[str, ...]  # those that were asked for
    seconds: float
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> list[Row]:
        """The rows that failed."""
        return [row for row in self.rows if row.verdict is Verdict.FAIL]

    @property
    def passed(self) -> bool:
        """Whether everything passed; warnings do."""
        return bool(self.rows) and not self.failed

    def counts(self, gate: str) -> Counter[str]:
        """How many rows of a gate have which verdict."""
        return Counter(row.verdict.value for row in self.rows if row.gate == gate)


def complete(rows: Sequence[Row], gates: Sequence[str]) -> list[Row]:
    """The rows, and a failure for each gate that compared nothing: silence is no pass."""
    silent = [gate for gate in gates if not any(row.gate == gate for row in rows)]
    return [*rows, *(Row(gate, "anything", Verdict.FAIL, note="nothing was compared") for gate in silent)]
