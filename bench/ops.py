"""The words plugins are written in: losses, distances and averages that hold on every engine.

All losses are means over the rows that count (``batch.w``), in nats.
"""

import sys
from collections.abc import Iterable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.many import Many, words
from bench.plugin import Batch, Out, Tensors

__all__ = [
    "class_cross_entropy",
    "class_distance",
    "class_means",
    "confidence",
    "constant",
    "cross_entropy",
    "dot",
    "kl",
    "mean",
    "mean_rows",
    "sq_distance",
    "zeros",
]


def mean_rows(values: Tensor, w: Tensor | None) -> Tensor:
    """The mean of `values` [B] over the rows that count; 0 where none does.

    >>> mean_rows(torch.tensor([1.0, 3.0, 100.0]), torch.tensor([1.0, 1.0, 0.0]))
    tensor(2.)
    """
    if w is None:
        return values.mean()
    return (values * w).sum() / w.sum().clamp_min(1.0)


def cross_entropy(out: Out, batch: Batch) -> Tensor:
    """The mean cross-entropy of logits [B, C] with the batch's labels."""
    if isinstance(out.logits, Many):
        return words.cross_entropy(out.logits, batch.y)
    if batch.w is None:
        return F.cross_entropy(out.logits, batch.y)
    return mean_rows(F.cross_entropy(out.logits, batch.y, reduction="none"), batch.w)


def kl(student: Out, teacher: Out, batch: Batch, *, temperature: float | None = None, detach: bool = True) -> Tensor:
    """KL(teacher || student), the mean over rows of the sum over classes ("batchmean").

    PyTorch's reduction "mean" would divide by the number of classes as well and so weaken the term C times.

    temperature: what both nets' logits are divided by first; None is 1 without the division. The result is not
        multiplied by its square, which Hinton et al. 2015 do (arXiv:1503.02531, section 2).
    detach: whether the teacher is a constant; if not, the divergence trains both nets.

    >>> sharp, flat = (Out(torch.tensor([[a, 0.0]]), torch.zeros(1, 1)) for a in (2.0, 0.0))
    >>> batch = Batch(x=torch.zeros(1, 1, 1, 1), y=torch.tensor([0]), rows=torch.tensor([0]))
    >>> kl(flat, sharp, batch), kl(flat, sharp, batch, temperature=4.0)
    (tensor(0.3278), tensor(0.0303))
    """
    if isinstance(student.logits, Many):
        return words.kl(student.logits, teacher.logits, temperature=temperature, detach=detach)
    if temperature is not None:
        student, teacher = (Out(each.logits / temperature, each.features) for each in (student, teacher))
    target = teacher.logits.detach().log_softmax(1) if detach else teacher.logits.log_softmax(1)
    # Not F.kl_div, which vmap would run client by client.
    terms = target.exp() * (target - student.logits.log_softmax(1))
    return mean_rows(terms.sum(1), batch.w)


def confidence(out: Out, batch: Batch) -> Tensor:
    """The mean probability that a net gives to the batch's labels, in [0, 1]; a constant: no gradient flows.

    >>> batch = Batch(x=torch.zeros(1, 1, 1, 1), y=torch.tensor([1]), rows=torch.tensor([0]))
    >>> confidence(Out(torch.tensor([[0.0, 0.0]]), torch.zeros(1, 1)), batch)
    tensor(0.5000)
    """
    if isinstance(out.logits, Many):
        return words.confidence(out.logits, batch.y)
    given = out.logits.detach().softmax(1).gather(1, batch.y.unsqueeze(1)).squeeze(1)
    return mean_rows(given, batch.w)


def class_cross_entropy(out: Out, targets: Tensor, known: Tensor, batch: Batch) -> Tensor:
    """The mean over rows of the cross-entropy with ``targets[y]``, a distribution over classes, as a constant.

    `targets` [C, C]; `known` [C] is 1 where a class has a target; a row of another class counts 0.
    """
    if isinstance(out.logits, Many):
        return words.class_cross_entropy(out.logits, targets, known, batch.y)
    terms = (targets[batch.y].detach() * out.logits.log_softmax(1)).sum(1)
    return -mean_rows(terms * known[batch.y], batch.w)


def class_distance(out: Out, means: Tensor, known: Tensor, batch: Batch) -> Tensor:
    """The mean over rows and features of the squared difference of features from ``means[y]``, a constant.

    `means` [C, F]; `known` [C] is 1 where a class has a mean; a row of another class counts 0.
    """
    if isinstance(out.features, Many):
        return words.class_distance(out.features, means, known, batch.y)
    gap = (out.features - means[batch.y].detach()).square().mean(1)
    return mean_rows(gap * known[batch.y], batch.w)


def class_means(sums: Tensor, counts: Tensor) -> Tensor:
    """Means of what was summed by class [..., C, n] over `counts` [..., C] terms; 0 where there was none.

    >>> class_means(torch.tensor([[6.0, 3.0], [0.0, 0.0]]), torch.tensor([3.0, 0.0]))
    tensor([[2., 1.],
            [0., 0.]])
    """
    return sums / counts.clamp_min(1.0).unsqueeze(-1)


def constant(value: Tensor) -> Tensor:
    """The value as it is, without its gradient: a weight, not a term to be minimised."""
    return words.constant(value) if isinstance(value, Many) else value.detach()


def sq_distance(a: Tensors, b: Tensors, names: Iterable[str]) -> Tensor:
    """The squared Euclidean distance of two models over the named tensors, a scalar."""
    if (found := _of_many(words.sq_distance, a, b, names)) is not None:
        return found
    # One fused operation a tensor, forward and backward; a difference and a square would be four.
    return torch.stack([F.mse_loss(a[name], b[name], reduction="sum") for name in sorted(names)]).sum()


def dot(a: Tensors, b: Tensors, names: Iterable[str]) -> Tensor:
    """The inner product of two models over the named tensors, a scalar."""
    if (found := _of_many(words.dot, a, b, names)) is not None:
        return found
    return torch.stack([(a[name] * b[name]).sum() for name in sorted(names)]).sum()


def _of_many(word: Any, a: Tensors, b: Tensors, names: Iterable[str]) -> Tensor | None:
    """The sum of a word over pairs of many clients' tensors; None where these are one client's."""
    pairs = [(a[name], b[name]) for name in sorted(names)]
    if not any(isinstance(tensor, Many) for pair in pairs for tensor in pair):
        return None
    return cast(Tensor, words.added(word(*pair) for pair in pairs))


def zeros(tensors: Tensors) -> Tensors:
    """Zeros of the same shapes."""
    return {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}


def mean(stacked: Tensors, weights: Tensor) -> Tensors:
    """The weighted mean over the first axis of each tensor [K, ...], `weights` [K] >= 0 with a positive sum.

    Computed in double precision: the mean of K equal models is that model to the bit, and the order of clients shows
    in the last bit at most (where the mean lies half way between two float32 values). Integer tensors (BatchNorm's
    batch counter) are averaged and rounded, and keep their type.

    >>> mean({"w": torch.tensor([[1.0], [4.0]])}, torch.tensor([2.0, 1.0]))
    {'w': tensor([2.])}
    """
    share = weights.double() / weights.double().sum()
    # A processor converts and sums some columns at a time, while they are in its cache: twice to nine times as fast.
    width = max(256, (1 << 16) // len(share)) if share.device.type == "cpu" else sys.maxsize

    def one(tensor: Tensor) -> Tensor:
        flat = tensor.unsqueeze(-1).flatten(1)
        columns = torch.split(flat, width, dim=1) if flat.shape[1] > width else (flat,)
        means = [torch.mv(some.double().mT, share) for some in columns]
        average = (means[0] if len(means) == 1 else torch.cat(means)).view(tensor.shape[1:])
        return (average if tensor.is_floating_point() else average.round()).to(tensor.dtype)

    return {name: one(tensor) for name, tensor in stacked.items()}
