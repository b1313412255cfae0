"""``python -m tests.gate.processors``: how far float order moves a fingerprint, with stand-ins for other processors.

Every stand-in is a fresh process in which libraries are told to use fewer instruction sets, other code, or two threads.
Both engines are compared with the reference engine as it is here. ``--write`` also puts the tables into
docs/gate.md.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.gate.document import ROOT, put

THREADS, WITHOUT_ONEDNN = "GATE_THREADS", "GATE_WITHOUT_ONEDNN"
STAND_INS: dict[str, dict[str, str]] = {
    "as it is": {},
    "2 threads": {THREADS: "2", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
    "`ATEN_CPU_CAPABILITY=avx2`": {"ATEN_CPU_CAPABILITY": "avx2"},
    "`ATEN_CPU_CAPABILITY=default`": {"ATEN_CPU_CAPABILITY": "default"},
    "`ONEDNN_MAX_CPU_ISA=AVX2`": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "`ONEDNN_MAX_CPU_ISA=SSE41`": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "`MKL_ENABLE_INSTRUCTIONS=AVX2`": {"MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "`MKL_CBWR=COMPATIBLE`": {"MKL_CBWR": "COMPATIBLE"},
    "without oneDNN": {WITHOUT_ONEDNN: "1"},
    "the lowest of ATen, oneDNN and MKL": {
        **{"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
    },
}
Witnesses = dict[str, dict[str, dict[str, Any]]]  # engine -> cell -> its witness


def witnesses() -> Witnesses:
    """In a stand-in's own process: every cell of replicate 0, on every engine."""
    import torch

    from bench.declaration.cell import cells
    from bench.declaration.suite import load
    from bench.engines import NAMES
    from bench.gate import witness
    from bench.gate.measure import cell_name

    if threads := os.environ.get(THREADS):
        torch.set_num_threads(int(threads))
        witness.one_thread = contextlib.nullcontext  # type: ignore[assignment]
    if os.environ.get(WITHOUT_ONEDNN):
        torch.backends.mkldnn.enabled = False
    found: Witnesses = {engine: {} for engine in NAMES}
    for engine in NAMES:
        for cell in cells(load("ci", {"replicates": "1"}), engine=engine):
            with contextlib.suppress(witness.Skip):
                found[engine][cell_name(cell)] = witness.run(cell)["result"]["witness"]
    return found


def stand_in(environment: dict[str, str]) -> Witnesses:
    """The witnesses of a fresh process."""
    fixed = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.gate.processors", "--child"]
    environment = {**os.environ, **fixed, **environment}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: Witnesses = json.loads(done.stdout.splitlines()[-1])
    return found


@dataclass(frozen=True)
class Worst:
    """The largest deviations of one engine under one stand-in, over cells."""

    median: dict[str, float]  # by kind of group: "1", "2", "scores"
    largest: dict[str, float]
    excess: float  # in tolerances
    exact: bool  # whether batch order, partition and headline round are the same
    counts: bool  # whether all counts but those of operators are


def worst(before: dict[str, dict[str, Any]], counted: dict[str, dict[str, Any]], now: dict[str, Any]) -> Worst:
    """`before`: the reference engine's witnesses as it is; `counted`: this engine's own, for its counts."""
    from bench.gate.counted import compare as counts_differ
    from bench.gate.fingerprint import compare, tolerances

    median, largest, excess = dict.fromkeys(_KINDS, 0.0), dict.fromkeys(_KINDS, 0.0), 0.0
    for name, witness in now.items():
        allowed = tolerances("reference", before[name]["one_image"])
        for each in compare(before[name]["numbers"], witness["numbers"], allowed):
            kind = each.group.rpartition(" ")[2] if each.group[-1] in "12" else "scores"
            median[kind] = max(median[kind], each.median)
            largest[kind] = max(largest[kind], each.largest)
            excess = max(excess, each.excess)
    return Worst(
        *(median, largest, excess),
        exact=all(before[name]["exact"] == w["exact"] for name, w in now.items()),
        counts=not any(counts_differ(counted[n]["counts"], w["counts"], same_torch=False) for n, w in now.items()),
    )


_KINDS = ("1", "2", "scores")


def table() -> str:
    """All stand-ins, as Markdown."""
    head = ("stand-in", "engine", "round 1: median", "largest", "round 2: median", "largest", "scores", "in tolerances")
    lines = [f"| {' | '.join(head)} | exact parts and counts |", "|" + "---|" * (len(head) + 1)]
    here: Witnesses = {}
    for name, environment in STAND_INS.items():
        found = stand_in(environment)
        here = here or found
        for engine, each in found.items():
            if name == "as it is" and engine == "reference":
                continue
            w = worst(here["reference"], here[engine], each)
            figures = [w.median["1"], w.largest["1"], w.median["2"], w.largest["2"], w.largest["scores"]]
            words = "same" if w.exact and w.counts else "DIFFERENT"
            lines.append(
                f"| {name} | {engine} | {' | '.join(f'{x:.0e}' for x in figures)} | {w.excess:.2f} | {words} |"
            )
            print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def ratios() -> str:
    """Runtime ratios under some stand-ins relative to those as it is, one process each, as Markdown."""
    from bench.gate import runtime

    found = {}
    for name in RATIOS:
        changed = {key: os.environ.get(key) for key in RATIOS[name]}
        os.environ.update(RATIOS[name])
        found[name] = {key: paces[0].ratio for key, paces in runtime.take("ci", processes=1).items()}
        for key, value in changed.items():
            if value is None:
                del os.environ[key]
    here = found["as it is"]
    lines = [f"| benchmark | {' | '.join(list(RATIOS)[1:])} |", "|---" * len(RATIOS) + "|"]
    for key, ratio in here.items():
        lines.append(
            f"| {key} | " + " | ".join(f"{found[name][key] / ratio:.2f} x" for name in list(RATIOS)[1:]) + " |"
        )
    return "\n".join(lines)


RATIOS: dict[str, dict[str, str]] = {
    "as it is": {},
    "AVX2 at most": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "the lowest": STAND_INS["the lowest of ATen, oneDNN and MKL"],
}


def main() -> int:
    made = argparse.ArgumentParser(prog="python -m tests.gate.processors", description=(__doc__ or "").split("\n\n")[0])
    made.add_argument("--write", action="store_true", help="put the tables into docs/gate.md")
    made.add_argument("--only", choices=("processors", "ratios"))
    made.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = made.parse_args()
    if options.child:
        print(json.dumps(witnesses()))
        return 0
    for name, make in (("processors", table), ("ratios", ratios)):
        if options.only in (None, name):
            found = make()
            print(found)
            if options.write:
                put(name, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
