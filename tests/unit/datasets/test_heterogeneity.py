"""The figures of a partition, by hand and at their extremes, and its identity."""

import math

import numpy as np
import pytest
from scipy.stats import entropy

from bench.data import DataError
from datasets.heterogeneity import describe, floor, identity


def test_equal_clients_show_no_heterogeneity():
    labels = np.arange(120) % 4
    figures = describe(labels, np.split(np.arange(120), 3), 4)
    assert figures.effective_classes == pytest.approx(4)
    assert (figures.size_cv, figures.label_distance) == (0, 0)
    assert figures.counts == ((10, 10, 10, 10),) * 3


def test_one_class_each_is_the_other_extreme():
    labels = np.repeat(np.arange(4), 10)
    figures = describe(labels, np.split(np.arange(40), 4), 4)
    assert figures.effective_classes == 1
    assert figures.label_distance == pytest.approx(3 / 4)


def test_figures_against_another_library():
    labels = np.random.default_rng(0).integers(0, 5, 90)
    parts = np.split(np.random.default_rng(1).permutation(90), [10, 35])
    figures = describe(labels, parts, 6)  # one class more than occurs
    shares = [np.bincount(labels[rows], minlength=6) / len(rows) for rows in parts]
    assert figures.effective_classes == pytest.approx(np.mean([math.exp(entropy(p)) for p in shares]))
    assert figures.size_cv == pytest.approx(np.std([10, 25, 55]) / 30)
    whole = np.bincount(labels, minlength=6) / 90
    # Total variation by its other definition: the largest difference in probability of any event.
    assert figures.label_distance == pytest.approx(np.mean([np.maximum(p - whole, 0).sum() for p in shares]))
    assert [sum(row) for row in figures.counts] == [10, 25, 55]


def test_a_client_without_rows_is_refused():
    with pytest.raises(DataError, match="client 1 has no samples"):
        describe(np.zeros(3, np.int64), [np.arange(3), np.arange(0)], 1)


def test_identity_is_that_of_the_rows_of_each_client():
    one, two = np.array([4, 1, 3]), np.array([0, 2])
    known = identity([one, two])
    assert known == "7930649087765a0221e28de990aa152aad4c280023185a84228ca7b566e6b0ea"
    assert identity([one[::-1], two.astype(np.int32)]) == known
    assert identity([one.astype(">i8"), two]) == known  # byte order of the machine
    others = ([two, one], [np.array([4, 1]), np.array([3, 0, 2])], [one, two, np.arange(0)])
    assert len({known, *map(identity, others)}) == 4


@pytest.mark.parametrize(
    ("train", "test", "expected"),
    [
        ([0, 1, 1], [1, 1, 0, 0], 0.5),
        ([2, 2], [0, 1], 0.0),
        ([1, 0], [0, 0, 1], 2 / 3),  # a tie: class 0
        ([3], [3], 1.0),
    ],
)
def test_floor_scores_the_training_majority_on_test_labels(train, test, expected):
    assert floor(np.array(train), np.array(test)) == pytest.approx(expected)


@pytest.mark.parametrize(("train", "test"), [([], [1]), ([1], [])])
def test_no_floor_without_samples(train, test):
    with pytest.raises(DataError, match="no floor without samples"):
        floor(np.array(train, np.int64), np.array(test, np.int64))
