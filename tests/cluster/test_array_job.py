"""The array job of docs/examples, with tasks that are processes here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_an_array_job_computes_each_cell_once_and_makes_the_report(tmp_path: Path):
    pytest.importorskip("submitit", reason="needs submitit: tox -e ray has it")
    out = tmp_path / "out"
    tiny = ("--algorithms", "fedavg,local", "--zoo", "mlp", "--rounds", "1", "--clients", "3")
    done = subprocess.run(
        [
            *(sys.executable, "docs/examples/array_job.py", "--shards", "2", "--cluster", "local", "--cores", "1"),
            *("--logs", str(tmp_path / "logs"), "--", "--suite", "smoke", *tiny, "--out", str(out)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.splitlines()[-1] == "exit codes of the shards: 0 0"
    declared = json.loads((out / "manifest.json").read_text())["cells"]
    assert sorted(path.stem for path in (out / "cells").glob("*.json")) == sorted(declared)
    assert len(declared) == 4
    logs = "".join(path.read_text() for path in (tmp_path / "logs").glob("*.out"))
    assert sum(logs.count(f"[{number}/2] done") for number in (1, 2)) == 4
    assert (out / "report" / "report.html").exists()
