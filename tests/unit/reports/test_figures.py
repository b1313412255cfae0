"""Figures: complete, the same bytes for the same data, and fit to stand in the page."""

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports import printing
from reports.blocks import blocks
from reports.figures import Plate, curve, plates
from reports.results import Results, read
from reports.style import COLOURS, INK, looks
from tests.unit.reports import synthetic

NAMES = ("fml", "fedavg", "fedprox", "local", "$odd_<name>")


def made(results: Results) -> dict[str, Plate]:
    return {plate.stem: plate for plate in plates(results, blocks(results), looks(NAMES))}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    declared = synthetic.suite(alphas=[0.1, 1.0], replicates=2, algorithms=list(NAMES))
    return read(synthetic.write(tmp_path_factory.mktemp("run"), synthetic.records(declared, rounds=5), declared))


def test_every_figure_is_there(results: Results) -> None:
    found = made(results)
    assert {stem: [panel.title for panel in plate.panels] for stem, plate in found.items()} == {
        "accuracy-alpha-digits-dirichlet-capped": ["zoo cnn", "zoo mixed"],
        "accuracy-rounds-digits-dirichlet-capped-cnn": ["alpha 0.1", "alpha 1"],
        "accuracy-rounds-digits-dirichlet-capped-mixed": ["alpha 0.1", "alpha 1"],
        "partition-digits-dirichlet-capped": ["alpha 0.1", "alpha 1"],
    }
    assert list(found["accuracy-rounds-digits-dirichlet-capped-mixed"].algorithms) == ["fml", "local", "$odd_<name>"]


def test_curves_are_means_of_the_table_s_replicates(results: Results) -> None:
    level = blocks(results)[0].levels[0]
    rounds, band = curve(level, "fml")
    assert rounds.tolist() == [1, 2, 3, 4, 5]
    assert band.mean == pytest.approx(100 * np.mean([score.curve for score in level.scores("fml")], axis=0))
    row = blocks(results)[0].groups[0].rows[0]
    assert row.accuracy is not None
    assert band.mean[-1] == pytest.approx(100 * row.accuracy.mean)


def test_panels_hold_the_curves_and_the_floor(results: Results) -> None:
    plate = made(results)["accuracy-rounds-digits-dirichlet-capped-cnn"]
    figure = Figure()
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    plate.panels[0].draw(axes)
    assert len(axes.lines) == len(NAMES) + 1
    assert len(axes.collections) == len(NAMES)


def test_one_level_is_drawn_side_by_side(tmp_path: Path) -> None:
    declared = synthetic.suite(alphas=[None], partitions=["iid"], replicates=1, zoos=["cnn"])
    found = made(read(synthetic.write(tmp_path, synthetic.records(declared, rounds=1), declared)))
    assert list(found) == ["accuracy-algorithm-digits-iid", "accuracy-rounds-digits-iid-cnn", "partition-digits-iid"]
    assert found["accuracy-rounds-digits-iid-cnn"].panels[0].title == ""


def test_without_a_finished_cell_there_is_no_figure(tmp_path: Path) -> None:
    failed = {**synthetic.record("fml", 0.1, 0), "status": "failed", "result": None}
    assert made(read(synthetic.write(tmp_path, [failed]))) == {}


def test_many_clients_and_classes_can_be_drawn(tmp_path: Path) -> None:
    cells = [synthetic.record("fml", 1.0, 0, rounds=2, clients=60, classes=100)]
    plate = made(read(synthetic.write(tmp_path, cells)))["partition-digits-dirichlet-capped"]
    svg = printing.panel_svg(plate, plate.panels[0], "p")
    assert 'xlink:href="data:image/png' in svg
    assert len(svg) < 100_000
    assert "their sum" not in plate.caption


def test_the_caption_says_which_draw_is_shown(tmp_path: Path) -> None:
    cells = [synthetic.record("fml", alpha, replicate, rounds=2) for alpha, replicate in ((0.1, 1), (1.0, 1), (1.0, 2))]
    assert (
        "(replicate 1, zoo cnn)"
        in made(read(synthetic.write(tmp_path, cells)))["partition-digits-dirichlet-capped"].caption
    )
    mixed = [*cells[:2], synthetic.record("fml", 2.0, 3, rounds=2)]
    plate = made(read(synthetic.write(tmp_path, mixed)))["partition-digits-dirichlet-capped"]
    assert "(the first that finished)" in plate.caption
    assert "at the right their sum" in plate.caption


def digests(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_files_are_the_same_bytes_whatever_the_user_s_settings(results: Results, tmp_path: Path) -> None:
    plate = made(results)["accuracy-alpha-digits-dirichlet-capped"]
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
    printing.write(plate, looks(NAMES), first, "figure")
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 7, "savefig.dpi": 30, "svg.fonttype": "none"}):
        printing.write(plate, looks(NAMES), second, "figure")
        assert mpl.rcParams["font.size"] == 20
    assert list(digests(first)) == ["figure.pdf", "figure.png", "figure.svg"]
    assert digests(first) == digests(second)


def test_in_the_page_ids_are_its_own_and_colours_the_theme_s(results: Results) -> None:
    found = made(results)
    texts = [
        printing.panel_svg(plate, panel, f"x{number}-{place}")
        for number, plate in enumerate(found.values())
        for place, panel in enumerate(plate.panels[:1])
    ]
    texts.append(printing.swatch_svg(looks(["local"])["local"], "key"))
    ids = [name for text in texts for name in re.findall(r'\bid="([^"]+)"', text)]
    assert len(ids) == len(set(ids))
    for text in texts:
        assert text.startswith("<svg viewBox=")
        assert text.endswith("</svg>")
        used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text))
        assert {a or b for a, b in used} <= set(ids)
        assert "http" not in text
        assert "<style" not in text
        assert "<metadata" not in text
        assert not any(colour in text for colour in (*COLOURS, INK))
