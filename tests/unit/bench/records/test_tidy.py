import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.records import tidy
from bench.records.store import Store
from tests.unit.bench.faults import ROUNDS, SUITE, FaultyCell, outcome

COLUMNS = (
    "suite,study,cell,status,algorithm,params,dataset,partition,alpha,zoo,clients,replicate,view,round,accuracy,worst10,"
    "accuracy_std,global_accuracy,floor,bytes_up,bytes_down,train_seconds,engine,framework,device,reason"
)


def record(cell: FaultyCell, status: str = "done", personal: bool = False) -> dict[str, Any]:
    found = outcome(cell) if status == "done" else {"result": None, "timing": None}
    if personal:
        result = found["result"]
        curve = {"global_accuracy": [None] * (ROUNDS - 1) + [0.25]}
        result["views"]["personal"] = result["views"]["global"] | curve
        each = {"accuracy": [0.75, 1.0], "loss": [0.5, 0.0], "global_accuracy": [0.125, 0.375]}
        result["at_headline"]["personal"] = result["at_headline"]["global"] | {"accuracy": 0.875, "clients": each}
        result["headline"]["view"] = "personal"
    reason = None if status == "done" else f"why it was {status}"
    head = {"schema": 1, "cell": cell.hash, "status": status, "reason": reason, "suite": SUITE}
    return head | {"identity": cell.identity(), **found}


CELLS = {
    "fml": FaultyCell("fml", architectures=("mlp", "cnn"), params={"beta": 0.5, "alpha": 0.5}),
    "fedavg": FaultyCell("fedavg"),
    "local": FaultyCell("local", alpha=None),
    "fedprox": FaultyCell("fedprox", alpha=100.0),
}
RECORDS = [
    record(CELLS["fml"], personal=True),
    record(CELLS["fedavg"], "skipped"),
    record(CELLS["local"]),
    record(CELLS["fedprox"], "failed"),
]


def only(table: pd.DataFrame, **values: Any) -> dict[str, Any]:
    for name, value in values.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return dict(table.iloc[0])


def test_runs_has_the_columns_of_the_design():
    assert ",".join(tidy.runs(RECORDS).columns) == COLUMNS


def test_runs_has_a_row_per_cell_and_view():
    table = tidy.runs(RECORDS)
    found = sorted(zip(table["algorithm"], table["view"].fillna("-"), strict=True))
    assert found == [("fedavg", "-"), ("fedprox", "-"), ("fml", "global"), ("fml", "personal"), ("local", "global")]


def test_a_finished_row_carries_the_headline_round():
    row = only(tidy.runs(RECORDS), algorithm="fml", view="personal")
    assert (row["accuracy"], row["round"], row["status"]) == (0.875, ROUNDS, "done")
    assert (row["bytes_up"], row["bytes_down"], row["train_seconds"]) == (10 * ROUNDS, 20 * ROUNDS, 0.1)
    assert (row["floor"], row["clients"], row["params"]) == (0.5, 2, '{"alpha":0.5,"beta":0.5}')
    assert pd.isna(row["reason"])


@pytest.mark.parametrize("algorithm", ["fedavg", "fedprox"])
def test_a_row_of_a_cell_that_is_not_done_has_no_metrics(algorithm: str):
    row = only(tidy.runs(RECORDS), algorithm=algorithm)
    empty = {name for name, value in row.items() if pd.isna(value)}
    metrics = COLUMNS.split(",view,")[1].split(",engine,")[0].split(",")
    assert empty == {"study", "view", *metrics}
    assert row["status"] != "done"
    assert row["reason"] == f"why it was {row['status']}"


def test_rounds_has_a_row_per_view_and_evaluated_round_with_running_totals():
    table = tidy.rounds(RECORDS)
    assert len(table) == 3 * ROUNDS
    one = table[(table["algorithm"] == "fml") & (table["view"] == "personal")]
    assert list(one["round"]) == [1, 2, 3]
    assert list(one["bytes_up"]) == [10, 20, 30]
    assert list(one["global_accuracy"].isna()) == [True, True, False]


def test_rounds_that_were_not_evaluated_still_count_as_traffic():
    sparse = record(CELLS["local"])
    figures = sparse["result"]["views"]["global"]
    for name in figures:
        figures[name] = figures[name][1:2]
    row = only(tidy.rounds([sparse]))
    assert (row["round"], row["bytes_down"]) == (2, 40)


def test_clients_has_a_row_per_view_and_client_with_its_net():
    table = tidy.clients(RECORDS)
    assert len(table) == 3 * 2
    second = only(table, algorithm="fml", view="personal", client=1)
    assert (second["architecture"], second["accuracy"], second["global_accuracy"]) == ("cnn", 1.0, 0.375)
    assert (second["train_size"], second["floor"]) == (5, 0.5)
    assert only(table, algorithm="fml", view="global", client=1)["architecture"] == "mlp"


@pytest.mark.parametrize("make", [tidy.runs, tidy.rounds, tidy.clients])
def test_the_order_of_records_does_not_show(make: Any):
    pd.testing.assert_frame_equal(make(RECORDS), make(RECORDS[::-1]))


@pytest.mark.parametrize("make", [tidy.runs, tidy.rounds, tidy.clients])
def test_no_records_make_an_empty_table_with_columns(make: Any):
    table = make([])
    assert len(table) == 0
    assert list(table.columns) == list(make(RECORDS).columns)


def test_the_files_hold_the_latest_declaration_with_whole_numbers_and_full_precision(tmp_path: Path):
    store = Store(tmp_path)
    for entry in RECORDS:
        store.write(entry)
    store.write_manifest({"suite": SUITE, "cells": [CELLS[name].hash for name in ("fml", "fedprox")]})
    tidy.write(tmp_path)
    text = {name: (tmp_path / "tidy" / f"{name}.csv").read_text() for name in ("runs", "rounds", "clients")}
    assert {line.split(",")[4] for line in text["runs"].splitlines()[1:]} == {"fml", "fedprox"}
    table = pd.read_csv(io.StringIO(text["runs"]))
    assert only(table, view="global")["accuracy"] == RECORDS[0]["result"]["at_headline"]["global"]["accuracy"]
    assert f",personal,{ROUNDS},0.875," in text["runs"]
    tidy.write(tmp_path)
    assert {name: (tmp_path / "tidy" / f"{name}.csv").read_text() for name in text} == text
