import dataclasses

import pytest

from bench.speedometer.results import PARTS, Report, Series
from tests.unit.bench.speedometer.small import report, series


def test_ratios_are_taken_turn_by_turn() -> None:
    spread = series().ratio("vectorised")
    assert spread is not None
    assert (spread.median, spread.low, spread.high) == pytest.approx((5.0, 4.5, 5.5))
    assert series().ratio("auto") is None


def test_a_rate_is_steps_in_the_median_repetition() -> None:
    assert series().rate("naive") == 50.0
    assert series().rate("auto") is None


def test_the_limit_is_the_time_of_the_operations_alone() -> None:
    assert series().limit() == pytest.approx(100 / (2000 / 2e4 + 1000 / 1e4))
    assert series().share("reference") == pytest.approx(100 / 500)
    assert series(rates=[]).limit() is None
    assert series(rates=[]).share("reference") is None


def test_a_report_survives_its_file(tmp_path) -> None:
    report().write(tmp_path / "new" / "numbers.json")
    assert Report.read(tmp_path / "new" / "numbers.json") == report()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"comparison": [{"no": 1}]}'])
def test_another_file_is_refused(text: str, tmp_path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"numbers.json: expected the JSON of a speed report with comparison"):
        Report.read(path)


def test_newer_parts_replace_older_ones() -> None:
    newer = Report(comparison=[series("digits-cnn")], origins={"comparison": {"new": True}})
    updated = report().updated(newer)
    assert [each.name for each in updated.comparison] == ["digits-cnn"]
    assert updated.origins["comparison"] == {"new": True}
    for part in set(PARTS) - {"comparison"}:
        assert getattr(updated, part) == getattr(report(), part)
        assert updated.origins[part] == report().origins[part]


def test_every_part_is_a_field() -> None:
    assert {field.name for field in dataclasses.fields(Report)} == {*PARTS, "origins"}
    assert isinstance(report().comparison[0], Series)
