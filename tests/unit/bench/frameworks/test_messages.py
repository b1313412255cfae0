import pytest
import torch

from bench.engines.client import size
from bench.frameworks.messages import flatten, unflatten
from bench.plugin import State


def there_and_back(state: State) -> State:
    flat = flatten(state)
    return unflatten(flat.arrays, flat.slots, flat.kinds)


def test_a_state_comes_back_to_the_bit():
    state = {
        "model": {"a/b": torch.randn(3, 4), "count": torch.tensor(7), "none": torch.zeros(0, 2)},
        "other": {"half": torch.randn(5).bfloat16(), "flags": torch.tensor([True, False])},
    }
    back = there_and_back(state)
    assert {slot: list(tensors) for slot, tensors in back.items()} == {
        "model": ["a/b", "count", "none"],
        "other": ["half", "flags"],
    }
    for slot, tensors in state.items():
        for name, tensor in tensors.items():
            assert back[slot][name].dtype == tensor.dtype
            assert back[slot][name].shape == tensor.shape
            assert torch.equal(back[slot][name], tensor)


def test_not_a_number_keeps_its_bits():
    odd = torch.tensor([float("nan"), float("inf"), -0.0])
    assert torch.equal(there_and_back({"s": {"t": odd}})["s"]["t"].view(torch.int32), odd.view(torch.int32))


def test_empty_slots_survive():
    assert there_and_back({"first": {}, "second": {}}) == {"first": {}, "second": {}}
    assert there_and_back({}) == {}


def test_the_memory_layout_survives():
    weight = torch.randn(4, 3, 5, 5).contiguous(memory_format=torch.channels_last)
    back = there_and_back({"model": {"weight": weight}})["model"]["weight"]
    assert back.stride() == weight.stride()
    assert torch.equal(back, weight)


def test_a_slice_of_a_larger_tensor_travels_alone():
    whole = torch.arange(12.0).view(3, 4)
    flat = flatten({"s": {"row": whole[1], "column": whole[:, 1]}})
    assert flat.bytes == (4 + 3) * 4
    assert there_and_back({"s": {"column": whole[:, 1]}})["s"]["column"].tolist() == [1.0, 5.0, 9.0]


def test_bytes_are_the_counted_ones():
    state = {"a": {"x": torch.randn(3, 4), "n": torch.tensor(1)}, "b": {"y": torch.randn(5).bfloat16()}}
    assert flatten(state).bytes == size(state) == 48 + 8 + 10


def test_what_arrives_is_nobody_elses():
    state = {"s": {"t": torch.zeros(3)}}
    flat = flatten({"s": {"t": torch.zeros(3)}})
    for array in flat.arrays.values():
        array.flags.writeable = False
    back = unflatten(flat.arrays, flat.slots, flat.kinds)
    back["s"]["t"].add_(1)
    assert state["s"]["t"].sum() == 0


def test_pieces_that_do_not_fit_are_refused():
    flat = flatten({"s": {"t": torch.zeros(3)}})
    with pytest.raises(ValueError, match="expected one kind for each array, got 0 for 1"):
        unflatten(flat.arrays, flat.slots, [])
    with pytest.raises(ValueError, match="the array 's/t' belongs to no slot of other"):
        unflatten(flat.arrays, ["other"], flat.kinds)
    with pytest.raises(ValueError, match=r"expected torch\.float64, got torch\.float32"):
        unflatten(flat.arrays, flat.slots, ["float64"])
    with pytest.raises(ValueError, match="must not hold '/', got 'a/b'"):
        flatten({"a/b": {}})
