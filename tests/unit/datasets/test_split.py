"""The split of one client's rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data import DataError
from datasets.split import split


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(deadline=None, max_examples=100, derandomize=True, database=None)
@given(rows=st.sets(st.integers(0, 10**6), min_size=3, max_size=300), seed=st.integers(0, 2**32))
def test_parts_are_disjoint_complete_and_seven_one_two(rows, seed):
    rows = np.array(sorted(rows), np.int64)
    parts = split(rows, rng(seed))
    assert np.array_equal(np.sort(np.concatenate(parts)), rows)
    sizes = [len(part) for part in parts]
    assert min(sizes) >= 1
    for size, share in zip(sizes, (0.7, 0.1, 0.2), strict=True):
        assert abs(size - share * len(rows)) <= 1.2  # rounding, and at least one row each
    assert all(part.dtype == np.int64 and np.all(np.diff(part) > 0) for part in parts)


def test_small_clients_have_one_of_each():
    assert [[len(part) for part in split(np.arange(n), rng())] for n in (3, 4, 5, 10)] == [
        [1, 1, 1],
        [2, 1, 1],
        [3, 1, 1],
        [7, 1, 2],
    ]


def test_the_stream_decides_and_the_order_of_rows_does_not():
    rows = np.arange(0, 500, 5)
    first, reversed_, other = split(rows, rng(1)), split(rows[::-1].copy(), rng(1)), split(rows, rng(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, reversed_, strict=True))
    assert not np.array_equal(first.test, other.test)


def test_every_row_is_equally_likely_to_be_tested():
    hits = np.zeros(20)
    for seed in range(2000):
        hits[split(np.arange(20), rng(seed)).test] += 1
    assert np.abs(hits / 2000 - 0.2).max() < 4.5 * (0.2 * 0.8 / 2000) ** 0.5


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_rows(n):
    with pytest.raises(DataError, match=f"a client with {n} samples cannot be split: expected at least 3"):
        split(np.arange(n), rng())
