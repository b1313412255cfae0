"""Suite files for tests: the complete example of the documentation, and changed copies of it."""

from pathlib import Path
from typing import Any

import pytest

from bench.declaration.mistakes import LINES
from bench.declaration.suite import SuiteError, load

EXAMPLE = """
name = "noniid"                     # result folder and report title
version = "1.0"                     # results compare within one major.minor
datasets = ["digits"]
partitions = ["dirichlet-capped"]
alphas = [0.1, 0.5, 1.0, 100.0]
zoos = ["cnn", "mixed"]
algorithms = ["fml", "fedavg", "fedprox", "local"]
replicates = 5
reference = "fml"
target_accuracy = 0.8
[training]
rounds = 30
clients = 10
participation = 1.0
local_epochs = 2                    # or local_steps
batch_size = 32
optimizer = {name = "sgd", lr = 0.05, momentum = 0.9, weight_decay = 0.0}
lr_schedule = {name = "constant"}   # step, cosine
evaluate_every = 1
selection = "validation"
[params.fedprox]
mu = 0.01
[params.fml]
alpha = 0.5
beta = 0.5
"""


def write(folder: Path, *changes: tuple[str, str], more: str = "") -> Path:
    """The example as a file in `folder`, with each (old, new) text replaced and `more` added at its end."""
    text = EXAMPLE
    for old, new in changes:
        assert old in text, f"the example has no {old!r} to replace"
        text = text.replace(old, new)
    path = folder / "suite.toml"
    path.write_text(text + more, encoding="utf-8")
    return path


def refusal(path: Path | str, **options: Any) -> list[str]:
    """The lines below the first one of the message with which a suite is refused."""
    with pytest.raises(SuiteError) as caught:
        load(path, options)
    lines = str(caught.value).splitlines()
    assert len(lines) <= LINES
    return lines[1:]
