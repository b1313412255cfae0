from typing import Any, Self

import pytest

from bench.speedometer import comparison
from bench.speedometer.comparison import LOADER, NAIVE_BF16, PLAIN_MALLOC, compare, contestants, disagreement, overhead
from bench.speedometer.process import WorkerError
from bench.speedometer.results import Series
from bench.speedometer.workloads import find
from tests.unit.bench.speedometer.small import workload


class FakeWorker:
    """Answers like a contest; notes who was asked for a round, in which process."""

    rounds: list[str] = []  # noqa: RUF012 - cleared by the fixture
    ended = 0
    apart = 0.0
    threads = 1
    failure: BaseException | None = None
    after = 0  # rounds before the failure

    def __init__(self, target: str, environment: dict[str, str] | None = None, **arguments: Any) -> None:
        self.plain, self.names = environment is not None, arguments["names"]

    def call(self, method: str, **arguments: Any) -> Any:
        if method == "facts":
            return {"steps": 10, "clients": 5, "matmul_flops": 1, "convolution_flops": 1, "threads": self.threads}
        if method == "rates":
            return {"matmul": 1.0, "convolution": 1.0}
        if method == "distances":
            return {name: self.apart for name in self.names if name != arguments["to"]}
        if self.failure and len(self.rounds) >= self.after:
            raise self.failure
        self.rounds.append(f"{arguments['name']}{' elsewhere' if self.plain else ''}")
        return {"cpu": 1.0 * len(self.rounds), "wall": 0.0}

    def end(self) -> None:
        FakeWorker.ended += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "Worker", FakeWorker)
    monkeypatch.setattr(comparison, "ENGINES", ("reference", "vectorised"))
    for name, value in {"rounds": [], "ended": 0, "apart": 0.0, "threads": 1, "failure": None, "after": 0}.items():
        monkeypatch.setattr(FakeWorker, name, value)


def measured(repeats: int = 3, *, momenta: tuple[float, ...] = (0.0,), extras: bool = False) -> list[Series]:
    into: list[Series] = []
    done = list(compare(into, [workload()], momenta, repeats, None, extras=extras, say=lambda text: None))
    assert into == done
    return into


def test_contestants_take_turns() -> None:
    (series,) = measured(3)
    assert FakeWorker.rounds == ["naive", "reference", "vectorised"] * 4  # one warm-up
    assert series.seconds == {"naive": [4.0, 7.0, 10.0], "reference": [5.0, 8.0, 11.0], "vectorised": [6.0, 9.0, 12.0]}
    assert len(series.rates) == 3
    assert FakeWorker.ended == 1


def test_other_momenta_are_measured_beside_with_fewer_repetitions_and_a_longer_warm_up() -> None:
    main, beside = measured(5, momenta=(0.0, 0.9))
    assert (main.momentum, len(main.seconds["naive"])) == (0.0, 5)
    assert (beside.momentum, len(beside.seconds["naive"])) == (0.9, 3)
    assert FakeWorker.rounds.count("naive") == 1 + 5 + 2 + 3


def test_other_forms_of_the_naive_loop_are_measured_beside_the_first_repetitions_of_the_main_series() -> None:
    main, beside = measured(4, momenta=(0.0, 0.9), extras=True)
    assert {name: len(taken) for name, taken in main.seconds.items()} == {
        **{"naive": 4, "reference": 4, "vectorised": 4},
        **{LOADER: 2, PLAIN_MALLOC: 2},
    }
    assert FakeWorker.rounds[3:5] == [LOADER, "naive elsewhere"]
    assert set(beside.seconds) == {"naive", "reference", "vectorised"}
    assert FakeWorker.ended == 3


def test_bf16_has_the_naive_loop_in_bf16_beside_it() -> None:
    assert NAIVE_BF16 in contestants(find(["mnist-cnn-bf16"])[0], extras=False)
    assert NAIVE_BF16 not in contestants(find(["mnist-cnn"])[0], extras=False)


def test_a_contestant_that_does_other_work_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeWorker, "apart", 0.05)
    (series,) = measured()
    assert series.problem == (
        "the models of 'reference' and of the naive loop differ by 0.05 of the way gone, expected at most 0.01: "
        "they do not do the same work"
    )
    assert series.seconds == {}


def test_more_than_one_thread_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeWorker, "threads", 2)
    (series,) = measured()
    assert (series.problem, series.seconds) == ("expected one thread, got 2", {})


@pytest.mark.parametrize(
    ("precision", "from_naive", "from_bf16", "expected"),
    [
        ("fp32", {"reference": 0.009, "vectorised": 1e-6}, {}, None),
        ("fp32", {"reference": 1e-6, "vectorised": 0.02}, {}, "'vectorised' and of the naive loop differ by 0.02"),
        ("fp32", {"reference": float("nan")}, {}, "differ by nan"),
        ("fp32", {"reference": 1e-6, LOADER: 0.02}, {}, f"'{LOADER}' and of the naive loop differ by 0.02"),
        ("bf16", {"reference": 0.04}, {"reference": 0.1}, None),
        ("bf16", {"reference": 0.04}, {"reference": 0.3}, "differ by 0.3 of the way gone, expected at most 0.2"),
        ("bf16", {"reference": 1e-4}, {"reference": 0.04}, "does not compute in bf16"),
    ],
)
def test_disagreement(
    precision: str, from_naive: dict[str, float], from_bf16: dict[str, float], expected: str | None
) -> None:
    found = disagreement(precision, from_naive, from_bf16)
    assert found is None if expected is None else expected in str(found)


def test_a_worker_that_fails_leaves_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeWorker, "failure", WorkerError("Diverged: the loss is not finite"))
    (series,) = measured()
    assert series.problem == "Diverged: the loss is not finite"
    assert FakeWorker.ended == 1


def test_an_interrupt_loses_no_full_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeWorker, "failure", KeyboardInterrupt())
    monkeypatch.setattr(FakeWorker, "after", 3 + 3 + 2)  # in the middle of the second repetition
    into: list[Series] = []
    with pytest.raises(KeyboardInterrupt):
        list(compare(into, [workload()], (0.0,), 3, None, extras=False, say=lambda text: None))
    assert {name: len(taken) for name, taken in into[0].seconds.items()} == dict.fromkeys(
        ("naive", "reference", "vectorised"), 1
    )
    assert FakeWorker.ended == 1


def test_overhead_is_measured_as_rounds_are_and_with_many_steps() -> None:
    into: list[Series] = []
    list(overhead(into, [workload()], 2, None, say=lambda text: None))
    assert [series.workload["local_steps"] for series in into] == [None, 40]
    assert [set(series.seconds) for series in into] == [{"bare arithmetic", "reference"}] * 2
    assert all(series.problem is None for series in into)
