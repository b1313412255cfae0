"""Two runs of one suite: what is matched, what is refused, what is said."""

from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from reports.results import Results, read
from reports.versus.differences import Versus, compare, warnings
from reports.versus.matching import NotComparable
from tests.unit.reports import given, synthetic
from tests.unit.reports.given import noisy

TABLES = {"fedavg": noisy(0.8, seed=1), "mine": noisy(0.8, seed=2)}


def run(out: Path, tables: Any = None, base: int = 0, declared: Any = None, **identity: Any) -> Results:
    """A run of the suite whose cells have these settings, under hashes of their own."""
    made = []
    for cell in given.cells(tables or TABLES):
        seeds = dict.fromkeys(("partition_seed", "training_seed"), cell["identity"]["replicate"] + base)
        changed = {**deepcopy(cell), "identity": {**cell["identity"], **seeds, **identity}}
        changed["cell"] = f"{cell['cell'][:10]}{sha256(str(sorted(identity.items())).encode()).hexdigest()[:6]}"
        made.append(changed)
    names = {"algorithms": list(tables or TABLES), "reference": "fedavg"}
    return read(synthetic.write(out, made, synthetic.suite(**(names | (declared or {})))))


def shifted(by: float, seed: int = 7) -> dict[str, list[list[float]]]:
    noise = np.random.default_rng(seed).normal(0, 0.001, (5, 4))
    return {**TABLES, "mine": (np.asarray(TABLES["mine"]) + by + noise).tolist()}


def words(found: Versus) -> dict[str, str]:
    return {each.pair.first: each.verdict for each in found.verdicts}


def test_the_same_run_twice_differs_in_nothing(tmp_path: Path) -> None:
    found = compare(run(tmp_path / "a"), run(tmp_path / "b"))
    assert (len(found.matched.matches), found.done, found.identical) == (40, 40, 40)
    assert found.matched.differing == {}
    assert words(found) == {"fedavg in B": "practically equal", "mine in B": "practically equal"}
    assert (found.worse, found.lost, warnings(found)[0][:17]) == ([], [], "One data set only")
    assert [ratio.seconds.mean for ratio in found.ratios if ratio.seconds] == [1, 1]


def test_a_planted_loss_is_found_in_the_right_direction_and_size(tmp_path: Path) -> None:
    found = compare(run(tmp_path / "a"), run(tmp_path / "b", shifted(-0.02), precision="bf16"))
    assert words(found) == {"fedavg in B": "practically equal", "mine in B": "worse"}
    (worse,) = found.worse
    d = np.asarray(shifted(-0.02)["mine"]).mean(axis=1) - np.asarray(TABLES["mine"]).mean(axis=1)
    theirs = stats.ttest_1samp(d, 0).confidence_interval(1 - 0.05 / 2)
    assert (worse.estimate.mean, worse.estimate.low) == pytest.approx((d.mean(), theirs.low))
    assert found.matched.differing == {"precision": [("fp32", "bf16")]}
    assert found.identical == 20
    assert sum(each.discovered for each in found.cells) == 4


def test_how_cells_were_computed_may_differ_and_is_named(tmp_path: Path) -> None:
    digests = {"algorithm": "z", "partition": "b", "dataset": "c", "nets": "d"}
    found = compare(run(tmp_path / "a"), run(tmp_path / "b", digests=digests, engine="vectorised", numerics=2))
    assert found.done == 40
    assert found.matched.differing == {
        "engine": [("reference", "vectorised")],
        "numerics": [("1", "2")],
        "source of algorithm fedavg": [("a", "z")],
        "source of algorithm mine": [("a", "z")],
    }


def test_another_experiment_is_no_pair_unless_asked_for(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a"), run(tmp_path / "b", params={"mu": 1.0})
    with pytest.raises(
        NotComparable, match=r"they differ in 'params' \(40 cells\); to compare across it: --across params"
    ):
        compare(first, second)
    found = compare(first, second, across=["params"])
    assert found.done == 40
    assert found.matched.differing == {"params.mu": [("null", "1.0")]}


def test_other_draws_are_no_pairs(tmp_path: Path) -> None:
    with pytest.raises(NotComparable, match="expected the same algorithms"):
        compare(run(tmp_path / "a"), run(tmp_path / "b", base=100))
    half = compare(run(tmp_path / "a"), run(tmp_path / "c", base=2))
    assert half.done == 24
    assert {each.estimate.n for each in half.verdicts} == {3}
    assert "Without a partner: 16 cells of A, 16 cells of B." in warnings(half)
    assert warnings(half)[0].startswith("Descriptive only: 3 replicates")


@pytest.mark.parametrize("declared", [{"name": "other"}, {"version": "2.0"}])
def test_two_suites_are_refused(tmp_path: Path, declared: Any) -> None:
    with pytest.raises(NotComparable, match="expected two runs of one suite"):
        compare(run(tmp_path / "a"), run(tmp_path / "b", declared=declared))


def test_what_was_lost_is_named(tmp_path: Path) -> None:
    tables = {**TABLES, "mine": [[None, *row[1:]] for row in TABLES["mine"]]}
    found = compare(run(tmp_path / "a"), run(tmp_path / "b", tables))
    assert len(found.lost) == 5
    assert "5 cells finished in A and not in B (mine)." in warnings(found)
    mine = found.verdicts[1]
    assert (mine.cells, mine.estimate.n) == (3, 5)
    assert mine.bounds is not None


def test_partitions_that_were_drawn_anew_are_seen(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a"), run(tmp_path / "b")
    run_of_second = second.runs[0]
    assert run_of_second.score is not None
    object.__setattr__(run_of_second.score, "partition_hash", "other")
    assert any(text.startswith("1 cell did not meet the same partition") for text in warnings(compare(first, second)))
