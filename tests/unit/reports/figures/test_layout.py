"""Whatever the report: nothing overlaps, nothing is cut, no panel is empty, and no warning is given."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from reports.figures import Form
from reports.figures.forest import figure as draw_forest
from reports.style import DOUBLE, SINGLE, looks
from tests.unit.reports.figures.cases import CASES, MANY, drawings, forest, written
from tests.unit.reports.figures.layout import problems

FAMILIES = {
    "accuracy-alpha", "differences", "matrix", "ranks", "planes", "accuracy-rounds", "loss-rounds", "global-rounds",
    "clients", "target", "accuracy-bytes", "accuracy-time", "partition",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_figure_is_fit_to_print(case: str, tmp_path: Path) -> None:
    found = {}
    for plate in drawings(written(tmp_path, **CASES[case])):
        figure = plate.draw(Form())
        assert figure.get_figwidth() in (SINGLE, DOUBLE)
        assert figure.get_figheight() < 9.5, f"{plate.stem} is taller than a page"
        found[plate.stem] = problems(figure)
    assert [f"{stem}: {wrong}" for stem, all_wrong in found.items() for wrong in all_wrong] == []


@pytest.mark.parametrize("case", ["usual", "many"])
def test_every_figure_fits_one_column(case: str, tmp_path: Path) -> None:
    found = {}
    for plate in drawings(written(tmp_path, **{**CASES[case], "zoos": ["cnn"], "alphas": [0.1, 0.5, 1.0]})):
        figure = plate.draw(Form(SINGLE))
        assert figure.get_figwidth() == SINGLE
        found[plate.stem] = problems(figure)
    assert [f"{stem}: {wrong}" for stem, all_wrong in found.items() for wrong in all_wrong] == []


@pytest.mark.parametrize("case", ["usual", "one", "iid"])
def test_every_panel_stands_alone_in_the_page(case: str, tmp_path: Path) -> None:
    for plate in drawings(written(tmp_path, **CASES[case])):
        for panel in plate.panels[:2]:
            figure = panel.draw()
            assert problems(figure) == [], plate.stem
            assert not figure.legends
            assert figure.get_figwidth() == (DOUBLE if plate.wide else SINGLE)


def test_a_forest_of_many_cells_and_algorithms_still_fits_a_page() -> None:
    data = forest(MANY, "all", np.random.default_rng(0), cells=20)
    figure = draw_forest(data, looks(MANY), Form())
    assert figure.get_figheight() < 9.5
    assert problems(figure) == []


def test_every_family_has_been_looked_at(tmp_path: Path) -> None:
    assert {plate.family for plate in drawings(written(tmp_path, **CASES["usual"]))} == FAMILIES


def test_what_is_wrong_would_be_found() -> None:
    figure = Figure(figsize=(2, 2))
    figure.subplots()
    figure.text(0.5, 0.5, "one")
    figure.text(0.5, 0.52, "two")
    figure.text(0.95, 0.1, "beyond the edge")
    found = problems(figure)
    assert "'one' touches 'two'" in found
    assert "'beyond the edge' leaves the figure" in found
    assert "panel 0 is empty" in found
