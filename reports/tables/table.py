"""One table, whatever it is printed as."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

from reports.tables.kinds import Kind, Plain, Value
from reports.wording import markdown


@dataclass(frozen=True)
class Column:
    """One column."""

    key: str  # its name in CSV, and in `Row.values`
    head: str  # its name for people
    kind: Kind
    shown: bool = True  # False: only in CSV


@dataclass(frozen=True)
class Row:
    """One row; columns without a value are empty."""

    values: Mapping[str, Value]
    bold: frozenset[str] = frozenset()  # keys
    note: str = ""  # stands in place of everything but the first column
    muted: bool = False  # no competitor: the floor
    cells: str = ""  # the anchor of the cell files that it comes from


@dataclass(frozen=True)
class Group:
    """Rows under one heading."""

    rows: Sequence[Row]
    label: str = ""
    aside: str = ""  # beside the heading, less loud
    cells: str = ""


@dataclass(frozen=True)
class Table:
    """Columns and groups of rows. `stem` names its files."""

    stem: str
    title: str
    caption: str
    columns: Sequence[Column]
    groups: Sequence[Group]

    @property
    def shown(self) -> list[Column]:
        """The columns for people."""
        return [column for column in self.columns if column.shown]

    @property
    def rows(self) -> list[Row]:
        """All rows."""
        return [row for group in self.groups for row in group.rows]

    def csv(self) -> str:
        """All columns, plain numbers in the unit that the heading of the page names; intervals as _low and _high."""
        lines = [self._plain(row) for row in self.rows]
        heads = list(dict.fromkeys(key for line in lines for key in line))
        ordered = sorted(heads, key=self._order)
        out = StringIO()
        writer = csv.DictWriter(out, ordered, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        return out.getvalue()

    def _plain(self, row: Row) -> dict[str, Plain]:
        line: dict[str, Plain] = {}
        for column in self.columns:
            line |= column.kind.plain(column.key, row.values.get(column.key))
        if any(other.note for other in self.rows):
            line["note"] = row.note
        return line

    def _order(self, head: str) -> float:
        keys = [column.key for column in self.columns]
        for suffix, shift in (("_low", 0.3), ("_high", 0.6)):
            if head not in keys and head.removesuffix(suffix) in keys:
                return keys.index(head.removesuffix(suffix)) + shift
        return keys.index(head) if head in keys else len(keys)

    def markdown(self) -> str:
        """A pipe table; groups become a first column."""
        grouped = any(group.label for group in self.groups)
        lead = [""] if grouped else []
        lines = [
            [*lead, *(markdown(column.head) for column in self.shown)],
            [*("---" for _ in lead), *("---" if column.kind.left else "--:" for column in self.shown)],
        ]
        for group in self.groups:
            name = [markdown(group.label)] if grouped else []
            lines += [[*name, *self._texts(row)] for row in group.rows]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def _texts(self, row: Row) -> Iterator[str]:
        for place, column in enumerate(self.shown):
            if row.note and place:
                yield markdown(row.note) if place == 1 else ""
                continue
            text = markdown(column.kind.whole(row.values[column.key])) if column.key in row.values else ""
            yield f"**{text}**" if column.key in row.bold else text
