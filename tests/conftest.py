"""What holds for all tests: one thread each, as cells run, and registries that forget what a test registered."""

import os
import sys
from collections.abc import Iterator

import pytest

from bench.registry import REGISTRIES, _failed_files

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before a test imports torch
    os.environ.setdefault(_name, "1")


@pytest.fixture(autouse=True)
def _forget_test_plugins() -> Iterator[None]:
    """What a test registered as "test-...", or loaded from a plugin file, is forgotten, and so are files that failed.

    The order of tests does not matter then.
    """
    before = [set(registry._loaded) for registry in REGISTRIES]
    yield
    _failed_files.clear()
    for registry, known in zip(REGISTRIES, before, strict=True):
        for name in set(registry._loaded) - known:
            module, _ = registry._loaded[name]
            if name.startswith("test-") or module.startswith("bench_plugin_"):
                del registry._loaded[name]
            if module.startswith("bench_plugin_"):
                sys.modules.pop(module, None)  # so that it can be loaded again
