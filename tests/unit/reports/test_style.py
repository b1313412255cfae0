"""One look per algorithm, whatever else is in the report."""

from pathlib import Path

import numpy as np
import pytest

from bench.registry import ALGORITHMS
from reports.style import COLOURS, FLOOR, KNOWN, PAPER, extent, fitted, label, looks

FOUR = ["fml", "fedavg", "fedprox", "local"]
STRANGERS = ["fedper", "fedadam", "fedbn", "my method", "méthode"]

# How colours look to those without red or green receptors, in linear light: Machado, Oliveira, Fernandes 2009.
VISIONS = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}


def oklab(colour: str, vision: str) -> np.ndarray:
    """A colour in a space in which distances are about as they are seen: Ottosson 2020."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(VISIONS[vision]) @ linear, 0, 1)
    cones = [[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]]
    axes = [[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45059], [0.02590, 0.78277, -0.80868]]
    return np.array(axes) @ np.cbrt(np.array(cones) @ seen)


def nearest(colours: tuple[str, ...], vision: str) -> float:
    places = [oklab(colour, vision) for colour in colours]
    return min(float(np.linalg.norm(a - b)) for i, a in enumerate(places) for b in places[:i])


def test_every_algorithm_that_ships_has_a_look_of_its_own() -> None:
    shipped = {entry.name for entry in ALGORITHMS.entries().values() if entry.origin.startswith("algorithms/")}
    assert {name for name in shipped if ":" not in name and "variant" not in name} <= KNOWN.keys()
    assert len({look.colour for look in KNOWN.values()}) == len(KNOWN)
    assert len({look.marker for look in KNOWN.values()}) == len(KNOWN)


@pytest.mark.parametrize("vision", VISIONS)
def test_more_colours_are_no_harder_to_tell_apart_than_okabe_and_itos(vision: str) -> None:
    weakest = min(nearest(COLOURS[:7], each) for each in VISIONS)
    assert nearest((*COLOURS, PAPER), vision) >= weakest
    assert nearest((*COLOURS[7:], FLOOR), vision) >= weakest


def test_the_page_has_every_colour_in_light_dark_and_print() -> None:
    css = (Path(__file__).parents[3] / "reports" / "templates" / "style.css").read_text(encoding="utf-8")
    for place, colour in enumerate(COLOURS):
        assert css.count(f"--c{place}: {colour};") == 2
        assert css.count(f"--c{place}: ") == 3


def test_ours_have_fixed_looks() -> None:
    assert looks(["local", "fml"]) == {"fml": KNOWN["fml"], "local": KNOWN["local"]}


def test_neither_order_nor_our_first_change_a_strangers_look() -> None:
    assert looks(STRANGERS) == looks(reversed(STRANGERS))
    for stranger in STRANGERS:
        assert looks([stranger, *FOUR])[stranger] == looks([stranger])[stranger]


def test_no_two_look_alike_even_in_grey() -> None:
    chosen = looks([*KNOWN, *STRANGERS])
    assert len({(look.marker, look.dash) for look in chosen.values()}) == len(chosen)
    assert {name: chosen[name] for name in KNOWN} == KNOWN
    few = looks([*FOUR, *STRANGERS])
    assert len({look.colour for look in few.values()}) == len({look.marker for look in few.values()}) == len(few)


def test_any_number_of_strangers_gets_a_look() -> None:
    names = [f"method {number}" for number in range(70)]
    assert set(looks(names)) == set(names)


def test_labels_are_plain_text() -> None:
    assert label("$x_%$") == "$x_%$"
    assert label("_hidden") == " _hidden"
    assert label("名前 a") == "?? a"


def test_a_name_is_cut_to_the_room_it_has() -> None:
    long = "federated averaging with a very long name"
    cut = fitted(long, 7.0, 1.0)
    assert cut.endswith("…")
    assert extent(cut, 7.0) <= 1.0 < extent(long, 7.0)
    assert fitted("fml", 7.0, 1.0) == "fml"
    assert fitted("fml", 7.0, 0.01) == "f…"  # never nothing at all
