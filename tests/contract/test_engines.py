"""Every engine gives what the reference engine gives, for every algorithm, up to the order of float operations."""

from typing import Any

import pytest
import torch

import tests.nets  # noqa: F401 - registers the net with BatchNorm
from algorithms.fedavg import FedAvg
from algorithms.fml import FML
from bench import engines
from bench.engines.stacked.training import Training
from bench.plugin import Algorithm, State
from bench.registry import ALGORITHMS
from bench.rounds.federation import Federation
from bench.rounds.group import result
from tests.contract.test_algorithms import EVERY, MIXED, ONE_WIDTH, decline, federated, names
from tests.transcripts.double import in_double
from tests.world import TWO_SOURCES, UNEQUAL, setting

# In double precision engines differ by the order of their sums only, some 1e-16 of a term each; a few dozen steps, and
# Adam, which divides by roots of squares near zero, make 1e-11 of it at most. A wrong step, row or weight is 1e-3.
TOLERANCE = 1e-9
# float32 has 24 bits: sums of a few hundred terms in another order differ by some 1e-6 of their size, and a few dozen
# steps on top of each other by ten times that. Not for Adam: where a gradient is zero but for rounding, it makes steps
# of whole size of what is left.
SINGLE = 5e-5

# bfloat16 has 8 bits: each product is rounded by up to 2^-9 of its size, on both sides at other places. A few dozen
# steps at these rates make up to 1e-3 of it. What is wrong beyond rounding is what the tests above are for.
BFLOAT = 4e-3

OTHERS = [name for name in engines.NAMES if name != "reference"]
KEPT = {torch.float32, torch.int64}
ADAM = {"name": "adam", "lr": 0.003, "momentum": 0.0, "weight_decay": 1e-3}
DECAY = {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 5e-4}
PLAIN = {"name": "sgd", "lr": 0.05, "momentum": 0.0, "weight_decay": 0.0}
WORLDS: dict[str, dict[str, Any]] = {
    "very unequal clients": {"net": "mlp", "alpha": 0.2, "optimizer": DECAY},
    "half a cohort": {"net": "mlp", "participation": 0.5, "rounds": 4},
    "half a cohort, adam": {"net": "mlp", "participation": 0.5, "rounds": 4, "optimizer": ADAM},
    "convolutions": {"net": "cnn", "optimizer": PLAIN},
    "batchnorm": {"net": "test-batchnorm", "optimizer": PLAIN},
    "mixed": {**MIXED, "local_epochs": 1},
    "mixed, features of one width": {**ONE_WIDTH, "local_epochs": 1, "rounds": 2},
    "one batch each": {"net": "mlp", "batch_size": 128, "local_epochs": 1},
    "steps, not epochs": {"net": "mlp", "local_epochs": None, "local_steps": 5},
    "tasks of their own": {"net": "cnn", **UNEQUAL, "optimizer": DECAY},
    "tasks of their own, mixed": {**MIXED, **TWO_SOURCES, "local_epochs": 1},
}


def run(algorithm: Algorithm, engine: str, world: dict[str, Any], double: bool = True) -> Federation:
    made = setting(**{"rounds": 1, **world}, engine=engine)
    made = in_double(made) if double else made
    decline(algorithm, made)
    federation = federated(made, algorithm)
    federation.outcome = result(federation)  # type: ignore[attr-defined]
    return federation


def difference(a: State, b: State) -> float:
    """The largest difference over all tensors, each relative to the tensor's largest entry (or 1)."""
    assert {slot: t.keys() for slot, t in a.items()} == {slot: t.keys() for slot, t in b.items()}
    return max(
        (
            float((a[slot][name].double() - b[slot][name].double()).abs().max())
            / max(1.0, float(b[slot][name].double().abs().max()))
            for slot in a
            for name in a[slot]
        ),
        default=0.0,
    )


def apart(a: Federation, b: Federation) -> float:
    """`difference` over the server and all clients."""
    pairs = [(a.server, b.server), *((x.state, y.state) for x, y in zip(a.clients, b.clients, strict=True))]
    return max(difference(*pair) for pair in pairs)


def compare(algorithm: Algorithm, engine: str, world: dict[str, Any], double: bool, tolerance: float) -> None:
    reference, other = (run(algorithm, name, world, double) for name in ("reference", engine))
    assert difference(other.server, reference.server) < tolerance
    for mine, theirs in zip(other.clients, reference.clients, strict=True):
        assert difference(mine.state, theirs.state) < tolerance
        assert difference(mine.kept, theirs.kept) < tolerance
        assert difference(mine.memory, theirs.memory) < tolerance * 10  # a velocity is ten steps' gradients
    for field in ("steps", "filled_batches", "bytes_up", "bytes_down", "never_sampled"):
        assert other.outcome[field] == reference.outcome[field]  # type: ignore[attr-defined]
    losses = [torch.tensor(f.outcome["training_loss"]) for f in (other, reference)]  # type: ignore[attr-defined]
    assert torch.allclose(*losses, rtol=1e-4)


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
@pytest.mark.parametrize("algorithm", EVERY, ids=names)
@pytest.mark.parametrize("engine", OTHERS)
def test_it_equals_the_reference(engine: str, algorithm: Algorithm, world: dict[str, Any]) -> None:
    compare(algorithm, engine, world, double=True, tolerance=TOLERANCE)


@pytest.mark.parametrize("world", ["very unequal clients", "convolutions", "batchnorm"])
@pytest.mark.parametrize("algorithm", EVERY, ids=names)
@pytest.mark.parametrize("engine", OTHERS)
def test_in_single_precision_too(engine: str, algorithm: Algorithm, world: str) -> None:
    compare(algorithm, engine, WORLDS[world], double=False, tolerance=SINGLE)


@pytest.mark.parametrize("world", ["very unequal clients", "convolutions", "batchnorm"])
@pytest.mark.parametrize("algorithm", [FedAvg(), FML()], ids=names)
@pytest.mark.parametrize("engine", OTHERS)
def test_in_bfloat16_too(engine: str, algorithm: Algorithm, world: str) -> None:
    made = {**WORLDS[world], "precision": "bf16"}
    reference, other = (run(algorithm, name, made, double=False) for name in ("reference", engine))
    assert apart(other, reference) < BFLOAT
    single = run(algorithm, "reference", WORLDS[world], double=False)
    for federation in (reference, other):  # both do compute in it, and keep weights in float32
        assert apart(federation, single) > 5 * SINGLE
        assert {tensor.dtype for tensors in federation.server.values() for tensor in tensors.values()} <= KEPT


@pytest.mark.parametrize("name", ["fedavg", "fedprox", "fml", "local", "lg-fedavg", "fedproto", "fd", "fedkd"])
def test_a_loss_in_words_needs_no_vmap(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """These are written in the words of `bench.ops`, so they run once for all clients; vmap would cost more."""

    def never(*_: object) -> None:
        raise AssertionError("the loss has more than words of bench.ops")

    monkeypatch.setattr(Training, "_under_vmap", never)
    run(ALGORITHMS.get(name)(), "vectorised", {"net": "mlp", "rounds": 2}, double=False)

    class Squared(FedAvg):
        """With a term that is no word of `bench.ops`: the check above can fail."""

        def loss(self, nets: Any, work: Any, client: Any, down: Any, batch: Any, at: Any) -> Any:
            head = work["model"][min(at.nets["model"].head)]
            return super().loss(nets, work, client, down, batch, at) + head.square().sum()

    with pytest.raises(AssertionError, match="more than words"):
        run(Squared(), "vectorised", {"net": "mlp", "rounds": 2}, double=False)


@pytest.mark.parametrize("engine", OTHERS)
def test_the_check_can_fail(engine: str) -> None:
    """One learning rate against one a hundredth larger: far beyond both tolerances."""
    world = WORLDS["very unequal clients"]
    other = {**world, "optimizer": {**DECAY, "lr": 0.05 * 1.01}}
    assert difference(run(EVERY[0], engine, other).server, run(EVERY[0], "reference", world).server) > SINGLE
