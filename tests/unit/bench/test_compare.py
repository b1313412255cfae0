"""``python -m bench.compare``: exit codes, messages, the page, no torch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import compare
from reports.versus import matching
from tests.unit.reports.test_html import Page
from tests.unit.reports.versus.test_versus import TABLES, run, shifted


def test_nothing_is_worse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b", shifted(0.02))
    assert compare.main([str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    printed = capsys.readouterr().out
    assert "40 cells in both runs, 40 finished on both sides, 20 of these the same to the bit." in printed
    assert "  mine: better, +" in printed
    assert "training time, B / A:" in printed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_worse_is_exit_code_1_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b", shifted(-0.02))
    assert compare.main([str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    assert capsys.readouterr().err == "bench.compare: worse in B: mine\n"


def test_lost_cells_are_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b", {**TABLES, "mine": [[None, *row[1:]] for row in TABLES["mine"]]})
    assert compare.main([str(tmp_path / "a"), str(tmp_path / "b")]) == 3
    assert "5 cells finished in A and not in B" in capsys.readouterr().err


def test_nothing_finished_in_both_is_exit_code_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "a", {"fedavg": [[None]] * 2})
    run(tmp_path / "b", {"fedavg": [[0.5]] * 2})
    assert compare.main([str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(tmp_path / "c")]) == 3
    assert "no cell finished in both runs" in capsys.readouterr().err
    assert "No cell finished in both runs." in Page((tmp_path / "c" / "compare.html").read_text()).text


def test_bad_input_is_one_clear_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b", declared={"name": "other"})
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for other, words in (
        ("nowhere", "expected a result folder with a manifest.json"),
        ("file", "expected a result folder with a manifest.json"),
        ("b", "expected two runs of one suite, got suite noniid and suite other"),
    ):
        assert compare.main([str(tmp_path / "a"), str(tmp_path / other)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("bench.compare: ")
        assert words in error
        assert error.count("\n") == 1
    with pytest.raises(SystemExit) as stop:
        compare.main([str(tmp_path / "a")])
    assert stop.value.code == 2


def test_a_page_that_opens_offline_and_leads_to_the_cells(tmp_path: Path) -> None:
    run(tmp_path / "a")
    run(tmp_path / "b", shifted(-0.02), precision="bf16")
    out = tmp_path / "deep" / "page"
    assert compare.main([str(tmp_path / "a"), str(tmp_path / "b"), "--out", str(out)]) == 1
    page = Page((out / "compare.html").read_text(encoding="utf-8"))
    assert "fp32 → bf16" in page.text
    assert page.of("script") == page.of("img") == []
    links = [str(link["href"]) for link in page.of("a")]
    assert sum("cells/" in link for link in links) == 80
    assert all((out / link).is_file() for link in links if not link.startswith("#"))


def test_a_page_that_cannot_be_written_is_a_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "a")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert compare.main([str(tmp_path / "a"), str(tmp_path / "a"), "--out", str(tmp_path / "file")]) == 2
    assert "cannot write the comparison in" in capsys.readouterr().err


def test_help_loads_nothing_heavy_and_names_the_same_fields() -> None:
    code = (
        "import sys, contextlib; sys.modules['torch'] = None; from bench.compare import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "print(sorted({'pandas', 'numpy', 'scipy', 'matplotlib', 'jinja2'} & sys.modules.keys()))"
    )
    root = Path(compare.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, env=dict(os.environ))
    assert done.stderr == ""
    assert done.stdout.endswith("[]\n")
    assert compare.ACROSS == matching.ACROSS


def test_it_runs_without_torch(tmp_path: Path) -> None:
    run(tmp_path / "a")
    code = "import sys; sys.modules['torch'] = None; from bench.compare import main; sys.exit(main(sys.argv[1:]))"
    root = Path(compare.__file__).parents[1]
    done = subprocess.run(
        [
            sys.executable, "-W", "error", "-c", code,
            str(tmp_path / "a"), str(tmp_path / "a"), "--out", str(tmp_path / "c"),
        ],
        capture_output=True, text=True, cwd=root,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
