"""Whether another machine may compute cells: what differs is named, and what is the same is let through."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.declaration.cell import cells
from bench.declaration.suite import load
from bench.execution import fitness
from bench.execution.fitness import Expected, load_sent, unfit
from bench.registry import ALGORITHMS, BrokenPlugin


def some_cell(**options: Any) -> Any:
    return cells(load("smoke", {"algorithms": "fedavg", "zoo": "mlp", **options}))[0]


def nothing() -> None:
    pass


def test_the_machine_that_asks_is_fit():
    assert unfit(Expected.here(), [some_cell()], None, nothing) is None


def test_other_code_and_other_libraries_are_named():
    here = Expected.here()
    other = unfit(replace(here, code="0" * 16), [], None, nothing)
    assert other == f"another version of the benchmark (digest {here.code}, expected {'0' * 16})"
    told = unfit(replace(here, libraries={"torch": "1.0"}), [], None, nothing)
    assert told is not None
    assert told.startswith("torch ")
    assert told.endswith(", expected 1.0")
    assert "+" not in (here.libraries["torch"] or "")  # builds for other devices are the same version


def test_every_python_file_of_the_benchmark_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "bench").mkdir()
    file = tmp_path / "bench" / "a.py"
    monkeypatch.setattr(fitness, "ROOT", tmp_path)
    seen = []
    for text in ("one", "two", "one"):
        file.write_text(text)
        seen.append(fitness.code.__wrapped__())
    file.rename(file.with_name("b.py"))
    assert seen[0] == seen[2]
    assert len({*seen, fitness.code.__wrapped__()}) == 3


@pytest.mark.parametrize("kind", ["algorithm", "partition", "dataset", "nets"])
def test_another_version_of_a_plugin_is_named(kind: str):
    cell = some_cell()
    cell = replace(cell, digests={**cell.digests, kind: "f" * 16})
    names = {"algorithm": "fedavg", "partition": "dirichlet-capped", "dataset": "digits", "nets": "mlp"}
    told = unfit(Expected.here(), [some_cell(), cell], None, nothing)
    assert told is not None
    assert told.startswith(f"another version of the {kind} '{names[kind]}' (source digest ")
    assert told.endswith(f", expected {'f' * 16})")


def test_data_that_is_not_there_or_another_is_named(tmp_path: Path):
    told = unfit(Expected.here(), [some_cell(dataset="mnist")], tmp_path, nothing)
    assert told is not None
    assert f"mnist: no complete copy in {tmp_path}" in told
    told = unfit(Expected.here(), [replace(some_cell(), data_md5="other")], None, nothing)
    assert told == f"other data under the name 'digits' (md5 {some_cell().data_md5}, expected other)"


def test_a_missing_gpu_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert unfit(Expected.here(), [replace(some_cell(), device="cuda")], None, nothing) == "no usable GPU"


def test_what_does_not_load_is_named():
    def broken() -> None:
        raise ModuleNotFoundError("No module named 'helper'")

    told = unfit(Expected.here(), [], None, broken)
    assert told is not None
    assert told.startswith("ModuleNotFoundError: No module named 'helper' (test_fitness.py, line ")


PLUGIN = """
from bench.plugin import algorithm
from algorithms.fedavg import FedAvg
from dataclasses import dataclass

@algorithm("test-sent")
@dataclass(frozen=True)
class Sent(FedAvg):
    pass
"""


def test_a_plugin_that_was_sent_has_the_digest_that_it_has_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from bench.declaration.digest import digest
    from bench.registry import load_file

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    load_sent((("mine.py", PLUGIN),))
    sent = ALGORITHMS.get("test-sent")
    assert list(tmp_path.iterdir()) == []
    there = digest(sent)
    del ALGORITHMS._loaded["test-sent"]
    (tmp_path / "mine.py").write_text(f"# at home\n{PLUGIN}")
    load_file(tmp_path / "mine.py")
    assert ALGORITHMS.get("test-sent") is not sent
    assert digest(ALGORITHMS.get("test-sent")) == there


def test_a_plugin_that_cannot_be_loaded_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(BrokenPlugin, match="No module named 'no_such_neighbour'"):
        load_sent((("mine.py", "import no_such_neighbour\n"),))
    assert list(tmp_path.iterdir()) == []
