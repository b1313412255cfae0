"""Clients by the net they own, and beside a zoo of the same draws, worked out by hand."""

from pathlib import Path
from typing import Any

import pytest

from reports.tables import architectures
from tests.unit.reports import given, synthetic

STRONG = {"architectures": ["cnn2", "mlp", "mlp"], "draws": "mlp"}
WEAK = {"architectures": ["mlp"]}


def cell(algorithm: str, replicate: int, clients: list[float], zoo: str, changes: dict[str, Any]) -> dict[str, Any]:
    made = synthetic.record(algorithm, 0.1, replicate, zoo=zoo, rounds=2, clients=3, changes=changes)
    at = made["result"]["at_headline"][made["result"]["headline"]["view"]]
    at["clients"]["accuracy"], at["accuracy"] = clients, sum(clients) / 3
    return made


def made() -> list[dict[str, Any]]:
    found = []
    for r, luck in enumerate((0.0, 0.01, 0.02, 0.03, 0.05)):
        found += [
            cell("fml", r, [0.9, 0.6 + luck, 0.8 + luck], "catfish", STRONG),
            cell("local", r, [0.8, 0.5, 0.7], "catfish", STRONG),
            cell("fml", r, [0.6, 0.5 - luck, 0.7], "mlp", WEAK),
            cell("local", r, [0.4, 0.5, 0.7], "mlp", WEAK),
        ]
    return found


def test_each_net_s_clients_have_a_row(tmp_path: Path) -> None:
    analysis = given.analysis(tmp_path, made(), "local", zoos=["mlp", "catfish"])
    (table,) = analysis.architectures  # the zoo of one net has none
    assert table.block.zoo == "catfish"
    rows = {(row.algorithm, row.architecture): row for row in table.rows}
    strong, weak = rows["fml", "cnn2"], rows["fml", "mlp"]
    assert (strong.clients, weak.clients) == (1, 2)
    assert strong.accuracy.mean == pytest.approx(0.9)
    assert weak.accuracy.mean == pytest.approx(0.7 + 0.022)
    assert weak.to_local is not None
    assert weak.to_local.mean == pytest.approx(0.1 + 0.022)
    assert rows["local", "mlp"].to_local is None


def test_weak_clients_beside_a_strong_one_are_compared_with_the_same_without(tmp_path: Path) -> None:
    analysis = given.analysis(tmp_path, made(), "local", zoos=["mlp", "catfish"])
    found = {each.algorithm: each for each in analysis.companies}
    assert {(each.architecture, each.clients, tuple(each.others)) for each in found.values()} == {("mlp", 2, ("cnn2",))}
    assert found["fml"].estimate.mean == pytest.approx(0.1 + 1.5 * 0.022)
    assert found["fml"].estimate.n == 5
    assert found["fml"].verdict == "better"
    alone = found["local"]
    assert (alone.estimate.mean, alone.verdict) == (0.0, "practically equal")  # what one has does not reach the others
    table = architectures.company(analysis.companies)
    assert [group.label for group in table.groups] == [
        "digits, dirichlet-capped: zoo catfish minus zoo mlp (1 client with cnn2 instead)"
    ]


def test_zoos_of_their_own_draws_are_not_compared(tmp_path: Path) -> None:
    own = [{**each, "identity": {k: v for k, v in each["identity"].items() if k != "draws"}} for each in made()]
    assert given.analysis(tmp_path, own, "local", zoos=["mlp", "catfish"]).companies == []
