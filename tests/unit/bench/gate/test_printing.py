"""The verdict for people and programs."""

import json
from pathlib import Path
from xml.etree import ElementTree

from bench.gate.printing import as_markdown, conclusion, table, write
from bench.gate.verdict import Report, Row, Verdict, complete

ROWS = (
    Row("accuracy", "fml, global", Verdict.PASS, "80.00 %", "80.10 %", "+0.10", values={"now": 0.801}),
    Row("accuracy", "a<b & c", Verdict.FAIL, "80.00 %", "60.00 %", "-20.00", note="lost | all"),
    Row("runtime", "slow", Verdict.WARN, "1.0", "1.2", "1.20 x", note="slower"),
)


def report(rows: tuple[Row, ...] = ROWS) -> Report:
    return Report("ci 1.0", "base.json", rows, ("accuracy", "runtime"), 12.0, {"commit": "abc"})


def test_a_warning_passes_a_failure_does_not_and_nothing_at_all_does_not():
    assert not report().passed
    assert report((ROWS[0], ROWS[2])).passed
    assert not report(()).passed


def test_a_gate_that_compared_nothing_fails():
    found = complete(ROWS[:1], ("accuracy", "runtime"))
    assert [(row.gate, row.verdict) for row in found] == [("accuracy", Verdict.PASS), ("runtime", Verdict.FAIL)]


def test_the_table_is_aligned_and_the_conclusion_names_what_failed():
    lines = table(ROWS).splitlines()
    assert lines[0].split() == ["verdict", "gate", "what", "baseline", "now", "difference", "interval", "margin"]
    assert lines[1].index("80.00 %") == lines[2].index("80.00 %")
    text = conclusion(report())
    assert "FAILED in 12 s against base.json" in text
    assert "accuracy: 1 pass, 1 fail; runtime: 1 warn" in text
    assert "not asked for: fingerprint, counted" in text
    assert "a<b & c: lost | all" in text


def test_the_files_say_the_same(tmp_path: Path):
    write(report(), tmp_path)
    content = json.loads((tmp_path / "verdict.json").read_text())
    assert (content["schema"], content["passed"], len(content["rows"])) == (1, False, 3)
    assert content["rows"][0] == {
        **{"gate": "accuracy", "name": "fml, global", "verdict": "pass", "note": "", "now": 0.801},
    }
    suites = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert [(s.get("name"), s.get("tests"), s.get("failures")) for s in suites] == [
        ("accuracy", "2", "1"),
        ("runtime", "1", "0"),
    ]
    failure = suites.find("testsuite/testcase[@name='a<b & c']/failure")
    assert failure is not None
    assert failure.get("message") == "lost | all"
    assert (tmp_path / "summary.md").read_text() == as_markdown(report())


def test_markdown_shows_what_did_not_pass_and_escapes_bars():
    head, _, everything = as_markdown(report()).partition("<details>")
    assert "## Gate failed: suite ci 1.0" in head
    assert "lost \\| all" in head
    assert "fml, global" not in head
    assert "fml, global" in everything
