"""What every registered algorithm must keep to, on every engine; a new plugin is tested without a line of its own."""

import dataclasses
from typing import Any

import pytest
import torch

import tests.nets  # noqa: F401 - registers the net with BatchNorm
from bench import engines
from bench.engines.client import complete, private_names, withhold
from bench.plugin import Algorithm, Round, State
from bench.registry import ALGORITHMS
from bench.rounds.federation import Federation, stack
from bench.rounds.group import Group, result
from bench.rounds.setting import Setting
from bench.rounds.sharing import Skip
from tests.compare import state_gap
from tests.contract.plugins import ALL
from tests.world import TWO_SOURCES, UNEQUAL, setting

PRESETS = {"fml:authors", "fml:pfllib", "fml:flearn"}  # together they make every choice; the rest are mixtures of these
REGISTERED: list[Algorithm] = [
    ALGORITHMS.get(name)()
    for name in ALGORITHMS.names()
    if not name.startswith("test-") and (":" not in name or name in PRESETS)
]
EVERY = [*REGISTERED, *ALL]
MIXED: dict[str, Any] = {"architectures": ("mlp", "lenet5", "cnn1"), "shared": "cnn", "zoo": "mixed"}
ONE_WIDTH: dict[str, Any] = {"architectures": ("mlp", "cnn1", "cnn1"), "shared": "lenet5", "zoo": "mixed, one width"}
WORLDS: dict[str, dict[str, Any]] = {
    "mlp": {"net": "mlp"},
    "batchnorm, half a cohort": {"net": "test-batchnorm", "participation": 0.5},
    "mixed": MIXED,
    "mixed, features of one width": ONE_WIDTH,
    "a client smaller than a batch": {"net": "mlp", "batch_size": 64, "alpha": 0.2},
    "tasks of their own": {"net": "mlp", **UNEQUAL},
    "tasks of their own, mixed, half a cohort": {**MIXED, **TWO_SOURCES, "participation": 0.5},
}


def names(algorithm: Algorithm) -> str:
    return type(algorithm).__name__


every = pytest.mark.parametrize("algorithm", EVERY, ids=names)
everywhere = pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
on_engines = pytest.mark.parametrize("engine", engines.NAMES)


def decline(algorithm: Algorithm, made: Setting) -> None:
    """Skip the test where the algorithm says that it cannot serve the setting, or where it would prove nothing new."""
    if reason := algorithm.skip(made.task):
        pytest.skip(reason)
    if made.cell.zoo == ONE_WIDTH["zoo"] and algorithm.skip(setting(**MIXED).task) is None:
        pytest.skip("serves mixed nets of any width, which is the world 'mixed'")


def start(algorithm: Algorithm, world: dict[str, Any], **changes: Any) -> Federation:
    """A federation in this world, or a skipped test."""
    made = setting(**{"rounds": 2, **world, **changes})
    decline(algorithm, made)
    return federated(made, algorithm)


def federated(made: Setting, algorithm: Algorithm) -> Federation:
    """The federation of a setting, or a skipped test where its tasks share nothing."""
    try:
        return Federation(made, algorithm)
    except Skip as skip:
        pytest.skip(str(skip))


def copied(state: State) -> State:
    return {slot: {name: tensor.clone() for name, tensor in tensors.items()} for slot, tensors in state.items()}


def down_and_jobs(federation: Federation) -> tuple[State, list[Any]]:
    algorithm, made = federation.algorithm, federation.setting
    at = made.at(algorithm, 0, None)
    down = withhold(algorithm.download(federation.server, at), private_names(algorithm, at.nets))
    return down, [federation._job(k, 0, down) for k in federation.cohort(0)]


@every
def test_it_is_a_frozen_dataclass_with_a_source(algorithm: Algorithm) -> None:
    assert dataclasses.is_dataclass(algorithm)
    assert algorithm.source, "say which paper, section and equation"
    with pytest.raises(dataclasses.FrozenInstanceError):
        algorithm.anything = 1  # type: ignore[attr-defined] - that is the point


@pytest.mark.parametrize("algorithm", REGISTERED, ids=names)
def test_it_serves_at_least_one_world(algorithm: Algorithm) -> None:
    reasons = [algorithm.skip(setting(**world).task) for world in WORLDS.values()]
    assert None in reasons, f"skipped everywhere: {reasons}"


@every
@everywhere
@on_engines
def test_a_round_changes_nothing_that_it_was_given(algorithm: Algorithm, world: dict[str, Any], engine: str) -> None:
    federation = start(algorithm, world, engine=engine)
    down, jobs = down_and_jobs(federation)
    before = [copied(down), *(copied(job.client.state) for job in jobs), copied(federation.server)]
    trained = federation.engine.train(jobs)
    federation.algorithm.aggregate(
        federation.server,
        stack([t.upload for t in trained]),
        Round(torch.ones(len(jobs)), 4),
        federation.setting.at(algorithm, 0, None),
    )
    after = [down, *(job.client.state for job in jobs), federation.server]
    assert max(state_gap(a, b) for a, b in zip(before, after, strict=True)) == 0


@every
@everywhere
@on_engines
def test_a_second_run_gives_the_same_bits_and_it_learns(
    algorithm: Algorithm, world: dict[str, Any], engine: str
) -> None:
    first, second = (start(algorithm, world, engine=engine) for _ in range(2))
    fresh = [copied(client.state) for client in first.clients], copied(first.server)
    assert result(first) == result(second)
    assert state_gap(first.server, second.server) == 0
    moved = [state_gap(a, b.state) for a, b in zip(fresh[0], first.clients, strict=True)]
    filled = any(not fresh[1][slot] and tensors for slot, tensors in first.server.items())  # a slot that was empty
    assert filled or max([*moved, state_gap(fresh[1], first.server)]) > 1e-4


@every
@everywhere
def test_private_parts_never_travel(algorithm: Algorithm, world: dict[str, Any]) -> None:
    federation = start(algorithm, world)
    down, jobs = down_and_jobs(federation)
    for job, outcome in zip(jobs, federation.engine.train(jobs), strict=True):
        for slot, secret in private_names(algorithm, job.at.nets).items():
            for travelling in (down, outcome.upload, federation.server):
                assert not secret & travelling.get(slot, {}).keys()
            assert outcome.client.kept[slot].keys() == secret


@every
@everywhere
def test_the_global_view_is_one_model(algorithm: Algorithm, world: dict[str, Any]) -> None:
    federation = start(algorithm, world)
    Group([federation]).round(0)
    for _, tensors in federation.models(0).get("global", []):
        assert state_gap({"": tensors}, {"": federation.models(0)["global"][0][1]}) == 0


@every
def test_the_order_of_the_cohort_does_not_show(algorithm: Algorithm) -> None:
    federation = start(algorithm, {"net": "mlp"})
    _, jobs = down_and_jobs(federation)
    at = federation.setting.at(algorithm, 0, None)
    uploads = [t.upload for t in federation.engine.train(jobs)]
    examples = [float(len(job.rows)) for job in jobs]

    def merged(order: list[int]) -> State:
        return algorithm.aggregate(
            federation.server,
            stack([uploads[i] for i in order]),
            Round(torch.tensor([examples[i] for i in order]), 4),
            at,
        )

    # Not to the bit: a plugin may sum in float32.
    assert state_gap(merged([0, 1, 2, 3]), merged([2, 0, 3, 1])) < 1e-5


@every
def test_float_hyperparameters_may_be_tensors(algorithm: Algorithm) -> None:
    """Engines that train several settings at once put tensors in their place."""
    floats = {n: torch.tensor(v) for n, v in algorithm.parameters().items() if isinstance(v, float)}
    if not floats or names(algorithm) == "DynamicFML":
        pytest.skip("no float hyper-parameter")
    plain, with_tensors = start(algorithm, {"net": "mlp"}), start(algorithm.with_tensors(floats), {"net": "mlp"})
    Group([plain]).round(0)
    Group([with_tensors]).round(0)
    assert state_gap(plain.server, with_tensors.server) < 1e-6  # a scalar tensor multiplies in float32


@every
@everywhere
def test_bytes_are_those_of_the_tensors_that_travel(algorithm: Algorithm, world: dict[str, Any]) -> None:
    federation = start(algorithm, world)
    down, jobs = down_and_jobs(federation)
    uploads = [t.upload for t in federation.engine.train(jobs)]
    Group([federation]).round(0)

    def bits(state: State) -> int:
        return sum(t.numpy().nbytes for tensors in state.values() for t in tensors.values())

    assert federation.journal.bytes_down == [bits(down) * len(jobs)]
    assert federation.journal.bytes_up == [sum(map(bits, uploads))]


def test_a_plugin_sees_whole_nets_though_its_head_is_private() -> None:
    federation = start(ALL[0], {"net": "mlp"})
    down, jobs = down_and_jobs(federation)
    assert "head.weight" not in down["model"]
    assert "head.weight" in complete(down, jobs[0].client.kept)["model"]


def test_kept_heads_differ_between_clients_and_their_view_is_personal() -> None:
    federation = start(ALL[0], {"net": "mlp"})
    result(federation)
    models = federation.models(1)
    assert set(models) == {"personal"}
    heads = [tensors["head.weight"] for _, tensors in models["personal"]]
    bodies = [tensors["body.1.weight"] for _, tensors in models["personal"]]
    assert not torch.equal(heads[0], heads[1])
    assert torch.equal(bodies[0], bodies[1])


def test_whoever_is_not_drawn_waits_unchanged() -> None:
    federation = start(ALGORITHMS.get("local")(), {"net": "mlp"}, participation=0.5)
    before = [copied(client.state) for client in federation.clients]
    Group([federation]).round(0)
    drawn = set(federation.cohort(0))
    assert len(drawn) == 2
    for k, (old, client) in enumerate(zip(before, federation.clients, strict=True)):
        assert (state_gap(old, client.state) > 0) == (k in drawn)


def test_every_algorithm_meets_the_same_cohorts_batches_and_weights() -> None:
    made: Setting = setting(net="mlp", participation=0.5)
    fml, avg = (Federation(made, ALGORITHMS.get(name)()) for name in ("fml", "fedavg"))
    for number in range(3):
        assert fml.cohort(number) == avg.cohort(number)
        k = fml.cohort(number)[0]
        assert torch.equal(fml._job(k, number, fml.server).plans[0], avg._job(k, number, avg.server).plans[0])
    assert state_gap({"": fml.server["meme"]}, {"": avg.server["model"]}) == 0


@on_engines
@every
def test_weights_that_all_clients_start_from_stay_as_they_are(algorithm: Algorithm, engine: str) -> None:
    """They are the same tensors for everyone: whoever changed them in place would change them for all."""
    federation = start(algorithm, WORLDS["mlp"], engine=engine)
    shared = [tensor for tensors in federation.setting.for_all.values() for tensor in tensors.values()]
    before = [tensor.clone() for tensor in shared]
    Group([federation]).run()
    assert all(torch.equal(now, then) for now, then in zip(shared, before, strict=True))
    assert shared or not any(slot.role == "shared" for slot in algorithm.slots().values())
