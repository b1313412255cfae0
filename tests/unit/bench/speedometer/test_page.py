import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from bench.speedometer import page, plot
from bench.speedometer.results import Report
from bench.speedometer.tables import Table, line, problems, tables
from tests.unit.bench.speedometer.small import report, series


def cell(table: Table, row: int, column: str) -> str:
    return table.rows[row][list(table.columns).index(column)]


def test_the_comparison_shows_ratios_with_quartiles_floors_and_the_limit() -> None:
    table = tables(report())["comparison"]
    assert cell(table, 0, "naive: steps/s") == "50"
    assert cell(table, 0, "reference: x naive") == "2.00"
    assert cell(table, 0, "vectorised: x naive") == "5.00 (4.50-5.50)"
    assert cell(table, 0, "at least") == "5"
    assert cell(table, 1, "at least") == "1.25"
    assert cell(table, 0, "limit: x naive") == "10.0"
    assert len(table.rows) == 2
    assert len(tables(report())["beside"].rows) == 1


def test_the_other_tables_show_what_was_measured() -> None:
    made = tables(report())
    assert set(made) == {"comparison", "beside", "naive", "limit", "overhead", "growth", "memory", "jobs"}
    assert cell(made["limit"], 0, "vectorised reaches") == "50 %"
    assert cell(made["naive"], 0, "naive: us/step") == "20000"
    assert cell(made["naive"], 0, "DataLoader: x") == "0.50"
    assert "naive" not in tables(Report(comparison=[series()]))
    assert cell(made["overhead"], 0, "overhead %") == "15.0 (12.5-17.5)"
    assert cell(made["growth"], 1, "naive: us/step") == "2000"
    assert cell(made["memory"], 0, "peak of a cell, GiB") == "1.00"
    assert [cell(made["jobs"], row, "x") for row in (0, 1)] == ["7.00", "-"]
    assert [cell(made["jobs"], row, "at least") for row in (0, 1)] == ["7", "60 s at most"]


def test_a_report_without_anything_has_no_tables() -> None:
    assert tables(Report()) == {}
    assert plot.figures(Report()) == {}


def test_a_series_that_failed_is_a_row_of_dashes_and_a_problem() -> None:
    bad = series(facts={}, seconds={}, rates=[], problem="it burned")
    table = tables(Report(comparison=[series("mnist-cnn"), bad]))["comparison"]
    assert list(table.rows[1][1:]) == ["-", "-", "-", "5", "-"]
    assert problems(Report(comparison=[bad])) == ["digits-mlp, momentum 0: it burned"]
    assert line(bad) == "digits-mlp, momentum 0: it burned"
    assert line(series()).endswith("naive 50 steps/s, reference x 2.00, vectorised x 5.00 (4.50-5.50)")


def test_tables_are_aligned_in_a_terminal_and_proper_in_markdown() -> None:
    table = Table("numbers", ["name", "value"], [["a", "1"], ["longer", "12.5"]])
    assert table.text() == "numbers\nname    value\na           1\nlonger   12.5"
    assert table.markdown() == "| name | value |\n| --- | ---: |\n| a | 1 |\n| longer | 12.5 |"


def test_a_page_has_all_parts_and_its_figures(tmp_path: Path) -> None:
    page.write(report(), tmp_path / "speed.md")
    text = (tmp_path / "speed.md").read_text()
    for table in tables(report()).values():
        assert table.markdown() in text
    assert "A processor, 2 cores, torch 2.13.0, commit 0123456789, 2026-01-02" in text
    assert "Not measured" not in text
    for name in ("comparison", "growth"):
        assert f"(speed/{name}.svg)" in text
        assert ElementTree.parse(tmp_path / "speed" / f"{name}.svg").getroot().tag.endswith("svg")
    assert Report.read(tmp_path / "speed" / "numbers.json") == report()


def test_a_page_names_what_failed(tmp_path: Path) -> None:
    bad = series(facts={}, seconds={}, rates=[], problem="it burned")
    page.write(Report(comparison=[bad], origins={"comparison": report().origins["comparison"]}), tmp_path / "speed.md")
    assert "- digits-mlp, momentum 0: it burned" in (tmp_path / "speed.md").read_text()
    assert "comparison.svg)" not in (tmp_path / "speed.md").read_text()  # there is nothing to draw


def test_the_same_numbers_give_the_same_page(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        page.write(report(), tmp_path / folder / "speed.md")
    for name in ("comparison", "growth"):  # texts stay texts in these files, and a browser knows no TeX
        assert "mathdefault" not in (tmp_path / folder / "speed" / f"{name}.svg").read_text()
    for name in ("speed.md", "speed/comparison.svg", "speed/growth.svg", "speed/numbers.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_parts_that_are_not_measured_anew_stay_on_the_page(tmp_path: Path) -> None:
    page.write(report(), tmp_path / "speed.md")
    newer = Report(comparison=[series(seconds={"naive": [9.0], "reference": [3.0]})])
    newer.origins["comparison"] = report().origins["comparison"]
    whole = page.write(newer, tmp_path / "speed.md")
    assert whole.growth == report().growth
    text = (tmp_path / "speed.md").read_text()
    assert "3.00" in text
    assert tables(report())["growth"].markdown() in text


def test_old_numbers_that_cannot_be_read_are_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "speed").mkdir()
    (tmp_path / "speed" / "numbers.json").write_text("{}")
    with pytest.raises(ValueError, match="expected the JSON of a speed report"):
        page.write(report(), tmp_path / "speed.md")
    assert not (tmp_path / "speed.md").exists()


def test_a_figure_shows_medians_quartiles_limit_and_aims() -> None:
    (axes,) = plot.figures(report())["comparison"].axes
    drawn = {container.get_label(): container.lines[0].get_xdata() for container in axes.containers}
    assert list(drawn["vectorised"]) == pytest.approx([5.0, 5.0])
    lines = {one.get_label(): list(one.get_xdata()) for one in axes.lines}
    assert lines["the machine's limit"] == pytest.approx([10.0, 10.0])
    assert lines["what we want at least"] == [5, 1.25]
    (growth,) = plot.figures(report())["growth"].axes
    assert {one.get_label() for one in growth.lines} == {"naive", "reference", "linear in clients"}


@pytest.mark.parametrize("name", ["comparison", "growth"])
def test_nothing_sticks_out_of_a_figure(name: str) -> None:
    figure = plot.figures(report())[name]
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    inner, whole = figure.get_tightbbox(canvas.get_renderer()), figure.bbox_inches
    assert inner.x0 >= whole.x0
    assert inner.x1 <= whole.x1
    assert inner.y0 >= whole.y0
    assert inner.y1 <= whole.y1
