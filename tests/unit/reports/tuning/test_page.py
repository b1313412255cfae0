"""The report of a tuning: what it says, and of what it warns."""

from pathlib import Path
from typing import Any

import pytest

from bench.records.store import StoreError
from bench.records.tuning import Choice, Outcome, Place, Tried, Tuning, table
from reports.style import looks
from reports.tuning import tables
from reports.tuning.page import render, threats
from reports.tuning.sensitivity import Axis, plates

PLACE = Place("dirichlet-capped", 0.5, "cnn")


def tried(number: int, setting: dict[str, Any], *by_replicate: float, status: str = "done") -> Tried:
    outcomes = [Outcome(f"{number}-{r}", PLACE, r, status, 3, accuracy) for r, accuracy in enumerate(by_replicate)]
    return Tried(number, setting, outcomes, by_replicate)


def choice(name: str = "fml", **changes: Any) -> Choice:
    rows = [
        tried(1, {"lr": 0.1, "alpha": 0.3}, 0.80, 0.82, 0.84),
        tried(2, {"lr": 0.2, "alpha": 0.7}, 0.90, 0.91, 0.92),
        tried(3, {"lr": 0.4, "alpha": 0.5}, 0.0, 0.0, 0.0, status="diverged"),
        tried(4, {"lr": 0.2, "alpha": 0.3}, 0.905, 0.905, 0.905),
    ]
    fields: dict[str, Any] = {
        **{"algorithm": name, "axes": {"lr": (0.1, 0.2, 0.4), "alpha": (0.3, 0.5, 0.7)}, "tried": rows},
        **{"chosen": rows[1], "edge": ["alpha"], "agree": 2, "kept_gain": 0.04, "digest": "0123456789abcdef"},
    }
    return Choice(**{**fields, **changes})


def tuning(*choices: Choice, **changes: Any) -> Tuning:
    fields: dict[str, Any] = {
        **{"suite": "mine", "version": "1.0", "dataset": "digits", "command": "python -m bench.tune mine"},
        **{
            "trials": 4,
            "replicates": 3,
            "reserved": 0.5,
            "clients": 5,
            "client_size": 1.0,
            "choices": choices or (choice(),),
            "without": {},
        },
    }
    return Tuning(**{**fields, **changes})


def test_tables_say_what_was_chosen_and_what_it_is_worth() -> None:
    (row,) = tables.choices(tuning()).rows
    assert row.values["chosen"] == "lr 0.2, alpha 0.7"
    assert row.values["accuracy"] == pytest.approx(0.91)
    assert row.values["spread"] == pytest.approx(0.01)
    assert (row.values["agree"], row.values["edge"]) == ("2 of 3", "alpha")
    (row,) = tables.worth(tuning()).rows
    assert row.values["median"] == pytest.approx((0.82 + 0.905) / 2)
    assert row.values["gain"] == pytest.approx(0.91 - (0.82 + 0.905) / 2)
    assert (row.values["worst"], row.values["diverged"]) == (0.0, 3)
    assert row.values["near"] == 2  # half a point behind counts as equal
    rows = tables.trials(tuning()).rows
    assert [row.values["trial"] for row in rows] == [2, 4, 1, 3]
    assert [bool(row.bold) for row in rows] == [True, False, False, False]


def test_figures_show_every_setting_of_every_hyper_parameter() -> None:
    other = choice("local", axes={"lr": (0.1, 0.2, 0.4)})
    found = {plate.stem: plate for plate in plates(tuning(choice(), other), looks(["fml", "local"]))}
    assert list(found) == ["sensitivity-lr-digits", "sensitivity-parameters-digits"]
    assert found["sensitivity-lr-digits"].titles == ["fml", "local"]
    assert found["sensitivity-parameters-digits"].titles == ["fml: alpha"]
    assert len(found["sensitivity-lr-digits"].table.rows) == 8
    assert sum(bool(row[-1]) for row in found["sensitivity-lr-digits"].table.rows) == 2


def test_the_line_joins_the_best_at_each_value() -> None:
    from reports.tuning.sensitivity import Point

    points = [Point(0, 80.0, None, 1, False), Point(0, 85.0, None, 2, False), Point(2, 70.0, None, 3, True)]
    assert Axis("fml", "lr", (0.1, 0.2, 0.4), points).best == [(0, 85.0), (2, 70.0)]


def test_a_page_with_figures_and_tables(tmp_path: Path) -> None:
    page = render(tmp_path, tuning())
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Tuning of mine 1.0 on digits\n\n    python -m bench.tune mine\n")
    assert "Every algorithm got 4 settings of its grid, each in 3 tuning replicates that no result shares" in text
    assert "on 50 % of the training rows, on which no result of the suite tests a client, dealt to 5 clients, " in text
    assert "each as large as a result's; judged by" in text
    assert "| fml | 4 | lr 0.2, alpha 0.7 | 91.0 | 1.00 | 2 of 3 | alpha | 0123456789abcdef |" in text
    for stem in ("sensitivity-lr-digits", "sensitivity-parameters-digits"):
        assert f"(figures/{stem}.png)" in text
        for kind in ("png", "svg", "pdf", "csv"):
            assert (tmp_path / "report" / "figures" / f"{stem}.{kind}").stat().st_size > 100
    for stem in ("choices", "worth", "trials"):
        assert (tmp_path / "report" / "tables" / f"{stem}.csv").is_file()
    before = page.read_bytes()
    assert render(tmp_path, tuning()).read_bytes() == before


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (tuning(), "fml: alpha 0.7 is at the edge of its grid"),
        (tuning(choice(edge=[], kept_gain=-0.01)), "is worth −1.0 points over the median setting: it is mostly chance"),
        (tuning(replicates=2), "2 tuning replicates only"),
        (tuning(client_size=0.5), "A client of a trial had 50 % of the rows of a result's"),
        (tuning(reserved=0.0), "No rows were reserved: results test clients on rows that this choice has seen."),
        (tuning(without={"local": "some of its cells have not been run"}), "local: nothing was chosen, some of its"),
    ],
)
def test_what_it_warns_of(found: Tuning, words: str) -> None:
    assert any(words in threat for threat in threats(found))


def test_it_warns_of_nothing_where_nothing_is_wrong() -> None:
    assert threats(tuning(choice(edge=[]))) == []


def test_nothing_chosen_is_a_page_too(tmp_path: Path) -> None:
    page = render(tmp_path, tuning(without={"fml": "it was skipped everywhere"}, choices=()))
    assert "> fml: nothing was chosen, it was skipped everywhere." in page.read_text()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "report").touch()
    with pytest.raises(StoreError, match="cannot write the report"):
        render(tmp_path, tuning())


def test_every_cell_of_a_trial_is_a_row() -> None:
    lines = table(tuning()).splitlines()
    assert lines[0].startswith("suite,dataset,algorithm,trial,chosen,lr,fml.alpha,partition,alpha,zoo,replicate,cell")
    assert len(lines) == 1 + 4 * 3
    assert "mine,digits,fml,2,1,0.2,0.7,dirichlet-capped,0.5,cnn,0,2-0,done,3,0.9" in lines
