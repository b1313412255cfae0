"""The numbers that are drawn are those of the cells."""

from pathlib import Path

import numpy as np
import pytest

from reports.blocks import Block, blocks
from reports.figures import gather
from reports.results import Results, Score
from reports.statistics import mean_interval
from tests.unit.reports.figures.cases import some_failed, written


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return written(tmp_path_factory.mktemp("run"), zoos=["cnn", "mixed"], replicates=3)


@pytest.fixture
def block(results: Results) -> Block:
    return blocks(results)[0]


def test_curves_are_means_over_the_replicates_of_the_table(block: Block) -> None:
    data = gather.against_rounds(block, "client accuracy (%)", lambda score: 100 * score.curve, floor=True)
    assert data is not None
    level = block.levels[0]
    x, band = data.panels[0].lines["fml"]
    assert x.tolist() == [1, 2, 3, 4, 5, 6]
    assert band.mean == pytest.approx(100 * np.mean([score.curve for score in level.scores("fml")], axis=0))
    assert data.panels[0].floor == pytest.approx(100 * (level.floor or 0))


def test_an_algorithm_without_a_global_model_has_no_such_curve(block: Block) -> None:
    def general(score: Score) -> np.ndarray | None:
        return None if score.general_curve is None else 100 * score.general_curve

    data = gather.against_rounds(block, "global accuracy (%)", general)
    assert data is not None
    assert list(data.algorithms) == ["fml", "fedavg", "fedprox"]


def test_rounds_that_are_not_measured_are_left_out(block: Block) -> None:
    def gap(score: Score) -> np.ndarray:
        return np.where(score.rounds == 3, np.nan, score.loss)

    data = gather.against_rounds(block, "loss", gap)
    assert data is not None
    assert data.panels[0].lines["fml"][0].tolist() == [1, 2, 4, 5, 6]


def test_points_against_alpha_are_the_headline_s(results: Results) -> None:
    found = blocks(results)
    data = gather.against_alpha(found)
    assert data is not None
    first, second = data.zoos
    level = found[0].levels[1]
    assert first.points["fml"][1] == mean_interval([100 * score.accuracy for score in level.scores("fml")])
    assert list(first.levels) == ["0.1", "1"]
    assert list(second.points) == ["fml", "local"]  # the others are skipped there


def test_an_algorithm_that_finished_nothing_at_an_alpha_has_no_point_there(tmp_path: Path) -> None:
    data = gather.against_alpha(blocks(written(tmp_path, some_failed, replicates=3)))
    assert data is not None
    assert [point is None for point in data.zoos[0].points["fedavg"]] == [True, False]
    assert data.zoos[0].points["fml"][0] is not None
    assert data.zoos[0].points["fml"][0].n == 2  # FedProx lacks one replicate, so it counts for nobody


def test_both_models_of_fml_stand_in_the_plane(block: Block) -> None:
    data = gather.personal_and_general(block)
    assert data is not None
    scores = block.levels[0].scores("fml")
    personal, general = data.panels[0].models["fml"]
    assert personal is not None
    assert general is not None
    assert personal.clients.mean == pytest.approx(100 * np.mean([score.accuracy for score in scores]))
    assert personal.everyone.mean == pytest.approx(100 * np.mean([score.personal_global for score in scores]))
    assert general.clients.mean == pytest.approx(100 * np.mean([score.general for score in scores]))
    assert general.everyone.mean == pytest.approx(100 * np.mean([score.global_accuracy for score in scores]))
    assert data.panels[0].models["fedavg"][0] is None
    assert data.panels[0].models["local"][1] is None


def test_costs_are_means_over_the_alphas_and_grow_with_the_rounds(results: Results) -> None:
    found = blocks(results)
    data = gather.against_cost(found, "MiB", gather.sent)
    assert data is not None
    course = data.panels[0].courses["fedavg"]
    assert course.spent == pytest.approx(2000 * np.arange(1, 7) / 2**20)  # 1000 bytes up and down in each round
    means = [
        np.mean([level.done["fedavg"][replicate].curve[-1] for level in found[0].levels]) for replicate in (0, 1, 2)
    ]
    assert course.band.mean[-1] == pytest.approx(100 * np.mean(means))
    assert course.band.low is not None
    assert course.band.low[-1] == pytest.approx(mean_interval(100 * np.asarray(means)).low)


def test_seconds_are_spread_evenly_over_the_rounds(block: Block) -> None:
    score = block.levels[0].scores("fml")[0]
    assert gather.seconds(score) == pytest.approx(score.train_seconds * np.arange(1, 7) / 6)


def test_runs_that_miss_the_target_are_censored_not_left_out(block: Block) -> None:
    data = gather.to_target(block, 0.999)
    assert data is not None
    assert data.rounds == 6
    assert data.target == pytest.approx(99.9)
    assert [(run.round, run.reached) for run in data.panels[1].runs["fml"]] == [(6, False)] * 3


def test_clients_are_those_of_the_headline_round(block: Block) -> None:
    data = gather.over_clients(block)
    assert data is not None
    scores = block.levels[0].scores("local")
    assert [row.tolist() for row in data.panels[0].accuracies["local"]] == [
        (100 * score.clients).tolist() for score in scores
    ]


def test_draws_stand_by_alpha(results: Results) -> None:
    data = gather.dealt(results.pictures)
    assert data is not None
    assert [draw.title for draw in data.draws] == ["alpha 0.1", "alpha 1"]
    assert data.draws[0].counts.shape == (10, 10)
