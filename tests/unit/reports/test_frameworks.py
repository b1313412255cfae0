"""The section of other frameworks: what `bench.frameworks` left in the folder, as it stands there."""

import json
from pathlib import Path

import pytest

from bench.parity.page import Findings
from bench.parity.runs import Run, Stamp
from reports import frameworks
from reports.html import render
from tests import world
from tests.unit.bench.parity.fakes import RESULT
from tests.unit.reports import synthetic
from tests.unit.reports.test_html import Page


@pytest.fixture
def out(tmp_path: Path) -> Path:
    declared = synthetic.suite(alphas=[0.1], replicates=2, algorithms=["fml", "fedavg"])
    synthetic.write(tmp_path, synthetic.records(declared, rounds=3), declared)
    return tmp_path


def measured(out: Path) -> None:
    """A native run whose cost is known, and a note that a page must not take for its own markup."""
    cell = world.cell()
    stamps = tuple(Stamp(number, float(number), 2.0 * number, 3 << 20) for number in (1, 2, 3, 4))
    Run.of(cell, "cost-1", "s", result=RESULT, stamps=stamps).write(out)
    Run.of(cell, "parity", "s", status="failed", reason="<b>*gone*</b>").write(out)
    Findings.of(out).write(out)


def test_tables_and_notes_stand_in_the_page_and_in_markdown_once_there_are_some(out: Path) -> None:
    assert "Other frameworks" not in render(out).read_text(encoding="utf-8")
    assert "Other frameworks" not in (out / "report" / "report.md").read_text(encoding="utf-8")
    measured(out)
    text = render(out).read_text(encoding="utf-8")
    page = Page(text)
    assert [each["id"] for each in page.of("section") if each.get("id") == "frameworks"] == ["frameworks"]
    assert {"href": "#frameworks"} in page.of("a")
    assert "2.000 (2.000-2.000)" in page.text  # CPU seconds of a round
    assert "failed: <b>*gone*</b>" in page.text
    assert "<b>*gone" not in text
    lines = (out / "report" / "report.md").read_text(encoding="utf-8").splitlines()
    start = lines.index("## Other frameworks")
    assert lines[start + 2].startswith("### Cost")
    head, rule, row = lines[start + 4 : start + 7]
    assert head.startswith("| cell | framework | CPU s/round |")
    assert rule.startswith("|---|---:|")
    assert row.startswith("| fedavg, mlp, synthetic | native | 2.000 (2.000-2.000) | 1.00 |")
    assert head.count("|") == rule.count("|") == row.count("|")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "JSONDecodeError"),
        ("{}", "KeyError"),
        ('[{"tables": 1}]', "TypeError"),
        (
            json.dumps({"tables": [{"title": "a", "columns": ["b"], "rows": [["c", "d"]]}], "notes": []}),
            "another length",
        ),
    ],
    ids=["torn", "older", "other", "uneven"],
)
def test_a_file_that_is_not_ours_becomes_a_note(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / frameworks.FILE).write_text(text, encoding="utf-8")
    found = frameworks.read(tmp_path)
    assert found is not None
    assert not found.tables
    assert len(found.notes) == 1
    assert found.notes[0].startswith("frameworks.json is not what bench.frameworks writes")
    assert why in found.notes[0]
