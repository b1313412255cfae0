"""Comparing states tensor by tensor."""

from bench.plugin import State, Tensors


def gap(a: Tensors, b: Tensors) -> float:
    """The largest absolute difference over all tensors of two models with the same names."""
    assert a.keys() == b.keys(), f"other tensors: {sorted(a.keys() ^ b.keys())}"
    return max((float((a[name].double() - b[name].double()).abs().max()) for name in a), default=0.0)


def state_gap(a: State, b: State) -> float:
    """The largest absolute difference over all slots of two states with the same slots."""
    assert a.keys() == b.keys(), f"other slots: {sorted(a.keys() ^ b.keys())}"
    return max((gap(a[slot], b[slot]) for slot in a), default=0.0)
