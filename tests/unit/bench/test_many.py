"""Many clients' values in the place of one client's: what is known, and that all else is refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from bench import ops
from bench.many import Back, Many, Unknown, walk_back
from bench.plugin import Batch, Out

K, B, C = 3, 5, 4


def logits() -> torch.Tensor:
    return torch.randn(K, B, C, dtype=torch.float64)


class Leaf(Many):
    """Values whose gradient is asked for."""

    __slots__ = ("gradient",)

    def __init__(self, stack: torch.Tensor) -> None:
        self.gradient: torch.Tensor | None = None
        super().__init__(stack, Back([], self._take))

    def _take(self, gradient: torch.Tensor) -> None:
        assert self.gradient is None  # it comes once, whole
        self.gradient = gradient


def gradients(loss: Any, *leaves: Leaf) -> list[torch.Tensor | None]:
    """Of the sum of a loss over its clients; None where nothing comes back."""
    walk_back(loss.back, torch.ones_like(loss.stack))
    return [leaf.gradient for leaf in leaves]


def many(logits: torch.Tensor | Many) -> Any:
    values = logits if isinstance(logits, Many) else Many(logits)
    return Out(values, values)  # type: ignore[arg-type]


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
    first, second = Leaf(a), Leaf(b)
    value = loss(many(first), many(second), batch, mu)
    together = value.stack
    assert together.shape == (K,)
    found = gradients(value, first, second)
    for k in range(K):
        one, two = (t[k].detach().requires_grad_() for t in (a, b))
        alone = loss(Out(one, one), Out(two, two), Batch(one, y[k], y[k]), mu.stack[k])
        assert torch.allclose(together[k], alone)
        for whole, own in zip(found, torch.autograd.grad(alone, (one, two)), strict=True):
            assert whole is not None
            assert torch.allclose(whole[k], own)


@pytest.mark.parametrize("detach", [True, False])
@pytest.mark.parametrize(
    "each", [None, 2.0, torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)], ids=["none", "2", "own"]
)
def test_divergences_of_every_kind_are_each_clients_own(each: Any, detach: bool) -> None:
    a, b, y = logits(), logits(), torch.randint(0, C, (K, B))
    batch: Any = Batch(Many(a), Many(y), Many(y))  # type: ignore[arg-type]
    own = isinstance(each, torch.Tensor)
    first, second = Leaf(a), Leaf(b)
    together: Any = ops.kl(many(first), many(second), batch, temperature=Many(each) if own else each, detach=detach)
    found = gradients(together, first, second)
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
    found: Any = ops.confidence(many(Leaf(a)), batch)
    assert found.back is None
    for k in range(K):
        assert torch.allclose(found.stack[k], ops.confidence(Out(a[k], a[k]), Batch(a[k], y[k], y[k])))


def test_distances_and_inner_products() -> None:
    a, b = torch.randn(2, K, 3, 2)
    for word in (ops.sq_distance, ops.dot):
        first, second = Leaf(a), Leaf(b)
        found: Any = word({"w": first}, {"w": second}, ["w"])  # type: ignore[dict-item]
        reached = gradients(found, first, second)
        for k in range(K):
            one, two = (t[k].clone().requires_grad_() for t in (a, b))
            alone = word({"w": one}, {"w": two}, ["w"])
            assert torch.allclose(found.stack[k], alone)
            for whole, part in zip(reached, torch.autograd.grad(alone, (one, two)), strict=True):
                assert whole is not None
                assert torch.allclose(whole[k], part)


@pytest.mark.parametrize(
    "form",
    [
        lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: -a,
        lambda a, b: 2 - a, lambda a, b: a - 2, lambda a, b: 3 * a, lambda a, b: a / 4, lambda a, b: a + 1,
        lambda a, b: a * a + a * b - b / a, lambda a, b: torch.tensor(0.5) * a - torch.tensor(2.0),
    ],
)  # fmt: skip
def test_arithmetic_has_the_gradients_of_autograd(form: Any) -> None:
    a, b = torch.rand(2, K, dtype=torch.float64) + 0.5
    first, second = Leaf(a), Leaf(b)
    found = form(first, second)
    reached = gradients(found, first, second)
    one, two = (t.clone().requires_grad_() for t in (a, b))
    wanted = torch.autograd.grad(form(one, two).sum(), (one, two), allow_unused=True)
    assert torch.allclose(found.stack, form(a, b))
    for mine, theirs in zip(reached, wanted, strict=True):
        assert (mine is None) == (theirs is None)
        assert mine is None or torch.allclose(mine, theirs)  # type: ignore[arg-type]


@pytest.mark.parametrize("word", [ops.class_cross_entropy, ops.class_distance])
def test_losses_against_a_table_of_classes_are_each_clients_own(word: Any) -> None:
    a, y = logits(), torch.randint(0, C, (K, B))
    table, known = torch.rand(K, C, C, dtype=torch.float64), torch.randint(0, 2, (K, C)).double()
    batch: Any = Batch(Many(a), Many(y), Many(y))  # type: ignore[arg-type]
    leaf = Leaf(a)
    value = word(many(leaf), Many(table), Many(known), batch)
    together, (found,) = value.stack, gradients(value, leaf)
    assert found is not None
    for k in range(K):
        one = a[k].detach().requires_grad_()
        alone = word(Out(one, one), table[k], known[k], Batch(one, y[k], y[k]))
        assert torch.allclose(together[k], alone)
        assert torch.allclose(found[k], torch.autograd.grad(alone, one)[0])


def test_a_constant_has_no_gradient() -> None:
    a, y = logits(), torch.randint(0, C, (K, B))
    batch: Any = Batch(Many(a), Many(y), Many(y))  # type: ignore[arg-type]
    first, second = Leaf(a), Leaf(a)
    loss: Any = ops.cross_entropy(many(first), batch)
    divided = loss / ops.constant(loss)
    assert torch.equal(divided.stack, torch.ones(K, dtype=torch.float64))
    (found,) = gradients(divided, first)
    (plain,) = gradients(ops.cross_entropy(many(second), batch), second)
    assert found is not None
    assert plain is not None
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
