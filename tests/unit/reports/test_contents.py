"""What the report says in words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from reports import contents
from reports.analysis import analyse
from reports.blocks import blocks
from reports.results import Results, read
from tests.unit.reports import synthetic


def results(out: Path, cells: Sequence[dict[str, Any]], absent: Sequence[str] = (), **changes: Any) -> Results:
    return read(synthetic.write(out, cells, synthetic.suite(**changes), absent=absent))


def cells(replicates: int, **shape: int) -> list[dict[str, Any]]:
    return [synthetic.record(name, 0.1, r, rounds=2, **shape) for r in range(replicates) for name in ("fml", "local")]


def end(record: dict[str, Any], status: str, reason: str) -> dict[str, Any]:
    return {**record, "status": status, "reason": reason, "result": None, "timing": None}


def said(found: Results) -> str:
    return "\n".join(contents.notices(analyse(found)))


@pytest.mark.parametrize(("replicates", "descriptive"), [(1, True), (4, True), (5, False)])
def test_fewer_than_five_replicates_are_descriptive_only(tmp_path: Path, replicates: int, descriptive: bool) -> None:
    text = said(results(tmp_path, cells(replicates)))
    assert ("Descriptive only" in text) is descriptive
    assert ("n = 1" in text) is (replicates == 1)


def test_nothing_to_say_about_a_whole_run(tmp_path: Path) -> None:
    assert said(results(tmp_path, cells(5))) == ""


def test_zero_finished_cells_are_said_first(tmp_path: Path) -> None:
    text = said(results(tmp_path, [end(cell, "failed", "no") for cell in cells(5)]))
    assert text.startswith("No cell of this run has finished")


def test_nothing_in_common_is_said(tmp_path: Path) -> None:
    made = cells(2)
    made = [end(made[0], "failed", "no"), made[1], made[2], end(made[3], "failed", "no")]
    assert "No replicate was finished by all algorithms" in said(results(tmp_path, made))


def test_dropped_draws_unsampled_clients_waiting_and_other_cells(tmp_path: Path) -> None:
    synthetic.write(tmp_path, [synthetic.record("fml", 9.0, 0, rounds=2)])
    made = cells(6, never_sampled=3)
    made[0] = end(made[0], "diverged", "no")
    text = said(results(tmp_path, made, absent=["f" * 16]))
    assert "1 cell missing beside finished ones" in text
    assert "1 declared cell not run yet" in text
    assert "1 other cell, of earlier declarations" in text


def test_cells_of_two_versions_of_the_code(tmp_path: Path) -> None:
    made = [*cells(5), synthetic.record("fml", 1.0, 0, rounds=2, commit="f" * 40)]
    found = results(tmp_path, made)
    assert any("2 versions of the code" in guard.text for guard in analyse(found).guards if guard.fired)
    assert dict(contents.provenance(found))["Commits of the cells"] == f"{synthetic.COMMIT}, {'f' * 40}"


def test_what_was_run(tmp_path: Path) -> None:
    made = [*cells(2), end(synthetic.record("fedavg", 0.1, 0), "skipped", "why")]
    facts = dict(contents.facts(results(tmp_path, made, absent=["f" * 16])))
    assert facts["Cells"] == "4 done, 1 skipped, 0 failed, 1 not run yet"
    assert facts["Replicates"] == "2 with finished cells, 5 declared"
    assert facts["Alpha"] == "0.1"
    assert facts["Time"] == "10 s of computing, all finished cells together"
    assert facts["Training"] == (
        "30 rounds, 10 clients, all in every round, 2 local epochs, batches of 32, "
        "sgd lr 0.05 momentum 0.9 weight decay 0, constant learning rate"
    )


def test_training_with_steps_and_partial_participation() -> None:
    settings = {"rounds": 1, "participation": 0.2, "local_steps": 1, "lr_schedule": {"name": "step", "every": 3}}
    assert contents.training(settings) == "1 round, 20 % of them in a round, 1 local step, step every 3 learning rate"


def test_endings_are_gathered_with_their_reasons(tmp_path: Path) -> None:
    made = cells(8)
    made = [end(cell, "failed", f"reason {min(i // 2, 6)}") if i % 2 == 0 else cell for i, cell in enumerate(made)]
    (ending,) = contents.endings(results(tmp_path, made))
    assert (ending.status, ending.algorithm, ending.cells, ending.more) == ("failed", "fml", 8, 2)
    assert ending.where == "digits, dirichlet-capped, zoo cnn; alpha 0.1, replicates 0, 1, 2, 3, 4, 5, 6, 7"
    assert ending.reasons[0] == ("reason 6", 2)


def test_missing_pairs_are_named(tmp_path: Path) -> None:
    made = [
        synthetic.record(name, alpha, r, rounds=2) for r in (0, 1) for alpha in (0.1, 1.0) for name in ("fml", "local")
    ]
    made = [
        end(cell, "timeout", "too slow")
        if (cell["identity"]["algorithm"], cell["identity"]["replicate"]) == ("fml", 1)
        else cell
        for cell in made
    ]
    (block,) = blocks(results(tmp_path, made))
    assert contents.gaps(block) == ["fml timeout at alpha 0.1, 1, replicate 1"]


@pytest.mark.parametrize(
    ("selection", "words"), [("validation", "chosen on validation data"), ("last", "the last round")]
)
def test_the_protocol_names_the_headline_rule(tmp_path: Path, selection: str, words: str) -> None:
    found = results(tmp_path, cells(1), training={"selection": selection})
    assert words in dict(contents.protocol(found))["Headline round"]
    assert "test data is never used" in dict(contents.protocol(found))["Headline round"]


def test_the_protocol_names_fixed_seeds(tmp_path: Path) -> None:
    found = results(tmp_path, cells(1), seeds={"base": 0, "partition": 3, "training": None})
    assert "except what the suite's fixed partition seed decides" in dict(contents.protocol(found))["Replicate"]


def test_the_command_can_be_typed_again(tmp_path: Path) -> None:
    out = synthetic.write(tmp_path, cells(1), argv=["--suite", "my suite.toml", "--set", "fml.alpha=0.5"])
    assert contents.commands(read(out)) == ["python -m bench.run --suite 'my suite.toml' --set fml.alpha=0.5"]
