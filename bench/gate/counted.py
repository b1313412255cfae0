"""Work that can be counted: it is the same on every machine, so it compares exactly.

Forward passes and operators are counted from outside, by hooks of PyTorch, so that nothing that runs needs to help.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.utils._pytree import tree_leaves

from bench.operators import Watching

SAME_TORCH = ("operators", "operator_bytes")
"""Counts that compare only under one version of PyTorch, which decides what operators a function is made of."""


@dataclass
class Passes:
    """Forward passes of whole nets; a pass inside another module's pass is a part of it."""

    training: int = 0  # with gradients
    training_images: int = 0
    scoring: int = 0  # without
    scored_images: int = 0

    def add(self, images: int) -> None:
        """Count one pass over so many images."""
        if torch.is_grad_enabled():
            self.training += 1
            self.training_images += images
        else:
            self.scoring += 1
            self.scored_images += images


@contextmanager
def passes() -> Iterator[Passes]:
    """Count the forward passes of every module that is called meanwhile."""
    counted, depth = Passes(), 0

    def before(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        nonlocal depth
        if depth == 0:
            first = next((each for each in inputs if isinstance(each, Tensor)), None)
            counted.add(0 if first is None else len(first))
        depth += 1

    def after(module: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> None:
        nonlocal depth
        depth -= 1

    hooks = (register_module_forward_pre_hook(before), register_module_forward_hook(after, always_call=True))
    try:
        yield counted
    finally:
        for hook in hooks:
            hook.remove()


class Operators(Watching):  # type: ignore[no-untyped-call]
    """Counts the operators that PyTorch runs meanwhile, backward passes included, and the bytes of what they return.

    An additional copy, a second pass, a lost fusion: whatever a step does more than before shows here, however short
    it takes.
    """

    def __init__(self) -> None:
        super().__init__(self._count)
        self.calls = self.bytes = 0

    def _count(self, operator: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], result: Any) -> None:
        self.calls += 1
        self.bytes += sum(t.numel() * t.element_size() for t in tree_leaves(result) if isinstance(t, Tensor))


def compare(baseline: Mapping[str, int], now: Mapping[str, int], same_torch: bool) -> list[str]:
    """What differs, in words; nothing where all that compares is equal.

    >>> compare({"steps": 80, "operators": 900}, {"steps": 40, "operators": 800}, same_torch=False)
    ['steps 80 -> 40']
    """
    names = [n for n in dict.fromkeys((*baseline, *now)) if same_torch or n not in SAME_TORCH]
    return [
        f"{n.replace('_', ' ')} {_known(baseline, n)} -> {_known(now, n)}"
        for n in names
        if baseline.get(n) != now.get(n)
    ]


def _known(counts: Mapping[str, int], name: str) -> str:
    return f"{counts[name]}" if name in counts else "not counted"
