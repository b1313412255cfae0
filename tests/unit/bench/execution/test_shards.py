"""Cutting a suite into shards: complete, disjoint, even, and the same everywhere."""

import json
import random
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.execution.bundles import LONGEST
from bench.execution.shards import shards
from bench.run import parser, plan
from tests.unit.bench.faults import FaultyCell, cells


def cost(cell: FaultyCell) -> float:
    return 1.0 + int(cell.hash[:2], 16)


@settings(deadline=None, max_examples=60, derandomize=True, database=None)
@given(number=st.integers(1, 12), kinds=st.integers(1, 7), replicates=st.integers(1, 6))
def test_each_cell_is_in_one_shard_and_no_shard_is_much_longer(number: int, kinds: int, replicates: int):
    made = cells(*(f"works-{kind}" for kind in range(kinds)), replicates=replicates)
    cut = shards(made, cost, number)
    assert len(cut) == number
    assert sorted(cell.hash for part in cut for cell in part) == sorted(cell.hash for cell in made)
    seconds = [sum(map(cost, part)) for part in cut]
    assert max(seconds) <= sum(seconds) / number + max(map(cost, made))
    for part in cut:
        assert [made.index(cell) for cell in part] == sorted(made.index(cell) for cell in part)


def test_neither_order_nor_repetition_moves_a_cell():
    made = cells(*(f"works-{kind}" for kind in range(6)), replicates=3)
    shuffled = random.Random(0).sample(made, len(made)) + made[:4]
    for part, other in zip(shards(made, cost, 4), shards(shuffled, cost, 4), strict=True):
        assert {cell.hash for cell in part} == {cell.hash for cell in other}


def test_cells_that_run_side_by_side_stay_together_as_far_as_evenness_allows():
    stackable = [FaultyCell("works", replicate, engine="vectorised") for replicate in range(64)]
    cut = shards(stackable, lambda cell: 1.0, 2)
    assert [len(part) for part in cut] == [32, 32]
    bundles = {cell.replicate // 8 for cell in cut[0]}
    assert len(bundles) == 4  # whole bundles of eight, see bench.execution.bundles
    long = shards(stackable, lambda cell: LONGEST, 2)
    assert [len(part) for part in long] == [32, 32]


def test_another_process_cuts_a_real_suite_alike():
    code = (
        "import json; from bench.run import parser, plan\n"
        "made = [plan(parser().parse_args(['--suite', 'smoke', '--replicates', '2', '--shard', f'{i}/3'])).cells"
        " for i in (1, 2, 3)]\n"
        "print(json.dumps([[cell.hash for cell in part] for part in made]))\n"
    )
    environment = {"PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    told = json.loads(done.stdout)
    assert sum(map(len, told)) == 32
    assert len({cell for part in told for cell in part}) == 32
    command = ["--suite", "smoke", "--replicates", "2", "--shard"]
    here = [plan(parser().parse_args([*command, f"{i}/3"])).cells for i in (1, 2, 3)]
    assert [[cell.hash for cell in part] for part in here] == told
