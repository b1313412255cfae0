"""A state as flat, named NumPy arrays: the form in which it crosses a wire, and back to the bit.

An array is named "slot/tensor". What arrays alone do not say is written beside them: which slots there are (one may be
empty), and each tensor's type and memory layout (NumPy has no bfloat16, and a sum over a channels-last tensor is
another one in another layout).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.plugin import State

Arrays = dict[str, NDArray[np.generic]]
_CHANNELS_LAST = " channels-last"
_STAND_INS = {torch.bfloat16: torch.int16}  # types that NumPy lacks travel as the bits of another


@dataclass(frozen=True)
class Flat:
    """A state in pieces that any wire format can carry."""

    arrays: Arrays  # "slot/tensor" -> [...], C order
    slots: list[str]  # all of them, in order
    kinds: list[str]  # of each array, in order: "float32", "float32 channels-last"

    @property
    def bytes(self) -> int:
        """Bytes of all tensors: what `bench.engines.client.size` counts."""
        return sum(array.nbytes for array in self.arrays.values())


def flatten(state: State) -> Flat:
    """Take a state apart. Raises ValueError where a slot's name holds a slash."""
    arrays: Arrays = {}
    kinds: list[str] = []
    for slot, tensors in state.items():
        if "/" in slot:
            raise ValueError(f"a slot's name must not hold '/', got '{slot}'")
        for name, tensor in tensors.items():
            arrays[f"{slot}/{name}"] = _array(tensor)
            kinds.append(_kind(tensor))
    return Flat(arrays, list(state), kinds)


def unflatten(arrays: Mapping[str, NDArray[np.generic]], slots: list[str], kinds: list[str]) -> State:
    """The state that `flatten` was given. Raises ValueError where the pieces do not fit together.

    >>> flat = flatten({"model": {"weight": torch.ones(2)}, "empty": {}})
    >>> unflatten(flat.arrays, flat.slots, flat.kinds)
    {'model': {'weight': tensor([1., 1.])}, 'empty': {}}
    """
    if len(arrays) != len(kinds):
        raise ValueError(f"expected one kind for each array, got {len(kinds)} for {len(arrays)}")
    state: State = {slot: {} for slot in slots}
    for (name, array), kind in zip(arrays.items(), kinds, strict=True):
        slot, _, tensor = name.partition("/")
        if slot not in state:
            raise ValueError(f"the array '{name}' belongs to no slot of {', '.join(slots) or 'none'}")
        state[slot][tensor] = _tensor(array, kind)
    return state


def _array(tensor: Tensor) -> NDArray[np.generic]:
    plain = tensor.detach().cpu().contiguous()
    if plain.dtype in _STAND_INS:
        plain = plain.view(_STAND_INS[plain.dtype])
    array: NDArray[np.generic] = plain.numpy()
    return array


def _kind(tensor: Tensor) -> str:
    """Type and layout in words."""
    channels_last = (
        tensor.dim() == 4 and not tensor.is_contiguous() and tensor.is_contiguous(memory_format=torch.channels_last)
    )
    return str(tensor.dtype).removeprefix("torch.") + (_CHANNELS_LAST if channels_last else "")


def _tensor(array: NDArray[np.generic], kind: str) -> Tensor:
    dtype = getattr(torch, kind.removesuffix(_CHANNELS_LAST))
    tensor = torch.from_numpy(array if array.flags.writeable else array.copy())
    if dtype in _STAND_INS:
        tensor = tensor.view(dtype)
    if tensor.dtype != dtype:
        raise ValueError(f"expected {dtype}, got {tensor.dtype}")
    return tensor.contiguous(memory_format=torch.channels_last) if kind.endswith(_CHANNELS_LAST) else tensor
