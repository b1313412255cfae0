"""``python -m bench.report``: exit codes, messages, no torch, and the same bytes each time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import report
from bench.records.store import Store
from tests.unit.reports import synthetic

WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from bench.report import main; sys.exit(main(sys.argv[1:]))"


def program(*arguments: str | Path, code: str = WITHOUT_TORCH, hashes: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(report.__file__).parents[1],
        env={**os.environ, "PYTHONHASHSEED": str(hashes)},
    )


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / "report").rglob("*") if path.is_file()}


def test_a_report_without_torch_the_same_bytes_each_time(tmp_path: Path) -> None:
    made = [synthetic.record(name, alpha, 0, rounds=3) for alpha in (0.1, 1.0) for name in ("fml", "local", "other")]
    synthetic.write(tmp_path, made)
    assert report.main([str(tmp_path)]) == 0
    before = files(tmp_path)
    drawn = {Path(name).stem for name in before if name.endswith(".svg")}
    assert all(f"{stem}{kind}" in before for stem in drawn for kind in (".pdf", ".png", ".csv"))
    assert {"report.html", "report.md", "partition-digits-dirichlet-capped.pdf"} <= before.keys()
    again = program(tmp_path, hashes=7)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.strip() == str(tmp_path / "report" / "report.html")
    assert files(tmp_path) == before


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, contextlib; from bench.report import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "print(sorted({'torch', 'pandas', 'numpy', 'scipy', 'matplotlib', 'jinja2'} & sys.modules.keys()))"
    )
    done = program(code=code)
    assert done.stderr == ""
    assert "OUT" in done.stdout
    assert done.stdout.endswith("[]\n")


def test_zero_finished_cells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failed = {**synthetic.record("fml", 0.1, 0), "status": "failed", "reason": "no", "result": None}
    assert report.main([str(synthetic.write(tmp_path, [failed]))]) == 3
    assert "no cell in" in (printed := capsys.readouterr().err)
    assert "(1 failed)" in printed
    assert (tmp_path / "report" / "report.html").is_file()


def test_nothing_was_run_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main([str(synthetic.write(tmp_path, [], absent=["0" * 16]))]) == 3
    assert "(none was run)" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "not there", "file"])
def test_not_a_result_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert report.main([str(tmp_path / name)]) == 2
    assert "expected a result folder with a manifest.json" in capsys.readouterr().err
    assert not (tmp_path / name / "report").exists()


def test_a_foreign_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "some app"}', encoding="utf-8")
    assert report.main([str(tmp_path)]) == 2
    assert "is not of a benchmark run" in capsys.readouterr().err


def test_a_damaged_cell_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synthetic.write(tmp_path, [synthetic.record("fml", 0.1, 0)], absent=["0" * 16])
    Store(tmp_path).path("0" * 16).write_text("torn", encoding="utf-8")
    (tmp_path / "cells" / f"{synthetic.record('fml', 0.1, 0)['cell']}.json").unlink()
    assert report.main([str(tmp_path)]) == 3
    assert "is damaged" in capsys.readouterr().err


def test_folders_are_joined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("fml", "local"):
        synthetic.write(tmp_path / name, [synthetic.record(name, 0.1, r, rounds=2) for r in range(2)])
    folders = [str(tmp_path / name) for name in ("fml", "local")]
    out = tmp_path / "both"
    assert report.main([*folders, "--out", str(out)]) == 0
    text = (out / "report" / "report.md").read_text(encoding="utf-8")
    assert "Joined from 2 folders: fml, local." in text
    assert "local against fml" in text
    assert report.main([str(out)]) == 0
    assert report.main([*folders, "--out", folders[0]]) == 2
    assert "got one of those to join" in capsys.readouterr().err
    for wrong in (folders, [folders[0], "--out", str(out)]):
        with pytest.raises(SystemExit) as stop:
            report.main(wrong)
        assert stop.value.code == 2


def test_usage() -> None:
    with pytest.raises(SystemExit) as stop:
        report.main([])
    assert stop.value.code == 2


def test_figures_for_one_column_or_two(tmp_path: Path) -> None:
    made = [synthetic.record(name, alpha, 0, rounds=2) for alpha in (0.1, 1.0) for name in ("fml", "local")]
    synthetic.write(tmp_path, made)
    for columns, inches in (("1", 3.4), ("2", 7.0)):
        assert report.main([str(tmp_path), "--columns", columns]) == 0
        images = list((tmp_path / "report" / "figures").glob("*.png"))
        widths = {int.from_bytes(image.read_bytes()[16:20], "big") for image in images}
        assert widths == {round(200 * inches)}
    with pytest.raises(SystemExit) as stopped:
        report.main([str(tmp_path), "--columns", "3"])
    assert stopped.value.code == 2
