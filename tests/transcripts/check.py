"""The check that plugins must pass and mutants must not: a plugin's final models against its transcript's."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench.federation import Federation
from bench.plugin import Algorithm
from tests import nets, world  # noqa: F401 - `nets` registers the net with BatchNorm
from tests.transcripts.double import in_double
from tests.transcripts.fedavg import fedavg
from tests.transcripts.fedprox import fedprox
from tests.transcripts.fml import fml
from tests.transcripts.given import Given
from tests.transcripts.local import local

TRANSCRIPTS = {"fedavg": fedavg, "fedprox": fedprox, "fml": fml, "local": local}

TOLERANCE = 1e-12
"""Largest difference within a tensor, relative to the tensor's largest value, in double precision.

Both sides do the same arithmetic (rounding unit 1e-16) and may differ in the order of sums only: in averages, losses
and squared distances. A hundred steps carry that on; what is seen is below 2e-15, so other processors have room.
"""

TOLERANCE_SINGLE = 2e-6
"""The same in float32 (rounding unit 6e-8), for a few steps only: see `tests.transcripts.double`."""

SETTINGS: dict[str, Any] = {
    "rounds": 3,
    "local_epochs": 1,
    "evaluate_every": 100,  # after the last round only: the check looks at the models themselves
    "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "weight_decay": 5e-4},
}
MIXED: dict[str, Any] = {"zoo": "mixed", "architectures": ("mlp", "lenet5", "cnn1", "cnn2"), "shared": "cnn"}


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
    federation.result()
    found = federation.models(federation.training["rounds"] - 1)
    expected = TRANSCRIPTS[name](Given(setting, federation.cohort), **algorithm.parameters())
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
