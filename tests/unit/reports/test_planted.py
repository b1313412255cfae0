"""From a suite to its verdicts, trained for real: a planted difference is found, a planted null is not called one."""

from pathlib import Path

import pandas as pd
import pytest

from bench.run import main
from reports.analysis import Analysis, analyse
from reports.results import read

PLUGIN = '''
from dataclasses import dataclass

from algorithms.fedavg import FedAvg
from bench.plugin import algorithm, number


@algorithm("test-copy")
@dataclass(frozen=True)
class Copy(FedAvg):
    """FedAvg, renamed: no true difference."""


@algorithm("test-slow")
@dataclass(frozen=True)
class Slow(FedAvg):
    """FedAvg whose loss is scaled: with momentum SGD and no weight decay, the learning rate times `factor`."""

    factor: float = number(0.4, low=0)

    def loss(self, *arguments, **named):
        return self.factor * super().loss(*arguments, **named)
'''
SUITE = """
name = "planted"
version = "1.0"
datasets = ["digits"]
partitions = ["dirichlet-capped"]
alphas = [0.5, 100.0]
zoos = ["mlp"]
algorithms = ["fedavg", "test-copy", "test-slow"]
replicates = 3
reference = "fedavg"
target_accuracy = 0.5
[training]
rounds = 4
clients = 5
local_epochs = 1
batch_size = 32
optimizer = {name = "sgd", lr = 0.05, momentum = 0.9, weight_decay = 0.0}
[params.test-slow]
factor = 0.2
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    (folder / "planted.toml").write_text(SUITE, encoding="utf-8")
    (folder / "planted.py").write_text(PLUGIN, encoding="utf-8")
    options = ["--plugin", str(folder / "planted.py"), "--out", str(folder / "out"), "--jobs", "1"]
    assert main(["--suite", str(folder / "planted.toml"), *options]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def found(out: Path) -> Analysis:
    return analyse(read(out))


def test_a_slightly_wrong_learning_rate_is_found_and_a_renamed_copy_is_not(found: Analysis) -> None:
    words = {each.pair.first: each.verdict for each in found.verdicts}
    assert words["test-slow"] == "worse"
    assert words["test-copy"] in ("practically equal", "undecided")
    slow = next(each for each in found.verdicts if each.pair.first == "test-slow")
    assert (slow.estimate.n, slow.cells, slow.descriptive) == (3, 2, True)
    assert not any(each.discovered for each in found.cells if each.algorithm == "test-copy")


def test_the_report_of_the_run_says_so(out: Path) -> None:
    text = (out / "report" / "report.md").read_text(encoding="utf-8")
    assert "**worse**: test-slow is worse than fedavg: −" in text
    table = pd.read_csv(out / "report" / "tables" / "verdicts.csv").set_index("algorithm")
    assert table.loc["test-slow", "difference_high"] < -0.5
    assert table.loc["test-copy", "verdict"] in ("practically equal", "undecided")
    assert (out / "report" / "report.html").stat().st_size < 3_000_000
