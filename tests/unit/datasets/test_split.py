"""The split of one client's rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data import DataError
from datasets.split import split, split_for_tuning


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


@settings(deadline=None, max_examples=100, derandomize=True, database=None)
@given(n=st.integers(3, 200), share=st.floats(0, 0.8), seed=st.integers(0, 2**32))
def test_rows_that_are_kept_out_are_never_tested(n, share, seed):
    rows, untested = np.arange(n), np.arange(int(share * n))
    parts = split(rows, rng(seed), untested)
    assert not np.isin(parts.test, untested).any()
    assert np.array_equal(np.sort(np.concatenate(parts)), rows)
    plain = [len(part) for part in split(rows, rng(seed))]
    tested = min(plain[2], n - len(untested))
    assert [len(part) for part in parts] == [n - plain[1] - tested, plain[1], tested]


def test_what_may_be_tested_is_no_more_validated_than_the_rest():
    """Training and validation rows are drawn alike from all that is left."""
    untested, hits = np.arange(10), np.zeros(20)
    for seed in range(2000):
        hits[split(np.arange(20), rng(seed), untested).validation] += 1
    assert np.abs(hits[untested] / 2000 - 2 / 16).max() < 4.5 * (2 / 16 * 14 / 16 / 2000) ** 0.5
    assert np.abs(hits[10:] / 2000 - 0.6 * 2 / 16).max() < 4.5 * (0.075 * 0.925 / 2000) ** 0.5


def test_a_client_whose_rows_are_all_kept_out_has_none_to_test():
    with pytest.raises(DataError, match="all are among those reserved for tuning"):
        split(np.arange(5), rng(), np.arange(9))


def test_nothing_kept_out_is_the_plain_split():
    for untested in (None, np.arange(0), np.arange(1000, 1100)):
        for ours, plain in zip(split(np.arange(50), rng(3), untested), split(np.arange(50), rng(3)), strict=True):
            assert np.array_equal(ours, plain)


def test_a_trial_trains_on_as_much_and_validates_on_the_rest():
    plain, trial = split(np.arange(50), rng(3)), split_for_tuning(np.arange(50), rng(3))
    assert np.array_equal(trial.train, plain.train)
    assert np.array_equal(trial.validation, np.sort(np.concatenate([plain.validation, plain.test])))
    assert np.array_equal(trial.test, trial.validation)
