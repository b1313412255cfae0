"""Many clients' values in the place of one client's, as opaque objects.

A plugin's loss is written for one client. An engine that computes K clients at once can hand it `Many` objects instead
of tensors, as long as the plugin only does with them what is known here to mean the same for each of K: pass them to
nets and to the words of `bench.ops`, and add, subtract, multiply and divide the scalars that come out. Whatever else it
does raises `Unknown`, and the engine turns to ``torch.vmap``, which knows everything but costs more.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "Many",
    "Unknown",
    "added",
    "class_cross_entropy",
    "class_distance",
    "confidence",
    "constant",
    "cross_entropy",
    "dot",
    "kl",
    "sq_distance",
]


class Unknown(Exception):
    """Something was asked of many clients' values at once that only one client's can answer."""


class Many:
    """K clients' values of one kind, stacked: [K, ...]."""

    __slots__ = ("stack",)

    def __init__(self, stack: Tensor) -> None:
        self.stack = stack

    def _with(self, other: Any, operation: Callable[[Any, Any], Tensor]) -> "Many":
        """Scalar arithmetic: one number per client, with a number per client or one for all."""
        if self.stack.dim() == 1:
            if isinstance(other, Many) and other.stack.dim() == 1:
                return Many(operation(self.stack, other.stack))
            if isinstance(other, float | int) or (isinstance(other, Tensor) and other.dim() == 0):
                return Many(operation(self.stack, other))
        raise Unknown("arithmetic on more than one number per client")

    def __add__(self, other: Any) -> "Many":
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> "Many":
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> "Many":
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> "Many":
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> "Many":
        return self._with(other, lambda a, b: a / b)

    def __neg__(self) -> "Many":
        return self._with(-1.0, lambda a, b: a * b)

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
                made: Many = reflected(args[1], args[0])
                return made
        raise Unknown(getattr(function, "__name__", str(function)))


_REFLECTED: dict[Any, Callable[[Many, Any], Many]] = {
    Tensor.add: Many.__add__,
    Tensor.__add__: Many.__add__,
    Tensor.mul: Many.__mul__,
    Tensor.__mul__: Many.__mul__,
    Tensor.sub: Many.__rsub__,
    Tensor.__sub__: Many.__rsub__,
}


def cross_entropy(logits: Many, y: Many) -> Many:
    """Each client's mean over its rows of the cross-entropy of logits [K, B, C] with labels [K, B]."""
    return Many(_CrossEntropy.apply(logits.stack, y.stack))  # type: ignore[no-untyped-call]  # as autograd.Function is


def kl(student: Many, teacher: Many, *, temperature: Any = None, detach: bool = True) -> Many:
    """Each client's mean over its rows of KL(teacher || student) of logits [K, B, C].

    temperature: a number for all, or one per client; None: 1. detach: whether the teacher is a constant.
    """
    if not isinstance(teacher, Many):
        raise Unknown("a teacher of one client's for many")
    own, taught = student.stack, teacher.stack
    if temperature is not None:
        by = temperature.stack.view(-1, 1, 1) if isinstance(temperature, Many) else temperature
        own, taught = own / by, taught / by
    if detach:
        return Many(_Divergence.apply(own, taught.detach()))  # type: ignore[no-untyped-call]  # as above
    log_q, log_p = _by_class(own), _by_class(taught)
    return Many((log_p.exp() * (log_p - log_q)).sum(1).mean(1))


def confidence(logits: Many, y: Many) -> Many:
    """Each client's mean over its rows of the probability of labels [K, B] by logits [K, B, C]; a constant."""
    return Many(_by_class(logits.stack.detach()).gather(1, y.stack.unsqueeze(1)).exp().mean((1, 2)))


def class_cross_entropy(logits: Many, targets: Many, known: Many, y: Many) -> Many:
    """Each client's mean of the cross-entropy of logits [K, B, C] with its label's target of [K, C, C], where known."""
    wanted, counts = _of_rows(targets, known, y)
    terms = (_by_class(logits.stack) * wanted.mT).sum(1)
    return Many((terms * counts).mean(1).neg())


def class_distance(features: Many, means: Many, known: Many, y: Many) -> Many:
    """Each client's mean squared distance of features [K, B, F] to its label's mean of [K, C, F], where known."""
    wanted, counts = _of_rows(means, known, y)
    return Many(((features.stack - wanted).square().mean(2) * counts).mean(1))


def _of_rows(table: Many, known: Many, y: Many) -> tuple[Tensor, Tensor]:
    """What a table of classes [K, C, n] says of each row's label [K, B, n], and whether it is known [K, B]."""
    if not (isinstance(table, Many) and isinstance(known, Many)):
        raise Unknown("one table of classes for many clients")
    rows = y.stack.unsqueeze(2).expand(-1, -1, table.stack.shape[2])
    return table.stack.gather(1, rows), known.stack.gather(1, y.stack)


def constant(value: Many) -> Many:
    """The values as they are, without their gradients."""
    return Many(value.stack.detach())


def sq_distance(a: Many, b: Many) -> Many:
    """Each client's squared Euclidean distance of two tensors [K, ...]."""
    _both(a, b)
    gap = a.stack - b.stack
    return Many(inner(gap, gap))


def dot(a: Many, b: Many) -> Many:
    """Each client's inner product of two tensors [K, ...]."""
    _both(a, b)
    return Many(inner(a.stack, b.stack))


def inner(a: Tensor, b: Tensor) -> Tensor:
    """Each client's inner product [K] of two stacks [K, ...].

    A sum over the last axis is taken alike however many rows there are. A product of vectors (a matrix product of one
    row and one column) or a sum over the first axis is not: then a client's numbers would depend on its company.
    """
    return (a * b).flatten(1).sum(1)


def _both(a: object, b: object) -> None:
    if not (isinstance(a, Many) and isinstance(b, Many)):
        raise Unknown("a distance between many clients' tensors and one client's")


def added(parts: Iterable[Many]) -> Many:
    """The sum of scalars, each client's own, one after the other."""
    return functools.reduce(Many.__add__, parts)


def _by_class(logits: Tensor) -> Tensor:
    """Log-probabilities [K, C, B] of logits [K, B, C].

    A softmax over a last axis of ten works on ten numbers at a time; with classes before rows it fills the processor's
    vectors. For 200 clients of 32 rows that is 20 times faster.
    """
    return F.log_softmax(logits.mT.contiguous(), 1)


class _CrossEntropy(torch.autograd.Function):
    """Logits [K, B, C], labels [K, B] -> [K]."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, y: Tensor) -> Tensor:
        log_p, labels = _by_class(logits), y.unsqueeze(1)
        ctx.save_for_backward(log_p, labels)
        return log_p.gather(1, labels).mean((1, 2)).neg_()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """``(p - one_hot) / B``."""
        log_p, labels = ctx.saved_tensors
        p = log_p.exp()
        p.scatter_add_(1, labels, p.new_full((), -1.0).expand_as(labels))
        return p.mul_((gradient / labels.shape[2])[:, None, None]).mT, None


class _Divergence(torch.autograd.Function):
    """Logits of student and teacher [K, B, C] -> [K]."""

    @staticmethod
    def forward(ctx: Any, student: Tensor, teacher: Tensor) -> Tensor:
        log_q, log_p = _by_class(student), _by_class(teacher)
        p = log_p.exp()
        ctx.save_for_backward(log_q, p)
        return log_p.sub_(log_q).mul_(p).sum(1).mean(1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """``(q - p) / B``."""
        log_q, p = ctx.saved_tensors
        return log_q.exp().sub_(p).mul_((gradient / p.shape[2])[:, None, None]).mT, None
