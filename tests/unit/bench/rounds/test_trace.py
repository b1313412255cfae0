"""Traces: what is kept of the models after each round."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.execution import worker
from bench.rounds import group
from bench.rounds.trace import Trace, digest
from tests import nets, world  # noqa: F401 - registers nets
from tests.unit.bench import faults


@pytest.fixture(autouse=True)
def _synthetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group, "prepare", lambda cell, root: world.assemble(cell, world.images()))


FML = {"algorithm": "fml", "params": {"alpha": 0.5, "beta": 0.5}}


def test_every_scored_round_is_kept(tmp_path: Path) -> None:
    cell = world.cell(**FML, rounds=3, evaluate_every=2)
    group.run(cell, trace=tmp_path)
    folder = tmp_path / cell.hash
    assert sorted(path.name for path in folder.glob("*.npz")) == ["round-0002.npz", "round-0003.npz"]
    told = json.loads((folder / "trace.json").read_text())
    assert told["cell"] == cell.hash
    assert told["identity"] == json.loads(json.dumps(cell.identity()))
    assert list(told["rounds"]) == ["2", "3"]
    assert set(told["rounds"]["3"]) == {"global", *(f"personal/{k}" for k in range(4))}


def test_hashes_are_of_the_arrays(tmp_path: Path) -> None:
    cell = world.cell(net="test-batchnorm", rounds=1)
    group.run(cell, trace=tmp_path)
    with np.load(tmp_path / cell.hash / "round-0001.npz") as arrays:
        tensors = {name.removeprefix("global/"): torch.from_numpy(arrays[name]) for name in arrays.files}
    told = json.loads((tmp_path / cell.hash / "trace.json").read_text())
    assert told["rounds"]["1"]["global"] == digest(tensors)
    assert tensors["body.1.num_batches_tracked"].shape == ()
    first = next(iter(tensors))
    changed = tensors[first].clone()
    changed.view(-1)[0] += 1
    assert digest({**tensors, first: changed}) != digest(tensors)


def test_a_trace_changes_no_number(tmp_path: Path) -> None:
    cell = world.cell(**FML, rounds=2)
    assert group.run(cell, trace=tmp_path)["result"] == group.run(cell)["result"]


def test_cells_side_by_side_leave_one_each(tmp_path: Path) -> None:
    cells = [replace(world.cell(rounds=1), replicate=r, training_seed=r) for r in range(2)]
    group.run_together(cells, trace=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {cell.hash for cell in cells}


def test_an_earlier_trace_of_the_cell_goes(tmp_path: Path) -> None:
    cell = world.cell()
    Trace(tmp_path, cell).note(7, {"global": [(torch.nn.Identity(), {"w": torch.zeros(2)})]})
    Trace(tmp_path, cell)
    assert list((tmp_path / cell.hash).iterdir()) == []


def test_a_function_that_keeps_none_says_so(tmp_path: Path) -> None:
    (cell,) = faults.cells("good")
    done = worker.work(faults.job(tmp_path, trace=tmp_path / "trace"), cell, lambda number: None)  # type: ignore[arg-type]
    assert done.status == "failed"
    assert "keeps no trace of its models: leave --trace out" in str(done.reason)
