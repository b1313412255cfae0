"""Many clients' values in the place of one client's: what is known, and that all else is refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from bench import ops
from bench.many import Many, Unknown
from bench.plugin import Batch, Out

K, B, C = 3, 5, 4


def logits() -> torch.Tensor:
    return torch.randn(K, B, C, dtype=torch.float64, requires_grad=True)


def many(logits: torch.Tensor) -> Any:
    return Out(Many(logits), Many(logits))  # type: ignore[arg-type]


def test_losses_and_their_gradients_are_each_clients_own() -> None:
    a, b, y = logits(), logits(), torch.randint(0, C, (K, B))
    mu = Many(torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64))

    def loss(first: Any, second: Any, batch: Batch, mu: Any) -> Any:
        term = 1 - mu
        return (
            mu * ops.cross_entropy(first, batch)
            + term * ops.kl(first, second, batch) / 2
            - (-ops.kl(second, first, batch)) * torch.tensor(0.5)
        )

    batch: Any = Batch(Many(a), Many(y), Many(y))  # type: ignore[arg-type]
    together = loss(many(a), many(b), batch, mu).stack
    assert together.shape == (K,)
    found = torch.autograd.grad(together.sum(), (a, b))
    for k in range(K):
        one, two = (t[k].detach().requires_grad_() for t in (a, b))
        alone = loss(Out(one, one), Out(two, two), Batch(one, y[k], y[k]), mu.stack[k])
        assert torch.allclose(together[k], alone)
        for whole, own in zip(found, torch.autograd.grad(alone, (one, two)), strict=True):
            assert torch.allclose(whole[k], own)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize(
    "each", [None, 2.0, torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)], ids=["none", "2", "own"]
)
def test_divergences_of_every_kind_are_each_clients_own(each: Any, detach: bool) -> None:
    a, b, y = logits(), logits(), torch.randint(0, C, (K, B))
    batch: Any = Batch(Many(a), Many(y), Many(y))  # type: ignore[arg-type]
    own = isinstance(each, torch.Tensor)
    together: Any = ops.kl(many(a), many(b), batch, temperature=Many(each) if own else each, detach=detach)
    found = torch.autograd.grad(together.stack.sum(), (a, b), allow_unused=detach)
    for k in range(K):
        one, two = (t[k].detach().requires_grad_() for t in (a, b))
        alone = ops.kl(
            Out(one, one), Out(two, two), Batch(one, y[k], y[k]), temperature=each[k] if own else each, detach=detach
        )
        assert torch.allclose(together.stack[k], alone)
        wanted = torch.autograd.grad(alone, (one, two), allow_unused=detach)
        assert (wanted[1] is None) == (found[1] is None) == detach
        for whole, part in zip(found, wanted, strict=True):
            assert whole is None or torch.allclose(whole[k], part)


def test_confidence_is_each_clients_own_and_a_constant() -> None:
    a, y = logits(), torch.randint(0, C, (K, B))
    batch: Any = Batch(Many(a), Many(y), Many(y))  # type: ignore[arg-type]
    found: Any = ops.confidence(many(a), batch)
    assert not found.stack.requires_grad
    for k in range(K):
        assert torch.allclose(found.stack[k], ops.confidence(Out(a[k], a[k]), Batch(a[k], y[k], y[k])))


def test_distances_and_inner_products() -> None:
    a, b = torch.randn(2, K, 3, 2)
    for word in (ops.sq_distance, ops.dot):
        found: Any = word({"w": Many(a)}, {"w": Many(b)}, ["w"])  # type: ignore[dict-item]
        for k in range(K):
            assert torch.allclose(found.stack[k], word({"w": a[k]}, {"w": b[k]}, ["w"]))


@pytest.mark.parametrize("word", [ops.class_cross_entropy, ops.class_distance])
def test_losses_against_a_table_of_classes_are_each_clients_own(word: Any) -> None:
    a, y = logits(), torch.randint(0, C, (K, B))
    table, known = torch.rand(K, C, C, dtype=torch.float64), torch.randint(0, 2, (K, C)).double()
    batch: Any = Batch(Many(a), Many(y), Many(y))  # type: ignore[arg-type]
    together = word(many(a), Many(table), Many(known), batch).stack
    (found,) = torch.autograd.grad(together.sum(), a)
    for k in range(K):
        one = a[k].detach().requires_grad_()
        alone = word(Out(one, one), table[k], known[k], Batch(one, y[k], y[k]))
        assert torch.allclose(together[k], alone)
        assert torch.allclose(found[k], torch.autograd.grad(alone, one)[0])


def test_a_constant_has_no_gradient() -> None:
    a, y = logits(), torch.randint(0, C, (K, B))
    batch: Any = Batch(Many(a), Many(y), Many(y))  # type: ignore[arg-type]
    loss: Any = ops.cross_entropy(many(a), batch)
    divided = loss / ops.constant(loss)
    assert torch.equal(divided.stack, torch.ones(K, dtype=torch.float64))
    (found,) = torch.autograd.grad(divided.stack.sum(), a)
    (plain,) = torch.autograd.grad(ops.cross_entropy(many(a), batch).stack.sum(), a)  # type: ignore[attr-defined]
    assert torch.allclose(found, plain / loss.stack[:, None, None])


VALUE, SCALAR = Many(torch.ones(K, B)), Many(torch.ones(K))
BATCH: Any = Batch(VALUE, Many(torch.zeros(K, B, dtype=torch.int64)), VALUE)  # type: ignore[arg-type]
TABLES: Any = Many(torch.ones(K, C, C))
REFUSED: dict[str, Callable[[], Any]] = {
    "a method": lambda: VALUE.sum(),
    "a function": lambda: torch.exp(VALUE),  # type: ignore[arg-type]
    "a function of scalars": lambda: torch.stack([SCALAR, SCALAR]),  # type: ignore[list-item]
    "arithmetic on rows": lambda: VALUE + 1,
    "arithmetic with rows": lambda: SCALAR * torch.ones(K),
    "a power": lambda: SCALAR**2,  # type: ignore[operator]
    "a comparison of equals": lambda: SCALAR == 1,
    "a branch": lambda: bool(SCALAR),
    "a comparison": lambda: SCALAR > 0,
    "an index": lambda: VALUE[0],
    "a length": lambda: len(VALUE),
    "a number": lambda: float(SCALAR),
    "one teacher for all": lambda: ops.kl(many(logits()), Out(logits(), logits()), None),  # type: ignore[arg-type]
    "one table for all": lambda: ops.class_distance(many(logits()), torch.ones(C, C), torch.ones(C), BATCH),
    "one list for all": lambda: ops.class_cross_entropy(
        many(logits()), Many(torch.ones(K, C, C)), torch.ones(C), BATCH
    ),  # type: ignore[arg-type]
    "one model for all": lambda: ops.sq_distance({"w": VALUE}, {"w": torch.ones(B)}, ["w"]),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_known_to_mean_the_same_for_each_is_refused(case: str) -> None:
    with pytest.raises(Unknown):
        REFUSED[case]()
