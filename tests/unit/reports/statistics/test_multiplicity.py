"""Adjusted p-values against statsmodels, SciPy and a worked example."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from reports.statistics import benjamini_hochberg, holm
from tests.unit.reports.statistics import checks

chances = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def test_holm_is_that_of_statsmodels() -> None:
    checks.holm_is_that_of_statsmodels(holm)


def test_benjamini_hochberg_is_that_of_statsmodels_and_scipy() -> None:
    for p in checks.p_values():
        np.testing.assert_allclose(benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1], rtol=1e-12)
        np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p), rtol=1e-12)


def test_rejections_are_those_of_the_procedure_as_benjamini_and_hochberg_print_it() -> None:
    """Their 15 p-values (1995, section 3.2): four rejected at a false discovery rate of .05, three after Bonferroni."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert int((benjamini_hochberg(p) <= 0.05).sum()) == 4
    assert int((holm(p) <= 0.05).sum()) == 3


@given(chances)
def test_adjusted_values_keep_the_order_and_never_fall_below_their_own(p: list[float]) -> None:
    for adjusted in (holm(p), benjamini_hochberg(p)):
        assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
        assert (adjusted >= np.asarray(p) * (1 - 1e-12)).all()
        assert adjusted.max() <= 1
    assert (benjamini_hochberg(p) <= holm(p) * (1 + 1e-12)).all()


@pytest.mark.parametrize("bad", [[], [0.5, 1.01], [-0.01], [float("nan")]])
def test_p_values_are_checked(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        holm(bad)
    with pytest.raises(ValueError, match="expected"):
        benjamini_hochberg(bad)
