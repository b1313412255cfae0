"""K clients' values as one object, and the arithmetic of those that are one number per client."""

from collections.abc import Callable
from typing import Any, NoReturn

from torch import Tensor

from bench.many.trail import Back


class Unknown(Exception):
    """Something was asked of many clients' values at once that only one client's can answer."""


class Many:
    """K clients' values of one kind, stacked: [K, ...]."""

    __slots__ = ("back", "stack")

    def __init__(self, stack: Tensor, back: Back | None = None) -> None:
        """`back`: where its gradient goes; None: it is a constant."""
        self.stack, self.back = stack, back

    def _operand(self, other: Any) -> Any:
        """A number per client or one for all; raises Unknown for all else."""
        if self.stack.dim() == 1:
            if isinstance(other, Many) and other.stack.dim() == 1:
                return other
            if isinstance(other, float | int) or (isinstance(other, Tensor) and other.dim() == 0):
                return other
        raise Unknown("arithmetic on more than one number per client")

    def __add__(self, other: Any) -> "Many":
        if isinstance(self._operand(other), Many):
            return made(self.stack + other.stack, (self, _same), (other, _same))
        return made(self.stack + other, (self, _same))

    def __sub__(self, other: Any) -> "Many":
        if isinstance(self._operand(other), Many):
            return made(self.stack - other.stack, (self, _same), (other, Tensor.neg))
        return made(self.stack - other, (self, _same))

    def __rsub__(self, other: Any) -> "Many":
        return made(self._operand(other) - self.stack, (self, Tensor.neg))

    def __mul__(self, other: Any) -> "Many":
        if isinstance(self._operand(other), Many):
            a, b = self.stack, other.stack
            return made(a * b, (self, lambda gradient: gradient * b), (other, lambda gradient: gradient * a))
        return made(self.stack * other, (self, lambda gradient: gradient * other))

    def __truediv__(self, other: Any) -> "Many":
        if isinstance(self._operand(other), Many):
            a, b = self.stack, other.stack
            ratio = a / b
            return made(ratio, (self, lambda gradient: gradient / b), (other, lambda gradient: -gradient * (ratio / b)))
        return made(self.stack / other, (self, lambda gradient: gradient / other))

    def __neg__(self) -> "Many":
        return self * -1.0

    __radd__, __rmul__ = __add__, __mul__

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # Python's own questions, such as whether this is a wrapper
            raise AttributeError(name)
        raise Unknown(f".{name}")

    def __bool__(self) -> NoReturn:
        raise Unknown("a branch on a value")

    __len__ = __iter__ = __float__ = __int__ = __index__ = __abs__ = __bool__

    def _unknown(self, other: Any) -> NoReturn:
        raise Unknown("an operator other than + - * /")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _unknown
    __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __rtruediv__ = __mod__ = __floordiv__ = _unknown
    __hash__ = object.__hash__

    def __getitem__(self, key: object) -> NoReturn:
        raise Unknown("[...]")

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> "Many":
        """What PyTorch calls when one of its functions meets such an object: only tensor-scalar arithmetic is known."""
        if not kwargs and len(args) == 2 and isinstance(args[0], Tensor):
            reflected = _REFLECTED.get(function)
            if reflected is not None:
                result: Many = reflected(args[1], args[0])
                return result
        raise Unknown(getattr(function, "__name__", str(function)))


_REFLECTED: dict[Any, Callable[[Many, Any], Many]] = {
    Tensor.add: Many.__add__,
    Tensor.__add__: Many.__add__,
    Tensor.mul: Many.__mul__,
    Tensor.__mul__: Many.__mul__,
    Tensor.sub: Many.__rsub__,
    Tensor.__sub__: Many.__rsub__,
}


def made(stack: Tensor, *sources: tuple[Many, Callable[[Tensor], Tensor]]) -> Many:
    """A value made of others, each with what turns the value's gradient into its own; constants need none."""
    ways = [(source.back, way) for source, way in sources if source.back is not None]
    if not ways:
        return Many(stack)

    def hand_on(gradient: Tensor) -> None:
        for back, way in ways:
            back.receive(way(gradient))

    return Many(stack, Back([back for back, _ in ways], hand_on))


def _same(gradient: Tensor) -> Tensor:
    return gradient
