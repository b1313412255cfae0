"""The command, end to end on a tiny suite: accept, check, and a plugin that makes things worse."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from algorithms.fedavg import FedAvg
from bench.check import main
from bench.gate import checking
from bench.gate.baseline import read
from bench.gate.runtime import BenchmarkFailed, Level, Pace
from tests.gate.document import ROOT, put
from tests.gate.mutants import MUTANTS
from tests.unit.bench.gate.test_runtime import SUITE

CELLS = ("--gates", "accuracy,fingerprint,counted")
WORSE = """
import torch
from algorithms.fedavg import FedAvg
from bench import ops

FedAvg.aggregate = lambda self, server, uploads, round, at: {
    "model": ops.mean(uploads["model"], torch.arange(1.0, 1.0 + len(round.examples)))
}
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    """The options that name suite, baseline and folder."""
    (tmp_path / "tiny.toml").write_text(SUITE)
    where = ("--suite", str(tmp_path / "tiny.toml"), "--baseline", str(tmp_path / "base.json"))
    return (*where, "--out", str(tmp_path / "out"), "--jobs", "1")


def test_accept_then_pass_then_catch(
    files: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(FedAvg, "aggregate", FedAvg.aggregate)  # the plugin changes it in this process too: put it back
    assert main([*files, *CELLS, "--accept"]) == 0
    told = capsys.readouterr()
    assert "nothing to compare the new baseline with: no baseline at" in told.err
    assert f"accepted: {tmp_path / 'base.json'}" in told.out
    kept = read(tmp_path / "base.json")
    assert kept.runtime is None
    assert [len(values) for values in (kept.accuracy or {}).values()] == [3]

    assert main([*files, *CELLS]) == 0
    told = capsys.readouterr()
    assert "3 replicates, identical" in told.out
    assert "passed in" in told.out
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["passed"] is True

    plugin = tmp_path / "worse.py"
    plugin.write_text(WORSE)
    before = (tmp_path / "base.json").read_bytes()
    assert main([*files, *CELLS, "--plugin", str(plugin)]) == 1
    told = capsys.readouterr()
    assert "the computation changed: explain, then --accept" in told.out
    assert (tmp_path / "base.json").read_bytes() == before

    assert main([*files, *CELLS, "--plugin", str(plugin), "--accept"]) == 0
    told = capsys.readouterr()
    assert "old against new; what fails here is what this acceptance changes" in told.out
    assert "the computation changed" in told.out
    assert (read(tmp_path / "base.json").fingerprints or {}).keys() == (kept.fingerprints or {}).keys()
    assert read(tmp_path / "base.json").fingerprints != kept.fingerprints


def test_parts_are_not_put_in_place_of_a_baseline_that_cannot_be_read(
    files: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "base.json").write_text("<<<<<<< ours")
    assert main([*files, "--gates", "runtime", "--accept"]) == 2
    assert "base.json is damaged" in capsys.readouterr().err
    assert (tmp_path / "base.json").read_text() == "<<<<<<< ours"


def test_help_needs_no_torch():
    program = (
        "import sys, bench.check\n"
        "bench.check.parser().format_help()\n"
        "print(sorted({'torch', 'pandas', 'pydantic', 'sklearn', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_gate_that_cannot_be_left_out_of_the_baseline_is_refused(files: tuple[str, ...]):
    assert main(list(files)) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--gates", "speed"], "--gates: expected some of accuracy, fingerprint, counted, runtime, got speed"),
        (["--gates", ""], "got nothing"),
        (["--jobs", "0"], "--jobs: expected a whole number >= 1, got 0"),
        (["--suite", "cl"], "unknown suite 'cl'"),
        (["--plugin", "nowhere.py"], "plugin nowhere.py"),
    ],
)
def test_options_that_make_no_sense_exit_with_2(options: list[str], words: str, capsys: pytest.CaptureFixture[str]):
    assert main(options) == 2
    assert words in capsys.readouterr().err


def test_two_replicates_are_too_few_to_accept(
    files: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "tiny.toml").write_text(SUITE.replace("replicates = 3", "replicates = 2"))
    assert main([*files, "--accept"]) == 2
    assert "at least 3 replicates, got 2" in capsys.readouterr().err
    assert not (tmp_path / "base.json").exists()


def test_a_band_that_names_nothing_of_the_suite_is_a_mistake(
    files: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "tiny.toml").write_text(SUITE + '[[gate.bands]]\nalgorithm = "fedprox"\nlow = 0.9\n')
    assert main(list(files)) == 2
    assert "expected one of the suite's, got 'fedprox'" in capsys.readouterr().err


def test_what_is_outside_of_its_band_is_not_accepted(
    files: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "tiny.toml").write_text(SUITE + '[[gate.bands]]\nalgorithm = "fedavg"\nlow = 0.999\n')
    assert main([*files, *CELLS, "--accept"]) == 1
    told = capsys.readouterr()
    assert "outside of what makes sense" in told.out
    assert "not accepted" in told.err
    assert not (tmp_path / "base.json").exists()


def test_a_signal_ends_it_with_130(
    files: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def terminated(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(checking, "check", terminated)
    assert main(list(files)) == 130
    assert "stopped" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == before


class Stub:
    """What `bench.gate.checking` asks of an `Asked`, with paces made up."""

    def __init__(self, *answers: dict[str, list[Pace]] | Exception) -> None:
        self.answers = list(answers)

    def tell(self, text: str) -> None:
        pass

    def paces(self, processes: int) -> dict[str, list[Pace]]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_slow_moment_is_looked_at_again_and_a_slow_program_stays_slow():
    before = {"a": Level(Pace(1.0, 0))}
    moment = Stub({"a": [Pace(1.4, 0), Pace(1.4, 0), Pace(1.0, 0)]}, {"a": [Pace(1.0, 0), Pace(1.0, 0)]})
    (row,) = checking._check_runtime(moment, before)  # type: ignore[arg-type]
    assert row.verdict == "pass"
    assert not moment.answers
    program = Stub({"a": [Pace(1.4, 0)] * 3}, {"a": [Pace(1.4, 0)] * 2})
    (row,) = checking._check_runtime(program, before)  # type: ignore[arg-type]
    assert row.verdict == "fail"


def test_benchmarks_that_break_fail_the_gate():
    (row,) = checking._check_runtime(Stub(BenchmarkFailed("boom")), {})  # type: ignore[arg-type]
    assert (row.verdict, row.note) == ("fail", "boom")


@pytest.mark.parametrize("name", MUTANTS)
def test_every_seeded_regression_still_fits_the_source(name: str, tmp_path: Path):
    mutant = MUTANTS[name]
    target = tmp_path / mutant.file
    target.parent.mkdir(parents=True)
    source = (ROOT / mutant.file).read_text()
    target.write_text(source)
    mutant.seed(tmp_path)
    compile(target.read_text(), mutant.file, "exec")
    assert target.read_text() != source
    target.write_text("")
    with pytest.raises(ValueError, match="no longer fits"):
        mutant.seed(tmp_path)


def test_tables_go_between_their_marks_and_nowhere_else(tmp_path: Path):
    document = tmp_path / "gate.md"
    document.write_text("a\n<!-- trial: x -->\nold\n<!-- end: x -->\nb\n")
    put("x", "new", document)
    put("x", "newer", document)
    assert document.read_text() == "a\n<!-- trial: x -->\nnewer\n<!-- end: x -->\nb\n"
    with pytest.raises(ValueError, match="expected the marks"):
        put("y", "new", document)
