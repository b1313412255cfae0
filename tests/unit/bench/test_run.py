import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import run as module
from bench.data import DataError
from bench.records.store import Store
from bench.run import main
from tests.unit.bench.faults import SUITE, FaultyCell, cells
from tests.unit.bench.runs import declare

Command = Callable[..., int]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reports: list[Path]) -> Command:
    """Runs fake cells through the whole command; options as on the command line."""
    monkeypatch.setattr("bench.execution.preflight.check", lambda cells, root, share=False: {})

    def run(*algorithms: str, options: tuple[str, ...] = ()) -> int:
        monkeypatch.setattr(module, "plan", lambda _: declare(tmp_path, *algorithms))
        return main(["--suite", "faults", *options])

    return run


def test_a_run_leaves_records_tables_manifest_and_report(command: Command, tmp_path: Path, reports: list[Path]):
    assert command("works-a", "works-b", "skips") == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["suite"]["name"] == "faults"
    assert manifest["cells"] == [cell.hash for cell in cells("works-a", "works-b", "skips")]
    assert manifest["data"] == {"none": "-"}
    assert manifest["provenance"]["argv"] == ["--suite", "faults"]
    assert len((tmp_path / "out" / "tidy" / "runs.csv").read_text().splitlines()) == 4
    assert reports == [tmp_path / "out"]


def test_a_log_has_one_line_per_finished_cell(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command("works-a", "works-b")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("suite faults 1.0 on none: 2 cells; about ")
    assert [text.split()[1] for text in lines[1:3]] == ["done", "done"]
    assert lines[3:] == [
        f"2 done; results in {tmp_path / 'out'}",
        f"report: {tmp_path / 'out' / 'report' / 'report.html'}",
    ]


def test_the_same_command_again_computes_nothing(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command("works-a", "works-b")
    log = (tmp_path / "log").read_text()
    capsys.readouterr()
    assert command("works-a", "works-b") == 0
    assert (tmp_path / "log").read_text() == log
    assert capsys.readouterr().out.startswith("suite faults 1.0 on none: 2 cells, all finished before\n2 done;")


def test_cells_that_fail_are_named_and_make_exit_code_3(
    command: Command, reports: list[Path], capsys: pytest.CaptureFixture[str]
):
    assert command("works", "raises", "diverges", "skips") == 3
    told = capsys.readouterr().out
    assert "1 diverged, 1 done, 1 failed, 1 skipped; results in" in told
    assert "  failed raises (" in told
    assert "ZeroDivisionError" in told
    assert "compute them again with --rerun failed" in told
    assert len(reports) == 1
    assert command("works", "raises", "diverges", "skips") == 3
    assert command("works", "skips") == 0


def test_many_failures_are_counted_not_listed(command: Command, capsys: pytest.CaptureFixture[str]):
    command(*(f"raises-{number}" for number in range(10)))
    told = capsys.readouterr().out.splitlines()
    assert sum(text.startswith("  failed ") for text in told) == 8
    assert "  and 2 more" in told


def test_a_stop_tells_how_to_go_on_without_starting_over(
    command: Command, reports: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from bench.execution.progress import Progress

    monkeypatch.setattr(Progress, "show", lambda self, text, status: os.kill(os.getpid(), signal.SIGINT))
    options = ("--rerun", "failed", "--out", "my results")
    assert command("works", "gate-a", "gate-b", "gate-c", options=options) == 130
    told = capsys.readouterr().out.splitlines()
    assert told[-2:] == [
        "stopped by SIGINT: 1 of 4 cells are finished",
        "go on with: python -m bench.run --suite faults --out 'my results'",
    ]
    assert reports == []


def test_a_stop_before_the_first_cell_leaves_nothing(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.execution.preflight.check", interrupted)
    assert command("works", options=("--rerun=all",)) == 130
    assert "go on with: python -m bench.run --suite faults\n" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_a_report_that_fails_does_not_look_like_lost_results(
    command: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def broken(_: Path) -> None:
        raise ZeroDivisionError("no cells")

    monkeypatch.setattr(sys.modules["reports.html"], "render", broken)
    assert command("works") == 2
    told = capsys.readouterr()
    assert "the results are complete, but their report failed: ZeroDivisionError: no cells" in told.err
    assert "report: " not in told.out


def test_a_report_can_be_left_out(command: Command, reports: list[Path]):
    assert command("works", options=("--no-report",)) == 0
    assert reports == []


def refused(command: Command, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The message of a run that exits with 2 and prints nothing else."""
    capsys.readouterr()
    assert command("works", options=options) == 2
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert told.out == ""
    return told.err


def test_data_that_is_not_there_leaves_nothing_behind(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def missing(*_: object, **__: object) -> None:
        raise DataError("\n".join(f"no file {number}" for number in range(40)))

    monkeypatch.setattr("bench.execution.preflight.check", missing)
    assert refused(command, capsys).splitlines() == [*(f"no file {n}" for n in range(14)), "and 26 more lines"]
    assert not (tmp_path / "out").exists()


def test_a_folder_of_another_suite_is_refused(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    other = {"suite": SUITE | {"name": "other"}, "cells": []}
    Store(tmp_path / "out").write_manifest(other)
    assert "belongs to suite 'other' on none, this is suite 'faults' on none" in refused(command, capsys)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["manifest.json"]


def test_a_folder_in_use_is_refused(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with Store(tmp_path / "out").lock():
        assert refused(command, capsys) == f"{tmp_path / 'out'} is in use by process {os.getpid()}\n"


def test_a_full_disk_is_named(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "the disk is full; what was saved before is kept" in refused(command, capsys)


def test_a_damaged_cell_is_reported_and_computed_again(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    command("works-a", "works-b")
    path = next((tmp_path / "out" / "cells").glob("*.json"))
    whole = path.read_bytes()
    path.write_bytes(whole[:200])
    capsys.readouterr()
    assert command("works-a", "works-b") == 0
    assert f"cell file {path.name} is damaged" in capsys.readouterr().err
    assert path.read_bytes().splitlines()[6:8] == whole.splitlines()[6:8]  # identity and result


def test_an_error_that_was_not_foreseen_shows_its_traceback(command: Command, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bench.execution.preflight.check", broken)
    with pytest.raises(ZeroDivisionError):
        command("works")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--suite"),
        (["--suite", "smoke", "--jobs", "0"], "expected a whole number >= 1, got 0"),
        (["--suite", "smoke", "--jobs", "two"], "expected a whole number >= 1, got two"),
        (["--suite", "smoke", "--engine", "warp"], "invalid choice: 'warp'"),
        (["--suite", "smoke", "--rerun", "some"], "invalid choice: 'some'"),
        (["--suite", "smoke", "--replicate", "3"], "unrecognized arguments: --replicate"),
    ],
)
def test_options_that_make_no_sense_exit_with_2(options: list[str], words: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--suite", "nonid"], "unknown suite 'nonid'. Did you mean 'noniid'?"),
        (["--suite", "smoke", "--algorithms", "fml,fedporx"], "Did you mean 'fedprox'?"),
        (["--suite", "smoke", "--alphas", "0", "--rounds", "-1"], "2 mistakes"),
        (["--suite", "smoke", "--set", "fedprox.mu=-1"], "--set fedprox.mu"),
        (["--suite", "smoke", "--plugin", "no-such-file.py"], "no-such-file.py"),
        (["--suite", "smoke", "--clients", "400"], "dirichlet-capped of digits, alpha 0.1, 400 clients, replicate 0"),
    ],
)
def test_suites_that_cannot_run_exit_with_2_and_leave_nothing(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main([*options, "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert "Traceback" not in told.err
    assert len(told.err.splitlines()) <= 15
    assert not (tmp_path / "out").exists()


def test_a_gpu_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["--suite", "smoke", "--device", "cuda"]) == 2
    assert "--device cuda: no usable GPU here" in capsys.readouterr().err


def test_a_dry_run_shows_cells_and_time_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def untouched(*_: object) -> None:
        raise AssertionError("a dry run loads no data")

    monkeypatch.setattr("bench.rounds.loading.load", untouched)
    monkeypatch.chdir(tmp_path)
    assert main(["--suite", "smoke", "--replicates", "3", "--jobs", "2", "--dry-run"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].split() == ["data", "set", "partition", "zoo", "algorithm", "alpha", "0.1", "alpha", "100"]
    assert ["digits", "dirichlet-capped", "mixed", "local", "3", "3"] in [row.split() for row in told]
    assert told[-2] == "48 cells, 0 of them finished in results/smoke-digits"
    assert told[-1].startswith("estimated time on 2 processes: ")
    assert list(tmp_path.iterdir()) == []


def test_real_cells_run_from_suite_to_tables(tmp_path: Path, reports: list[Path], monkeypatch: pytest.MonkeyPatch):
    heard: list[int] = []
    monkeypatch.setattr("bench.execution.progress.Progress.round", lambda self, cell, finished: heard.append(finished))
    chosen = ["--algorithms", "fedavg,local", "--alphas", "1", "--zoo", "mlp", "--rounds", "2", "--clients", "3"]
    arguments = ["--suite", "smoke", *chosen, "--jobs", "1", "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    assert sorted(record["identity"]["algorithm"] for record in Store(tmp_path / "out").latest()) == ["fedavg", "local"]
    assert reports == [tmp_path / "out"]
    assert heard == [1, 2, 1, 2]
    rows = (tmp_path / "out" / "tidy" / "rounds.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 2


def test_help_and_the_parents_share_of_a_run_need_no_torch():
    program = (
        "import sys, bench.run, bench.records.store, bench.records.tidy, bench.host.provenance\n"
        "import bench.execution.execute, bench.execution.progress\n"
        "bench.run.parser().format_help()\n"
        "print(sorted({'torch', 'pandas', 'pydantic', 'sklearn', 'rich', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_stand_in_cell_borrows_nothing_that_a_cell_does_not_have():
    from bench.declaration.cell import Cell

    assert FaultyCell("works").identity().keys() <= Cell.__dataclass_fields__.keys()


def test_a_broken_plugin_file_is_reported_and_the_others_go_on(tmp_path, capsys):
    broken = tmp_path / "broken.py"
    broken.write_text("import there_is_no_such_module\n")
    command = ["--suite", "smoke", "--plugin", str(broken), "--out", str(tmp_path / "out"), "--dry-run"]
    assert main([*command, "--algorithms", "fedavg"]) == 0
    assert "broken.py cannot be imported: ModuleNotFoundError" in capsys.readouterr().err
    assert main([*command, "--algorithms", "fedavg,test-of-broken"]) == 2
    text = capsys.readouterr().err
    assert "unknown algorithm 'test-of-broken'" in text
    assert "broken.py did not load: ModuleNotFoundError" in text


def test_a_foreign_package_in_our_place_is_said_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "shadowed", lambda: "Python finds the package 'datasets' elsewhere")
    assert main(["--suite", "smoke", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "Python finds the package 'datasets' elsewhere\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--address=host:1", "--cpus-per-task=1", "--gpus-per-task=0.5"])
def test_what_only_ray_understands_is_refused_elsewhere(option: str, capsys: pytest.CaptureFixture[str]):
    assert main(["--suite", "smoke", option, "--dry-run"]) == 2
    assert capsys.readouterr().err == f"{option.partition('=')[0]}: only with --executor ray\n"


def test_ray_that_is_not_installed_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("bench.execution.ray_session.installed", lambda: False)
    assert main(["--suite", "smoke", "--executor", "ray", "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.startswith("--executor ray: Ray is not installed here; install it")
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_records_of_tuned_cells_name_the_trials_that_their_values_come_from(
    tmp_path: Path, reports: list[Path]
) -> None:
    from bench.declaration.suite import load

    chosen = ["--algorithms", "local", "--alphas", "1", "--zoo", "mlp", "--rounds", "1", "--clients", "3"]
    out = tmp_path / "out"
    assert main(["--suite", "smoke", *chosen, "--jobs", "1", "--out", str(out)]) == 0
    tuned = load("smoke").tuned
    assert tuned is not None
    source = tuned["digits"]["local"].source
    assert source is not None
    (record,) = Store(out).latest()
    assert record["suite"] == {"name": "smoke", "version": "1.1", "tuned": source.digest}
    assert record["identity"]["training"]["optimizer"]["lr"] == tuned["digits"]["local"].values["lr"]
    assert record["identity"]["reserved"] == 0.5
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["suite"]["tuned"]["digits"]["local"]["source"]["digest"] == source.digest
