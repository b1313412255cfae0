"""What holds for all tests: one thread each, as cells run, and registries that forget what a test registered."""

import os
from collections.abc import Iterator

import pytest

from bench.registry import REGISTRIES, _failed_files

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before a test imports torch
    os.environ.setdefault(_name, "1")


@pytest.fixture(autouse=True)
def _forget_test_plugins() -> Iterator[None]:
    """What a test registered as "test-...", or failed to load, is forgotten: the order of tests does not matter."""
    before = [set(registry._loaded) for registry in REGISTRIES]
    yield
    _failed_files.clear()
    for registry, known in zip(REGISTRIES, before, strict=True):
        for name in set(registry._loaded) - known:
            if name.startswith("test-"):
                del registry._loaded[name]
