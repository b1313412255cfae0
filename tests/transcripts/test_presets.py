"""Every preset does what the implementation does that it is named after, tensor by tensor."""

from typing import Any

import pytest

from bench.plugin import Algorithm
from bench.registry import ALGORITHMS
from tests.mutants.fml_variant import STEEP
from tests.transcripts.check import MIXED, TOLERANCE, differences
from tests.transcripts.fml import CONSTANT
from tests.transcripts.fml_presets import PRESETS
from tests.transcripts.fml_variant import PARAMS
from tests.transcripts.test_transcripts import agree

SCENARIOS: dict[str, dict[str, Any]] = {
    "batchnorm": {"net": "test-batchnorm", "rounds": 3},
    "half of the clients": {"net": "test-batchnorm", "participation": 0.5, "rounds": 5},
    "nets of their own": MIXED,
}


def worst(name: str, algorithm: Algorithm, **changes: Any) -> float:
    return differences(name, algorithm, **changes)[0].relative


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_agrees_with_its_code(name: str, scenario: str) -> None:
    assert worst(name, ALGORITHMS.get(name)(), **SCENARIOS[scenario]) <= TOLERANCE


@pytest.mark.parametrize("name", ["fml:pfllib", "fml:htfllib", "fml:time-series"])
def test_those_that_clip_agree_where_clipping_bites(name: str) -> None:
    """It bites in this setting: a mutant of two of them that does not clip fails in it."""
    algorithm = ALGORITHMS.get(name)()
    assert {slot.clip for slot in algorithm.slots().values()} == {10.0}
    assert worst(name, algorithm, **STEEP) <= TOLERANCE


def test_every_preset_has_a_transcript() -> None:
    assert set(PRESETS) == {name for name in ALGORITHMS.names() if name.startswith("fml:")}


VARIANTS: dict[str, dict[str, Any]] = {
    "batches": {"average": "batches"},
    "neutral": {
        **{"average": "uniform", "reduction": "batchmean", "detach": True, "temperature": 1.0, "squared": False},
        **{"keep_local": True, "keep_meme": False, "momentum": "both", "clip": 0},
    },
    "added": {"form": "added", "kl_weight": 0.7, "alpha": 0.5, "beta": 0.5},
    "parameters only": {"averaged": "parameters", "average": "examples"},
    "buffers mis-summed": {"averaged": "missummed", "average": "uniform"},
    "plain SGD, both kept": {"momentum": "neither", "keep_local": True},
    "detached": {"detach": True, "squared": False},
}


@pytest.mark.parametrize("changes", [{}, {"participation": 0.5, "rounds": 4}], ids=["all", "half"])
@pytest.mark.parametrize("params", VARIANTS.values(), ids=list(VARIANTS))
def test_variants_agree_choice_by_choice(params: dict[str, Any], changes: dict[str, Any]) -> None:
    agree("fml-variant", {**CONSTANT, **PARAMS, **params}, net="test-batchnorm", **changes)
