"""A baseline that cannot be trusted is refused, with a word on what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.check import main
from bench.declaration.suite import load as load_suite
from bench.gate.baseline import BaselineError, _checksum, default_path, load, read, write
from bench.gate.runtime import frozen_work
from bench.registry import ALGORITHMS
from tests.unit.bench.gate.baselines import VIEW, baseline, suite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write(tmp_path / "base.json", baseline())
    return tmp_path / "base.json"


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_baseline_comes_back_as_it_was_written(path: Path):
    assert load(path, suite()) == baseline()


def test_the_committed_baseline_is_of_the_ci_suite_and_complete():
    declared = load_suite("ci")
    kept = load(default_path(declared), declared)
    assert len(kept.accuracy or {}) == 52
    assert len(kept.fingerprints or {}) == 36
    assert len(kept.counts or {}) == 36 * len(kept.engines)
    assert kept.runtime
    for each in kept.runtime.values():
        assert len(each.speeds) == 18 * len(kept.engines)
        assert each.frozen == frozen_work()
    ours = {name for name, entry in ALGORITHMS.entries().items() if "/" in entry.origin}
    assert set(declared.algorithms) == {name for name in ours if ":" not in name}  # a preset is no other algorithm
    assert len(declared.partitions) >= 2
    assert {"mlp", "mixed"} == set(declared.zoos)


def test_a_baseline_of_the_first_schema_is_read(path: Path):
    def older(content: dict[str, Any]) -> None:
        (speeds,) = content["runtime"].values()
        content.update(provenance={"processor": "one", "commit": "c"}, frozen="f", runtime=speeds["speeds"])
        del content["checksum"], content["schema"]
        content.update(checksum=_checksum(content), schema=1)

    edit(path, older)
    told = read(path)
    assert told.runtime is not None
    assert told.runtime["one"].provenance == {"processor": "one", "commit": "c"}
    assert told.runtime["one"].speeds == (baseline().runtime or {})["one"].speeds
    assert set(told.provenance) == {"accuracy", "fingerprint", "counted"}
    assert told.counts == baseline().counts


NONSENSE: dict[str, Callable[[dict[str, Any]], None]] = {
    "accuracy above one": lambda c: c["accuracy"].update({VIEW: [0.8, 8.1, 0.8]}),
    "accuracy of words": lambda c: c["accuracy"].update({VIEW: ["good"] * 3}),
    "too few replicates": lambda c: c["accuracy"].update({VIEW: [0.8]}),
    "no cells": lambda c: c.update(accuracy={}),
    "no fingerprints": lambda c: c.update(fingerprints={}),
    "empty fingerprint": lambda c: next(iter(c["fingerprints"].values()))["numbers"].update({"losses 1": []}),
    "negative steps": lambda c: next(iter(c["counts"].values())).update(steps=-1),
    "ratio of zero": lambda c: c["runtime"]["one"]["speeds"]["reference-fedavg-mlp"].update(ratio=0.0),
    "no runtimes": lambda c: c["runtime"]["one"].update(speeds={}),
    "fingerprints of no engine": lambda c: c.update(engines=[]),
    "no provenance": lambda c: c.update(schema=1, provenance=None),
    "not a number": lambda c: c["accuracy"].update({VIEW: [0.8, float("nan"), 0.8]}),
    "not a number in what is only kept": lambda c: c["provenance"]["counted"].update(load=float("nan")),
    "unknown key": lambda c: c.update(extra=1),
    "missing part": lambda c: c.pop("counts"),
    "schema of words": lambda c: c.update(schema="one"),
    "schema zero": lambda c: c.update(schema=0),
}


@pytest.mark.parametrize("change", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_refused(path: Path, change: Callable[[dict[str, Any]], None]):
    edit(path, change)
    with pytest.raises(BaselineError, match="--accept"):
        read(path)


def test_an_edit_that_makes_sense_is_refused_too(path: Path):
    edit(path, lambda c: c["accuracy"].update({VIEW: [0.5, 0.5, 0.5]}))
    with pytest.raises(BaselineError, match=r"edited by hand .* or renew it with --accept"):
        read(path)


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(list(options)) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    return told.err


def test_the_command_exits_with_2_and_says_what_to_do(path: Path, capsys: pytest.CaptureFixture[str]):
    missing = str(path.with_name("none.json"))
    assert "make one with --accept" in refused(capsys, "--baseline", missing)
    whole = path.read_text()
    for torn in ("", whole[: len(whole) // 2], "[]", "null", "[" * 3000):
        path.write_text(torn)
        assert "renew it with --accept" in refused(capsys, "--baseline", str(path))
    path.write_bytes(b"\xff\xfe")
    assert "renew it with --accept" in refused(capsys, "--baseline", str(path))
    path.write_text(whole)
    edit(path, lambda c: c.update(schema=3))
    assert "written by a newer version (schema 3" in refused(capsys, "--baseline", str(path))
    assert "cannot be read" in refused(capsys, "--baseline", str(path.parent))


def test_another_suite_version_is_refused(path: Path):
    newer = suite().model_copy(update={"version": "1.2"})
    with pytest.raises(BaselineError, match=r"of version 1\.1 of suite 'ci', this is 1\.2.*--accept"):
        load(path, newer)
    load(path, suite().model_copy(update={"version": "1.1.3"}))


def test_another_suite_is_refused(path: Path):
    with pytest.raises(BaselineError, match="is of suite 'ci', this is 'smoke'"):
        load(path, load_suite("smoke", {"replicates": "3"}))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rounds": "9"}, r"training\.rounds 15 -> 9"),
        ({"set": ["fedprox.mu=0.2"]}, r"params\.fedprox\.mu 0\.1 -> 0\.2"),
        ({"algorithms": "fml,local,fedprox"}, "algorithms"),
    ],
)
def test_another_declaration_under_the_same_version_is_refused(path: Path, options: dict[str, Any], words: str):
    with pytest.raises(BaselineError, match=words):
        load(path, load_suite("ci", {"replicates": "3", **options}))


def test_what_tuning_may_try_decides_nothing_and_what_it_reserves_does(tmp_path: Path):
    declared = load_suite("smoke", {"replicates": "3"})
    older = declared.model_dump(mode="json")
    del older["tune"]["clients"]  # of a time that knew no such key
    write(tmp_path / "smoke.json", baseline(suite=older))
    load(tmp_path / "smoke.json", declared)
    older["tune"]["reserved"] = 0.4
    write(tmp_path / "smoke.json", baseline(suite=older))
    with pytest.raises(BaselineError, match=r"tune.reserved 0.4 -> 0.5"):
        load(tmp_path / "smoke.json", declared)


def test_a_wider_margin_needs_a_new_baseline(path: Path):
    wider = suite().gate.model_copy(update={"margin": 0.5})
    with pytest.raises(BaselineError, match=r"gate\.margin 0\.02 -> 0\.5"):
        load(path, suite().model_copy(update={"gate": wider}))


def test_a_gate_that_the_baseline_knows_nothing_of_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    declared = load_suite("ci").model_dump(mode="json")
    accuracy = {VIEW: [0.8] * 10}
    write(tmp_path / "part.json", baseline(suite=declared, accuracy=accuracy, runtime=None))
    words = refused(capsys, "--baseline", str(tmp_path / "part.json"), "--gates", "accuracy,runtime")
    assert "holds nothing for runtime" in words
