"""Presets: names for settings of an algorithm, wherever an algorithm can be named."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from algorithms.fedavg import FedAvg
from algorithms.fml_variants import FMLVariant
from bench.declaration.cell import cells
from bench.declaration.digest import digest
from bench.declaration.suite import load
from bench.list import look
from bench.plugin import ParameterError, number, preset
from bench.registry import ALGORITHMS, RegistryError, UnknownName, load_file
from tests.unit.bench.declarations import write


@dataclass(frozen=True)
class Pulled(FedAvg):
    """An algorithm with a parameter."""

    pull: float = number(0.1, low=0, high=1)


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    for name in [name for name in ALGORITHMS._loaded if name.startswith(("pulled:", "test-pulled"))]:
        del ALGORITHMS._loaded[name]


def test_a_preset_is_its_algorithm_with_other_defaults() -> None:
    pfllib = ALGORITHMS.get("fml:pfllib")
    assert issubclass(pfllib, FMLVariant)
    assert (pfllib().reduction, pfllib().detach, pfllib().beta) == ("mean", False, 0.0)
    assert pfllib(detach=True) == pfllib(**{**pfllib().parameters(), "detach": True})
    assert [f.name for f in fields(pfllib)] == [f.name for f in fields(FMLVariant)]
    assert FMLVariant().reduction == "batchmean"  # and the algorithm keeps its own


def test_declaring_a_preset_registers_it() -> None:
    assert preset("pulled:hard", "Pulled hard", pull=0.9)(Pulled) is Pulled
    assert ALGORITHMS.get("pulled:hard")().pull == 0.9
    assert ALGORITHMS.entries()["pulled:hard"].summary == "Pulled hard"
    with pytest.raises(ParameterError, match="pull: expected a number from 0 to 1, got 2"):
        ALGORITHMS.get("pulled:hard")(pull=2.0)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("hard", {}, "expected a preset's name such as 'fml:authors', got 'hard'"),
        ("a:b:c", {}, "expected a preset's name such as 'fml:authors', got 'a:b:c'"),
        ("pulled:odd", {"pul": 0.5}, "preset 'pulled:odd': unknown parameter 'pul'. Did you mean 'pull'"),
        ("fml:pfllib", {}, "algorithm 'fml:pfllib' is registered by both algorithms.fml_variants and tests"),
    ],
)
def test_a_preset_that_cannot_be_is_refused(name: str, values: dict[str, Any], message: str) -> None:
    with pytest.raises(RegistryError, match=message):
        preset(name, "", **values)(Pulled)


def test_a_preset_that_its_algorithm_refuses_is_refused() -> None:
    with pytest.raises(ParameterError, match="pull: expected a number from 0 to 1, got 3"):
        preset("pulled:far", "", pull=3.0)(Pulled)
    assert "pulled:far" not in ALGORITHMS.names()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fml:pflib", "unknown preset 'pflib' of fml. Did you mean 'pfllib'?"),
        ("fml:zzz", "unknown preset 'zzz' of fml. Known: authors, federatedscope, flearn, htfllib"),
        ("fedavg:x", "unknown algorithm 'fedavg:x': fedavg has no presets"),
    ],
)
def test_an_unknown_preset_is_told_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UnknownName) as caught:
        ALGORITHMS.get(name)
    assert str(caught.value).startswith(message)


def test_presets_are_listed_without_being_imported() -> None:
    listed = {entry.name: entry for entry in look(["algorithms"]).entries["algorithms"]}
    assert listed["fml:rigfl"].summary == "FML in RigFL: like fml, with plain SGD"
    assert listed["fml:rigfl"].origin == "algorithms/fml_variants.py"


def test_a_suite_and_its_options_name_presets(tmp_path: Path) -> None:
    path = write(
        tmp_path, ('["fml", "fedavg"', '["fml", "fml:pfllib", "fedavg"'), more='[params."fml:pfllib"]\nclip = 5\n'
    )
    found = {cell.algorithm: cell for cell in cells(load(path, {"set": ["fml:pfllib.detach=true"]}))}
    preset = found["fml:pfllib"]
    assert (preset.params["clip"], preset.params["detach"], preset.params["reduction"]) == (5, True, "mean")
    assert preset.plugin == "fml:pfllib"
    assert {cell.algorithm for cell in cells(load(path, {"algorithms": "fml:htfllib,fml:flearn"}))} == {
        "fml:htfllib",
        "fml:flearn",
    }


SOURCE = """
from dataclasses import dataclass
from algorithms.fedavg import FedAvg
from bench.plugin import algorithm, number, preset

@algorithm("test-pulled")
{presets}@dataclass(frozen=True)
class Pulled(FedAvg):
    source = "a test"
    pull: float = number(0.1, low=0)
"""


def test_a_new_preset_changes_no_digest(tmp_path: Path) -> None:
    """Its values stand in the identity of the cells that use it: nobody else's results are orphaned."""
    found = []
    for folder, presets in (("one", ""), ("two", '@preset("test-pulled:hard", "Hard", pull=1.0)\n')):
        path = tmp_path / folder / "pulled.py"
        path.parent.mkdir()
        path.write_text(SOURCE.format(presets=presets))
        load_file(path)
        found.append(digest(ALGORITHMS.get("test-pulled")))
        del ALGORITHMS._loaded["test-pulled"]
    assert found[0] == found[1] == digest(ALGORITHMS.get("test-pulled:hard"))
