"""Split folders: whose rows are whose, there and back again, and what is wrong with a folder."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data import Data, DataError
from bench.declaration.tasks import ClientTask
from bench.registry import DATASETS, PARTITIONS, RegistryError
from bench.rounds import dealing, pool, setting
from datasets import split_files, split_folder
from datasets.split import Split
from tests.world import cell, images, tasks

SIZES = {"train": (7, 4, 9), "test": (3, 1, 2)}


def deal(made: Any, data: Data) -> list[Split]:
    return dealing.deal(made, pool.of_one(data, made.clients))


def client(part: str, k: int, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng([k, part == "train"])
    n = SIZES[part][k]
    return {"x": rng.normal(size=(n, 1, 8, 8)), "y": rng.integers(0, 3, n), **changes}


def folder(path: Path, **changes: dict[str, Any]) -> Path:
    """A split folder of three clients; `changes`: ``train_1={"y": ...}``, or None for no such file."""
    for part in split_folder.PARTS:
        (path / part).mkdir(parents=True)
        for k in range(3):
            change = changes.get(f"{part}_{k}", {})
            if change is not None:
                np.savez_compressed(path / part / f"{k}.npz", data=client(part, k, **change))
    return path


def test_each_client_has_its_own_rows(tmp_path: Path):
    data = split_folder.read(folder(tmp_path / "given"))
    assert [(len(own.train), len(own.test)) for own in data.clients] == [(7, 3), (4, 1), (9, 2)]
    for k, own in enumerate(data.clients):
        for part, rows in (("train", own.train), ("test", own.test)):
            held = client(part, k)
            assert np.array_equal(data.train_x[rows], held["x"].astype(np.float32))
            assert np.array_equal(data.train_y[rows], held["y"])
    rows = np.concatenate([np.concatenate(own) for own in data.clients])
    assert np.array_equal(np.sort(rows), np.arange(26))
    assert np.array_equal(data.test_x, np.concatenate([client("test", k)["x"] for k in range(3)]).astype(np.float32))
    assert (data.shift, data.scale, data.classes) == ((0.0,), (1.0,), 3)


def test_identity_is_of_the_content(tmp_path: Path):
    first = split_folder.read(folder(tmp_path / "first"))
    again = folder(tmp_path / "again")
    held = client("train", 0)
    np.savez(again / "train" / "0.npz", x=held["x"].astype(np.float32), y=held["y"])  # packed in another way
    assert split_folder.read(again).md5 == first.md5
    held["y"][0] = (held["y"][0] + 1) % 3
    np.savez(again / "train" / "0.npz", data=held)
    assert split_folder.read(again).md5 != first.md5


def test_what_is_declared_counts_and_pixels_are_normalised_by_training_rows(tmp_path: Path):
    pixels = {
        f"{part}_{k}": {"x": np.full((SIZES[part][k], 8, 8), 10 * k, np.uint8)} for part in SIZES for k in (0, 1, 2)
    }
    path = folder(tmp_path / "given", **pixels)
    (path / "config.json").write_text(json.dumps({"num_clients": 3, "num_classes": 7}))
    data = split_folder.read(path)
    assert data.classes == 7
    assert data.train_x.shape == (26, 1, 8, 8)
    assert data.train_x.dtype == np.uint8
    values = [0] * 7 + [10] * 4 + [20] * 9
    assert data.shift == (round(float(np.mean(values)), 4),)
    assert data.scale == (round(float(np.std(values)), 4),)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_1": None}, r"clients go up to 2, but there is no train/1\.npz"),
        ({"test_2": None}, r"there is no test/2\.npz"),
        ({"test_1": {"x": np.zeros((0, 1, 8, 8)), "y": np.zeros(0)}}, r"test/1\.npz holds no samples"),
        ({"train_0": {"x": np.zeros((7, 1, 6, 6))}}, r"train/1\.npz are float32 \[1, 8, 8\], those of train/0\.npz"),
        ({"train_0": {"x": np.zeros((7, 64))}}, r"train/0\.npz: expected numbers x .* got x float64 \[7, 64\]"),
        ({"train_0": {"y": np.zeros(6)}}, r"y float64 \[6\]"),
        ({"train_2": {"y": np.full(9, 0.5)}}, r"train/2\.npz: expected whole numbers from 0 as labels, got 0\.5"),
        ({"train_2": {"y": np.full(9, -1)}}, "as labels, got -1"),
        ({"test_0": {"x": np.full((3, 1, 8, 8), np.nan)}}, r"test/0\.npz: expected finite pixels, got nan"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, changes: dict[str, Any], words: str):
    with pytest.raises(DataError, match=words):
        split_folder.read(folder(tmp_path / "given", **changes))


def test_what_is_no_split_folder_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"expected a split folder .* found nothing there"):
        split_folder.read(tmp_path / "none")
    with pytest.raises(DataError, match="found no such files"):
        split_folder.read(tmp_path)
    path = folder(tmp_path / "given")
    (path / "config.json").write_text("{")
    with pytest.raises(DataError, match=r"config\.json cannot be read"):
        split_folder.read(path)


def test_a_folder_becomes_a_data_set_once(tmp_path: Path):
    path = folder(tmp_path / "given")
    made = split_folder.register(f"test-given={path}")
    assert (made.name, made.path, made.clients) == ("test-given", path, 3)
    assert split_folder.register(str(made)) == made
    source = DATASETS.get("test-given")
    assert (source.shape, source.classes, source.train_size, source.test_size) == ((1, 8, 8), 3, 26, 6)
    assert source().load().md5 == source.md5
    with pytest.raises(RegistryError, match="there is a data set 'test-given' already; choose another name: NAME="):
        split_folder.register(f"test-given={folder(tmp_path / 'other')}")
    with pytest.raises(RegistryError, match="there is a data set 'digits' already"):
        split_folder.register(f"digits={path}")
    with pytest.raises(DataError, match=r"expected a name of letters, digits and \. _ -"):
        split_folder.register(f"a b={path}")


def given(data: Any, validation: float = 0.125, **changes: Any) -> Any:
    return deal(as_given(validation, **changes), data)


def as_given(validation: float = 0.125, **changes: Any) -> Any:
    asked = {"partition": "as-given", "alpha": None, "clients": 3, "partition_params": {"validation": validation}}
    return cell(**{**asked, **changes})


def test_clients_keep_their_test_rows_and_validate_on_some_of_their_training_rows(tmp_path: Path):
    data = split_folder.read(folder(tmp_path / "given"))
    first, other = given(data), given(data, partition_seed=1)
    for k, own in enumerate(data.clients):
        assert np.array_equal(first[k].test, own.test)
        assert np.array_equal(np.union1d(first[k].train, first[k].validation), own.train)
        assert len(first[k].train) + len(first[k].validation) == len(own.train)
        assert np.all(np.diff(first[k].train) > 0)
    assert [len(part.validation) for part in first] == [1, 1, 1]
    assert [len(part.validation) for part in given(data, 0.5)] == [4, 2, 4]
    assert any(not np.array_equal(a.validation, b.validation) for a, b in zip(first, other, strict=True))


def test_without_validation_rows_a_client_trains_on_all_of_its_training_rows(tmp_path: Path):
    data = split_folder.read(folder(tmp_path / "given"))
    splits = given(data, 0.0, selection="last")
    for k, own in enumerate(data.clients):
        assert np.array_equal(splits[k].train, own.train)
        assert np.array_equal(splits[k].test, own.test)
    assert dealing.describe(as_given(), pool.of_one(data, 3), splits)["counts"] == [
        np.bincount(data.train_y[np.concatenate(own)], minlength=3).tolist() for own in data.clients
    ]
    with pytest.raises(DataError, match=r'client 0 would be validated on rows that it trains on.*selection = "last"'):
        given(data, 0.0)


def test_what_does_not_fit_is_said(tmp_path: Path):
    data = split_folder.read(folder(tmp_path / "given"))
    with pytest.raises(DataError, match="expected clients = 3, as the data set brings, got 4"):
        given(data, clients=4)
    with pytest.raises(DataError, match="does not come divided among clients"):
        given(images())
    with pytest.raises(DataError, match="labels do not say"):
        PARTITIONS.get("as-given")().draw(data.train_y, 3, None, np.random.default_rng(0))
    lonely = {"train_1": {"x": np.zeros((1, 1, 8, 8)), "y": np.zeros(1)}}
    with pytest.raises(DataError, match="client 1 has 1 training sample: expected at least 2"):
        given(split_folder.read(folder(tmp_path / "lonely", **lonely)))


def test_tasks_keep_the_clients_that_their_data_sets_bring(tmp_path: Path):
    data = split_folder.read(folder(tmp_path / "given"))
    everything = ClientTask("all", "given", data.md5, (0, 1, 2), 3)
    pair = ClientTask("pair", "other", data.md5, (2, 0), 3)
    there = pool.of_tasks([everything, pair], {"given": data, "other": data})
    splits = dealing.deal(as_given(0.0, selection="last", **tasks(everything, pair)), there)
    assert len(splits) == 6
    for k, own in enumerate(data.clients):
        assert np.array_equal(splits[k].test, own.test)
        assert np.array_equal(splits[k].train, own.train)
        for held, rows in ((splits[3 + k].test, own.test), (splits[3 + k].train, own.train)):
            kept = rows[data.train_y[rows] != 1]
            assert np.array_equal(there.train.x[held], data.train_x[kept])
            assert np.array_equal(there.train.y[held], np.where(data.train_y[kept] == 2, 0, 1))
    with pytest.raises(DataError, match="task 'pair': as-given: expected clients = 3, as the data set brings, got 2"):
        dealing.deal(as_given(**tasks(few := replace(pair, clients=2))), pool.of_tasks([few], {"other": data}))


def test_a_trial_of_tuning_sees_no_test_row_that_a_data_set_brings(tmp_path: Path):
    data = split_folder.read(folder(tmp_path / "given"))
    for own, trial in zip(data.clients, given(data, tuning=True), strict=True):
        assert np.array_equal(np.union1d(trial.train, trial.validation), own.train)
        assert np.array_equal(trial.test, trial.validation)
    with pytest.raises(DataError, match="client 0 would be judged on rows that it trains on: tuning needs rows set"):
        given(data, 0.0, selection="last", tuning=True)


def test_a_client_without_images_of_its_task_is_named(tmp_path: Path):
    ones = {f"{part}_1": {"y": np.ones(SIZES[part][1])} for part in SIZES}
    data = split_folder.read(folder(tmp_path / "given", **ones))
    task = ClientTask("pair", "given", data.md5, (0, 2), 3)
    with pytest.raises(DataError, match="task 'pair': as-given: client 1 has 0 training and 0 test samples"):
        dealing.deal(as_given(**tasks(task)), pool.of_tasks([task], {"given": data}))


FACTS = {"partition": "dirichlet", "alpha": 0.5, "batch_size": 8}


@pytest.mark.parametrize("partition", ["dirichlet", "iid", "quantity"])
def test_a_partition_of_ours_comes_back_as_it_went(tmp_path: Path, partition: str):
    data = images()
    made = cell(partition=partition, partition_params={}, alpha=0.5)
    splits = deal(made, data)
    split_files.export("pfllib", tmp_path / "out", data, splits, FACTS)
    back = split_folder.read(tmp_path / "out")
    assert back.classes == data.classes
    assert len(back.clients) == made.clients
    for own, split in zip(back.clients, splits, strict=True):
        for ours, rows in ((own.train, np.union1d(split.train, split.validation)), (own.test, split.test)):
            assert np.array_equal(back.train_x[ours], split_files.normalised(data, rows))
            assert np.array_equal(back.train_y[ours], data.train_y[rows])
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert (config["num_clients"], config["num_classes"]) == (made.clients, data.classes)
    counts = config["Size of samples for labels in clients"]
    assert sum(count for each in counts for _, count in each) == len(data.train_y)


def test_images_are_exported_as_nets_see_them():
    import torch

    data, rows = images(), np.arange(50)
    seen, _ = setting.assemble(cell(), data).images.batch(torch.from_numpy(rows))
    assert np.array_equal(split_files.normalised(data, rows), seen.numpy())


def test_row_numbers_come_back_as_they_went(tmp_path: Path):
    data = images()
    splits = deal(cell(), data)
    split_files.export("csv", tmp_path / "out", data, splits, FACTS)
    found: dict[tuple[int, str], list[int]] = {}
    with (tmp_path / "out" / "partition.csv").open(newline="") as file:
        for line in csv.DictReader(file):
            found.setdefault((int(line["client"]), line["part"]), []).append(int(line["row"]))
            assert int(line["label"]) == data.train_y[int(line["row"])]
    expected = {(k, part): rows.tolist() for k, own in enumerate(splits) for part, rows in own._asdict().items()}
    assert found == expected
    assert json.loads((tmp_path / "out" / "fml-bench.json").read_text()) == FACTS


def test_nothing_is_written_over_and_nothing_is_left_half_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = images()
    splits = deal(cell(), data)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(DataError, match="expected a new or an empty folder"):
        split_files.export("csv", out, data, splits, FACTS)
    (out / "mine").unlink()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(split_files, "_write", full)
    with pytest.raises(DataError, match=r"cannot write .*out: No space left on device"):
        split_files.export("csv", out, data, splits, FACTS)
    assert list(tmp_path.rglob("*")) == [out]
    monkeypatch.undo()
    split_files.export("csv", out, data, splits, FACTS)
    assert sorted(path.name for path in out.iterdir()) == ["fml-bench.json", "partition.csv"]
