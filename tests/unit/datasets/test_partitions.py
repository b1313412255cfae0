"""What holds for every partition of the registry, and what makes each the one it is."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data import DataError, Partition
from bench.parameters import ParameterError
from bench.registry import PARTITIONS
from datasets.dealing import LARGEST_ALPHA, TRIES
from datasets.dirichlet import _capped, _serve
from datasets.heterogeneity import describe, identity

OURS = ("classes", "dirichlet", "dirichlet-capped", "dirichlet-client", "iid", "quantity", "shards")
WITH_ALPHA = ("dirichlet", "dirichlet-capped", "dirichlet-client", "quantity")
WITH_MINIMUM = ("dirichlet", "dirichlet-capped", "quantity")
FIXED_SIZES = ("dirichlet-client", "iid", "shards")

quick = settings(deadline=None, max_examples=40, derandomize=True, database=None)


def made(name: str, **parameters: int) -> Partition:
    partition: Partition = PARTITIONS.get(name)(**parameters)
    return partition


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def uneven_labels(samples: int, classes: int, seed: int = 0) -> np.ndarray:
    """Shuffled labels of classes whose sizes differ up to threefold; each class occurs."""
    weights = np.linspace(1, 3, classes)
    drawn = rng(seed).choice(classes, samples - classes, p=weights / weights.sum())
    return rng(seed + 1).permutation(np.concatenate([np.arange(classes), drawn])).astype(np.int64)


def _all_held(name: str, classes: int, clients: int) -> dict[str, int]:
    """Enough classes per client that each class is held by somebody, whatever is drawn."""
    return {"per_client": classes if clients < classes else 1} if name == "classes" else {}


def counts_of(labels: np.ndarray, parts: list[np.ndarray]) -> np.ndarray:
    return np.array(describe(labels, parts, int(labels.max()) + 1).counts)


def test_all_partitions_are_registered():
    assert set(OURS) <= set(PARTITIONS.names())
    assert {name for name in OURS if PARTITIONS.get(name).uses_alpha} == set(WITH_ALPHA)


@pytest.mark.parametrize("name", OURS)
@quick
@given(
    samples=st.integers(200, 700),
    classes=st.integers(1, 12),
    clients=st.integers(1, 12),
    alpha=st.sampled_from([0.5, 1.0, 100.0]),
    seed=st.integers(0, 2**32),
)
def test_every_row_goes_to_exactly_one_client(name, samples, classes, clients, alpha, seed):
    labels = uneven_labels(samples, classes)
    partition = made(name, **({"minimum": 1} if name in WITH_MINIMUM else _all_held(name, classes, clients)))
    parts = partition.draw(labels, clients, alpha, rng(seed))
    assert len(parts) == clients
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(samples))
    assert all(part.dtype == np.int64 and np.all(np.diff(part) > 0) and len(part) >= 1 for part in parts)
    if name in FIXED_SIZES:
        sizes = [len(part) for part in parts]
        assert max(sizes) - min(sizes) <= (partition.parameters().get("per_client", 1))


@pytest.mark.parametrize("name", OURS)
def test_the_same_stream_gives_the_same_bytes_and_another_gives_others(name):
    labels = uneven_labels(1000, 10)
    first, again, other = (identity(made(name).draw(labels, 11, 1.0, rng(seed))) for seed in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.parametrize("name", WITH_MINIMUM)
@pytest.mark.parametrize("minimum", [1, 10, 40])
def test_the_minimum_is_kept(name, minimum):
    labels = uneven_labels(1000, 10)
    for seed in range(20):
        parts = made(name, minimum=minimum).draw(labels, 6, 0.8, rng(seed))
        assert min(map(len, parts)) >= minimum


@pytest.mark.parametrize("name", ["dirichlet", "dirichlet-capped", "dirichlet-client", "shards"])
def test_the_order_of_rows_does_not_decide_who_gets_how_many_of_a_class(name):
    labels = uneven_labels(1000, 10)
    shuffled = labels[rng(9).permutation(len(labels))]
    ours, theirs = (counts_of(y, made(name).draw(y, 7, 0.5, rng(1))) for y in (labels, shuffled))
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("name", OURS)
def test_alpha_is_ignored_where_it_means_nothing(name):
    labels = uneven_labels(600, 6)
    low, high = (identity(made(name).draw(labels, 6, alpha, rng())) for alpha in (1.0, 10.0))
    assert (low != high) == (name in WITH_ALPHA)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dirichlet", "ffe25759d42c2a6b"),
        ("dirichlet-capped", "bc84fcdcc8ef9d49"),
        ("dirichlet-client", "0baddc48df84ef71"),
        ("iid", "ec41270ac1997330"),
        ("quantity", "05800988ed784eb7"),
        ("shards", "c5dacec0b6dde534"),
    ],
)
def test_draws_have_not_changed(name, expected):
    """Golden: a changed hash means that stored results and new ones no longer share their partitions.

    The hashes hold for the pinned NumPy; its generators may change with a minor version (NEP 19).
    """
    labels = np.arange(1000) % 10
    assert identity(made(name).draw(labels, 7, 0.5, rng(2026)))[:16] == expected


# What each partition is


@pytest.mark.parametrize("name", WITH_ALPHA)
def test_large_alpha_is_even(name):
    labels = np.arange(20_000) % 10
    figures = describe(labels, made(name).draw(labels, 10, LARGEST_ALPHA, rng()), 10)
    assert figures.size_cv < 0.01
    assert figures.label_distance < 0.05  # of chance alone, as for iid
    assert figures.effective_classes > 9.9


def test_draws_of_classes_have_not_changed():
    labels = np.arange(1000) % 10
    assert identity(made("classes").draw(labels, 12, None, rng(2026)))[:16] == "b4eacd6d4183dd42"


def test_small_alpha_leaves_one_class_to_each_client():
    labels = np.arange(10_000) % 10
    figures = describe(labels, made("dirichlet-client").draw(labels, 40, 1e-4, rng()), 10)
    # A class serves four clients; the last ones to be served find theirs gone and take what remains.
    assert np.median((np.array(figures.counts) > 0).sum(axis=1)) == 1


def test_capped_repeats_the_published_loop():
    """The loop of NIID-Bench's `noniid-labeldir`, in lists, on the same Dirichlet draws."""
    sizes, clients, alpha = np.array([90, 120, 60, 130, 100]), 4, 0.7
    for seed in range(50):
        source = rng(seed)
        held: list[list[int]] = [[] for _ in range(clients)]
        for c, size in enumerate(sizes):
            shares = source.dirichlet(np.repeat(alpha, clients))
            shares = np.array([p * (len(h) < sizes.sum() / clients) for p, h in zip(shares, held, strict=True)])
            bounds = (np.cumsum(shares / shares.sum()) * size).astype(int)[:-1]
            held = [h + [c] * len(part) for h, part in zip(held, np.split(np.arange(size), bounds), strict=True)]
        published = np.array([np.bincount(h, minlength=len(sizes)) for h in held])
        # Rounding: their last client also gets what the cumulated sum misses by an ulp, even when it is capped.
        assert np.abs(_capped(sizes, clients, alpha, rng(seed)) - published).max() <= 1


def test_the_cap_acts_and_only_in_the_capped_one():
    labels, clients = np.arange(5000) % 10, 10
    passed = 0
    for seed in range(20):
        counts = counts_of(labels, made("dirichlet-capped").draw(labels, clients, 0.3, rng(seed)))
        before = np.cumsum(counts, axis=1) - counts  # what a client held when a class was dealt
        assert not counts[before >= 500].any()
        uncapped = counts_of(labels, made("dirichlet").draw(labels, clients, 0.3, rng(seed)))
        passed += bool(uncapped[np.cumsum(uncapped, axis=1) - uncapped >= 500].any())
    assert passed == 20


def test_a_class_that_only_capped_clients_would_get_is_a_failed_try():
    class Source:
        def dirichlet(self, level, classes):
            return np.array([[1.0, 0.0], [1.0, 0.0]])  # the first client would get both classes

    assert not _capped(np.array([10, 10]), 2, 1e-9, Source()).any()


def test_client_draws_are_one_by_one_without_replacement():
    """One of class 0 and two of class 1 left, q = (.8, .2), two samples: (0, 2) with .2 * .2, otherwise (1, 1)."""
    source, left, n = rng(), np.array([1, 2]), 5000
    outcomes = [tuple(_serve(np.array([0.8, 0.2]), 2, left, source).tolist()) for _ in range(n)]
    assert set(outcomes) == {(0, 2), (1, 1)}
    assert outcomes.count((0, 2)) / n == pytest.approx(0.04, abs=4 * (0.04 * 0.96 / n) ** 0.5)


def test_a_client_whose_classes_have_run_out_takes_what_remains():
    taken = _serve(np.array([1.0, 0.0, 0.0]), 5, np.array([0, 4, 3]), rng())
    assert taken[0] == 0
    assert taken.sum() == 5


def test_the_number_of_a_client_says_nothing_of_its_place_in_the_queue():
    """The last one served has the least to choose from; were it always client 9, its labels would be the most even."""
    labels = np.arange(1000) % 10
    last = [counts_of(labels, made("dirichlet-client").draw(labels, 10, 0.1, rng(s)))[9].max() for s in range(60)]
    first = [counts_of(labels, made("dirichlet-client").draw(labels, 10, 0.1, rng(s)))[0].max() for s in range(60)]
    assert abs(np.mean(last) - np.mean(first)) < 4 * np.hypot(np.std(last), np.std(first)) / 60**0.5


@pytest.mark.parametrize(("per_client", "most"), [(1, 1), (2, 2), (3, 3)])
def test_shards_bound_the_classes_of_a_client(per_client, most):
    labels = rng(5).permutation(np.arange(6000) % 10)
    parts = made("shards", per_client=per_client).draw(labels, 20, None, rng())
    # Shards of 300, 150, 100 rows never straddle classes of 600.
    assert (counts_of(labels, parts) > 0).sum(axis=1).max() <= most
    assert {len(part) for part in parts} == {300}


def test_quantity_differs_in_sizes_not_in_labels():
    labels = np.arange(20_000) % 10
    figures = describe(labels, made("quantity").draw(labels, 10, 1.0, rng()), 10)
    assert figures.size_cv > 0.3
    assert figures.effective_classes > 9


# Bad input


@pytest.mark.parametrize("name", WITH_ALPHA)
@pytest.mark.parametrize("alpha", [0.0, -0.1, float("nan"), float("inf"), 1e300, None])
def test_alpha_out_of_range(name, alpha):
    with pytest.raises(DataError, match=r"alpha: expected a number > 0 and at most 1e\+09, got"):
        made(name).draw(uneven_labels(500, 5), 5, alpha, rng())


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize(
    ("labels", "clients", "message"),
    [
        (np.arange(100) % 5, 0, "clients: expected at least 1, got 0"),
        (np.arange(100) % 5, -3, "clients: expected at least 1, got -3"),
        (np.arange(100) % 5, 101, "clients: expected at most 100, one for each training sample, got 101"),
        (np.zeros(0, np.int64), 1, "clients: expected at most 0"),
        (np.array([0, 2] * 50), 2, "class 1 is absent: labels run from 0 to 2"),
        (np.array([1, 2] * 50), 2, "class 0 is absent"),
        (np.array([0, 10**12] * 50), 2, "is absent: labels run from 0 to 1000000000000"),
        (np.array([0, -1] * 50), 2, "labels: expected class numbers from 0, got -1"),
    ],
)
def test_labels_that_cannot_be_dealt(name, labels, clients, message):
    with pytest.raises(DataError, match=message):
        made(name).draw(labels, clients, 1.0, rng())


@pytest.mark.parametrize("name", WITH_MINIMUM)
def test_an_impossible_minimum_is_refused_at_once(name):
    with pytest.raises(DataError) as caught:
        made(name, minimum=30).draw(uneven_labels(500, 5), 20, 0.5, rng())
    text = str(caught.value)
    assert text.startswith(
        f"{name} with alpha 0.5 and 20 clients: 20 clients with a minimum of 30 samples each need 600"
    )
    assert "fewer clients, a larger alpha or a smaller minimum (now 30)" in text


@pytest.mark.parametrize("name", WITH_MINIMUM)
def test_a_minimum_that_no_draw_meets_ends_after_bounded_tries(name):
    with pytest.raises(DataError) as caught:
        made(name, minimum=20).draw(uneven_labels(500, 5), 20, 0.01, rng())
    text = str(caught.value)
    assert f"{name} with alpha 0.01 and 20 clients: none of {TRIES} draws gave each client the minimum of 20" in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("per_client", [1, 2, 3])
def test_classes_are_exactly_so_many_and_shared_evenly(per_client):
    labels = np.arange(1000) % 10
    for seed in range(20):
        counts = counts_of(labels, made("classes", per_client=per_client).draw(labels, 12, None, rng(seed)))
        assert ((counts > 0).sum(axis=1) == per_client).all()
        assert all(counts[k, k % 10] > 0 for k in range(12))  # client k holds class k mod C
        for each in counts.T:
            held = each[each > 0]
            assert held.max() - held.min() <= 1


def test_classes_that_nobody_holds_or_that_are_too_many():
    labels = np.arange(100) % 10
    with pytest.raises(DataError, match=r"nobody holds class \d: 3 clients with 2 of 10 classes each"):
        made("classes").draw(labels, 3, None, rng())
    with pytest.raises(DataError, match="per_client: expected at most 10, the number of classes, got 11"):
        made("classes", per_client=11).draw(labels, 3, None, rng())
    with pytest.raises(DataError, match="a client gets 0 samples"):
        made("classes", per_client=1).draw(np.array([0, *([1] * 9)]), 6, None, rng())


def test_more_shards_than_samples():
    with pytest.raises(DataError, match=r"50 clients with 3 shards each .* need 150 samples, there are 100"):
        made("shards", per_client=3).draw(np.arange(100) % 5, 50, None, rng())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: made("dirichlet", minimum=0), "minimum: expected a whole number >= 1, got 0"),
        (lambda: made("shards", per_client=0), "per_client: expected a whole number >= 1, got 0"),
        (lambda: PARTITIONS.get("quantity")(minimum=1.5), "minimum: expected a whole number, got 1.5"),
    ],
)
def test_parameters_are_checked_on_construction(build: Callable[[], Partition], message: str):
    with pytest.raises(ParameterError, match=message):
        build()


def test_parameters_are_known_by_name():
    assert made("shards").parameters() == {"per_client": 2}
    assert made("iid").parameters() == {}
