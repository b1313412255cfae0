"""Several folders as one: what fits is kept byte for byte, what contradicts is refused by name."""

from pathlib import Path
from typing import Any

import pytest

from bench.records.store import Store
from reports.analysis import analyse
from reports.joining import CannotJoin, join
from reports.results import NotResults, read
from tests.unit.reports import given, synthetic
from tests.unit.reports.given import noisy

SUITE: dict[str, Any] = {"algorithms": ["fedavg", "mine"], "reference": "fedavg", "zoos": ["cnn"]}


def folder(out: Path, cells: list[dict[str, Any]], **changes: Any) -> Path:
    return synthetic.write(out, cells, synthetic.suite(**(SUITE | changes)))


def moved(cells: list[dict[str, Any]], base: int) -> list[dict[str, Any]]:
    """The same cells of a run whose seeds start elsewhere."""
    out = []
    for cell in cells:
        number = cell["identity"]["replicate"] + base
        identity = {**cell["identity"], "partition_seed": number, "training_seed": number}
        out.append({**cell, "identity": identity, "cell": f"{cell['cell'][:14]}{base:02x}"})
    return out


@pytest.fixture
def cells() -> list[dict[str, Any]]:
    return given.cells({"fedavg": noisy(0.8, 3, 2, seed=1), "mine": noisy(0.83, 3, 2, seed=2)})


def test_more_replicates_from_elsewhere_are_more_replicates(tmp_path: Path, cells: list[dict[str, Any]]) -> None:
    a, b = folder(tmp_path / "a", cells, replicates=3), folder(tmp_path / "b", moved(cells, 10), replicates=3)
    join([a, b], tmp_path / "c")
    joined = read(tmp_path / "c")
    assert joined.suite["replicates"] == 6
    assert [str(each["folder"]) for each in joined.joined] == ["a", "b"]
    (verdict,) = analyse(joined).verdicts
    assert (verdict.estimate.n, verdict.cells) == (6, 2)
    assert (tmp_path / "c" / "tidy" / "runs.csv").read_text().count("\n") == 1 + 12 + 24  # "mine" has two views
    for cell in cells:
        assert Store(tmp_path / "c").path(cell["cell"]).read_bytes() == Store(a).path(cell["cell"]).read_bytes()


def test_algorithms_of_two_folders_are_paired_where_draws_are_the_same(
    tmp_path: Path, cells: list[dict[str, Any]]
) -> None:
    ours = [cell for cell in cells if cell["identity"]["algorithm"] == "fedavg"]
    theirs = [cell for cell in cells if cell["identity"]["algorithm"] == "mine"]
    join([folder(tmp_path / "a", ours), folder(tmp_path / "b", theirs)], tmp_path / "c")
    whole = analyse(read(folder(tmp_path / "d", cells)))
    assert analyse(read(tmp_path / "c")).verdicts[0].estimate == whole.verdicts[0].estimate


def test_a_cell_in_both_counts_once_and_finished_before_failed(tmp_path: Path, cells: list[dict[str, Any]]) -> None:
    broken = [synthetic.ended(cells[0], "failed"), *cells[1:]]
    join([folder(tmp_path / "a", broken), folder(tmp_path / "b", cells)], tmp_path / "c")
    assert read(tmp_path / "c").counts["done"] == len(cells)


def test_joining_again_forgets_what_is_gone(tmp_path: Path, cells: list[dict[str, Any]]) -> None:
    a, b = folder(tmp_path / "a", cells), folder(tmp_path / "b", moved(cells, 10))
    join([a, b], tmp_path / "c")
    join([a, folder(tmp_path / "d", moved(cells, 20))], tmp_path / "c")
    assert read(tmp_path / "c").others == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"params": {"mu": 1.0}}, "algorithm mine: expected one 'params', got {} in"),
        ({"digests": {"algorithm": "z", "partition": "b", "dataset": "c", "nets": "d"}}, "one 'digests.algorithm'"),
        ({"data_md5": "1" * 32}, "dataset digits: expected one 'data_md5'"),
        ({"precision": "bf16"}, "all cells: expected one 'precision', got \"fp32\" in"),
        ({"training": {"rounds": 5}}, "all cells: expected one 'training'"),
        ({"reserved": 0.5}, "all cells: expected one 'reserved', got null in"),
    ],
)
def test_one_name_for_two_things_is_refused(
    tmp_path: Path, cells: list[dict[str, Any]], change: Any, words: str
) -> None:
    other = [
        {**cell, "identity": {**cell["identity"], **change}}
        for cell in moved(cells, 10)
        if cell["identity"]["algorithm"] == "mine"
    ]
    with pytest.raises(CannotJoin) as refused:
        join([folder(tmp_path / "a", cells), folder(tmp_path / "b", other)], tmp_path / "c")
    assert words in str(refused.value)
    assert "bench.compare" in str(refused.value)
    assert not (tmp_path / "c").exists()


def test_one_cell_computed_in_two_ways_is_refused(tmp_path: Path, cells: list[dict[str, Any]]) -> None:
    again = [
        {**cell, "cell": f"{cell['cell'][:14]}ff", "identity": {**cell["identity"], "engine": "vectorised"}}
        for cell in cells
    ]
    with pytest.raises(CannotJoin, match="are the same but for engine: expected each cell once"):
        join([folder(tmp_path / "a", cells), folder(tmp_path / "b", again)], tmp_path / "c")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "other"}, "suite: expected the same everywhere, got noniid in"),
        ({"version": "1.1"}, "suite version"),
        ({"reference": "mine"}, "reference: expected the same everywhere"),
        ({"target_accuracy": 0.5}, "target_accuracy"),
    ],
)
def test_two_suites_are_refused(tmp_path: Path, cells: list[dict[str, Any]], changes: Any, words: str) -> None:
    with pytest.raises(CannotJoin, match=words):
        join([folder(tmp_path / "a", cells), folder(tmp_path / "b", cells, **changes)], tmp_path / "c")


def test_folders_that_hold_something_are_left_alone(tmp_path: Path, cells: list[dict[str, Any]]) -> None:
    a, b = folder(tmp_path / "a", cells), folder(tmp_path / "b", moved(cells, 10))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x", encoding="utf-8")
    for out, words in ((a, "got one of those to join"), (tmp_path / "full", "found something else in it")):
        with pytest.raises(CannotJoin, match=words):
            join([a, b], out)
    with pytest.raises(CannotJoin, match="found results of a run"):
        join([a, b], folder(tmp_path / "d", cells))
    with pytest.raises(NotResults, match="expected a result folder"):
        join([a, tmp_path / "nowhere"], tmp_path / "c")


def test_what_is_tuned_may_differ_from_data_set_to_data_set_but_not_within_one(
    tmp_path: Path, cells: list[dict[str, Any]]
) -> None:
    def with_rate(made: list[dict[str, Any]], lr: float) -> list[dict[str, Any]]:
        training = {"rounds": 30, "optimizer": {"name": "sgd", "lr": lr}}
        return [{**cell, "identity": {**cell["identity"], "training": training}} for cell in made]

    elsewhere = [
        {
            **cell,
            "cell": f"{cell['cell'][:14]}ff",
            "identity": {**cell["identity"], "dataset": "mnist", "data_md5": "1"},
        }
        for cell in with_rate(cells, 0.2)
    ]
    one = folder(tmp_path / "a", with_rate(cells, 0.1), tuned={"digits": {"mine": {"values": {"lr": 0.1}}}})
    two = folder(tmp_path / "b", elsewhere, datasets=["mnist"], tuned={"mnist": {"mine": {"values": {"lr": 0.2}}}})
    join([one, two], tmp_path / "c")
    assert read(tmp_path / "c").suite["tuned"] == {
        "digits": {"mine": {"values": {"lr": 0.1}}},
        "mnist": {"mine": {"values": {"lr": 0.2}}},
    }
    three = folder(tmp_path / "d", moved(with_rate(cells, 0.3), 10))
    with pytest.raises(CannotJoin, match=r"expected one 'training.optimizer.lr', got 0.1 in"):
        join([one, three], tmp_path / "e")
