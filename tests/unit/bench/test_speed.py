import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import speed as module
from bench.data import DataError
from bench.registry import DATASETS, ROOT
from bench.speed import main
from bench.speedometer.process import WorkerError
from bench.speedometer.results import Report
from tests.unit.bench.speedometer.small import report, series


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Measurements are made up; the parts that were asked for."""
    parts: list[str] = []

    def fake(part: str) -> Callable[..., None]:
        def measure(into: Report, *_: object) -> None:
            parts.append(part)
            getattr(into, part).extend(getattr(report(), part))

        return measure

    monkeypatch.setattr(module, "MEASURE", {part: fake(part) for part in module.MEASURE})
    monkeypatch.setattr(DATASETS.get("mnist"), "load", lambda self, root: None)
    return parts


def test_help_and_list_need_no_torch() -> None:
    code = "import sys; from bench.speed import main; main(['--list']); print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert said.splitlines()[0].startswith("digits-mlp ")
    assert len(said.splitlines()) == 10 + 1
    assert said.splitlines()[-1] == "False"


def test_the_comparison_is_measured_and_shown(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert asked == ["comparison"]
    out = capsys.readouterr().out
    assert "Client steps per second against the naive loop, momentum 0\n" in out
    assert "5.00 (4.50-5.50)" in out


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--overhead"], ["overhead"]),
        (["--growth"], ["growth", "memory"]),
        (["--job"], ["jobs"]),
        (["--two-cores", "--overhead"], ["overhead", "jobs"]),
        (["--all"], ["comparison", "overhead", "growth", "memory", "jobs"]),
    ],
)
def test_parts_are_measured_on_request(options: list[str], parts: list[str], asked: list[str]) -> None:
    assert main(options) == 0
    assert asked == parts


def test_tables_as_markdown(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["--markdown"])
    assert "| 5.00 (4.50-5.50) |" in capsys.readouterr().out


def test_numbers_figure_and_page_are_written(asked: list[str], tmp_path: Path) -> None:
    numbers, figure, page = tmp_path / "speed.json", tmp_path / "speed.png", tmp_path / "speed.md"
    assert main(["--all", "--json", str(numbers), "--plot", str(figure), "--docs", str(page)]) == 0
    assert Report.read(numbers).comparison == report().comparison
    assert json.loads(numbers.read_text())["origins"]["comparison"]["argv"][0] == "--all"
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert "## Whole jobs" in page.read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workloads", "digits-mpl"], "unknown workload 'digits-mpl'. Did you mean 'digits-mlp'?"),
        (["--docs", "x.md", "--quick"], "--docs makes the whole page: leave --workloads and --quick out"),
        (["--quick", "--growth"], "--quick is for the comparison: leave --overhead, --growth, --job and --all out"),
        (["--plot", "x.png", "--growth"], "--plot shows the comparison, which is not measured here"),
        (["--plot", "x.txt"], "--plot: expected a name that ends in .png, .svg, .pdf, got x.txt"),
        (["--json", "/no/such/folder/x.json"], "/no/such/folder/x.json: there is no folder /no/such/folder"),
    ],
)
def test_mistakes_are_told_before_anything_is_measured(
    options: list[str], message: str, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options) == 2
    assert message in capsys.readouterr().err
    assert asked == []


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_a_number_of_repetitions_is_at_least_one(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--repeats", number])
    assert stop.value.code == 2
    assert f"expected a whole number >= 1, got {number}" in capsys.readouterr().err


def test_missing_data_are_told_once(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(self: object, root: Path | None) -> None:
        raise DataError(f"nothing there: {root}")

    monkeypatch.setattr(DATASETS.get("mnist"), "load", missing)
    assert main(["--data-root", "/nowhere"]) == 2
    assert capsys.readouterr().err == "nothing there: /nowhere\n"
    assert main(["--workloads", "digits-mlp,digits-cnn"]) == 0  # which need none of it


def test_ctrl_c_keeps_what_was_measured(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(into: Report, *_: object) -> None:
        into.comparison += [series(), series("mnist-cnn", seconds={}, facts={}, rates=[])]  # the second had not begun
        raise KeyboardInterrupt

    monkeypatch.setitem(module.MEASURE, "comparison", interrupted)
    numbers = tmp_path / "speed.json"
    assert main(["--all", "--json", str(numbers), "--docs", str(tmp_path / "speed.md")]) == 130
    out = capsys.readouterr().out
    assert "5.00 (4.50-5.50)" in out
    assert "stopped; the tables hold what was measured; no page is made of it" in out
    assert [each.name for each in Report.read(numbers).comparison] == ["digits-mlp"]
    assert asked == []
    assert not (tmp_path / "speed.md").exists()


def test_sigterm_stops_it_as_ctrl_c_does(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def terminated(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setitem(module.MEASURE, "comparison", terminated)
    assert main([]) == 130
    assert "stopped; the tables hold what was measured" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_workload_that_failed_is_told_and_shows_in_the_exit_code(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(into: Report, *_: object) -> None:
        into.comparison += [series(), series("mnist-cnn", seconds={}, facts={}, rates=[], problem="it burned")]

    def broken(*_: object) -> None:
        raise WorkerError("no such luck")

    monkeypatch.setitem(module.MEASURE, "comparison", failing)
    monkeypatch.setitem(module.MEASURE, "growth", broken)
    assert main(["--all"]) == 3
    assert "failed: mnist-cnn, momentum 0: it burned" in (err := capsys.readouterr().err)
    assert "growth: no such luck" in err
    assert asked == ["overhead", "memory", "jobs"]


def test_a_busy_machine_is_told(
    asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for load, told in ((3.0, True), (0.1, False)):
        monkeypatch.setattr(module.os, "getloadavg", lambda load=load: (load, 0.0, 0.0))
        main([])
        assert ("busy" in capsys.readouterr().err) == told


def test_a_real_measurement_from_end_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way, with a workload of one small cell."""
    from bench.speedometer import workloads
    from tests.unit.bench.speedometer.small import workload

    monkeypatch.setattr(workloads, "WORKLOADS", (workload(),))
    assert main(["--workloads", "small", "--repeats", "1", "--json", str(tmp_path / "n.json"), "--quick"]) == 0
    (found,) = Report.read(tmp_path / "n.json").comparison
    assert found.problem is None
    assert found.facts["threads"] == 1
    steps: Any = found.facts["steps"]
    assert found.rate("reference") == pytest.approx(steps / found.seconds["reference"][0])
    share = found.share("reference")
    assert share is not None
    assert 0 < share < 1


def test_what_is_published_names_no_folder_of_this_machine() -> None:
    given = ["--all", "--data-root", "/home/me/data", "--docs=/home/me/page.md", "--repeats", "3"]
    assert module._placeless(given) == ["--all", "--data-root", "DIR", "--docs=FILE", "--repeats", "3"]
