"""What `bench.ops` does with many clients' values: each client's own, and its gradient."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.many.trail import Back
from bench.many.values import Many, Unknown, made


def cross_entropy(logits: Many, y: Many) -> Many:
    """Each client's mean over its rows of the cross-entropy of logits [K, B, C] with labels [K, B]."""
    log_p, labels = _by_class(logits.stack), y.stack.unsqueeze(1)

    def gradient(of_mean: Tensor) -> Tensor:
        """``(p - one_hot) / B``."""
        p = log_p.exp()
        p.scatter_add_(1, labels, p.new_full((), -1.0).expand_as(labels))
        return p.mul_((of_mean / labels.shape[2])[:, None, None]).mT

    return made(log_p.gather(1, labels).mean((1, 2)).neg_(), (logits, gradient))


def kl(student: Many, teacher: Many, *, temperature: Any = None, detach: bool = True) -> Many:
    """Each client's mean over its rows of KL(teacher || student) of logits [K, B, C].

    temperature: a number for all, or one per client; None: 1. detach: whether the teacher is a constant.
    """
    if not isinstance(teacher, Many):
        raise Unknown("a teacher of one client's for many")
    if temperature is not None:
        by = temperature.stack.view(-1, 1, 1) if isinstance(temperature, Many) else temperature
        student, teacher = (made(m.stack / by, (m, lambda gradient: gradient / by)) for m in (student, teacher))
    if not detach:
        return _by_autograd(_divergence, student, teacher)
    log_q, log_p = _by_class(student.stack), _by_class(teacher.stack)
    p = log_p.exp()

    def gradient(of_mean: Tensor) -> Tensor:
        """``(q - p) / B``."""
        return log_q.exp().sub_(p).mul_((of_mean / p.shape[2])[:, None, None]).mT

    return made(log_p.sub_(log_q).mul_(p).sum(1).mean(1), (student, gradient))


def confidence(logits: Many, y: Many) -> Many:
    """Each client's mean over its rows of the probability of labels [K, B] by logits [K, B, C]; a constant."""
    return Many(_by_class(logits.stack).gather(1, y.stack.unsqueeze(1)).exp().mean((1, 2)))


def class_cross_entropy(logits: Many, targets: Many, known: Many, y: Many) -> Many:
    """Each client's mean of the cross-entropy of logits [K, B, C] with its label's target of [K, C, C], where known."""
    wanted, counts = _of_rows(targets, known, y)

    def mean(logits: Tensor) -> Tensor:
        terms = (_by_class(logits) * wanted.mT).sum(1)
        return (terms * counts).mean(1).neg()

    return _by_autograd(mean, logits)


def class_distance(features: Many, means: Many, known: Many, y: Many) -> Many:
    """Each client's mean squared distance of features [K, B, F] to its label's mean of [K, C, F], where known."""
    wanted, counts = _of_rows(means, known, y)

    def mean(features: Tensor) -> Tensor:
        return ((features - wanted).square().mean(2) * counts).mean(1)

    return _by_autograd(mean, features)


def constant(value: Many) -> Many:
    """The values as they are, without their gradients."""
    return Many(value.stack)


def sq_distance(a: Many, b: Many) -> Many:
    """Each client's squared Euclidean distance of two tensors [K, ...]."""
    _both(a, b)
    gap = a.stack - b.stack
    return made(
        inner(gap, gap),
        (a, lambda gradient: _each(2 * gradient, gap) * gap),
        (b, lambda gradient: _each(-2 * gradient, gap) * gap),
    )


def dot(a: Many, b: Many) -> Many:
    """Each client's inner product of two tensors [K, ...]."""
    _both(a, b)
    left, right = a.stack, b.stack
    return made(
        inner(left, right),
        (a, lambda gradient: _each(gradient, left) * right),
        (b, lambda gradient: _each(gradient, left) * left),
    )


def inner(a: Tensor, b: Tensor) -> Tensor:
    """Each client's inner product [K] of two stacks [K, ...].

    A sum over the last axis is taken alike however many rows there are. A product of vectors (a matrix product of one
    row and one column) or a sum over the first axis is not: then a client's numbers would depend on its company.
    """
    return (a * b).flatten(1).sum(1)


def added(parts: Iterable[Many]) -> Many:
    """The sum of scalars, each client's own, one after the other."""
    return functools.reduce(Many.__add__, parts)


def _both(a: object, b: object) -> None:
    if not (isinstance(a, Many) and isinstance(b, Many)):
        raise Unknown("a distance between many clients' tensors and one client's")


def _each(numbers: Tensor, like: Tensor) -> Tensor:
    """A number per client [K], to be multiplied with a stack [K, ...]."""
    return numbers.view(-1, *[1] * (like.dim() - 1))


def _of_rows(table: Many, known: Many, y: Many) -> tuple[Tensor, Tensor]:
    """Constants: what a table of classes [K, C, n] says of each row's label [K, B, n], and if it is known [K, B]."""
    if not (isinstance(table, Many) and isinstance(known, Many)):
        raise Unknown("one table of classes for many clients")
    rows = y.stack.unsqueeze(2).expand(-1, -1, table.stack.shape[2])
    return table.stack.gather(1, rows), known.stack.gather(1, y.stack)


def _divergence(student: Tensor, teacher: Tensor) -> Tensor:
    log_q, log_p = _by_class(student), _by_class(teacher)
    return (log_p.exp() * (log_p - log_q)).sum(1).mean(1)


def _by_class(logits: Tensor) -> Tensor:
    """Log-probabilities [K, C, B] of logits [K, B, C].

    A softmax over a last axis of ten works on ten numbers at a time; with classes before rows it fills the processor's
    vectors. For 200 clients of 32 rows that is 20 times faster.
    """
    return F.log_softmax(logits.mT.contiguous(), 1)


def _by_autograd(function: Callable[..., Tensor], *sources: Many) -> Many:
    """A value whose gradient PyTorch finds: for words that are too rare to have a derivative of their own."""
    leaves = [source.stack.detach().requires_grad_(source.back is not None) for source in sources]
    needed = [(source.back, leaf) for source, leaf in zip(sources, leaves, strict=True) if source.back is not None]
    if not needed:
        return Many(function(*leaves))
    with torch.enable_grad():
        value = function(*leaves)

    def hand_on(gradient: Tensor) -> None:
        found = torch.autograd.grad(value, [leaf for _, leaf in needed], gradient)
        for (back, _), part in zip(needed, found, strict=True):
            back.receive(part)

    return Many(value.detach(), Back([back for back, _ in needed], hand_on))
