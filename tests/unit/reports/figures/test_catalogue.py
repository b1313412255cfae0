"""Which figures a report has, and what it says about them."""

from pathlib import Path

from reports.figures import Plate
from tests.unit.reports import synthetic
from tests.unit.reports.figures.cases import drawings, written


def by_stem(plates: list[Plate]) -> dict[str, Plate]:
    return {plate.stem: plate for plate in plates}


def test_every_figure_is_there_in_the_order_of_the_report(tmp_path: Path) -> None:
    plates = drawings(written(tmp_path, zoos=["cnn", "mixed"]), with_compared=False)
    assert [(plate.stem, list(plate.titles)) for plate in plates] == [
        ("accuracy-alpha-digits-dirichlet-capped", ["zoo cnn", "zoo mixed"]),
        *[
            (f"{family}-digits-dirichlet-capped-{zoo}", ["alpha 0.1", "alpha 1"])
            for zoo in ("cnn", "mixed")
            for family in ("planes", "accuracy-rounds", "loss-rounds", "global-rounds", "clients", "target")
        ],
        ("accuracy-bytes-digits-dirichlet-capped", ["zoo cnn", "zoo mixed"]),
        ("accuracy-time-digits-dirichlet-capped", ["zoo cnn", "zoo mixed"]),
        ("partition-digits-dirichlet-capped", ["alpha 0.1", "alpha 1"]),
    ]


def test_comparisons_come_from_the_analysis(tmp_path: Path) -> None:
    results = written(tmp_path)
    families = {plate.family for plate in drawings(results)}
    assert families - {plate.family for plate in drawings(results, with_compared=False)} == {
        "differences", "matrix", "ranks",
    }  # fmt: skip


def test_without_an_alpha_algorithms_stand_side_by_side(tmp_path: Path) -> None:
    found = by_stem(drawings(written(tmp_path, alphas=[None], partitions=["iid"]), with_compared=False))
    assert "accuracy-algorithm-digits-iid" in found
    assert list(found["accuracy-rounds-digits-iid-cnn"].titles) == [""]


def test_one_algorithm_is_compared_with_nobody(tmp_path: Path) -> None:
    families = {plate.family for plate in drawings(written(tmp_path, algorithms=["fml"]))}
    assert not families & {"differences", "matrix", "ranks"}


def test_without_a_finished_cell_there_is_no_figure(tmp_path: Path) -> None:
    def all_failed(cells: list) -> list:  # type: ignore[type-arg]
        return [{**cell, "status": "failed", "result": None} for cell in cells]

    assert drawings(written(tmp_path, all_failed), with_compared=False) == []


def test_names_that_look_alike_get_files_of_their_own(tmp_path: Path) -> None:
    plates = drawings(written(tmp_path, zoos=["my zoo", "my/zoo"]), with_compared=False)
    assert len({plate.stem for plate in plates}) == len(plates)


def test_the_caption_says_which_draw_is_shown(tmp_path: Path) -> None:
    (plate,) = (plate for plate in drawings(written(tmp_path)) if plate.family == "partition")
    assert "(replicate 0, zoo cnn)" in plate.caption
    assert "at the right their sum" in plate.caption
    assert plate.most == max(value for row in plate.table.rows for value in row[3:] if isinstance(value, int))


def test_draws_of_different_replicates_are_called_the_first_that_finished(tmp_path: Path) -> None:
    def late(cells: list) -> list:  # type: ignore[type-arg]
        return [c for c in cells if (c["identity"]["alpha"], c["identity"]["replicate"]) != (0.1, 0)]

    (plate,) = (plate for plate in drawings(written(tmp_path, late), False) if plate.family == "partition")
    assert "(the first that finished)" in plate.caption


def test_captions_say_what_the_bands_are(tmp_path: Path) -> None:
    for plate in drawings(written(tmp_path)):
        if plate.family not in ("partition", "clients", "target", "matrix", "ranks"):
            assert "95 % t interval" in plate.caption, plate.stem
        assert plate.caption.endswith(".")


def test_the_legend_keeps_the_order_of_the_suite_where_cells_are_missing(tmp_path: Path) -> None:
    def fails(cells: list) -> list:  # type: ignore[type-arg]
        return [
            {**cell, "status": "failed", "result": None}
            if (cell["identity"]["algorithm"], cell["identity"]["alpha"]) == ("fedavg", 0.1)
            else cell
            for cell in cells
        ]

    plates = by_stem(drawings(written(tmp_path, fails), with_compared=False))
    names = [name for name, _ in plates["accuracy-rounds-digits-dirichlet-capped-cnn"].key]
    assert names == [*synthetic.ALGORITHMS, "majority floor"]
