"""What ``--engine auto`` means: it follows from the declaration and the committed costs alone."""

import tomllib
from dataclasses import replace

import pytest

from bench import costs
from bench.declaration.tasks import ClientTask, facts
from bench.execution.forecast import resolved
from tests.world import cell, tasks


def test_auto_is_vectorised_where_every_net_gains_from_it() -> None:
    assert costs.engine_for(cell(net="mlp", dataset="digits")) == "vectorised"
    assert (
        costs.engine_for(replace(cell(net="mlp", dataset="digits"), architectures=("mlp", "lenet5", "cnn1", "cnn2")))
        == "vectorised"
    )
    assert costs.engine_for(cell(net="resnet18", dataset="digits")) == "reference"
    assert costs.engine_for(replace(cell(net="mlp", dataset="digits"), shared="resnet18")) == "reference"
    assert costs.stacked("net-of-a-plugin", (1, 8, 8), 32) == 0


def test_an_engine_that_is_asked_for_is_taken() -> None:
    cells = [cell(net="mlp", dataset="digits"), cell(net="resnet18", dataset="digits")]
    assert [c.engine for c in resolved(cells, None)] == ["vectorised", "reference"]
    assert {c.engine for c in resolved(cells, "reference")} == {"reference"}
    assert resolved(cells, None)[0].hash != cells[0].hash  # the engine is part of a result's identity


def estimated(algorithm: str, **params: object) -> float:
    return costs.estimate(replace(cell(net="cnn", dataset="digits"), algorithm=algorithm, params=params))


def test_an_estimate_follows_from_what_an_algorithm_declares() -> None:
    """Two nets, more stages, a stage for the head alone, a pass after training: no algorithm has a line of its own."""
    one = estimated("fedavg")
    assert estimated("fedprox") == one
    assert estimated("fml") == estimated("ditto")
    assert 1.8 * one < estimated("ditto") < 2 * one  # scoring costs the same
    assert 1.35 * one < estimated("fedrep") < 1.5 * one  # the head alone first
    assert 3 * one < estimated("fedavg-ft", epochs=5) < 3.6 * one  # epochs: two, and five
    assert one < estimated("scaffold", option="I") < 1.5 * one


def test_every_builtin_net_has_its_costs() -> None:
    from bench.registry import NETS

    assert {name for name in NETS.names() if not name.startswith("test-")} <= set(costs._table())
    for row in costs._table().values():
        assert [len(of_size) for of_size in row["stacked"]] == [len(costs.BATCHES)] * len(costs.SHAPES)


def test_a_gain_by_stacking_is_that_of_the_nearest_size_and_between_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large batches gain less: LeNet5 on CIFAR-10 gains at 10 rows and loses at 64."""
    net = {"overhead_us": 100, "gflops": 50.0, "stacked": [[3.0, 2.0], [2.0, 1.0], [1.3, 0.9]]}
    monkeypatch.setattr(costs, "_table", lambda: {"mlp": net, "other": net})
    assert costs.stacked("mlp", (1, 8, 8), 10) == 3.0
    assert costs.stacked("mlp", (1, 9, 9), 50) == 2.0
    assert costs.stacked("mlp", (1, 28, 28), 1) == 2.0
    assert costs.stacked("mlp", (1, 28, 28), 22) == pytest.approx(1.51, abs=0.01)  # the middle of 10 and 50, by ratio
    assert costs.stacked("mlp", (3, 32, 32), 64) == 0.9
    small, large = (cell(net="mlp", dataset="cifar10", batch_size=size) for size in (10, 64))
    assert [costs.engine_for(one) for one in (small, large)] == ["vectorised", "reference"]


def test_a_trial_costs_what_its_reserved_rows_cost() -> None:
    """Half of the rows: half of the steps, and no global test set."""
    result = cell(net="mlp", dataset="digits", clients=10)
    trial = replace(result, tuning=True, reserved=0.5)
    assert 0.3 < costs.estimate(trial) / costs.estimate(result) < 0.7
    assert costs.estimate(replace(result, reserved=0.5)) == costs.estimate(result)


def test_a_trial_of_tasks_costs_what_they_deal() -> None:
    """A task with so many images has as many in a trial, of however few reserved rows."""
    some = ClientTask("some", "mnist", "", tuple(range(10)), 6, 2400)
    whole = replace(some, name="whole", images=None)

    def worth(*given: ClientTask) -> float:
        result = cell(net="mlp", **tasks(*given))
        return costs.estimate(replace(result, tuning=True, reserved=0.1)) / costs.estimate(result)

    assert 0.6 < worth(some, replace(some, name="other")) < 1  # the same training, and no global test set
    assert worth(whole, replace(whole, name="other")) < 0.2
    assert facts("", (some, whole), 0.1).train_size == 2400 + 6000


def test_what_is_written_is_what_is_read() -> None:
    """Two digits of a gain are kept, whole microseconds, a tenth of a GFLOP/s: no more is known."""
    nets = {name: dict(row) for name, row in costs._table().items()}
    assert costs.document(nets, "a processor").startswith('# Measured by "python -m bench.costs": a processor.')
    assert tomllib.loads(costs.document(nets, "a processor"))["nets"] == nets
    assert costs.document(nets, costs.COSTS.read_text().splitlines()[0].split('": ')[1][:-1]) == costs.COSTS.read_text()


def test_a_net_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        costs.main(["--nets", "mlp,lenet"])
    assert end.value.code == 2
    assert "--nets: lenet: expected cnn, cnn1" in capsys.readouterr().err
