"""Verdicts for people and programs: a table, Markdown, JSON, and JUnit's XML, which every CI shows."""

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from bench.gate.verdict import Report, Row, Verdict
from bench.records.store import save

SCHEMA = 1
HEAD = ("verdict", "gate", "what", "baseline", "now", "difference", "interval", "margin", "")


def table(rows: Sequence[Row], head: Sequence[str] = HEAD) -> str:
    """All rows as aligned text."""
    lines = [tuple(head), *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head) - 1)]
    return "\n".join(
        "  ".join([*(c.ljust(w) for c, w in zip(line, widths, strict=False)), line[-1]]).rstrip() for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.verdict.value,
        row.gate,
        row.name,
        row.baseline,
        row.now,
        row.difference,
        row.interval,
        row.margin,
        row.note,
    )


def conclusion(report: Report) -> str:
    """The verdict over all, in a few lines."""
    parts = []
    for gate in report.gates:
        counts = report.counts(gate)
        parts.append(f"{gate}: " + ", ".join(f"{counts[v.value]} {v.value}" for v in Verdict if counts[v.value]))
    lines = [f"{'passed' if report.passed else 'FAILED'} in {report.seconds:.0f} s against {report.baseline}"]
    lines.append("; ".join(parts))
    missing = [gate for gate in ("accuracy", "fingerprint", "counted", "runtime") if gate not in report.gates]
    if missing:
        lines.append(f"not asked for: {', '.join(missing)}")
    lines += [f"  {row.gate}: {row.name}: {row.note or row.now}" for row in report.failed[:_SHOWN]]
    if len(report.failed) > _SHOWN:
        lines.append(f"  and {len(report.failed) - _SHOWN} more")
    return "\n".join(lines)


_SHOWN = 10


def write(report: Report, folder: Path) -> list[Path]:
    """Write verdict.json, junit.xml and summary.md. Raises StoreError."""
    texts = {"verdict.json": as_json(report), "junit.xml": as_junit(report), "summary.md": as_markdown(report)}
    for name, text in texts.items():
        save(folder / name, text)
    return [folder / name for name in texts]


def as_json(report: Report) -> str:
    """The report for programs."""
    content = {
        "schema": SCHEMA,
        "passed": report.passed,
        "suite": report.suite,
        "baseline": report.baseline,
        "gates": list(report.gates),
        "seconds": round(report.seconds, 1),
        "provenance": dict(report.provenance),
        "rows": [
            {
                "gate": row.gate,
                "name": row.name,
                "verdict": row.verdict.value,
                "note": row.note,
                **dict(row.values),
            }
            for row in report.rows
        ],
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def as_junit(report: Report) -> str:
    """The report as JUnit XML: a test suite for each gate, a test case for each row."""
    root = ElementTree.Element("testsuites", name=f"gate {report.suite}")
    for gate in report.gates:
        rows = [row for row in report.rows if row.gate == gate]
        failures = sum(row.verdict is Verdict.FAIL for row in rows)
        suite = ElementTree.SubElement(root, "testsuite", name=gate, tests=str(len(rows)), failures=str(failures))
        for row in rows:
            case = ElementTree.SubElement(suite, "testcase", classname=f"gate.{gate}", name=row.name)
            told = table([row])
            if row.verdict is Verdict.FAIL:
                ElementTree.SubElement(case, "failure", message=row.note or "failed").text = told
            elif row.verdict is Verdict.WARN:
                ElementTree.SubElement(case, "system-out").text = told
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def as_markdown(report: Report) -> str:
    """The report for a pull request: what did not pass first, all rows folded away."""
    lines = [f"## Gate {'passed' if report.passed else 'failed'}: suite {report.suite}", ""]
    lines += ["| gate | pass | warn | fail |", "|---|---|---|---|"]
    for gate in report.gates:
        counts = report.counts(gate)
        lines.append(f"| {gate} | {counts['pass']} | {counts['warn']} | {counts['fail']} |")
    notable = [row for row in report.rows if row.verdict is not Verdict.PASS]
    if notable:
        lines += ["", *_markdown_table(notable)]
    lines += [
        "",
        "<details><summary>All that was compared</summary>",
        "",
        *_markdown_table(report.rows),
        "",
        "</details>",
        "",
    ]
    return "\n".join(lines)


def _markdown_table(rows: Sequence[Row]) -> list[str]:
    lines = [f"| {' | '.join(HEAD[:-1])} | note |", "|" + "---|" * len(HEAD)]
    return lines + [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in _cells(row)) + " |" for row in rows
    ]
