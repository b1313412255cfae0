"""``python -m bench.frameworks``: options and what is said of mistakes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.frameworks import NAMES, __main__
from bench.parity import drive
from tests.unit.bench.parity.fakes import write_trace
from tests.unit.bench.parity.test_findings import run


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = __main__.main(arguments)
    return code, *capsys.readouterr()


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "FUNCTIONS", dict.fromkeys(NAMES, "tests.unit.bench.parity.fakes:run"))
    monkeypatch.setattr(drive, "_LOOK", "")


SMALL = ("--zoo", "mlp", "--algorithms", "fedavg", "--repeats", "1")


def test_measure_report_and_go_on(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    code, printed, _ = ask(capsys, "--frameworks", "pfl,native", *SMALL, "--out", out)
    assert code == 0
    assert printed.index("native, parity") < printed.index("pfl, parity")
    assert "bit for bit" in printed
    assert (tmp_path / "out" / "frameworks.md").is_file()
    code, again, _ = ask(capsys, "--frameworks", "pfl,native", *SMALL, "--out", out)
    assert (code, "native, parity" in again) == (0, False)
    code, only, _ = ask(capsys, "--report-only", "--out", out)
    assert code == 0
    assert only == again


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--frameworks", "plf"), "unknown framework 'plf'. Did you mean 'pfl'?"),
        (("--python", "pfl"), "expected NAME=PATH"),
        (("--rounds", "2"), "at least 3 rounds"),
        (("--suite", "none"), "unknown suite 'none'"),
        (("--report-only",), "expected runs of bench.frameworks, found none"),
    ],
)
def test_mistakes_are_one_message(
    arguments: Sequence[str], words: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _, said = ask(capsys, *arguments, "--out", str(tmp_path / "out"))
    assert code == 2
    assert words in said


def test_exit_codes_say_what_the_folder_holds(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ours, theirs = (run(framework) for framework in ("native", "pfl"))
    for each, value in ((ours, 0.0), (theirs, 1.0)):
        each.write(tmp_path)
        write_trace(each.trace(tmp_path), {1: {"global/w": np.full(2, value, np.float32)}})
    assert ask(capsys, "--report-only", "--out", str(tmp_path))[0] == 1
    run("flower", status="failed", reason="broken").write(tmp_path)
    assert ask(capsys, "--report-only", "--out", str(tmp_path))[0] == 3


def test_a_folder_is_for_one_suite(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "suite.json").write_text('{"name": "another"}')
    code, _, said = ask(capsys, *SMALL, "--out", str(tmp_path))
    assert code == 2
    assert "holds runs of another suite" in said
    assert (tmp_path / "suite.json").read_text() == '{"name": "another"}'


def test_ctrl_c_keeps_what_is_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(contest: object, say: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(drive, "measure", stop)
    code, printed, _ = ask(capsys, *SMALL, "--out", str(tmp_path))
    assert code == 130
    assert "what was measured is kept" in printed
