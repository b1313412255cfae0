"""Verdicts in words: fixed, by rule, with all that a reader needs beside them."""

from pathlib import Path

import pytest

from reports import sentences
from reports.analysis import Analysis
from tests.unit.reports import given
from tests.unit.reports.given import noisy


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    unclear: list[list[float | None]] = [list(row) for row in noisy(0.805, own=0.03, seed=5)]
    unclear[1][2] = unclear[4][0] = None
    tables = {
        "fedavg": noisy(0.8, seed=1),
        "copy": noisy(0.8, own=0.0005, seed=2),
        "good": noisy(0.83, seed=3),
        "bad": noisy(0.75, seed=4),
        "unclear": unclear,
    }
    return given.analysis(tmp_path_factory.mktemp("run"), given.cells(tables))


def test_each_word_has_its_sentence(found: Analysis) -> None:
    said = {each.subject: str(each) for each in sentences.verdicts(found)}
    assert said["good"].startswith("good is better than fedavg: +")
    assert said["bad"].startswith("bad is worse than fedavg: −")
    assert said["copy"].startswith("copy is practically equal to fedavg: ")
    assert said["unclear"].startswith("unclear against fedavg: undecided: ")
    assert "5 replicates, 4 cells." in said["good"]
    assert "Of its 4 single cells it is ahead in 4 and behind in 0." in said["good"]


def test_undecided_names_what_could_have_been_seen_and_nothing_else_does(found: Analysis) -> None:
    judged = {each.pair.first: each for each in found.verdicts}
    said = {each.subject: str(each) for each in sentences.verdicts(found)}
    assert judged["unclear"].detectable is not None
    size = f"{100 * judged['unclear'].detectable:.2f} points"
    assert f"A true difference of {size} would have been found" in said["unclear"]
    assert "would have been found" not in said["good"] + said["bad"] + said["copy"]


def test_missing_pairs_are_bounded_and_named(found: Analysis) -> None:
    (said,) = (each for each in sentences.verdicts(found) if each.subject == "unclear")
    assert "2 of 20 pairs are missing: with them the mean could have been anything in [" in str(said)
    assert said.left_out == "replicates 1, 4"
    assert list(said.replicates) == [0, 2, 3]
    assert "Descriptive only, with 3 replicates." in str(said)


def test_a_mean_over_cells_that_disagree_says_so(tmp_path: Path) -> None:
    mine = [[row[0] + 0.1, row[1] + 0.1, row[2] - 0.1, row[3] - 0.1] for row in noisy(0.8, seed=2)]
    found = given.analysis(tmp_path, given.cells({"fedavg": noisy(0.8, seed=1), "mine": mine}))
    (said,) = sentences.verdicts(found)
    assert "ahead in 2 and behind in 2. So the mean hides an effect of the cell." in str(said)


@pytest.mark.parametrize(
    ("tables", "reference", "words"),
    [
        ({"mine": [[0.8]] * 3}, "mine", "Only mine finished cells"),
        ({"mine": [[0.8]] * 3, "other": [[0.7]] * 3}, "absent", "The reference, absent, finished no cell"),
        ({"mine": [[0.8]] * 3, "other": [[0.7]] * 3}, "", "which the suite does not name"),
        ({"fedavg": [[None]] * 3}, "fedavg", "No cell has finished"),
        (
            {"fedavg": [[0.8, None]] * 3, "mine": [[None, 0.8]] * 3},
            "fedavg",
            "No algorithm finished a cell",
        ),
    ],
)
def test_without_verdicts_the_reason_stands_there(tmp_path: Path, tables: dict, reference: str, words: str) -> None:  # type: ignore[type-arg]
    assert words in sentences.no_verdicts(given.analysis(tmp_path, given.cells(tables), reference=reference))


def test_ranks_say_when_they_were_not_tested(found: Analysis) -> None:
    assert "too few cells for Iman and Davenport's test, which needs 5" in sentences.ranking(found.fields[0])
