"""The order of data: full batches, every row in every epoch, streams by name."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.rounds import plan

AXES = {"client": 3, "round": 0, "seed": 1}


@given(n=st.integers(1, 70), size=st.integers(1, 40), epochs=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_every_epoch_holds_every_row_in_full_batches(n: int, size: int, epochs: int) -> None:
    rows = np.arange(100, 100 + n)
    drawn = plan.batches(rows, size, epochs=epochs, **AXES)
    per_epoch = -(-n // size)
    assert drawn.shape == (epochs * per_epoch, size)
    for epoch in drawn.reshape(epochs, -1):
        assert set(epoch) == set(rows)
        counts = np.bincount(epoch - 100, minlength=n)
        assert counts.max() - counts.min() <= 1  # filling repeats rows evenly
        assert len(set(epoch[:n])) == n  # nothing twice before everything once


def test_the_filling_is_the_start_of_the_epoch() -> None:
    epoch = plan.batches(np.arange(5), 3, epochs=1, **AXES).flatten()
    assert epoch[5] == epoch[0]
    small = plan.batches(np.arange(2), 5, epochs=1, **AXES).flatten()
    assert list(small) == [small[0], small[1], small[0], small[1], small[0]]


@pytest.mark.parametrize("steps", [1, 4, 5, 11])
def test_exactly_so_many_steps(steps: int) -> None:
    assert len(plan.batches(np.arange(9), 2, steps=steps, **AXES)) == steps


def test_steps_are_the_beginning_of_epochs() -> None:
    whole = plan.batches(np.arange(9), 2, epochs=3, **AXES)
    assert np.array_equal(plan.batches(np.arange(9), 2, steps=12, **AXES), whole[:12])


def test_clients_rounds_and_epochs_differ_and_repeat_exactly() -> None:
    rows = np.arange(50)
    one = plan.batches(rows, 10, epochs=2, **AXES)
    assert np.array_equal(one, plan.batches(rows, 10, epochs=2, **AXES))
    assert not np.array_equal(one[:5], one[5:])
    assert not np.array_equal(one, plan.batches(rows, 10, epochs=2, **{**AXES, "client": 4}))
    assert not np.array_equal(one, plan.batches(rows, 10, epochs=2, **{**AXES, "round": 1}))


def test_the_order_of_all_time() -> None:
    """A change here changes every result: raise bench.engines.NUMERICS with it."""
    assert plan.batches(np.arange(7), 3, epochs=1, **AXES).tolist() == [[4, 5, 2], [3, 6, 1], [0, 4, 5]]


@pytest.mark.parametrize("choice", [{}, {"epochs": 1, "steps": 2}])
def test_epochs_or_steps(choice: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="exactly one of epochs and steps"):
        plan.batches(np.arange(3), 1, **choice, **AXES)
