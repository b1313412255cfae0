"""Tables as files: CSV for programs, Markdown for notes, LaTeX for papers."""

from collections.abc import Sequence
from pathlib import Path

from reports import wording
from reports.tables.latex import document, latex
from reports.tables.table import Table

ALL = "all"
"""The document that sets the tables of the folder."""
READABLE = 200
"""Rows; what is longer (a profile at every threshold) has its own file, but is no reading among the others."""


def write(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Write each table in each format, and a document that sets them; returns the paths."""
    paths = []
    for table in tables:
        for kind, text in (("csv", table.csv()), ("md", markdown(table)), ("tex", latex(table))):
            paths.append(folder / f"{table.stem}.{kind}")
            paths[-1].write_text(text, encoding="utf-8", newline="\n")
    if tables:
        paths.append(folder / f"{ALL}.tex")
        text = document([table.stem for table in tables if len(table.rows) <= READABLE])
        paths[-1].write_text(text, encoding="utf-8", newline="\n")
    return paths


def markdown(table: Table) -> str:
    """A table with its caption."""
    return f"{table.markdown()}\n{wording.markdown(table.caption)}\n"
