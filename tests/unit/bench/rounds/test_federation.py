"""One cell from declaration to record."""

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from algorithms.fedavg import FedAvg
from algorithms.fml import FML
from algorithms.local import LocalOnly
from bench.engines.client import size
from bench.plugin import At, Batch, Nets, State
from bench.rounds import group as federations
from bench.rounds.federation import Diverged, Federation, stack
from tests.world import images, play, setting


@dataclass(frozen=True)
class Explodes(FedAvg):
    """A loss that is not finite from the second round on."""

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> torch.Tensor:
        return super().loss(nets, work, client, down, batch, at) * (math.nan if at.round == 1 else 1.0)


def test_a_record_holds_what_the_schema_names() -> None:
    outcome = play(FML(), rounds=4, evaluate_every=3).outcome
    assert set(outcome) == {
        "partition", "views", "headline", "at_headline", "training_loss", "bytes_up", "bytes_down", "steps",
        "filled_batches", "never_sampled",
    }  # fmt: skip
    assert outcome["views"]["personal"]["rounds"] == [3, 4]  # when due, and always the last
    assert len(outcome["training_loss"]) == 4
    assert outcome["headline"]["view"] == "personal"
    assert set(outcome["at_headline"]) == {"personal", "global"}


def test_the_headline_is_chosen_on_validation_data_and_the_earliest_wins() -> None:
    outcome = play(LocalOnly(), rounds=6).outcome
    curve = outcome["views"]["personal"]
    best = curve["validation_accuracy"].index(max(curve["validation_accuracy"]))
    assert outcome["headline"] == {"view": "personal", "round": best + 1, "rule": "validation"}
    there = outcome["at_headline"]["personal"]
    assert there["accuracy"] == curve["accuracy"][best]
    assert there["accuracy"] == pytest.approx(sum(there["clients"]["accuracy"]) / 4)


def test_the_last_round_may_be_asked_for() -> None:
    outcome = play(FedAvg(), rounds=5, selection="last").outcome
    assert outcome["headline"] == {"view": "global", "round": 5, "rule": "last"}


def test_personal_models_meet_the_global_test_at_the_headline_only() -> None:
    outcome = play(FML(), rounds=3).outcome
    column = outcome["views"]["personal"]["global_accuracy"]
    at = outcome["headline"]["round"] - 1
    assert [value is not None for value in column] == [i == at for i in range(3)]
    assert column[at] == outcome["at_headline"]["personal"]["global_accuracy"]
    assert len(outcome["at_headline"]["personal"]["clients"]["global_accuracy"]) == 4
    assert None not in outcome["views"]["global"]["global_accuracy"]


def test_bytes_are_counted_both_ways() -> None:
    world = play(FedAvg(), participation=0.5, rounds=2)
    model = size({"": world.server["model"]})
    assert world.outcome["bytes_up"] == world.outcome["bytes_down"] == [2 * model, 2 * model]
    alone = play(LocalOnly(), rounds=1).outcome
    assert alone["bytes_up"] == alone["bytes_down"] == [0]


def test_steps_and_filled_batches_are_counted() -> None:
    world = play(FedAvg(), rounds=2, batch_size=8, local_epochs=3)
    sizes = [len(share.train) for share in world.setting.shares]
    assert world.outcome["steps"] == 2 * 3 * sum(math.ceil(n / 8) for n in sizes)
    assert world.outcome["filled_batches"] == 2 * 3 * sum(n % 8 != 0 for n in sizes)


def test_whoever_was_never_drawn_is_counted() -> None:
    assert play(LocalOnly(), rounds=1, participation=0.25).outcome["never_sampled"] == 3


def test_a_loss_that_is_not_finite_ends_the_cell() -> None:
    with pytest.raises(Diverged, match=r"training loss of client 0 is not finite in round 2"):
        play(Explodes(), rounds=3)


def test_a_model_that_scores_no_finite_loss_ends_the_cell() -> None:
    with pytest.raises(Diverged, match="not finite"):
        play(FedAvg(), rounds=2, optimizer={"name": "sgd", "lr": 1e30, "momentum": 0.0, "weight_decay": 0.0})


def test_the_cohort_follows_participation() -> None:
    half = Federation(setting(participation=0.5), FedAvg())
    cohorts = [half.cohort(number) for number in range(20)]
    assert {len(c) for c in cohorts} == {2}
    assert len({tuple(c) for c in cohorts}) > 1
    assert Federation(setting(participation=0.01), FedAvg()).cohort(0).__len__() == 1


def test_the_learning_rate_follows_its_schedule() -> None:
    world = Federation(setting(rounds=4, lr_schedule={"name": "step", "every": 2, "gamma": 0.1}), FedAvg())
    rates = [world._job(0, number, world.server).lr for number in range(4)]
    assert rates == pytest.approx([0.05, 0.05, 0.005, 0.005])


def test_uploads_must_be_alike() -> None:
    with pytest.raises(ValueError, match=r"uploads of one shape expected for model/w, got \(2,\), \(3,\)"):
        stack([{"model": {"w": torch.zeros(2)}}, {"model": {"w": torch.zeros(3)}}])


def test_a_run_takes_its_data_by_name_and_restores_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.rounds import loading
    from tests.world import cell

    monkeypatch.setattr(loading, "load", lambda name, root: images())
    threads = torch.get_num_threads()
    first, second = (federations.run(cell(rounds=1)) for _ in range(2))
    assert first["result"] == second["result"]
    assert first["timing"]["total_seconds"] > 0
    assert torch.get_num_threads() == threads


def test_a_cell_that_cannot_be_served_is_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.rounds import loading
    from tests.world import cell

    monkeypatch.setattr(loading, "load", lambda name, root: images())
    mixed: dict[str, Any] = {"architectures": ("mlp", "cnn"), "shared": "cnn"}
    with pytest.raises(federations.Skip, match="different architectures"):
        federations.run(cell(rounds=1, **mixed))


def test_other_data_than_declared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.data import DataError
    from bench.rounds import loading
    from tests.world import cell

    monkeypatch.setattr(loading, "load", lambda name, root: images())
    with pytest.raises(DataError, match="expected content md5 other, got synthetic"):
        federations.run(cell(data_md5="other"))
