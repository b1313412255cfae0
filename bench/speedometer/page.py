"""The page on speed: text from a template, tables, figures and numbers from a report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from bench.speedometer import plot
from bench.speedometer.memory import EARLY, LATE
from bench.speedometer.results import Report
from bench.speedometer.tables import problems, tables

TEMPLATE = Path(__file__).with_name("page.md.j2")


def folder(page: Path) -> Path:
    """Where a page's figures and numbers lie: beside it, under its name."""
    return page.with_suffix("")


def write(report: Report, page: Path) -> Report:
    """Write page, figures and numbers; what this report lacks is taken from the numbers that lie there.

    Returns all that the page shows. Raises OSError, and ValueError where the old numbers cannot be read.
    """
    beside = folder(page)
    numbers = beside / "numbers.json"
    whole = Report.read(numbers).updated(report) if numbers.exists() else report
    whole.write(numbers)
    figures = plot.figures(whole)
    for name, figure in figures.items():
        plot.save(figure, beside / f"{name}.svg")
    page.write_text(text(whole, beside.name, list(figures)), encoding="utf-8")
    return whole


def text(report: Report, beside: str, figures: Sequence[str]) -> str:
    """The page in Markdown; `beside` is the folder of its `figures`."""
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    made: dict[str, Any] = {name: table.markdown() for name, table in tables(report).items()}
    origins = {part: _origin(origin) for part, origin in report.origins.items()}
    return (
        template.render(
            tables=made,
            origins=origins,
            problems=problems(report),
            beside=beside,
            figures=figures,
            early=EARLY,
            late=LATE,
        ).rstrip()
        + "\n"
    )


def _origin(origin: dict[str, Any]) -> str:
    """Where and when a part was measured, in one line."""
    versions = origin["versions"]
    commit = f"commit {origin['commit'][:10]}{' with changes' if origin['dirty'] else ''}, " if origin["commit"] else ""
    return (
        f"{origin['processor']}, {origin['cores']} cores, torch {versions['torch']}, {commit}{origin['started'][:10]}; "
        f"load of the machine before it: {origin['load']:.1f}"
    )
