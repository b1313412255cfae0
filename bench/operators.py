"""Looking on while PyTorch runs its operators: below autograd, each with what it was given and what it gave."""

from collections.abc import Callable, Mapping
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

Saw = Callable[[Any, tuple[Any, ...], Mapping[str, Any], Any], None]
"""Takes an operator (a ``torch._ops.OpOverload``), its arguments, its keyword arguments and its result."""


class _Seeing:
    """What a mode does with an operator.

    A class of its own: of a mode's own method PyTorch would have its compiler know at the first call, which means to
    import it, for two seconds and more.
    """

    saw: Saw

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Run an operator and tell of it."""
        result = func(*args, **(kwargs or {}))
        self.saw(func, args, kwargs or {}, result)
        return result


class Watching(_Seeing, TorchDispatchMode):  # type: ignore[no-untyped-call]  # as all of its kind
    """While it is entered, `saw` is called after each operator.

    >>> import torch
    >>> names = []
    >>> with Watching(lambda operator, args, kwargs, result: names.append(str(operator))):
    ...     _ = torch.ones(2) + 1
    >>> names
    ['aten.ones.default', 'aten.add.Tensor']
    """

    def __init__(self, saw: Saw) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.saw = saw
