"""The referee's scores against an oracle: plain forward passes over each split, written down once more."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch.func import functional_call

from algorithms.fml import FML
from algorithms.local import LocalOnly
from bench.engines.job import Images
from bench.rounds import evaluation, scorer
from bench.rounds.federation import Federation
from tests.world import images, play, setting

SKEWED: dict[str, Any] = {"net": "mlp", "rounds": 6, "alpha": 0.3, "optimizer": {"name": "sgd", "lr": 0.02}}


def accuracy(net: torch.nn.Module, tensors: dict[str, torch.Tensor], data: Images, rows: torch.Tensor) -> float:
    x = (data.x[rows].float() - data.shift) / data.scale
    with torch.no_grad():
        guess = functional_call(net.eval(), tensors, (x,))[0].argmax(1)
    return int((guess == data.y[rows]).sum()) / len(rows)


@pytest.fixture(scope="module")
def world() -> Federation:
    """FML after its last round, which is also its headline, in a world whose splits score differently."""
    return play(FML(), images(rows=400), **{**SKEWED, "alpha": 1.0, "rounds": 2, "selection": "last"})


def on_split(world: Federation, view: str, split: str) -> list[float]:
    """Each client's model on its own rows of a split."""
    models = world.models(1)[view]
    rows = [getattr(share, split) for share in world.setting.shares]
    return [accuracy(net, t, world.setting.images, own) for (net, t), own in zip(models, rows, strict=True)]


def on_global_test(world: Federation, view: str) -> list[float]:
    test = world.setting.test
    return [accuracy(net, t, test, torch.arange(len(test.y))) for net, t in world.models(1)[view]]


def test_the_oracle_can_tell_the_splits_apart(world: Federation) -> None:
    figures = [np.mean(on_split(world, "personal", split)) for split in ("train", "validation", "test")]
    assert len({round(float(f), 6) for f in [*figures, np.mean(on_global_test(world, "personal"))]}) == 4
    assert len(set(on_global_test(world, "personal"))) > 1


@pytest.mark.parametrize("view", ["personal", "global"])
def test_clients_are_scored_on_their_own_splits(world: Federation, view: str) -> None:
    last = {name: column[-1] for name, column in world.outcome["views"][view].items()}  # type: ignore[attr-defined]
    assert last["accuracy"] == pytest.approx(np.mean(on_split(world, view, "test")), abs=1e-12)
    assert last["validation_accuracy"] == pytest.approx(np.mean(on_split(world, view, "validation")), abs=1e-12)
    full = world.outcome["at_headline"][view]  # type: ignore[attr-defined]
    assert full["clients"]["accuracy"] == pytest.approx(on_split(world, view, "test"), abs=1e-12)


@pytest.mark.parametrize("view", ["personal", "global"])
def test_the_global_test_set_is_what_general_models_meet(world: Federation, view: str) -> None:
    full = world.outcome["at_headline"][view]  # type: ignore[attr-defined]
    each = on_global_test(world, view)
    assert full["global_accuracy"] == pytest.approx(np.mean(each), abs=1e-12)
    if view == "personal":
        assert full["clients"]["global_accuracy"] == pytest.approx(each, abs=1e-12)


def first_best(values: Sequence[float]) -> int:
    return list(values).index(max(values)) + 1


def test_the_headline_follows_validation_where_test_says_otherwise() -> None:
    """Over several worlds: always validation's best round, and in some of them not test's."""
    differ = 0
    for seed in range(6):
        outcome = play(LocalOnly(), images(rows=400, seed=seed), **SKEWED, training_seed=seed).outcome
        curve = outcome["views"]["personal"]
        assert outcome["headline"]["round"] == first_best(curve["validation_accuracy"])
        differ += first_best(curve["accuracy"]) != first_best(curve["validation_accuracy"])
    assert differ > 0


def test_an_earlier_headline_has_the_scores_of_its_own_round() -> None:
    found = 0
    for seed in range(6):
        outcome = play(FML(), images(rows=400, seed=seed), **SKEWED, training_seed=seed).outcome
        index = outcome["headline"]["round"] - 1
        for view in ("personal", "global"):
            curve, full = outcome["views"][view], outcome["at_headline"][view]
            for name in ("accuracy", "loss", "worst10", "global_accuracy", "global_loss"):
                assert full[name] == curve[name][index]
            found += curve["accuracy"][index] != curve["accuracy"][-1]
    assert found > 0  # or the last round's scores would have passed


def test_no_model_meets_the_same_images_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The headline takes its round's scores; personal models meet the global test set there, for the first time."""
    seen: list[int] = []
    real = evaluation.predict

    def predict(net: torch.nn.Module, tensors: Any, data: Images, rows: torch.Tensor) -> Any:
        seen.append(len(rows))
        return real(net, tensors, data, rows)

    monkeypatch.setattr(evaluation, "predict", predict)
    monkeypatch.setattr(scorer, "predict", predict)
    played = play(FML(), images(rows=400), **SKEWED)
    own = sum(len(share.validation) + len(share.test) for share in played.setting.shares)
    test, rounds, clients = len(played.setting.test.y), 6, len(played.setting.shares)
    assert sum(seen) == rounds * (2 * own + test) + clients * test


def test_the_floor_guesses_the_training_majority() -> None:
    made = setting(images(rows=400), **{**SKEWED, "alpha": 100.0})
    labels = made.images.y.numpy()
    floors, of_test = [], []
    for share in made.shares:
        train, test = labels[share.train], labels[share.test]
        floors.append(float(np.mean(test == np.bincount(train).argmax())))
        of_test.append(float(np.mean(test == np.bincount(test).argmax())))
    assert made.partition["floors"] == pytest.approx(floors)
    assert floors != of_test  # somewhere the two majorities differ, or the check above proves nothing


def test_cohorts_differ_between_replicates_and_alphas() -> None:
    def cohorts(**changes: Any) -> list[list[int]]:
        made = setting(images(rows=400), participation=0.5, **{"alpha": 0.5, **changes})
        return [Federation(made, LocalOnly()).cohort(number) for number in range(8)]

    assert cohorts() == cohorts()
    assert cohorts() != cohorts(training_seed=1)
    assert cohorts() != cohorts(alpha=1.0)


def test_never_sampled_counts_up_to_the_headline_round() -> None:
    federation = play(LocalOnly(), images(rows=400), **{**SKEWED, "participation": 0.25})
    at = federation.outcome["headline"]["round"]  # type: ignore[attr-defined]
    drawn = {k for number in range(at) for k in federation.cohort(number)}
    assert federation.outcome["never_sampled"] == 4 - len(drawn)  # type: ignore[attr-defined]


def test_progress_goes_from_nought_to_one() -> None:
    made = setting(images(rows=400), **SKEWED)
    assert [made.at(FML(), number, 0).progress for number in range(6)] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
