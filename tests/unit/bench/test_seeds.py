"""Streams by name."""

import itertools

import pytest

from bench.seeds import FORBIDDEN, seed, stream


def test_a_stream_is_the_same_for_all_time() -> None:
    """A change here changes every result: raise bench.engines.NUMERICS with it."""
    assert seed("weights", client=None, seed=3) == 560870092144132257
    assert stream("batches", client=1).integers(0, 1000, 4).tolist() == [289, 215, 392, 931]


def test_every_axis_and_the_purpose_matter() -> None:
    axes = [{"client": c, "round": r, "alpha": a} for c, r, a in itertools.product([0, 1], [0, 1], [None, 0.1, 1, 1.0])]
    seeds = {seed(purpose, **axis) for purpose in ("batches", "cohort") for axis in axes}
    assert len(seeds) == 2 * len(axes)


@pytest.mark.parametrize("axis", sorted(FORBIDDEN))
def test_no_stream_may_depend_on_the_method(axis: str) -> None:
    with pytest.raises(ValueError, match=f"must not depend on {axis}"):
        seed("batches", **{axis: "fml"})
