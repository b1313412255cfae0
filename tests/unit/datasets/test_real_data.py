"""The real data sets, where BENCH_DATA names a folder with copies."""

import os
from pathlib import Path

import numpy as np
import pytest

from bench.registry import DATASETS

ROOT = os.environ.get("BENCH_DATA", "")
PER_CLASS = {
    "mnist": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "fashion-mnist": [6000] * 10,
    "cifar10": [5000] * 10,
    "cifar100": [500] * 100,
}

pytestmark = pytest.mark.data


@pytest.mark.parametrize("name", PER_CLASS)
def test_a_real_copy_is_as_declared(name):
    source = DATASETS.get(name)
    if not ROOT:
        pytest.skip("BENCH_DATA names no folder with data sets")
    if source().missing(Path(ROOT)):
        pytest.skip(f"no copy of {name} in BENCH_DATA")
    data = source().load(Path(ROOT))
    assert data.train_x.shape == (source.train_size, *source.shape)
    assert data.test_x.shape == (source.test_size, *source.shape)
    assert (data.train_x.dtype, data.train_y.dtype, data.md5) == (np.uint8, np.int64, source.md5)
    assert np.bincount(data.train_y).tolist() == PER_CLASS[name]
    assert set(np.unique(data.test_y)) == set(range(source.classes))
    assert data.shift == pytest.approx(data.train_x.mean(axis=(0, 2, 3)), abs=6e-5)
    assert data.scale == pytest.approx(data.train_x.std(axis=(0, 2, 3)), abs=6e-5)
