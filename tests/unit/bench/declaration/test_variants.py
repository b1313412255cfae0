"""Variants of a suite: an algorithm under a name, with parameters and a learning rate of the suite's own."""

from pathlib import Path
from typing import Any

import pytest

from algorithms.fml import FML
from bench.declaration.cell import Cell, cells
from bench.declaration.suite import SuiteError, load
from bench.rounds.federation import Federation
from tests import world
from tests.compare import state_gap
from tests.unit.bench.declarations import write

LISTED = ('["fml", "fedavg"', '["fml", "half", "sharp", "fedavg"')
VARIANTS = """
[variants.half]
algorithm = "local"
lr_factor = 0.5

[variants.sharp]
algorithm = "fml"
params = {beta = 0.9}
"""


def declared(folder: Path, more: str = VARIANTS, options: dict[str, Any] | None = None) -> dict[str, Cell]:
    return {cell.algorithm: cell for cell in cells(load(write(folder, LISTED, more=more), options))}


def refusal(folder: Path, more: str, *changes: tuple[str, str]) -> list[str]:
    with pytest.raises(SuiteError) as caught:
        load(write(folder, *(changes or (LISTED,)), more=more))
    return str(caught.value).splitlines()[1:]


def test_a_variant_is_its_algorithm_under_another_name(tmp_path: Path) -> None:
    found = declared(tmp_path)
    half, sharp, plain = found["half"], found["sharp"], found["local"]
    assert (half.plugin, half.lr_factor, half.params, half.digests) == ("local", 0.5, plain.params, plain.digests)
    assert (sharp.plugin, sharp.lr_factor) == ("fml", 1.0)
    assert sharp.params == {**found["fml"].params, "beta": 0.9}
    assert half.axes("training") == plain.axes("training")  # it meets the same draws


def test_an_identity_names_the_variant_and_what_it_is_of(tmp_path: Path) -> None:
    found = declared(tmp_path)
    identity = found["half"].identity()
    assert (identity["algorithm"], identity["variant_of"], identity["lr_factor"]) == ("half", "local", 0.5)
    assert not {"variant_of", "lr_factor"} & found["local"].identity().keys()  # so that it keeps its hash
    assert len({cell.hash for cell in found.values()}) == len(found)


def test_a_suite_without_variants_is_the_declaration_that_it_was(tmp_path: Path) -> None:
    """A baseline of the gate holds its suite: a key that it cannot know must not stand in it."""
    assert "variants" not in load("smoke").model_dump(mode="json")
    assert set(load(write(tmp_path, LISTED, more=VARIANTS)).model_dump(mode="json")["variants"]) == {"half", "sharp"}


def test_parameters_come_from_the_algorithms_table_then_the_variants(tmp_path: Path) -> None:
    found = declared(
        tmp_path, VARIANTS + "[params.sharp]\naverage = 'examples'\n", {"set": ["sharp.beta=0.7", "fml.alpha=0.2"]}
    )
    assert (found["sharp"].params["alpha"], found["sharp"].params["beta"]) == (0.2, 0.7)
    assert (found["sharp"].params["average"], found["fml"].params["average"]) == ("examples", "uniform")


def test_a_narrower_run_keeps_what_its_variants_are_made_of(tmp_path: Path) -> None:
    """--algorithms changes which cells there are, not what they are."""
    whole = declared(tmp_path, options={"set": ["fml.alpha=0.2"]})
    path = write(tmp_path, LISTED, ("alpha = 0.5\n", "alpha = 0.2\n"), more=VARIANTS)
    alone = {cell.algorithm: cell for cell in cells(load(path, {"algorithms": "sharp"}))}
    assert alone["sharp"].hash == whole["sharp"].hash
    assert load(path, {"algorithms": "sharp"}).reference == "sharp"
    assert set(load(path, {"algorithms": "sharp"}).variants) == {"sharp"}


WRONG: dict[str, tuple[str, str]] = {
    "nothing varies": (
        VARIANTS.replace("lr_factor = 0.5", "lr_factor = 1.0"),
        "- variants.half: expected params or an lr_factor, got neither: nothing varies",
    ),
    "factor": (
        VARIANTS.replace("lr_factor = 0.5", "lr_factor = 0.0"),
        "- variants.half.lr_factor: expected a number > 0, got 0.0",
    ),
    "algorithm": (
        VARIANTS.replace('"local"', '"lokal"'),
        "- variants.half.algorithm: unknown algorithm 'lokal'. Did you mean 'local'?",
    ),
    "parameter": (
        VARIANTS.replace("beta = 0.9", "betta = 0.9"),
        "- variants.sharp.params.betta: unknown parameter of fml. Did you mean 'beta'?",
    ),
    "range": (
        VARIANTS.replace("beta = 0.9", "beta = 1.9"),
        "- variants.sharp.params.beta: expected a number from 0 to 1, got 1.9",
    ),
    "contradiction": (
        VARIANTS.replace("beta = 0.9", "alpha_end = 0.9"),
        "- variants.sharp.params.alpha_end: expected none with alpha_schedule 'constant', got 0.9",
    ),
    "range in params": (
        VARIANTS + "[params.sharp]\nbeta = 2\n",
        "- params.sharp.beta: expected a number from 0 to 1, got 2.0",
    ),
    "key": (
        VARIANTS.replace("lr_factor = 0.5", "lr_faktor = 0.5\nparams = {}"),
        "- variants.half.lr_faktor: unknown key. Did you mean 'lr_factor'?",
    ),
    "not listed": (
        VARIANTS + '[variants.shrp]\nalgorithm = "fml"\nlr_factor = 2.0\n',
        "- variants.shrp: expected a variant that 'algorithms' lists. Did you mean 'sharp'?",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_variant_is_said_where_it_stands(case: str, tmp_path: Path) -> None:
    more, line = WRONG[case]
    assert line in refusal(tmp_path, more)


def test_names_that_a_variant_cannot_have(tmp_path: Path) -> None:
    taken = refusal(tmp_path, '[variants.fedavg]\nalgorithm = "fml"\nlr_factor = 2.0\n', ("replicates = 5", ""))
    assert taken == ["- algorithms: 'fedavg' is an algorithm: give the suite's own variant another name"]
    colon = refusal(
        tmp_path,
        '[variants."a:b"]\nalgorithm = "fml"\nlr_factor = 2.0\n',
        ('"fml", "fedavg"', '"a:b", "fml", "fedavg"'),
    )
    assert colon == ["- algorithms: 'a:b' is a variant, and only presets have a colon in their name"]
    unknown = refusal(tmp_path, VARIANTS, ('["fml", "fedavg"', '["fml", "half", "sharpp", "fedavg"'))
    assert "- algorithms: unknown algorithm 'sharpp'. Did you mean the variant 'sharp'?" in unknown


def test_the_factor_multiplies_the_learning_rate_of_every_round() -> None:
    step = {"lr_schedule": {"name": "step", "every": 2, "gamma": 0.1}}
    plain, half = (Federation(world.setting(**step, **changes), FML()) for changes in ({}, {"lr_factor": 0.5}))
    rates = [[made.open_round(number)[0].lr for number in range(3)] for made in (plain, half)]
    assert rates[1] == [rate / 2 for rate in rates[0]]
    assert state_gap(plain.server, half.server) == 0  # and nothing else
