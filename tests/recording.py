"""What a CUDA graph does, on the processor: operations on fixed memory, done again without Python."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.engines.stacked.replay import Doing


class Tape(TorchDispatchMode):
    """Notes every operation with the very tensors it took and made."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, result))
        return result

    def play(self) -> None:
        """Do it all again: what an operation makes goes to where it went before."""
        for func, args, kwargs, before in self.operations:
            after = func(*args, **kwargs)
            for of_schema, old, new in zip(func._schema.returns, _listed(before), _listed(after), strict=False):
                if of_schema.alias_info is None:  # else it is memory that was there before
                    for kept, made in zip(tree_leaves(old), tree_leaves(new), strict=True):
                        kept.copy_(made)


def _listed(result: Any) -> Sequence[Any]:
    return result if isinstance(result, tuple) else [result]


class Taped:
    """A recorder for `bench.engines.stacked.replay`."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def run(self, step: Doing, inputs: Sequence[Tensor]) -> Tensor:
        """A plain step."""
        return step(*inputs)

    def record(self, step: Doing, inputs: Sequence[Tensor]) -> Callable[[], Tensor]:
        """A tape of one step; what it wrote to memory that was there before is put back."""
        self.recorded += 1
        tape = Tape()
        before = _Restored()
        with torch.enable_grad(), before, tape:
            output = step(*inputs)
        before.restore()

        def replay() -> Tensor:
            self.replayed += 1
            with torch.no_grad():
                tape.play()
            return output

        return replay


class _Restored(TorchDispatchMode):
    """Copies what an operation is about to overwrite, so that it can be put back."""

    def __init__(self) -> None:
        super().__init__()
        self.copies: list[tuple[Tensor, Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        for place, argument in enumerate(func._schema.arguments):
            if argument.alias_info is not None and argument.alias_info.is_write:
                given = args[place] if place < len(args) else kwargs.get(argument.name)
                self.copies += [
                    (leaf, leaf.detach().clone()) for leaf in tree_leaves(given) if isinstance(leaf, Tensor)
                ]
        return func(*args, **kwargs)

    def restore(self) -> None:
        """Undo, last first."""
        with torch.no_grad():
            for tensor, copy in reversed(self.copies):
                tensor.copy_(copy)
