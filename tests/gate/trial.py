"""``python -m tests.gate.trial``: does the gate catch every seeded regression, and does unchanged code pass?

Each regression is put into a copy of the project, where the whole gate runs against the committed baseline. Results
are added to results/gate-trial.jsonl, so that a trial can go on another day; ``--write`` puts them into docs/gate.md.

    python -m tests.gate.trial                        all regressions
    python -m tests.gate.trial --unchanged 20         unchanged code, 20 times
    python -m tests.gate.trial --unchanged 20 --busy  the same beside one busy process for each core
    python -m tests.gate.trial --write                tables into docs/gate.md
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.gate import simulation
from tests.gate.document import ROOT, put
from tests.gate.mutants import MUTANTS

RESULTS = ROOT / "results" / "gate-trial.jsonl"
GATES = ("accuracy", "fingerprint", "counted", "runtime")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m tests.gate.trial", description=(__doc__ or "").split("\n", 1)[0])
    made.add_argument("--only", metavar="NAMES", help=f"some of {', '.join(MUTANTS)}")
    made.add_argument("--unchanged", type=int, metavar="N", help="instead, check unchanged code N times")
    made.add_argument("--busy", action="store_true", help="beside one busy process for each core")
    made.add_argument("--write", action="store_true", help="only put the results so far into docs/gate.md")
    return made


@contextlib.contextmanager
def copy_of_project() -> Iterator[Path]:
    """A copy of all files that git knows, and of new ones that it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="gate-trial-") as folder:
        for name in listed.stdout.splitlines():
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).is_file():
                shutil.copyfile(ROOT / name, target)
        yield Path(folder)


@contextlib.contextmanager
def busy(wanted: bool) -> Iterator[None]:
    """One process for each core that does nothing but compute, and ends with us."""
    spin = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100000))"
    running = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range((os.cpu_count() or 1) * wanted)]
    try:
        yield
    finally:
        for each in running:
            each.terminate()
            each.wait()


def check(root: Path) -> dict[str, Any]:
    """Run the gate in a copy: its exit code, what each gate said, seconds."""
    begin = time.perf_counter()
    before = os.times()
    out = root / "results" / "trial"
    done = subprocess.run(
        [sys.executable, "-m", "bench.check", "--out", str(out)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    after = os.times()
    found: dict[str, Any] = {
        "code": done.returncode,
        "seconds": round(time.perf_counter() - begin, 1),
        "cpu_seconds": round(
            after.children_user + after.children_system - before.children_user - before.children_system, 1
        ),
        "load": round(os.getloadavg()[0], 1),
    }
    if done.returncode not in (0, 1):
        return {**found, "message": done.stderr.strip()[-500:]}
    rows = json.loads((out / "verdict.json").read_text())["rows"]
    times = [row["times"] for row in rows if "times" in row]
    return {
        **found,
        "failed": {gate: [r["name"] for r in rows if (r["gate"], r["verdict"]) == (gate, "fail")] for gate in GATES},
        "notes": {
            gate: next((r["note"] for r in rows if (r["gate"], r["verdict"]) == (gate, "fail")), "") for gate in GATES
        },
        "warned": [r["name"] for r in rows if r["verdict"] == "warn"],
        "times": [min(times), max(times)] if times else None,
    }


def keep(result: dict[str, Any]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps(result) + "\n")


def mutants(names: list[str]) -> bool:
    """Try regressions; whether each was caught."""
    caught = True
    for name in names:
        with copy_of_project() as root:
            MUTANTS[name].seed(root)
            result = {"mutant": name, **check(root)}
        keep(result)
        by = [gate for gate in GATES if result.get("failed", {}).get(gate)]
        caught &= result["code"] == 1
        print(
            f"{name}: {'caught by ' + ', '.join(by) if result['code'] == 1 else 'NOT CAUGHT'} ({result['seconds']} s)",
            flush=True,
        )
    return caught


def unchanged(times: int, beside_busy: bool) -> bool:
    """Check unchanged code; whether it passed every time."""
    passed = True
    with copy_of_project() as root, busy(beside_busy):
        for number in range(times):
            result = {"unchanged": number + 1, "busy": beside_busy, **check(root)}
            keep(result)
            passed &= result["code"] == 0
            print(f"{number + 1}: exit {result['code']}, {result['seconds']} s, {result.get('times')}", flush=True)
    return passed


def tables() -> dict[str, str]:
    """The results so far as Markdown, by the name of their place in the document."""
    results = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    latest = {r["mutant"]: r for r in results if "mutant" in r}
    lines = ["| regression | accuracy | fingerprint | counted | runtime |", "|---|---|---|---|---|"]
    for name, mutant in MUTANTS.items():
        if name in latest:
            failed = latest[name].get("failed", {})
            cells = [f"caught ({len(failed[gate])})" if failed.get(gate) else "-" for gate in GATES]
            lines.append(f"| {mutant.title} | {' | '.join(cells)} |")
    runs = [
        "| unchanged code | runs | passed | warned | slowest ratio | fastest ratio | seconds | CPU seconds | load |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for label, beside_busy in (("beside whatever else ran", False), ("beside a busy process for each core", True)):
        those = [r for r in results if "unchanged" in r and r["busy"] == beside_busy]
        if those:
            ratios = [r["times"] for r in those if r.get("times")]
            figures = [
                str(len(those)),
                str(sum(r["code"] == 0 for r in those)),
                str(sum(bool(r.get("warned")) for r in those)),
                f"{max(high for _, high in ratios):.2f}",
                f"{min(low for low, _ in ratios):.2f}",
                *(f"{min(r[k] for r in those):.0f}-{max(r[k] for r in those):.0f}" for k in ("seconds", "cpu_seconds")),
                f"{min(r['load'] for r in those):.0f}-{max(r['load'] for r in those):.0f}",
            ]
            runs.append(f"| {label} | {' | '.join(figures)} |")
    return {"mutants": "\n".join(lines), "unchanged": "\n".join(runs)}


def write() -> None:
    """Put the tables between their marks in docs/gate.md, with the simulation of the accuracy rule."""
    for name, table in {**tables(), "simulation": simulation.table()}.items():
        put(name, table)


def main() -> int:
    options = parser().parse_args()
    if options.write:
        write()
        return 0
    if options.unchanged:
        return 0 if unchanged(options.unchanged, options.busy) else 1
    with busy(options.busy):
        return 0 if mutants(options.only.split(",") if options.only else list(MUTANTS)) else 1


if __name__ == "__main__":
    sys.exit(main())
