"""The check that plugins must pass and mutants must not: a plugin's final models against its transcript's."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench.plugin import Algorithm, Round
from bench.rounds.federation import Federation
from bench.rounds.group import one_thread, result
from tests import nets, world  # noqa: F401 - `nets` registers the net with BatchNorm
from tests.transcripts.double import in_double
from tests.transcripts.fml_presets import PRESETS
from tests.transcripts.found import transcripts
from tests.transcripts.given import Given, Models

TRANSCRIPTS = transcripts()

TOLERANCE = 1e-12
"""Largest difference within a tensor, relative to the tensor's largest value, in double precision.

Both sides do the same arithmetic (rounding unit 1e-16) and may differ in the order of sums only: in averages, losses
and squared distances. A hundred steps carry that on; what is seen is below 1e-14, so other processors have room.
"""

TOLERANCE_SINGLE = 1e-5
"""The same in float32 (rounding unit 6e-8), for a few steps only: see `tests.transcripts.double`.

Convolutions run by other kernels here and there (channels last), and the bias of a BatchNorm, which starts from zero,
is a sum of gradients that nearly cancel: 1.5e-6 is seen there, 2e-7 elsewhere.
"""

SETTINGS: dict[str, Any] = {
    "rounds": 3,
    "local_epochs": 1,
    "batch_size": 16,  # no client has a multiple of it: last batches are filled
    "evaluate_every": 100,  # after the last round only: the check looks at the models themselves
    "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 5e-4},
}
MIXED: dict[str, Any] = {"zoo": "mixed", "architectures": ("mlp", "lenet5", "cnn1", "cnn2"), "shared": "cnn"}
ONE_WIDTH: dict[str, Any] = {"zoo": "mixed, one width", "architectures": ("mlp", "cnn1", "cnn2"), "shared": "lenet5"}


@dataclass(frozen=True)
class Difference:
    """How far a plugin's tensor is from the transcript's."""

    relative: float
    where: str  # view, client, tensor


def differences(name: str, algorithm: Algorithm, *, double: bool = True, **changes: Any) -> list[Difference]:
    """Run plugin and transcript in one setting; all tensors of all final models, the worst first.

    `changes` are those of `tests.world.cell`. The transcript takes the hyper-parameters that the plugin declares.
    """
    setting = world.setting(**{**SETTINGS, **changes})
    if double:
        setting = in_double(setting)
    federation = Federation(setting, algorithm)
    with one_thread():
        result(federation)
        found = federation.models(federation.training["rounds"] - 1)
        expected = models_of(name, Given(setting, federation.cohort), algorithm)
    assert found.keys() == expected.keys(), f"views {sorted(found)}, in the transcript {sorted(expected)}"
    compared = []
    for view, models in found.items():
        for client, (_, tensors) in enumerate(models):
            in_paper = expected[view][0 if view == "global" else client].state_dict()
            assert tensors.keys() == in_paper.keys()
            for tensor in tensors:
                distance = relative(tensors[tensor], in_paper[tensor])
                compared.append(Difference(distance, f"{view} model of client {client}, {tensor}"))
    return sorted(compared, key=lambda difference: -difference.relative)


def models_of(name: str, given: Given, algorithm: Algorithm) -> Models:
    """A transcript's models; that of a preset has all values in it, and is not told the plugin's."""
    if name in PRESETS:
        return PRESETS[name](given)
    return TRANSCRIPTS[name].models(given, **algorithm.parameters())


def relative(found: Tensor, expected: Tensor) -> float:
    """Largest absolute difference over the largest absolute value expected; inf for other shapes or types, or NaN."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return torch.inf
    found, expected = found.double(), expected.double()
    distance = (found - expected).abs().max().item()
    if distance == 0:
        return 0.0
    share = distance / expected.abs().max().clamp(min=torch.finfo(torch.float64).tiny).item()
    return share if share < torch.inf else torch.inf


def merge_of_equals(algorithm: Algorithm, copies: int = 3) -> float:
    """How far the aggregate of equal uploads, the server's state moved a little, is from one of them; 0 is right."""
    setting = world.setting(**{**SETTINGS, "net": "test-batchnorm"})
    at = setting.at(algorithm, 0, None)
    server = algorithm.init_server(setting.fresh(algorithm, None), at)
    sent = {slot: {name: tensor + 1 for name, tensor in tensors.items()} for slot, tensors in server.items()}
    uploads = {
        slot: {name: torch.stack([tensor] * copies) for name, tensor in tensors.items()}
        for slot, tensors in sent.items()
    }
    examples = torch.arange(1.0, copies + 1)
    merged = algorithm.aggregate(server, uploads, Round(examples=examples, clients=copies), at)
    return max(
        (relative(merged[slot][name], tensor) for slot, tensors in sent.items() for name, tensor in tensors.items()),
        default=0.0,
    )
