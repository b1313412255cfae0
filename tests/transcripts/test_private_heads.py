"""Where tasks differ, FML and FedAvg do what `tests.transcripts.private_heads` says, tensor by tensor."""

import inspect
from typing import Any

import pytest
import torch

from algorithms.fedavg import FedAvg
from algorithms.fml import FML
from bench.plugin import Algorithm, Tensors
from bench.rounds.federation import Federation
from bench.rounds.group import one_thread, result
from tests import world
from tests.transcripts import private_heads
from tests.transcripts.check import SETTINGS, TOLERANCE, relative
from tests.transcripts.double import in_double
from tests.transcripts.given import Given
from tests.transcripts.private_heads import Shared

EQUAL_SIZES = world.tasks(world.HIGH, world.OTHER)  # three classes each: heads that travelled would fit everywhere
SCENARIOS: dict[str, dict[str, Any]] = {
    "unequal label sets": {"net": "mlp", **world.UNEQUAL},
    "two data sets": {"net": "cnn", **world.TWO_SOURCES},
    "equal numbers of classes": {"net": "mlp", **EQUAL_SIZES},
    "batchnorm, half of the clients": {"net": "test-batchnorm", **world.UNEQUAL, "participation": 0.5, "rounds": 4},
}
MIXED: dict[str, Any] = {"architectures": ("mlp", "lenet5", "cnn1"), "shared": "cnn", "zoo": "mixed", **world.UNEQUAL}
TRANSCRIPTS = {"fml": private_heads.fml, "fedavg": private_heads.fedavg}


def furthest(name: str, algorithm: Algorithm, **changes: Any) -> float:
    """The largest difference of any tensor of server and clients from the transcript's; inf: there are others."""
    setting = in_double(world.setting(**{**SETTINGS, **changes}))
    federation = Federation(setting, algorithm)
    with one_thread():
        result(federation)
        known = inspect.signature(TRANSCRIPTS[name]).parameters  # what has no place there is at its default, off
        params = {key: value for key, value in algorithm.parameters().items() if key in known}
        expected = TRANSCRIPTS[name](Given(setting, federation.cohort), **params)
    slot = "meme" if name == "fml" else "model"
    given = federation.models(setting.cell.training["rounds"] - 1).get("personal", [])
    found = [federation.server[slot], *(c.kept.get(slot, {}) for c in federation.clients), *(each for _, each in given)]
    in_paper = [prefixed("body", expected.body), *(prefixed("head", head) for head in expected.heads)]
    in_paper += in_views(expected)
    if [each.keys() for each in found] != [each.keys() for each in in_paper]:
        return torch.inf
    return max(relative(a[key], b[key]) for a, b in zip(found, in_paper, strict=True) for key in b)


def in_views(expected: Shared) -> list[Tensors]:
    """The models that clients are given: their own, or the server's body under their own head."""
    if expected.own:
        return [dict(model.state_dict()) for model in expected.own]
    return [prefixed("body", expected.body) | prefixed("head", head) for head in expected.heads]


def prefixed(part: str, module: torch.nn.Module) -> Tensors:
    return {f"{part}.{name}": tensor for name, tensor in module.state_dict().items()}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    "algorithm", [FML(0.3, 0.6), FML(0.3, 0.6, "examples"), FedAvg()], ids=["fml", "n_k", "fedavg"]
)
def test_bodies_are_shared_and_heads_stay(algorithm: Algorithm, scenario: str) -> None:
    name = "fml" if isinstance(algorithm, FML) else "fedavg"
    assert furthest(name, algorithm, **SCENARIOS[scenario]) <= TOLERANCE


def test_clients_may_have_nets_of_their_own_as_well() -> None:
    assert furthest("fml", FML(0.3, 0.6), **MIXED) <= TOLERANCE
