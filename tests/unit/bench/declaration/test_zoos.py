"""Zoos that a suite defines: what they are, what is refused, and how one meets the draws of another."""

from pathlib import Path

import pytest

from bench.declaration.cell import cells
from bench.declaration.mistakes import SuiteError
from bench.declaration.suite import load
from tests.unit.bench.declarations import refusal, write


def test_a_suite_may_define_a_zoo(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        ('"mixed"', '"strong-and-weak"'),
        more='[zoo.strong-and-weak]\nclients = ["cnn", "mlp"]\nshared = "mlp"\n',
    )
    zoo = load(path).zoo["strong-and-weak"]
    assert (zoo.clients, zoo.shared) == (("cnn", "mlp"), "mlp")
    assert load(path, {"zoo": "cnn"}).zoo == {}


ZOOS_WITH_MISTAKES = """
[zoo.mine]
clients = ["cnm"]
meme = "mlp"
[zoo.mixed]
clients = ["cnn"]
shared = "cnn"
[zoo.other]
clients = []
shared = "cnn"
"""


def test_mistakes_in_a_zoo_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, ('"cnn", "mixed"', '"mine", "mixed"'), more=ZOOS_WITH_MISTAKES)
    assert sorted(refusal(path)) == [
        "- zoo.mine.clients: unknown net 'cnm'. Did you mean 'cnn'?",
        "- zoo.mine.meme: unknown key. Known: clients, draws, shared.",
        "- zoo.mine.shared: missing, expected a text",
        "- zoo.other.clients: expected a list of texts, at least one, got []",
        "- zoo.other: expected a zoo that 'zoos' lists. Known: mine, mixed.",
        "- zoos: 'mixed' is a built-in zoo or net: give the suite's own zoo another name",
    ]


TWO = ('zoos = ["cnn", "mixed"]', 'zoos = ["mlp", "mine"]')
MINE = '[zoo.mine]\nclients = ["cnn2", "mlp"]\nshared = "mlp"\ndraws = "mlp"\n'


def test_a_zoo_can_meet_the_draws_of_another(tmp_path: Path):
    suite = load(write(tmp_path, TWO, more=MINE), {"algorithms": "fml", "alphas": "1", "replicates": "1"})
    plain, mine = cells(suite)
    assert (plain.zoo, mine.zoo, mine.draws) == ("mlp", "mine", "mlp")
    assert plain.axes("partition") == mine.axes("partition")
    assert plain.axes("training") == mine.axes("training")
    assert plain.hash != mine.hash
    assert "draws" not in plain.identity()  # what was declared before keeps its name
    assert mine.identity()["draws"] == "mlp"


@pytest.mark.parametrize("draws", ["mixed", "mine"])
def test_draws_are_those_of_another_zoo_of_the_suite(tmp_path: Path, draws: str):
    with pytest.raises(SuiteError, match=f"zoo.mine.draws: expected another zoo of 'zoos', got '{draws}'"):
        load(write(tmp_path, TWO, more=MINE.replace('draws = "mlp"', f'draws = "{draws}"')))
