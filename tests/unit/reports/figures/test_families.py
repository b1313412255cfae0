"""What each family draws and tells, from data made by hand."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from reports.figures import (
    Difference,
    Forest,
    Form,
    Matrix,
    Ranks,
    alphas,
    clients,
    costs,
    critical_difference,
    forest,
    matrix,
    partitions,
    planes,
    rounds,
    targets,
)
from reports.statistics import Band, Estimate, Reach
from reports.style import BLUE, ORANGE, VERMILION, looks

LOOKS = looks(["fml", "fedavg", "local"])
NAN = float("nan")


def words(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def band(*mean: float, half: float = 1.0) -> Band:
    middle = np.asarray(mean)
    return Band(middle, middle - half, middle + half)


def test_rounds_draw_a_line_and_a_band_each_and_the_floor() -> None:
    x = np.asarray([1.0, 2.0, 4.0])
    lines = {"fml": (x, band(50, 60, 70)), "local": (x, Band(np.asarray([40.0, 50.0, 60.0]), None, None))}
    data = rounds.Rounds(["fml", "local"], "accuracy (%)", [rounds.Curves("alpha 1", lines, 30.0)], 100.0)
    (axes,) = rounds.figure(data, LOOKS, Form()).axes
    floor, fml, local = axes.lines
    assert floor.get_ydata()[0] == 30
    assert list(fml.get_ydata()) == [50, 60, 70]
    assert list(local.get_xdata()) == [1, 2, 4]
    assert len(axes.collections) == 1  # one replicate has no band
    assert rounds.table(data).rows[0] == ("alpha 1", "fml", 1, 50.0, 49.0, 51.0)
    assert rounds.table(data).rows[-1] == ("alpha 1", "local", 4, 60.0, None, None)


def test_bands_end_where_accuracies_do() -> None:
    x = np.asarray([1.0, 2.0])
    data = rounds.Rounds(["fml"], "", [rounds.Curves("", {"fml": (x, band(99, 1, half=5))})], 100.0)
    (axes,) = rounds.figure(data, LOOKS, Form()).axes
    edges = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert (edges.min(), edges.max()) == (0, 100)


def test_a_wide_band_of_losses_does_not_squeeze_the_curves() -> None:
    x = np.asarray([1.0, 2.0])
    data = rounds.Rounds(["fml"], "loss", [rounds.Curves("", {"fml": (x, band(1, 2, half=50))})])
    (axes,) = rounds.figure(data, LOOKS, Form()).axes
    assert axes.get_ylim()[1] < 4


def test_alphas_draw_points_beside_each_other() -> None:
    point = Estimate(80.0, 75.0, 85.0, 5)
    zoo = alphas.Zoo("zoo a", ["0.1", "1"], {"fml": [point, point], "local": [None, point]}, [60.0, 20.0])
    data = alphas.Alphas(["fml", "local"], [zoo])
    (axes,) = alphas.figure(data, LOOKS, Form()).axes
    marked = [line for line in axes.lines if line.get_marker() in ("o", "D")]
    assert len({round(float(line.get_xdata()[0]), 3) for line in marked}) == 3
    assert alphas.table(data).rows[1] == ("zoo a", "0.1", "local", None, None, None, 0, 60.0)
    assert [name for name, _ in alphas.key(data, LOOKS)] == ["fml", "local", "majority floor"]


def test_who_finished_nothing_is_said_in_its_row() -> None:
    point = [Estimate(80.0, 75.0, 85.0, 5)]
    zoos = [
        alphas.Zoo("a", ["–"], {"fml": point, "local": point}, [20.0]),
        alphas.Zoo("b", ["–"], {"fml": point}, [20.0]),
    ]
    first, second = alphas.figure(alphas.Alphas(["fml", "local"], zoos), LOOKS, Form()).axes
    assert words(first) == []
    assert words(second) == ["no result"]


def test_tiles_are_as_dark_as_their_share() -> None:
    data = partitions.Partitions([partitions.Draw("", np.asarray([[100, 25], [0, 100]]))])
    axes = partitions.figure(data, Form()).axes[0]
    (tiles,) = axes.collections
    assert [round(float(colour[3]), 3) for colour in tiles.get_facecolors()] == [1.0, 0.5, 1.0]
    assert words(axes) == ["125", "100"]
    assert partitions.table(data).rows[0] == ("", 0, 125, 100, 25)


def test_a_hundred_clients_are_an_image_without_sums() -> None:
    data = partitions.Partitions([partitions.Draw("", np.ones((100, 10), dtype=np.int64))])
    axes = partitions.figure(data, Form()).axes[0]
    assert len(axes.images) == 1
    assert words(axes) == []


def test_the_worst_tenth_is_a_mean_over_replicates() -> None:
    replicates = [np.linspace(10.0, 100.0, 10), np.linspace(30.0, 100.0, 10)]
    data = clients.Clients(["fml"], [clients.Spread("", {"fml": replicates})])
    (row,) = clients.table(data).rows
    assert row[2:4] == (20, 10.0)
    assert row[8] == 20.0
    (axes,) = clients.figure(data, LOOKS, Form()).axes
    assert [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "^"] == [20.0]
    assert sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() == "o") == 20


def test_many_clients_have_no_dots_and_no_entry_for_them() -> None:
    data = clients.Clients(["fml"], [clients.Spread("", {"fml": [np.linspace(0, 100, 200)]})])
    assert [name for name, _ in clients.key(data)] == ["quartiles and median", "mean of the worst 10 %"]


def test_censored_runs_stand_beyond_the_last_round() -> None:
    runs = [Reach(4, True), Reach(30, False), Reach(30, False)]
    data = targets.Targets(["fml"], 80.0, 30, [targets.Race("", {"fml": runs})])
    (axes,) = targets.figure(data, LOOKS, Form()).axes
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] > 30 for line in marks] == [False, True, True]
    assert [line.get_markerfacecolor() for line in marks][1] == "#ffffff"
    assert axes.get_xticklabels()[-1].get_text() == "> 30"
    assert targets.table(data).rows == [("", "fml", "> 30", 1, 3, "4, > 30, > 30")]


def test_who_sends_nothing_is_a_level_line() -> None:
    courses = {
        "fedavg": costs.Course(np.asarray([1.0, 2.0]), band(50, 60)),
        "local": costs.Course(np.asarray([0.0, 0.0]), band(40, 45)),
    }
    data = costs.Costs(["fedavg", "local"], "MiB", [costs.Cost("", courses)])
    (axes,) = costs.figure(data, LOOKS, Form()).axes
    assert set(axes.lines[1].get_ydata()) == {45.0}
    assert [name for name, _ in costs.key(data, LOOKS)] == ["fedavg", "local (sends nothing)"]


def test_costs_that_differ_by_orders_are_logarithmic() -> None:
    courses = {
        name: costs.Course(np.asarray([1.0, 2.0]) * size, band(50, 60)) for name, size in (("fml", 1), ("fedavg", 50))
    }
    (axes,) = costs.figure(costs.Costs(list(courses), "MiB", [costs.Cost("", courses)]), LOOKS, Form()).axes
    assert axes.get_xscale() == "log"


def test_the_plane_tells_personal_and_global_models_apart() -> None:
    model = planes.Model(Estimate(30.0, 25.0, 35.0, 5), Estimate(90.0, 85.0, 95.0, 5))
    other = planes.Model(Estimate(80.0, 75.0, 85.0, 5), Estimate(70.0, 65.0, 75.0, 5))
    data = planes.Planes(["fml"], [planes.Plane("", {"fml": (model, other)})])
    (axes,) = planes.figure(data, LOOKS, Form()).axes
    faces = {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0])): line.get_markerfacecolor()
        for line in axes.lines
        if line.get_marker() == "o"
    }
    assert faces == {(30.0, 90.0): BLUE, (80.0, 70.0): "#ffffff"}
    assert planes.table(data).rows[1][:4] == ("", "fml", "global", 80.0)


def made_forest(**changes: object) -> Forest:
    found = [Difference(Estimate(0.03, 0.01, 0.05, 5), True), None, Difference(Estimate(-0.01, None, None, 1), False)]
    return Forest("digits", "fml", ["a", "b", "c"], {"fedavg": found}, **changes)  # type: ignore[arg-type]


def test_the_forest_says_what_is_kept_and_where_there_is_no_pair() -> None:
    (axes,) = forest.figure(made_forest(), LOOKS, Form()).axes
    marks = [line for line in axes.lines if line.get_marker() == "s"]
    assert [float(line.get_xdata()[0]) for line in marks] == pytest.approx([3.0, -1.0])
    assert [line.get_markerfacecolor() for line in marks] == [ORANGE, "#ffffff"]
    assert words(axes) == ["no pair"]
    rows = forest.table(made_forest()).rows
    assert rows[0] == ("fedavg", "a", 3.0, 1.0, 5.0, 5, "yes")
    assert rows[1] == ("fedavg", "b", None, None, None, 0, "")


def test_the_forest_ends_with_the_mean_over_its_cells() -> None:
    (axes,) = forest.figure(made_forest(overall={"fedavg": Estimate(0.01, 0.0, 0.02, 5)}), LOOKS, Form()).axes
    assert [label.get_text() for label in axes.get_yticklabels()][-1] == "all cells"
    assert max(patch.get_xy()[:, 0].max() for patch in axes.patches if hasattr(patch, "get_closed")) == 2.0


def made_matrix(p: float) -> Matrix:
    difference = np.asarray([[NAN, 0.02], [-0.02, NAN]])
    wins, ties = np.asarray([[0, 5], [2, 0]]), np.asarray([[0, 1], [1, 0]])
    ahead, tested = np.asarray([[NAN, 0.8], [0.2, NAN]]), np.asarray([[NAN, p], [p, NAN]])
    return Matrix("digits", ["fml", "fedavg"], difference, wins, ties, wins.T, ahead, tested)


def test_the_matrix_is_bold_where_the_test_tells_apart() -> None:
    (axes,) = matrix.figure(made_matrix(0.01), Form()).axes
    assert [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"] == ["+2.0", "−2.0"]
    assert "P 0.80, p = 0.010" in words(axes)
    assert "5–1–2" in words(axes)
    colours = [to_hex(tile.get_facecolor()[0]) for tile in axes.collections]
    assert colours[1:3] == [BLUE, VERMILION]


def test_the_matrix_has_no_p_where_there_was_no_test() -> None:
    (axes,) = matrix.figure(made_matrix(NAN), Form()).axes
    assert not [text for text in axes.texts if text.get_fontweight() == "bold"]
    assert not any("p = " in word for word in words(axes))
    assert matrix.table(made_matrix(NAN)).rows[0] == ("fml", "fedavg", 2.0, 5, 1, 2, 0.8, None)


def test_type_too_small_to_read_is_left_out() -> None:
    k = 24
    half = np.triu(np.full((k, k), 0.123), 1)
    none = np.full((k, k), NAN)
    counts = np.full((k, k), 12)
    data = Matrix("", [f"m{i}" for i in range(k)], half - half.T, counts, counts, counts, none, none)
    (axes,) = matrix.figure(data, Form(3.4)).axes
    assert {text.get_text() for text in axes.texts} - set(data.algorithms) == {"+", "−"}
    assert min(text.get_fontsize() for text in axes.texts) >= matrix.SMALLEST


def bars(figure: Figure) -> list[list[float]]:
    (axes,) = figure.axes
    return [list(line.get_xdata()) for line in axes.lines if line.get_linewidth() > 2]


def test_bars_join_what_ranks_do_not_separate() -> None:
    data = Ranks("", ["fml", "fedavg", "local"], np.asarray([1.0, 1.5, 3.0]), 0.9, 10, 0.001)
    figure = critical_difference.figure(data, LOOKS, Form())
    ((start, end),) = bars(figure)
    places = {
        line.get_marker(): float(line.get_xdata()[0]) for line in figure.axes[0].lines if line.get_marker() in "osD"
    }
    assert start < places["o"] < places["s"] < end < places["D"]
    assert "critical difference 0.90, 10 cells, p = 0.001" in words(figure.axes[0])


def test_a_critical_difference_longer_than_the_axis_is_told_in_words() -> None:
    data = Ranks("", ["fml", "fedavg", "local"], np.asarray([1.0, 2.0, 3.0]), 2.34, 1, None)
    (axes,) = critical_difference.figure(data, LOOKS, Form()).axes
    assert "critical difference 2.34 (beyond this axis), 1 cell" in words(axes)
    assert bars(critical_difference.figure(data, LOOKS, Form()))
