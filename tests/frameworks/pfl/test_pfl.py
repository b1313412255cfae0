"""pfl-research's FedAvg and FedProx against ours, tensor by tensor after each round, on small unequal clients."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("pfl", reason="needs pfl-research: tox -e pfl, or pip install -c constraints/pfl.txt '.[pfl]'")

import tests.nets  # noqa: F401 - registers nets
from algorithms.fedavg import FedAvg
from algorithms.fedprox import FedProx
from bench.data import DataError
from bench.declaration.cell import Cell
from bench.frameworks import pfl
from bench.parity.gaps import TOLERANCE
from bench.plugin import algorithm
from bench.rounds import group
from tests import world
from tests.frameworks.oracles import ADAM, DECAY, FEDAVG, FEDPROX, SCHEDULE, STEPS

Arrays = dict[int, dict[str, np.ndarray]]


@pytest.fixture(autouse=True)
def _synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (group, pfl):
        monkeypatch.setattr(module, "prepare", lambda cell, root: world.assemble(cell, world.images()))


def traced(run: Any, cell: Cell, folder: Path) -> tuple[dict[str, Any], Arrays]:
    """The outcome of a cell, and its models after each round."""
    outcome = run(cell, None, None, folder)
    rounds = {}
    for path in sorted((folder / cell.hash).glob("*.npz")):
        with np.load(path) as arrays:
            rounds[int(path.stem.removeprefix("round-"))] = dict(arrays)
    return outcome, rounds


def both(folder: Path, **changes: Any) -> tuple[dict[str, Any], dict[str, Any], Arrays, Arrays]:
    cell = world.cell(**changes)
    ours, mine = traced(group.run, cell, folder / "native")
    theirs, other = traced(pfl.run, replace(cell, framework="pfl"), folder / "pfl")
    return ours, theirs, mine, other


def gap(mine: dict[str, np.ndarray], other: dict[str, np.ndarray], *, without: str = "-") -> float:
    assert mine.keys() == other.keys()
    return max(float(np.abs(mine[n] - other[n]).max()) for n in mine if without not in n)


@pytest.mark.parametrize("method", [FEDAVG, FEDPROX], ids=["fedavg", "fedprox"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"net": "cnn"}, {"optimizer": DECAY}, STEPS, SCHEDULE, {"participation": 0.5}],
    ids=["momentum", "convolutions", "weight decay", "steps", "schedule", "participation"],
)
def test_models_equal_ours_within_rounding(method: dict[str, Any], changes: dict[str, Any], tmp_path: Path) -> None:
    ours, theirs, mine, other = both(tmp_path, **method, **changes)
    assert list(mine) == list(other) == [1, 2, 3]
    assert max(gap(mine[number], other[number]) for number in mine) <= TOLERANCE
    for name in ("bytes_up", "bytes_down", "steps", "filled_batches", "never_sampled", "partition"):
        assert theirs["result"][name] == ours["result"][name], name
    assert theirs["result"]["training_loss"] == pytest.approx(ours["result"]["training_loss"], abs=1e-5)
    assert theirs["timing"].keys() == ours["timing"].keys()


def in_float32(server: dict[str, Any], uploads: dict[str, Any], examples: torch.Tensor) -> dict[str, Any]:
    """pfl's average: differences weighted, summed and divided in float32, in the order in which it does so.

    pfl/model/pytorch.py get_model_difference, pfl/stats.py reweight and __add__, pfl/aggregate/base.py SumAggregator,
    pfl/model/pytorch.py apply_model_update.
    """
    averaged = {}
    for name, start in server.items():
        total = None
        for upload, n in zip(uploads[name], examples.tolist(), strict=True):
            difference = (upload - start) * float(n)
            total = difference if total is None else difference + total
        averaged[name] = start.sub(-(total * float(1 / examples.sum().item())), alpha=1.0)
    return averaged


@algorithm("test-fedavg32")
class FedAvg32(FedAvg):
    """FedAvg with pfl's arithmetic on the server."""

    def aggregate(self, server, uploads, round, at):
        return {"model": in_float32(server["model"], uploads["model"], round.examples)}


@algorithm("test-fedprox32")
class FedProx32(FedAvg32, FedProx):
    """FedProx likewise, with pfl's form of the proximal term: the square of a root, tensor by tensor."""

    def loss(self, nets, work, client, down, batch, at):
        loss = FedAvg.loss(self, nets, work, client, down, batch, at)
        for name in work["model"]:  # pfl/internal/bridge/pytorch/proximal.py _proximal_train_step
            loss = loss + self.mu / 2 * torch.norm(work["model"][name] - down["model"][name]) ** 2
        return loss


@pytest.mark.parametrize("changes", [{}, {"net": "cnn"}, {"optimizer": ADAM}], ids=["mlp", "cnn", "adam"])
@pytest.mark.parametrize(("method", "plugin"), [(FEDAVG, FedAvg32), (FEDPROX, FedProx32)], ids=["fedavg", "fedprox"])
def test_what_is_left_is_the_arithmetic_of_the_average_and_of_the_term(
    method: dict[str, Any], plugin: type, changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With these lines as pfl has them, our engine gives pfl's models bit for bit; with ours it does not.

    Adam makes more of such a difference than SGD, as it divides by the size of gradients: beyond the tolerance.
    """
    _, _, mine, other = both(tmp_path, **method, **changes)
    assert any(gap(mine[number], other[number]) > 0 for number in mine)
    monkeypatch.setattr(group.ALGORITHMS, "get", lambda name: plugin)
    _, explained = traced(group.run, world.cell(**method, **changes), tmp_path / "explained")
    assert [gap(explained[number], other[number]) for number in other] == [0.0, 0.0, 0.0]


def test_statistics_of_batchnorm_are_the_last_clients_in_pfl(tmp_path: Path) -> None:
    """pfl's model is what ``named_parameters`` gives; ours averages buffers, too. Parameters do not see them."""
    ours, theirs, mine, other = both(tmp_path, **FEDAVG, net="test-batchnorm")
    for number in mine:
        assert gap(mine[number], other[number], without="body.1.") <= TOLERANCE
        for name in ("weight", "bias"):
            there = f"global/body.1.{name}"
            assert np.abs(mine[number][there] - other[number][there]).max() <= TOLERANCE
        there = "global/body.1.running_mean"
        assert np.abs(mine[number][there] - other[number][there]).max() > 1e-3
    assert int(other[3]["global/body.1.num_batches_tracked"]) == ours["result"]["steps"]  # of all clients in a row
    assert theirs["result"]["bytes_up"][0] < ours["result"]["bytes_up"][0]


def test_rounds_are_told(tmp_path: Path) -> None:
    told: list[int] = []
    pfl.run(world.cell(**FEDAVG, framework="pfl"), on_round=told.append)
    assert told == [1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"algorithm": "fml", "params": {"alpha": 0.5, "beta": 0.5}}, "fedavg and fedprox only"),
        ({**FEDAVG, "precision": "bf16"}, "expected fp32, got bf16"),
        ({**FEDAVG, "architectures": ("mlp", "cnn")}, "different architectures"),
    ],
    ids=["algorithm", "precision", "mixed zoo"],
)
def test_what_pfl_cannot_do_is_skipped_with_a_reason(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(pfl.Skip, match=words):
        pfl.run(world.cell(**changes, framework="pfl"))


def test_divergence_is_told_as_ours_is(tmp_path: Path) -> None:
    wild = {**FEDAVG, "optimizer": {"name": "sgd", "lr": 1e30, "momentum": 0.0, "weight_decay": 0.0}}
    messages = []
    for run in (group.run, pfl.run):
        with pytest.raises(group.Diverged) as raised:
            run(world.cell(**wild))
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


def test_nothing_of_pfl_stays_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PFL_WORKER_ADDRESSES", "192.0.2.1:1,192.0.2.2:2")  # it would connect to them
    before = dict(os.environ)
    pfl.run(world.cell(**FEDAVG, framework="pfl", rounds=1))
    assert dict(os.environ) == before
    assert list(tmp_path.iterdir()) == []


def test_missing_data_is_a_data_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(cell: Cell, root: Path | None) -> None:
        raise DataError("not there")

    monkeypatch.setattr(pfl, "prepare", gone)
    with pytest.raises(DataError, match="not there"):
        pfl.run(world.cell(**FEDAVG, framework="pfl"))


@pytest.mark.slow
def test_in_a_worker_of_a_run(tmp_path: Path) -> None:
    """A spawned process is no "MainProcess", in which alone pfl makes its distributed context."""
    from bench import run

    out = tmp_path / "out"
    asked = ["--algorithms", "fedavg,fml", "--zoo", "mlp", "--alphas", "100", "--rounds", "2", "--no-report"]
    assert run.main(["--suite", "smoke", "--framework", "pfl", *asked, "--out", str(out)]) == 0
    records = [json.loads(path.read_text()) for path in (out / "cells").glob("*.json")]
    assert {r["identity"]["algorithm"]: r["status"] for r in records} == {"fedavg": "done", "fml": "skipped"}
    assert {r["identity"]["framework"] for r in records} == {"pfl"}
    (done,) = (r for r in records if r["status"] == "done")
    assert math.isfinite(done["result"]["training_loss"][-1])
