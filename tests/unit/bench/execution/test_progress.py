import io

import pytest
from rich.console import Console

from bench.execution.executor import Finished
from bench.execution.progress import Live, Progress, duration, label, line, progress
from tests import world
from tests.unit.bench.faults import ROUNDS, FaultyCell, cells


def done(cell: FaultyCell, seconds: float = 2.0) -> Finished:
    return Finished(cell.hash, "done", None, seconds, 0.91234)


def test_a_finished_cell_is_one_line():
    finished = FaultyCell("fml", replicate=3, dataset="digits", partition="dirichlet-capped", zoo="cnn")
    expected = "[ 12/160] done      fml  digits dirichlet-capped 0.1 cnn #3  acc 0.912  4.1 s"
    assert line(done(finished, 4.1), finished, 12, 160) == expected


def test_a_trial_of_tuning_shows_its_setting():
    trial = world.cell(algorithm="fml", params={"alpha": 0.5, "average": "uniform"}, tuning=True)
    assert label(trial) == "fml  synthetic dirichlet 0.5 mlp #0  lr 0.05, alpha 0.5, average uniform"
    assert label(world.cell(algorithm="fml")) == "fml  synthetic dirichlet 0.5 mlp #0"


def test_a_trouble_is_a_line_with_its_reason():
    late = FaultyCell("local", alpha=None)
    told = line(Finished(late.hash, "timeout", "no result within 60.0 s", 60.0), late, 1, 1)
    assert told == "[1/1] timeout   local  none iid mlp #0  no result within 60.0 s  1 min 00 s"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 00 s"), (3599.7, "1 h 00 min"), (7325, "2 h 02 min")],
)
def test_time_spans_read_well(seconds: float, words: str):
    assert duration(seconds) == words


def test_the_count_starts_with_what_was_finished_before(capsys: pytest.CaptureFixture[str]):
    made = cells("works-a", "works-b", "works-c")
    with progress(made, made[1:]) as show:
        assert type(show) is Progress  # pytest's output is no terminal
        show.finish(done(made[1]), made[1])
        show.finish(Finished(made[2].hash, "failed", "so it goes", 1.0), made[2])
    lines = capsys.readouterr().out.splitlines()
    assert [text.split()[:3] for text in lines] == [["[2/3]", "done", "works-b"], ["[3/3]", "failed", "works-c"]]


def test_the_time_left_follows_expected_costs_at_the_pace_so_far(monkeypatch: pytest.MonkeyPatch):
    made = cells("works-a", "works-b", "skips", "works-c")
    cost = dict(zip((cell.hash for cell in made), (1.0, 2.0, 50.0, 4.0), strict=True))
    show = Progress(made, made, cost=lambda cell: cost[cell.hash])
    monkeypatch.setattr(show, "elapsed", lambda: 9.0)
    assert show.remaining() is None
    show.finish(done(made[0]), made[0])
    assert show.remaining() == pytest.approx(9 * (2 + 50 + 4) / 1)
    show.finish(Finished(made[2].hash, "skipped", "not for this zoo", 0.0), made[2])
    assert show.remaining() == pytest.approx(9 * (2 + 4) / 1)
    show.round(made[3].hash, 1)
    show.round("unknown", 1)
    assert show.remaining() == pytest.approx(9 * (2 + 4 * (1 - 1 / ROUNDS)) / (1 + 4 / ROUNDS))
    for cell in (made[1], made[3]):
        show.finish(done(cell), cell)
    assert show.remaining() == 0.0


def test_rounds_are_those_of_this_run_and_end_with_their_cell():
    made = cells("works-a", "works-b")
    show = Progress(made, made)
    show.round(made[0].hash, 2)
    assert show.rounds() == (2, 2 * ROUNDS)
    show.finish(Finished(made[0].hash, "failed", "halfway", 1.0), made[0])
    assert show.rounds() == (ROUNDS, 2 * ROUNDS)


def test_a_terminal_shows_counts_rounds_and_time_left_and_keeps_troubles(monkeypatch: pytest.MonkeyPatch):
    made = cells("works-a", "works-b", "works-c")
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    show = Live(made, made, console=console)
    monkeypatch.setattr(show, "elapsed", lambda: 4.0)
    with show:
        show.finish(done(made[0]), made[0])
        show.finish(Finished(made[1].hash, "failed", "[so] it goes", 1.0), made[1])
        show.round(made[2].hash, 1)
    assert isinstance(console.file, io.StringIO)
    told = console.file.getvalue()
    assert "[so] it goes" in told
    assert "works-a" not in told
    with console.capture() as capture:
        console.print(show.draw())
    assert all(text in capture.get() for text in ("2/3 cells, 1 failed", "7/9 rounds", "4.0 s", "about 2.0 s left"))


@pytest.mark.parametrize(("term", "kind"), [("xterm", Live), ("dumb", Progress)])
def test_the_display_fits_where_output_goes(monkeypatch: pytest.MonkeyPatch, term: str, kind: type[Progress]):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", term)
    made = cells("works")
    assert type(progress(made, made)) is kind
