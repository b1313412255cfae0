"""One algorithm looks the same in all figures, and different from the others even in grey."""

from pathlib import Path

from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from reports.figures import Form
from reports.style import BLUE, COLOURS, VERMILION, looks
from tests.unit.reports.figures.cases import MANY, drawings, written

NAMELESS = {"matrix", "partition"}  # colour means a number there


def colours(figure: Figure) -> set[str]:
    """The colours of algorithms that are drawn, not those of text, grid and the like."""
    found = set()
    for axes in figure.axes:
        found |= {to_hex(line.get_color()) for line in axes.lines}
        found |= {to_hex(each) for artist in axes.collections for each in artist.get_facecolor()}
        found |= {to_hex(patch.get_edgecolor()) for patch in axes.patches}
    return found & set(COLOURS)


def test_every_figure_draws_an_algorithm_in_its_colour(tmp_path: Path) -> None:
    names = ["fml", "ditto", "local"]
    look = looks(names)
    wanted = {look[name].colour for name in names}
    for plate in drawings(written(tmp_path, algorithms=names)):
        found = colours(plate.draw(Form()))
        if plate.family in NAMELESS:
            assert found <= {BLUE, VERMILION}
        elif plate.family == "differences":  # of the others to the first
            assert found == {look[name].colour for name in names[1:]}
        elif plate.family == "global-rounds":
            assert found == {look[name].colour for name in names[:2]}
        else:
            assert found == wanted, plate.family
        assert {entry for name, entry in plate.key if name in names and entry.dash} <= set(look.values())


def test_twelve_series_can_be_told_apart_in_grey() -> None:
    held = looks(MANY)
    assert len(held) == 12
    assert len({(look.marker, look.dash) for look in held.values()}) == 12
    assert len({look.marker for look in held.values()}) == 12


def test_the_same_few_algorithms_look_alike_in_a_report_of_many(tmp_path: Path) -> None:
    few, many = looks(["fml", "fedavg", "local"]), looks(MANY)
    assert all(many[name] == look for name, look in few.items())
