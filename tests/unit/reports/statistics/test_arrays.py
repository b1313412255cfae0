"""Rounding noise is seen through, and differences that are there are not."""

import numpy as np
import pytest

from reports.statistics.arrays import NOISE, differences, grid, pairs, quiet, share


def test_noise_of_subtraction_neither_breaks_ties_nor_makes_differences() -> None:
    a = np.arange(1, 100) / 100
    each = differences(a + 0.01, a)
    assert len(np.unique(each)) == 1
    assert (differences(a + 0.3 - 0.3, a) == 0).all()
    assert len(np.unique((a + 0.01) - a)) > 1  # what it guards against


def test_values_on_a_rounding_boundary_are_merged_all_the_same() -> None:
    values = np.asarray([0.5 * NOISE + 3e-17, 0.5 * NOISE - 3e-17, 0.25]) + 0.125
    merged = quiet(values, 1.0)
    assert merged[0] == merged[1] != merged[2]


def test_differences_that_are_there_stay() -> None:
    values = np.asarray([[0.8431, -0.8432], [0.0, 1e-4]])
    np.testing.assert_array_equal(quiet(values, 1.0), values)
    assert quiet(np.asarray([1e-15, -0.5, 0.5 + 1e-15]), 1.0).tolist() == [0.0, -0.5, 0.5]


def test_signs_survive() -> None:
    assert differences([0.1, 0.3], [0.3, 0.1]).tolist() == pytest.approx([-0.2, 0.2])
    assert quiet(np.zeros(3), 0.0).tolist() == [0.0, 0.0, 0.0]


def test_shapes_and_ranges_are_named() -> None:
    with pytest.raises(ValueError, match=r"at least 2 cells by 3 methods, got an array of shape \(1, 3\)"):
        grid([[1, 2, 3]], "cells", "methods", (2, 3))
    with pytest.raises(ValueError, match="one value per replicate"):
        pairs([[0.1]], [[0.1]])
    with pytest.raises(ValueError, match="0 < power < 1, got 1"):
        share("power", 1)
