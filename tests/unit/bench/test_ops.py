"""The words of plugins against torch, torch.distributions and closed forms."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Categorical, kl_divergence

from bench import ops
from bench.plugin import Batch, Out, Tensors

B, C = 6, 5
TOLERANCE = 1e-12  # double precision: only the order of operations may differ


def logits(seed: int, rows: int = B) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, C, generator=generator, dtype=torch.float64).mul_(2).requires_grad_()


def out(values: Tensor) -> Out:
    return Out(values, values)


def batch(rows: int = B, w: list[float] | None = None) -> Batch:
    numbers = torch.arange(rows)
    weights = None if w is None else torch.tensor(w, dtype=torch.float64)
    return Batch(x=torch.zeros(rows, 1, 1, 1), y=numbers % C, rows=numbers, w=weights)


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=TOLERANCE, atol=TOLERANCE)


KNOWN = torch.tensor([1.0, 0.0, 1.0, 1.0, 1.0], dtype=torch.float64)  # by class


def test_cross_entropy_with_a_table_of_classes_is_torchs_with_soft_targets() -> None:
    values, targets, y = logits(0), logits(1)[:C].softmax(1), batch().y
    rows = torch.stack([KNOWN[label] * F.cross_entropy(v, targets[label]) for v, label in zip(values, y, strict=True)])
    close(ops.class_cross_entropy(out(values), targets, KNOWN, batch()), rows.mean())


def test_with_certain_targets_it_is_the_cross_entropy() -> None:
    values, certain = logits(0), torch.eye(C, dtype=torch.float64)
    close(
        ops.class_cross_entropy(out(values), certain, torch.ones(C), batch()), ops.cross_entropy(out(values), batch())
    )


def test_the_distance_to_a_table_of_classes_is_torchs_mean_squared_error() -> None:
    values, means = logits(0), logits(1)[:C]
    targets = torch.where(KNOWN[batch().y].bool()[:, None], means[batch().y], values).detach()
    close(ops.class_distance(out(values), means, KNOWN, batch()), F.mse_loss(values, targets))


@pytest.mark.parametrize("word", [ops.class_cross_entropy, ops.class_distance])
def test_tables_get_no_gradient_and_padding_does_not_count(word: Any) -> None:
    full, values, _ = padded()
    table = logits(1)[:C]
    loss = word(out(values), table, KNOWN, full)
    close(loss, word(out(values[:B]), table, KNOWN, batch()))
    of_values, of_table = torch.autograd.grad(loss, [values, table], allow_unused=True)
    assert of_table is None
    assert not of_values[B:].any()


def test_constants_have_no_gradient() -> None:
    values = logits(0)
    assert not ops.constant(values).requires_grad
    assert torch.equal(ops.constant(values), values)


def padded(rows: int = B, padding: int = 3) -> tuple[Batch, Tensor, Tensor]:
    """A batch with rows that do not count, and two sets of logits whose padding holds wild values."""
    full = batch(rows + padding, [1.0] * rows + [0.0] * padding)
    pair = []
    for seed in (0, 1):
        values = torch.cat([logits(seed).detach(), torch.full((padding, C), 50.0 * (seed + 1)).double()])
        values[rows:, 0] = -30.0
        pair.append(values.requires_grad_())
    return full, pair[0], pair[1]


def test_cross_entropy_is_minus_the_mean_log_probability() -> None:
    values = logits(0)
    expected = -Categorical(logits=values).log_prob(batch().y).mean()
    close(ops.cross_entropy(out(values), batch()), expected)


def test_cross_entropy_of_uniform_guesses_is_log_c() -> None:
    found = ops.cross_entropy(out(torch.zeros(B, C, dtype=torch.float64)), batch())
    close(found, torch.tensor(C, dtype=torch.float64).log())


def test_kl_is_that_of_torch_distributions_teacher_first() -> None:
    student, teacher = logits(0), logits(1)
    expected = kl_divergence(Categorical(logits=teacher), Categorical(logits=student)).mean()
    close(ops.kl(out(student), out(teacher), batch()), expected)
    other_way = kl_divergence(Categorical(logits=student), Categorical(logits=teacher)).mean()
    assert (expected - other_way).abs() > 0.1  # so that the direction shows


def test_kl_is_batchmean_and_not_mean() -> None:
    student, teacher = logits(0), logits(1)
    found = ops.kl(out(student), out(teacher), batch())
    target = teacher.detach().softmax(1)
    close(found, F.kl_div(student.log_softmax(1), target, reduction="batchmean"))
    close(found / C, (target * (target.log() - student.log_softmax(1))).mean())


def test_kl_of_equals_is_zero_and_flat() -> None:
    student = logits(0)
    divergence = ops.kl(out(student), out(student.detach().clone()), batch())
    (gradient,) = torch.autograd.grad(divergence, student)
    close(divergence, torch.zeros_like(divergence))
    close(gradient, torch.zeros_like(gradient))


def test_kl_of_certain_teachers_is_finite() -> None:
    certain = torch.full((B, C), -1e4, dtype=torch.float64)
    certain[:, 0] = 0.0
    found = ops.kl(out(torch.zeros(B, C, dtype=torch.float64)), out(certain), batch())
    close(found, torch.tensor(C, dtype=torch.float64).log())


def test_kl_at_a_temperature_is_that_of_cooler_logits() -> None:
    student, teacher = logits(0), logits(1)
    close(
        ops.kl(out(student), out(teacher), batch(), temperature=2.5),
        ops.kl(out(student / 2.5), out(teacher / 2.5), batch()),
    )
    neutral, plain = (ops.kl(out(student), out(teacher), batch(), temperature=t) for t in (1.0, None))
    assert torch.equal(neutral, plain)


def test_kl_without_detach_moves_the_teacher_too() -> None:
    student, teacher = logits(0), logits(1)
    divergence = ops.kl(out(student), out(teacher), batch(), detach=False)
    expected = kl_divergence(Categorical(logits=teacher), Categorical(logits=student)).mean()
    close(divergence, expected)
    found, wanted = (torch.autograd.grad(value, [student, teacher]) for value in (divergence, expected))
    for one, other in zip(found, wanted, strict=True):
        close(one, other)
    assert found[1].abs().max() > 1e-2


def test_confidence_is_the_labels_mean_probability_and_a_constant() -> None:
    values = logits(0)
    found = ops.confidence(out(values), batch())
    close(found, values.detach().softmax(1)[torch.arange(B), batch().y].mean())
    assert not found.requires_grad
    full, wild, _ = padded()
    close(ops.confidence(out(wild), full), found)


def test_kl_gives_the_teacher_no_gradient() -> None:
    student, teacher = logits(0), logits(1)
    divergence = ops.kl(out(student), out(teacher), batch())
    to_student, to_teacher = torch.autograd.grad(divergence, [student, teacher], allow_unused=True)
    assert to_teacher is None
    close(to_student, (student.softmax(1) - teacher.softmax(1)).detach() / B)  # d KL / d logits, per row


@pytest.mark.parametrize("weights", [[1.0] * B, [1, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1]], ids=str)
def test_only_rows_that_count_count(weights: list[float]) -> None:
    student, teacher, some = logits(0), logits(1), batch(w=weights)
    kept = torch.tensor(weights) > 0
    part = Batch(x=some.x[kept], y=some.y[kept], rows=some.rows[kept])
    close(ops.cross_entropy(out(student), some), ops.cross_entropy(out(student[kept]), part))
    close(ops.kl(out(student), out(teacher), some), ops.kl(out(student[kept]), out(teacher[kept]), part))


def test_padding_moves_no_loss_and_gets_no_gradient() -> None:
    full, student, teacher = padded()
    loss = ops.cross_entropy(out(student), full) + ops.kl(out(student), out(teacher), full)
    bare = ops.cross_entropy(out(student[:B]), batch()) + ops.kl(out(student[:B]), out(teacher[:B]), batch())
    close(loss, bare)
    (gradient,) = torch.autograd.grad(loss, student)
    assert torch.equal(gradient[B:], torch.zeros(3, C, dtype=torch.float64))
    assert (gradient[:B] != 0).all()


def test_a_batch_of_padding_alone_costs_nothing() -> None:
    student, nothing = logits(0), batch(w=[0.0] * B)
    loss = ops.cross_entropy(out(student), nothing) + ops.kl(out(student), out(logits(1)), nothing)
    (gradient,) = torch.autograd.grad(loss, student)
    assert loss.item() == 0
    assert not gradient.any()


def models() -> tuple[Tensors, Tensors]:
    generator = torch.Generator().manual_seed(2)

    def one() -> Tensors:
        shapes = {"w": (3, 4), "b": (4,), "mean": (2,)}
        return {
            n: torch.randn(s, generator=generator, dtype=torch.float64, requires_grad=True) for n, s in shapes.items()
        }

    return one(), one()


def test_squared_distance_and_inner_product_are_over_the_names_given() -> None:
    a, b = models()
    names = ["w", "b"]
    flat_a, flat_b = (torch.cat([m[name].flatten() for name in names]) for m in (a, b))
    close(ops.sq_distance(a, b, names), (flat_a - flat_b).norm() ** 2)
    close(ops.dot(a, b, names), flat_a @ flat_b)


def test_the_squared_distance_pulls_by_twice_the_difference() -> None:
    a, b = models()
    (gradient,) = torch.autograd.grad(ops.sq_distance(a, b, ["w", "b"]), a["w"])
    close(gradient, 2 * (a["w"] - b["w"]).detach())


def test_the_squared_distance_is_flat_at_zero() -> None:
    a, _ = models()
    same = {name: tensor.detach().clone() for name, tensor in a.items()}
    (gradient,) = torch.autograd.grad(ops.sq_distance(a, same, ["w"]), a["w"])
    assert not gradient.any()


def test_zeros_have_shape_and_type() -> None:
    found = ops.zeros({"w": torch.ones(2, 3), "count": torch.tensor(7)})
    assert torch.equal(found["w"], torch.zeros(2, 3))
    assert torch.equal(found["count"], torch.tensor(0))
    assert found["count"].dtype == torch.int64


def test_the_mean_is_the_weighted_sum() -> None:
    generator = torch.Generator().manual_seed(3)
    stacked = torch.randn(4, 2, 3, generator=generator, dtype=torch.float64)
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0])
    expected = sum(n / 10 * one for n, one in zip((1, 2, 3, 4), stacked, strict=True))
    found = ops.mean({"w": stacked}, weights)["w"]
    close(found, torch.as_tensor(expected))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (300, 500)], ids=str)
def test_the_mean_is_the_same_however_many_numbers_are_summed_at_a_time(shape: tuple[int, ...]) -> None:
    """A batch counter, a bias of no unit, one of few, and a layer of many more than go at once."""
    generator = torch.Generator().manual_seed(6)
    stacked, weights = torch.randn(5, *shape, generator=generator), torch.arange(1.0, 6.0)
    found = ops.mean({"w": stacked}, weights)["w"]
    whole = torch.tensordot(weights.double() / 15, stacked.double(), dims=1)
    assert found.shape == shape
    assert torch.equal(found, whole.float())


@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0], [7.0, 11.0, 13.0], [1e-3, 1e6, 0.0]], ids=str)
def test_the_mean_of_equals_is_one_of_them_to_the_bit(weights: list[float]) -> None:
    generator = torch.Generator().manual_seed(4)
    one = torch.cat([torch.randn(500, generator=generator), torch.tensor([1e30, 1e-30, 3e38, 0.0])])
    found = ops.mean({"w": torch.stack([one] * 3)}, torch.tensor(weights))["w"]
    assert found.dtype == torch.float32
    assert torch.equal(found, one)


def test_the_order_of_clients_shows_in_the_last_bit_at_most() -> None:
    """Where the exact mean lies half way between two float32 values, the order may decide; these weights meet such."""
    generator = torch.Generator().manual_seed(5)
    stacked, weights = torch.randn(7, 1000, generator=generator), torch.arange(1.0, 8.0)
    order = torch.randperm(7, generator=generator)
    found, shuffled = (ops.mean({"w": stacked[o]}, weights[o])["w"] for o in (torch.arange(7), order))
    up = torch.nextafter(found, torch.full_like(found, torch.inf))
    down = torch.nextafter(found, torch.full_like(found, -torch.inf))
    assert ((shuffled == found) | (shuffled == up) | (shuffled == down)).all()


def test_counters_are_averaged_rounded_and_stay_integers() -> None:
    stacked = {"count": torch.tensor([10, 20, 40]), "big": torch.tensor([2**40, 2**40 + 2, 2**40 + 4])}
    found = ops.mean(stacked, torch.tensor([1.0, 1.0, 1.0]))
    assert found["count"].dtype == torch.int64
    assert (found["count"].item(), found["big"].item()) == (23, 2**40 + 2)


def test_a_client_of_weight_zero_is_not_heard() -> None:
    stacked = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert torch.equal(ops.mean({"w": stacked}, torch.tensor([0.0, 5.0]))["w"], stacked[1])
