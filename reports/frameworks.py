"""What `bench.frameworks` has left in a result folder: its tables and notes, for a section of the report."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = "frameworks.json"


@dataclass(frozen=True)
class Shown:
    """One table; the first column is text, the others are numbers or words."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Frameworks:
    """The section."""

    tables: Sequence[Shown]
    notes: Sequence[str]


def read(out: Path) -> Frameworks | None:
    """The section of a folder, None where nothing was measured there.

    A file that is not ours becomes a note that says so: a report must not be lost for it.
    """
    path = Path(out) / FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        tables = [Shown(each["title"], each["columns"], each["rows"]) for each in told["tables"]]
        if any(len(row) != len(table.columns) for table in tables for row in table.rows):
            raise ValueError("a row of another length than its table's columns")
        return Frameworks(tables, [str(note) for note in told["notes"]])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
        again = "python -m bench.frameworks --report-only writes it again"
        return Frameworks([], [f"{FILE} is not what bench.frameworks writes ({why}); {again}"])
