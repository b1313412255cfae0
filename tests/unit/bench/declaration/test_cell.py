"""Cells: which there are, in which order, and what their names depend on."""

import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from algorithms.fml import FML
from bench.declaration.cell import Cell, cells, source_digests
from bench.declaration.suite import load
from bench.declaration.tasks import ClientTask
from bench.engines import NUMERICS
from bench.registry import DATASETS
from bench.seeds import FORBIDDEN, stream
from tests.unit.bench.declarations import write

CELL = Cell(
    algorithm="fml",
    params={"alpha": 0.5, "beta": 0.5},
    dataset="digits",
    data_md5="0123",
    partition="dirichlet",
    partition_params={"minimum": 10},
    alpha=0.1,
    zoo="mixed",
    architectures=("mlp", "cnn"),
    shared="cnn",
    clients=10,
    training={"rounds": 30, "optimizer": {"name": "sgd", "lr": 0.05}},
    replicate=0,
    partition_seed=0,
    training_seed=0,
    digests={"algorithm": "a", "partition": "b", "nets": "c"},
)

OTHER: dict[str, Any] = {
    "algorithm": "fedavg",
    "params": {"alpha": 0.5, "beta": 0.6},
    "dataset": "mnist",
    "data_md5": "4567",
    "partition": "dirichlet-capped",
    "partition_params": {"minimum": 11},
    "alpha": None,
    "zoo": "mixture",
    "architectures": ("cnn", "mlp"),
    "shared": "mlp",
    "clients": 11,
    "training": {"rounds": 30, "optimizer": {"name": "sgd", "lr": 0.06}},
    "replicate": 1,
    "partition_seed": 1,
    "training_seed": 1,
    "digests": {"algorithm": "a", "partition": "b", "nets": "d"},
    "precision": "bf16",
    "framework": "flower",
    "engine": "vectorised",
    "device": "cuda",
    "numerics": 9,
    "draws": "mixed",
    "variant_of": "fml:authors",
    "lr_factor": 0.5,
    "tasks": (ClientTask("low", "digits", "0123", (0, 1), 10),),
    "reserved": 0.5,
    "tuning": True,
}


def test_the_name_of_a_declaration_never_changes() -> None:
    """Results on disk are found by it: whoever changes this orphans them all."""
    assert CELL.hash == "5e1cb2cedbe74e5f"


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Cell)])
def test_every_field_decides_the_name(field: str) -> None:
    other = dataclasses.replace(CELL, **{field: OTHER[field]})
    assert other.hash != CELL.hash
    assert other != CELL


def reversed_keys(value: Any) -> Any:
    return {key: reversed_keys(value[key]) for key in reversed(value)} if isinstance(value, dict) else value


def test_the_order_of_keys_does_not_decide_the_name() -> None:
    turned = {field.name: reversed_keys(getattr(CELL, field.name)) for field in dataclasses.fields(Cell)}
    assert list(turned["training"]) != list(CELL.training)
    assert Cell(**turned).hash == CELL.hash


def test_an_identity_is_json_and_reads_back_equal() -> None:
    identity = CELL.identity()
    assert json.loads(json.dumps(identity)) == identity
    assert identity["architectures"] == ["mlp", "cnn"]


def test_cells_cross_process_borders_and_serve_as_keys() -> None:
    twin = pickle.loads(pickle.dumps(CELL))
    assert {CELL: "found"}[twin] == "found"


def test_what_decides_no_number_decides_no_name(tmp_path: Path) -> None:
    """Nor do more replicates, alphas or algorithms: they add cells to a folder and keep those that are there."""
    path = write(tmp_path)
    names = {cell.hash for cell in cells(load(path))}
    (tmp_path / "other").mkdir()
    other = write(
        tmp_path / "other",
        ('name = "noniid"', 'name = "mine"'),
        ('version = "1.0"', 'version = "2.0"'),
        ("target_accuracy = 0.8", "target_accuracy = 0.9"),
        ('reference = "fml"', 'reference = "local"\ntime_limit = 5.0'),
    )
    assert {cell.hash for cell in cells(load(other))} == names
    more = cells(load(path, {"replicates": 6, "alphas": "0.1,0.5,1,10,100"}))
    assert names < {cell.hash for cell in more}


def test_cells_come_replicate_by_replicate() -> None:
    suite = load("noniid", {"replicates": 2, "alphas": "0.1,1"})
    made = cells(suite)
    keys = [(c.replicate, c.alpha, suite.zoos.index(c.zoo), suite.algorithms.index(c.algorithm)) for c in made]
    assert keys == sorted(keys)
    assert len({cell.hash for cell in made}) == len(made) == 2 * 2 * 2 * 4


def test_a_partition_without_alpha_has_one_cell_for_all_alphas(tmp_path: Path) -> None:
    path = write(tmp_path, ('["dirichlet-capped"]', '["iid", "quantity"]'))
    made = cells(load(path, {"replicates": 1, "zoo": "cnn", "algorithms": "local"}))
    assert [(cell.partition, cell.alpha) for cell in made] == [
        ("iid", None),
        ("quantity", 0.1),
        ("quantity", 0.5),
        ("quantity", 1.0),
        ("quantity", 100.0),
    ]


def test_settings_arrive_resolved() -> None:
    made = cells(load("smoke", {"set": ["fedprox.mu=1"]}), engine="vectorised", device="cuda", precision="bf16")
    prox = next(cell for cell in made if cell.algorithm == "fedprox" and cell.zoo == "mixed")
    assert prox.params == {"mu": 1.0}
    assert isinstance(prox.params["mu"], float)  # 1 and 1.0 are one setting, and one name
    assert prox.partition_params == {"minimum": 10}
    assert prox.data_md5 == DATASETS.get("digits").md5
    assert (prox.architectures, prox.shared) == (("mlp", "lenet5", "cnn1", "cnn2"), "cnn")
    assert prox.training["lr_schedule"] == {"name": "constant", "every": None, "gamma": None}
    assert (prox.engine, prox.device, prox.precision, prox.numerics) == ("vectorised", "cuda", "bf16", NUMERICS["bf16"])
    assert prox.digests.keys() == {"algorithm", "partition", "dataset", "nets"}


def test_parameters_go_to_their_owner_only(tmp_path: Path) -> None:
    made = cells(load(write(tmp_path), {"set": ["fedprox.mu=1", "dirichlet-capped.minimum=5"]}))
    assert {cell.algorithm: cell.params for cell in made} == {
        "fml": FML(alpha=0.5, beta=0.5).parameters(),
        "fedavg": {},
        "fedprox": {"mu": 1.0},
        "local": {},
    }
    assert all(cell.partition_params == {"minimum": 5} for cell in made)


def test_a_zoo_of_the_suites_own_is_known_by_its_nets(tmp_path: Path) -> None:
    path = write(tmp_path, ('"cnn", "mixed"', '"mine"'), more='[zoo.mine]\nclients = ["cnn", "mlp"]\nshared = "mlp"\n')
    cell = cells(load(path))[0]
    assert (cell.zoo, cell.architectures, cell.shared) == ("mine", ("cnn", "mlp"), "mlp")


def test_replicates_redraw_everything_unless_a_seed_is_given() -> None:
    def seeds(*settings: str) -> list[tuple[int, int]]:
        made = cells(
            load("smoke", {"replicates": 3, "alphas": "1", "zoo": "mlp", "algorithms": "local", "set": settings})
        )
        return [(cell.partition_seed, cell.training_seed) for cell in made]

    assert seeds() == [(0, 0), (1, 1), (2, 2)]
    assert seeds("seeds.base=10") == [(10, 10), (11, 11), (12, 12)]
    assert seeds("seeds.partition=7") == [(7, 0), (7, 1), (7, 2)]
    assert seeds("seeds.training=7", "seeds.base=1") == [(1, 7), (2, 7), (3, 7)]


def test_streams_are_equal_for_compared_methods_and_differ_elsewhere() -> None:
    def drawn(kind: Any, **changes: Any) -> int:
        return int(stream("test", **dataclasses.replace(CELL, **changes).axes(kind)).integers(2**62))

    for kind in ("partition", "training"):
        mine = drawn(kind)
        for field in ("algorithm", "params", "engine", "device", "precision", "framework", "digests", "training"):
            assert drawn(kind, **{field: OTHER[field]}) == mine
        for field in ("dataset", "partition", "partition_params", "alpha", "zoo", "clients", f"{kind}_seed"):
            assert drawn(kind, **{field: OTHER[field]}) != mine
        assert not FORBIDDEN & CELL.axes(kind).keys()
    assert drawn("partition", training_seed=5) == drawn("partition")
    assert drawn("training", partition_seed=5) == drawn("training")


def test_a_fixed_partition_seed_deals_alike_in_every_replicate() -> None:
    one, two = cells(
        load(
            "smoke", {"replicates": 2, "alphas": "1", "zoo": "mlp", "algorithms": "local", "set": ["seeds.partition=3"]}
        )
    )
    assert one.axes("partition") == two.axes("partition")
    assert one.axes("training") != two.axes("training")
    assert one.hash != two.hash


HALF = '[variants.half]\nalgorithm = "local"\nlr_factor = 0.5\n'
TWO_TASKS = "".join(
    f'[[tasks]]\nname = "{name}"\ndataset = "digits"\nclasses = {classes}\n'
    for name, classes in (("low", [0, 1, 2, 3, 4]), ("high", [5, 6, 7, 8, 9]))
)


def test_the_digests_here_are_those_that_cells_were_made_with(tmp_path: Path) -> None:
    """A node of a cluster goes by them: for variants by the algorithm behind the name, for tasks by all data sets."""
    path = write(tmp_path, ('["fml",', '["half", "fml",'), ('datasets = ["digits"]\n', ""), more=HALF + TWO_TASKS)
    made = cells(load(path, {"replicates": 1}))
    assert {cell.plugin for cell in made} == {"fml", "fedavg", "fedprox", "local"}
    assert all(source_digests(cell) == cell.digests for cell in [*made, *cells(load("smoke"))])
