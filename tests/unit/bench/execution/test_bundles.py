"""Which cells run side by side."""

from dataclasses import replace

from bench.execution.bundles import LONGEST, bundles
from tests.world import cell

STACKED = cell(engine="vectorised")


def made(**axes: int) -> list:
    return [
        replace(STACKED, algorithm=name, replicate=r, alpha=a)
        for name in ("fedavg", "fml")
        for r in range(axes.get("replicates", 2))
        for a in (0.1, 1.0)
    ]


def test_cells_that_differ_in_replicate_and_alpha_only_share_a_bundle() -> None:
    found = bundles(made(), lambda _: 1e-3, jobs=1)
    assert sorted(len(bundle) for bundle in found) == [2, 2, 2, 2]  # four for each process, so that ends even out
    assert all(len({(c.algorithm, c.zoo) for c in bundle}) == 1 for bundle in found)


def test_float_hyperparameters_may_differ_and_others_may_not() -> None:
    pair = [replace(STACKED, algorithm="prox", params={"mu": mu}) for mu in (0.1, 0.2)]
    found = bundles([*pair, *made(replicates=20)], lambda c: 1.0 if c.params else 10.0, jobs=1)
    assert pair in [list(bundle) for bundle in found]
    words = [replace(STACKED, algorithm="prox", params={"average": word}) for word in ("uniform", "examples")]
    found = bundles([*words, *made(replicates=20)], lambda c: 1.0 if c.params else 10.0, jobs=1)
    assert not [bundle for bundle in found if len(bundle) > 1 and bundle[0].params]


def test_every_cell_is_in_exactly_one_bundle_and_none_is_too_long() -> None:
    cells = made(replicates=25)
    found = bundles(cells, lambda _: 11.0, jobs=1)
    assert sorted(c.hash for bundle in found for c in bundle) == sorted(c.hash for c in cells)
    assert max(len(bundle) for bundle in found) * 11.0 <= LONGEST + 11.0


def test_an_engine_that_does_not_stack_gets_cells_one_by_one() -> None:
    assert all(len(b) == 1 for b in bundles([replace(c, engine="reference") for c in made()], lambda _: 1.0, jobs=2))


def test_whole_replicates_come_first_and_the_longest_within_each() -> None:
    alone = [replace(c, engine="reference") for c in made()]
    found = [b[0] for b in bundles(alone[::-1], lambda c: 2.0 if c.algorithm == "fml" else 1.0, jobs=1)]
    assert [(c.replicate, c.algorithm) for c in found] == [
        (r, n) for r in (0, 1) for n in ("fml", "fml", "fedavg", "fedavg")
    ]
