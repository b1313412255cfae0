"""``python -m bench.choices``: from result folders, or from tables that were kept, to the text of a document."""

import gzip
import json
from pathlib import Path

import pytest

from bench.choices import main
from bench.records import tidy
from reports import choices_page, kept
from reports.results import read
from tests.unit.reports import given, synthetic
from tests.unit.reports.given import noisy

VARIANTS = {"plain": {"algorithm": "mutual", "params": {"momentum": "neither"}}}
DOCUMENT = f"# Ours\n\n{choices_page.BEGIN}\nstale words\n{choices_page.END}\n\nafter\n"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    made = given.cells({"alone": noisy(0.8), "mutual": noisy(0.77, seed=1), "plain": noisy(0.7, seed=2)})
    declared = synthetic.suite(
        algorithms=["alone", "mutual", "plain"], reference="alone", variants=VARIANTS, alphas=[0.1, 0.5, 1.0, 10.0]
    )
    folder = synthetic.write(tmp_path / "run", made, declared)
    tidy.write(folder)
    return folder


def test_it_prints_what_decides(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(out)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("## digits\n")
    assert "From mutual (worse than alone, −" in text
    assert "| one choice | plain | momentum = neither | −" in text


def test_a_kept_table_gives_the_same_text(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "kept"
    assert main([str(out), "--keep", str(folder)]) == 0
    first = capsys.readouterr().out
    assert main([str(folder)]) == 0
    assert capsys.readouterr().out == first
    assert main([str(out)]) == 0
    assert capsys.readouterr().out == first


def test_a_kept_table_holds_the_runs_and_no_path_of_the_machine(out: Path, tmp_path: Path) -> None:
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["provenance"] = {"commit": "abc", "argv": ["--out", "/home/me"], "host": "mine"}
    (out / "manifest.json").write_text(json.dumps(manifest))
    kept.keep(out, tmp_path / "one")
    kept.keep(out, tmp_path / "two")
    text = (tmp_path / "one" / "manifest.json").read_text()
    assert "home" not in text
    assert "host" not in text
    assert json.loads(text)["provenance"] == {"commit": "abc"}
    tables = [(tmp_path / name / "runs.csv.gz").read_bytes() for name in ("one", "two")]
    assert tables[0] == tables[1]  # the same bytes, whenever it is kept
    assert gzip.decompress(tables[0]) == (out / "tidy" / "runs.csv").read_bytes()


def test_kept_runs_are_those_of_the_cell_files(out: Path, tmp_path: Path) -> None:
    kept.keep(out, tmp_path / "kept")
    mine, theirs = (
        {(run.algorithm, run.alpha, run.replicate): run for run in found.runs}
        for found in (kept.read(tmp_path / "kept"), read(out))
    )
    assert mine.keys() == theirs.keys()
    for key, run in theirs.items():
        assert run.score is not None
        other = mine[key].score
        assert other is not None
        for name in ("accuracy", "worst10", "global_accuracy", "personal_global", "general", "floor", "view", "round"):
            assert getattr(other, name) == getattr(run.score, name), name


def test_it_writes_between_the_marks_of_a_document(out: Path, tmp_path: Path) -> None:
    path = tmp_path / "ours.md"
    path.write_text(DOCUMENT)
    assert main([str(out), "--into", str(path)]) == 0
    text = path.read_text()
    assert text.startswith("# Ours\n")
    assert text.endswith(f"{choices_page.END}\n\nafter\n")
    assert "stale words" not in text
    assert "## digits" in text
    assert main([str(out), "--into", str(path)]) == 0
    assert path.read_text() == text


def test_what_cannot_be_read_or_written_is_said(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bare.md"
    path.write_text("no marks")
    assert main([str(out), "--into", str(path)]) == 2
    assert "expected one line '<!-- bench.choices: begin -->'" in capsys.readouterr().err
    assert path.read_text() == "no marks"
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "expected a result folder" in capsys.readouterr().err
    plain = synthetic.write(tmp_path / "plain", given.cells({"fml": noisy(0.8), "local": noisy(0.7)}))
    assert main([str(plain)]) == 2
    assert "expected finished [variants] of algorithms that take part, found none" in capsys.readouterr().err
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "runs.csv.gz").write_bytes(b"no gzip")
    assert main([str(tmp_path / "torn")]) == 2
    assert "expected manifest.json and runs.csv.gz" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([str(out), str(out), "--keep", str(tmp_path / "x")])


def test_the_audit_says_what_its_tables_say() -> None:
    """docs/fml-audit.md is what `bench.choices` makes of the tables beside it."""
    docs = Path(__file__).resolve().parents[3] / "docs"
    folders = sorted(path for path in (docs / "fml-audit").iterdir() if kept.is_kept(path))
    assert folders, "no kept tables"
    text = (docs / "fml-audit.md").read_text()
    made = text.split(choices_page.BEGIN)[1].split(choices_page.END)[0].strip()
    assert made == choices_page.page(folders).strip()
