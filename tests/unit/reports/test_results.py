"""Reading a result folder."""

import json
from pathlib import Path

import pytest

from bench.records.store import StoreError
from reports.results import NotResults, common, read
from tests.unit.reports import synthetic


def small(**changes: object) -> dict[str, object]:
    return synthetic.suite(**{"alphas": [0.1, 1.0], "replicates": 2, "zoos": ["cnn"], **changes})


def test_a_run_as_it_was_recorded(tmp_path: Path) -> None:
    declared = small()
    cells = synthetic.records(declared, rounds=4)
    results = read(synthetic.write(tmp_path, cells, declared))
    assert [run.cell for run in results.runs] == [cell["cell"] for cell in cells]
    run, record = results.runs[0], cells[0]["result"]
    assert (run.algorithm, run.alpha, run.zoo, run.replicate, run.status) == ("fml", 0.1, "cnn", 0, "done")
    assert run.score is not None
    personal, general = record["at_headline"]["personal"], record["at_headline"]["global"]
    assert run.score.accuracy == personal["accuracy"]
    assert run.score.personal_global == personal["global_accuracy"]
    assert run.score.global_accuracy == general["global_accuracy"]
    assert run.score.curve.tolist() == record["views"]["personal"]["accuracy"]
    assert run.score.floor == record["partition"]["floor"]
    assert results.counts == {"done": 16, "skipped": 0, "failed": 0, "diverged": 0, "timeout": 0}
    assert results.replicates == 2


def test_an_algorithm_without_a_view_has_none_of_its_numbers(tmp_path: Path) -> None:
    scores = {
        run.algorithm: run.score
        for run in read(synthetic.write(tmp_path, synthetic.records(small(replicates=1), rounds=2))).runs
    }
    assert scores["fedavg"] is not None
    assert scores["local"] is not None
    assert scores["fedavg"].personal_global is None
    assert scores["local"].global_accuracy is None


def test_cells_that_are_missing_or_not_declared_are_counted(tmp_path: Path) -> None:
    first = synthetic.records(small(replicates=1), rounds=2)
    synthetic.write(tmp_path, [synthetic.record("fml", 7.0, 0, rounds=2)])
    results = read(synthetic.write(tmp_path, first, small(), absent=["f" * 16, "e" * 16]))
    assert (len(results.runs), results.waiting, results.others) == (8, 2, 1)


def test_a_damaged_cell_file_is_reported_and_waits(tmp_path: Path) -> None:
    cells = synthetic.records(small(replicates=1), rounds=2)
    synthetic.write(tmp_path, cells, small())
    (tmp_path / "cells" / f"{cells[0]['cell']}.json").write_text("{", encoding="utf-8")
    results = read(tmp_path)
    assert (len(results.runs), results.waiting) == (7, 1)
    assert cells[0]["cell"] in results.notices[0]


def test_a_record_that_breaks_its_schema_is_named(tmp_path: Path) -> None:
    record = synthetic.record("fml", 0.1, 0, rounds=2)
    del record["result"]["at_headline"]
    with pytest.raises(StoreError, match=f"{record['cell']}.json lacks what its schema promises: KeyError"):
        read(synthetic.write(tmp_path, [record]))


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotResults, match=r"expected a result folder with a manifest\.json"):
        read(tmp_path)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    synthetic.write(tmp_path, [])
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"schema": 99}), encoding="utf-8")
    with pytest.raises(StoreError, match="newer version"):
        read(tmp_path)


def test_axes_come_as_the_suite_orders_them_and_alphas_by_size(tmp_path: Path) -> None:
    cells = [synthetic.record(name, alpha, 0, rounds=2) for name in ("zeta", "local", "fml") for alpha in (1.0, 0.1)]
    results = read(synthetic.write(tmp_path, cells, small()))
    assert results.axis("algorithm") == ["fml", "local", "zeta"]
    assert results.axis("alpha") == [0.1, 1.0]


def test_the_picture_of_a_partition_is_its_first_draw(tmp_path: Path) -> None:
    cells = [synthetic.record("fml", 0.1, replicate, rounds=2) for replicate in (2, 1)]
    (picture,) = read(synthetic.write(tmp_path, cells)).pictures
    assert picture.replicate == 1
    assert picture.counts.tolist() == cells[1]["result"]["partition"]["counts"]


def test_nothing_is_common_to_nothing() -> None:
    assert common([]) == []
