"""Figures inside the page."""

import re
from pathlib import Path

import pytest

from reports.figures import inline
from reports.style import COLOURS, INK, looks
from tests.unit.reports.figures.cases import drawings, written


@pytest.fixture(scope="module")
def elements(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    plates = drawings(written(tmp_path_factory.mktemp("run"), algorithms=["fml", "local", "<b>&amp;"]))
    made = [
        inline.element(panel.draw(), f"f{number}-{place}")
        for number, plate in enumerate(plates)
        for place, panel in enumerate(plate.panels)
    ]
    return [*made, inline.swatch(looks(["local"])["local"], "key")]


def test_ids_are_unique_and_none_is_missing_or_idle(elements: list[str]) -> None:
    ids = [name for text in elements for name in re.findall(r'\bid="([^"]+)"', text)]
    assert len(ids) == len(set(ids))
    for text in elements:
        used = {a or b for a, b in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)}
        assert used == set(re.findall(r'\bid="([^"]+)"', text))


def test_colours_are_the_theme_s_and_nothing_is_fetched(elements: list[str]) -> None:
    for text in elements:
        assert text.startswith("<svg viewBox=")
        assert text.endswith("</svg>")
        assert "http" not in text
        assert "<style" not in text
        assert "<metadata" not in text
        assert not any(colour in text for colour in (*COLOURS, INK, "#ffffff"))


def test_coordinates_are_short_and_scales_are_not(elements: list[str]) -> None:
    for text in elements:
        for attribute in re.findall(r'\b(?:d|x|y)="([^"]*)"', text):
            assert not re.search(r"\d\.\d{3,}", attribute)
    assert any("scale(0.015625)" in text for text in elements)


def test_a_crowd_of_clients_is_a_small_image(tmp_path: Path) -> None:
    results = written(tmp_path, algorithms=["fml"], clients=100)
    (plate,) = (plate for plate in drawings(results, with_compared=False) if plate.family == "partition")
    text = inline.element(plate.panels[0].draw(), "p")
    assert "data:image/png" in text
    assert len(text) < 60_000
