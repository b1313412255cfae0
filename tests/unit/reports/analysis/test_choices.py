"""Effects of choices: planted changes are found, with the intervals of all verdicts, and words follow by rule."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from reports import deciding
from reports.analysis import Analysis
from reports.analysis.choices import LR, Choices, changes
from reports.tables import choices as tables
from tests.unit.reports import given
from tests.unit.reports.given import noisy

VARIANTS: dict[str, Any] = {
    "alone-half": {"algorithm": "alone", "params": {}, "lr_factor": 0.5, "choice": ""},
    "plain": {"algorithm": "mutual", "params": {"momentum": "neither"}, "lr_factor": 1.0, "choice": ""},
    "same": {"algorithm": "mutual", "params": {"clip": 10}, "lr_factor": 1.0, "choice": ""},
    "slow": {"algorithm": "mutual", "params": {}, "lr_factor": 0.5, "choice": ""},
    "better": {"algorithm": "mutual", "params": {"form": "added", "alpha": 0.5}, "lr_factor": 1.0, "choice": "form"},
    "slow-plain": {"algorithm": "mutual", "params": {"momentum": "neither"}, "lr_factor": 0.5, "choice": ""},
    "orphan": {"algorithm": "absent", "params": {"x": 1}, "lr_factor": 1.0, "choice": ""},
}
MEANS = {
    **{"alone": 0.80, "alone-half": 0.78, "mutual": 0.77, "plain": 0.70, "same": 0.77, "slow": 0.755, "better": 0.83},
    **{"slow-plain": 0.60, "other": 0.75, "orphan": 0.7},
}


@pytest.fixture(scope="module")
def values() -> dict[str, list[list[float]]]:
    made = {name: noisy(mean, seed=seed, own=0.001) for seed, (name, mean) in enumerate(MEANS.items())}
    return {**made, "same": made["mutual"]}


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory, values: dict[str, list[list[float]]]) -> Analysis:
    made = given.cells(values)
    return given.analysis(tmp_path_factory.mktemp("run"), made, reference="alone", variants=VARIANTS)


@pytest.fixture(scope="module")
def found(analysis: Analysis) -> Choices:
    assert analysis.choices is not None
    return analysis.choices


def test_changes_are_what_the_suite_declares() -> None:
    named = {change.name: change for change in changes({"variants": VARIANTS})}
    assert named["plain"].values == "momentum = neither"
    assert (named["better"].choice, named["better"].single) == ("form", True)  # two parameters, one choice
    assert named["slow-plain"].parts == {"momentum", LR}
    assert not named["slow-plain"].single
    assert named["alone-half"].values == "learning rate x 0.5"


def test_the_reference_and_its_variants_are_yardsticks(found: Choices) -> None:
    assert found.yardsticks == ["alone", "alone-half"]
    assert [each.base for each in found.bases] == ["mutual"]  # the orphan's algorithm does not take part
    assert {name: [one.pair.first for one in judged] for name, judged in found.unchanged.items()} == {
        "alone": ["mutual", "other"],
        "alone-half": ["mutual", "other"],
    }


def test_effects_are_paired_and_hold_together(found: Choices, values: dict[str, list[list[float]]]) -> None:
    (base,) = found.bases
    assert [each.change.name for each in base.singles] == ["plain", "better", "slow", "same"]  # largest first
    for each in base.singles[:3]:
        d = (np.asarray(values[each.change.name]) - np.asarray(values["mutual"])).mean(axis=1)
        half = stats.t.ppf(1 - 0.05 / 4 / 2, len(d) - 1) * d.std(ddof=1) / np.sqrt(len(d))  # four in the list
        estimate = each.effect.estimate
        assert estimate.mean == pytest.approx(d.mean())
        assert (estimate.low, estimate.high) == pytest.approx((d.mean() - half, d.mean() + half))
    words = {each.change.name: each.effect.verdict for each in base.singles}
    assert words == {"plain": "worse", "better": "better", "slow": "worse", "same": "practically equal"}
    assert [each.change.name for each in base.corners] == ["slow-plain"]


def test_a_choice_decides_where_it_turns_a_verdict(found: Choices) -> None:
    (base,) = found.bases
    assert {name: judged.verdict for name, judged in base.against.items()} == {"alone": "worse", "alone-half": "worse"}
    assert [each.change.name for each in base.turned("alone")] == ["better"]
    text = deciding.paragraph(base)
    assert "the largest effect of one choice is that of momentum (plain), −" in text
    assert "The verdict against alone is turned by form (better: better)." in text
    assert "better: better; worse: plain, slow; no difference (within 0.5 points): same." in text


def test_main_effects_and_interactions_are_contrasts_of_all_corners(
    found: Choices, values: dict[str, list[list[float]]]
) -> None:
    (base,) = found.bases
    mutual, plain, slow, both = (
        np.asarray(values[name]).mean(axis=1) for name in ("mutual", "plain", "slow", "slow-plain")
    )
    expected = {
        LR: ((slow - mutual) + (both - plain)) / 2,
        "momentum": ((plain - mutual) + (both - slow)) / 2,
        f"{LR} x momentum": ((both - slow) - (plain - mutual)) / 2,
    }
    assert [each.pair.first for each in base.factorial] == list(expected)
    for each in base.factorial:
        assert each.estimate.mean == pytest.approx(expected[each.pair.first].mean())
        half = stats.t.ppf(1 - 0.05 / 3 / 2, 4) * expected[each.pair.first].std(ddof=1) / np.sqrt(5)
        assert each.estimate.high == pytest.approx(each.estimate.mean + half)


def test_without_every_corner_there_is_no_factorial(tmp_path: Path, values: dict[str, list[list[float]]]) -> None:
    made = given.cells({name: table for name, table in values.items() if name != "slow"})
    found = given.analysis(tmp_path, made, reference="alone", variants=VARIANTS).choices
    assert found is not None
    assert found.bases[0].factorial == []


def test_a_suite_without_variants_has_no_such_section(tmp_path: Path, values: dict[str, list[list[float]]]) -> None:
    made = given.cells({name: values[name] for name in ("alone", "mutual")})
    assert given.analysis(tmp_path / "none", made, reference="alone").choices is None
    unrun = {"variants": {"plain": VARIANTS["plain"]}, "algorithms": ["alone", "mutual", "plain"]}
    assert given.analysis(tmp_path / "unrun", made, reference="alone", **unrun).choices is None


def test_tables_hold_every_change_and_yardstick(found: Choices) -> None:
    made = {table.stem: table for table in tables.tables(found)}
    assert list(made) == ["choices", "choices-mutual", "choices-factorial-mutual", "choices-cells-mutual"]
    rows = {row.values["algorithm"]: row.values for row in made["choices-mutual"].rows}
    assert set(rows) == {"mutual", "plain", "same", "slow", "better", "slow-plain"}
    assert (rows["better"]["is to alone"], rows["better"]["verdict"]) == ("better", "better")
    assert len(made["choices-cells-mutual"].rows) == 4 * 4  # single changes x cells


def test_one_replicate_decides_nothing(tmp_path: Path, values: dict[str, list[list[float]]]) -> None:
    made = given.cells({name: table[:1] for name, table in values.items()})
    found = given.analysis(tmp_path, made, reference="alone", variants=VARIANTS).choices
    assert found is not None
    (base,) = found.bases
    assert {each.effect.verdict for each in base.singles} == {"undecided"}
    assert "Against alone it is undecided, so no choice can be seen to decide that." in deciding.paragraph(base)


def test_pairs_that_did_not_finish_are_said(tmp_path: Path, values: dict[str, list[list[float]]]) -> None:
    plain: list[Any] = [[None, *row[1:]] for row in values["plain"][:4]] + values["plain"][4:]
    found = given.analysis(
        tmp_path, given.cells({**values, "plain": plain}), reference="alone", variants=VARIANTS
    ).choices
    assert found is not None
    (base,) = found.bases
    (effect,) = [each for each in base.singles if each.change.name == "plain"]
    assert (effect.counting, effect.begun) == (15, 20)  # the cell at the first alpha counts for no replicate
    assert "plain lacks 4 of 20 pairs (see how its cells ended): with them" in deciding.paragraph(base)
