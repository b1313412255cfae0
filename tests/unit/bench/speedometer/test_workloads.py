import os
from pathlib import Path

import pytest

from bench.declaration.suite import load
from bench.registry import DATASETS, UnknownName, load_file
from bench.speedometer.jobs import JOBS, toml
from bench.speedometer.workloads import SUBSETS, WORKLOADS, Workload, find, suite, workload

NAMES = [work.name for work in WORKLOADS]


@pytest.mark.parametrize("work", WORKLOADS, ids=NAMES)
def test_every_workload_is_a_suite(work: Workload) -> None:
    cells = work.cells("vectorised", 0.9)
    assert len(cells) == len(work.alphas) * work.replicates
    assert {cell.engine for cell in cells} == {"vectorised"}
    assert {cell.precision for cell in cells} == {work.precision}
    optimizer = cells[0].training["optimizer"]
    assert (optimizer["lr"], optimizer["momentum"], optimizer["weight_decay"]) == (work.lr, 0.9, 0.0)


@pytest.mark.parametrize("work", WORKLOADS, ids=NAMES)
def test_a_job_runs_the_same_cells_from_a_file(work: Workload, tmp_path) -> None:
    load_file(SUBSETS)  # as bench.run --plugin does
    declared = work.declaration(0.0, rounds=7)
    path = tmp_path / "suite.toml"
    path.write_text(toml(declared), encoding="utf-8")
    assert load(path) == suite(declared)
    assert load(path).training.evaluate_every == 7


@pytest.mark.parametrize("work", WORKLOADS, ids=NAMES)
def test_auto_is_one_engine_for_all_cells_of_a_workload(work: Workload) -> None:
    """The engine that a run would take; cells that train side by side must share it."""
    assert len({cell.engine for cell in work.cells("auto")} & {"reference", "vectorised"}) == 1


def test_workloads_survive_json() -> None:
    assert [workload(work.plain()) for work in WORKLOADS] == list(WORKLOADS)


def test_workloads_are_found_by_name_in_the_order_of_the_table() -> None:
    assert [work.name for work in find(["mnist-cnn", "digits-mlp"])] == ["digits-mlp", "mnist-cnn"]
    with pytest.raises(UnknownName, match=r"unknown workload 'mnist-cn'\. Did you mean 'mnist-cnn'\?"):
        find(["mnist-cn"])


def test_jobs_are_of_workloads() -> None:
    assert set(JOBS) <= set(NAMES)


def test_the_subsets_of_mnist_are_plugins_of_their_own() -> None:
    load_file(SUBSETS)
    whole, some = DATASETS.get("mnist"), DATASETS.get("mnist-6000")
    assert (some.train_size, some.test_size) == (6000, whole.test_size)
    assert some.md5 != whole.md5


@pytest.mark.data
def test_a_subset_is_the_first_images() -> None:
    root = Path(os.environ.get("BENCH_DATA", ""))
    mnist = DATASETS.get("mnist")()
    if not os.environ.get("BENCH_DATA") or mnist.missing(root):
        pytest.skip("BENCH_DATA names no folder with MNIST")
    load_file(SUBSETS)
    whole, some = mnist.load(root), DATASETS.get("mnist-1500")().load(root)
    assert (some.train_x == whole.train_x[:1500]).all()
    assert (some.train_y == whole.train_y[:1500]).all()
    assert (len(some.test_y), some.md5) == (10_000, DATASETS.get("mnist-1500").md5)
