"""Is ``--engine auto`` anywhere slower? What is measured, and what is said of it."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from bench.engines.job import Job
from bench.engines.stacked.stack import Stack
from bench.speedometer import automatic
from bench.speedometer.automatic import CELLS, Found, Pair, kinds, main
from bench.speedometer.ours import Ours
from bench.speedometer.results import Spread
from tests.world import cell


def test_each_kind_of_stacked_cells_is_measured_once() -> None:
    found = kinds("smoke")
    assert {(some[0].algorithm, some[0].zoo) for some in found} >= {("fml", "mlp"), ("fml", "mixed"), ("local", "mlp")}
    assert all(0 < len(some) <= CELLS for some in found)
    assert all(one.engine == "vectorised" for some in found for one in some)
    assert len({one.hash for some in found for one in some}) == sum(map(len, found))


def test_what_cannot_be_served_is_not_measured() -> None:
    pair = Pair(None)
    pair.of["smoke"] = [[some] for kind in kinds("smoke") for some in kind[:1] if some.algorithm == "fedavg"]
    served = [pair.race("smoke", place) is not None for place in range(len(pair.of["smoke"]))]
    assert served == [some.zoo == "mlp" for (some,) in pair.of["smoke"]]
    assert not all(served)


def test_cells_with_tasks_share_stacks_as_in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    shared: list[int] = []
    made = Stack.__init__

    def noted(self: Stack, jobs: Sequence[Job], *rest: Any) -> None:
        shared.append(len(jobs))
        made(self, jobs, *rest)

    monkeypatch.setattr(Stack, "__init__", noted)
    some = next(some for some in kinds("tasks") if (some[0].algorithm, some[0].zoo) == ("local", "mixed"))
    Ours(some, None).round()
    assert min(shared) == CELLS
    assert sum(shared) == sum(one.clients for one in some)


@pytest.mark.parametrize(("ratio", "code"), [(0.96, 0), (0.94, 1)])
def test_slower_by_more_than_5_percent_fails(
    ratio: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(suites: Any, root: Any) -> Iterator[Found]:
        yield Found("smoke", cell(), Spread(2.0, 1.9, 2.1))
        yield Found("smoke", cell(), Spread(ratio, ratio, ratio))

    monkeypatch.setattr(automatic, "measure", measured)
    assert main([]) == code
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split()[0] == f"{ratio:.2f}"
    assert printed[-1].endswith(f"slower in {code}")
