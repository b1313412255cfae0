"""``python -m bench.frameworks``: one experiment by several frameworks; how far apart they are, and what each costs.

Exit codes: 0 all is measured and nothing is beyond the tolerance; 1 a framework's models are; 2 usage, data, or a
framework that is not installed; 3 some runs failed; 130 stopped by Ctrl-C or SIGTERM. What is measured is kept.
"""

import argparse
import json
import os
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.arguments import at_least_one
from bench.frameworks import NAMES
from bench.host.termination import as_interrupt
from bench.registry import nearest
from bench.shadow import shadowed

if TYPE_CHECKING:
    from bench.parity.drive import Contest

BEYOND, USAGE, SOME_FAILED, STOPPED = 1, 2, 3, 130
OVERRIDES = ("dataset", "algorithms", "zoo", "rounds", "clients", "set")


class UsageError(Exception):
    """Options that cannot be met."""


def parser() -> argparse.ArgumentParser:
    """All options."""
    made = argparse.ArgumentParser(
        prog="python -m bench.frameworks",
        description="Run the same cells by several frameworks, in turns; compare their models after each round with "
        "those of the native reference engine, and their costs. The same command goes on where it was stopped; another "
        "framework, also from another environment, adds to the same folder.",
        epilog="Exit codes: 0 done, 1 models beyond the tolerance, 2 usage, 3 some runs failed, 130 stopped.",
        allow_abbrev=False,
    )
    add = made.add_argument
    add("--frameworks", metavar="NAMES", default="native", help=f"of {', '.join(NAMES)}; written a,b. Default: native")
    add("--python", action="append", default=[], metavar="NAME=PATH", help="the interpreter that has a framework")
    add("--suite", metavar="NAME", default="frameworks", help="a built-in suite or a .toml file; default: frameworks")
    add("--repeats", type=at_least_one, default=3, metavar="N", help="runs for the cost of each cell; default: 3")
    add("--data-root", type=Path, metavar="DIR", help="copies of the data sets; never downloads. Or set BENCH_DATA")
    add("--out", type=Path, default=Path("results/frameworks"), metavar="DIR", help="default: results/frameworks")
    add("--report-only", action="store_true", help="run nothing; make the tables of what lies in --out")
    suite = made.add_argument_group("instead of what the suite says; lists are written a,b")
    add = suite.add_argument
    add("--dataset", metavar="NAMES")
    add("--algorithms", metavar="NAMES")
    add("--zoo", metavar="NAMES")
    add("--rounds", metavar="N")
    add("--clients", metavar="N")
    add("--set", action="append", metavar="NAME.PARAM=VALUE")
    return made


def contest(options: argparse.Namespace) -> "Contest":
    """What is asked for, checked. Raises UsageError, NotInstalled, and what a suite or its data raise."""
    from bench.declaration.cell import cells
    from bench.declaration.suite import load
    from bench.execution import preflight
    from bench.parity import drive

    names = [name.strip() for name in options.frameworks.split(",")]
    for name in names:
        if name not in NAMES:
            raise UsageError(f"--frameworks: unknown framework '{name}'.{nearest(name, NAMES)}")
    suite = load(options.suite, {name: getattr(options, name) for name in OVERRIDES})
    root = options.data_root or os.environ.get("BENCH_DATA") or None
    made = drive.Contest(
        cells=cells(suite),
        frameworks=drive.order_of(names),
        out=options.out,
        root=Path(root) if root else None,
        repeats=options.repeats,
        time_limit=suite.time_limit,
        session=uuid.uuid4().hex[:12],
        interpreters=_interpreters(options.python),
    )
    if made.cells[0].training["rounds"] < 3:
        raise UsageError("expected at least 3 rounds: costs are those of the rounds between the first and the last")
    drive.check(made)
    preflight.check(made.cells, made.root)
    _claim(options.out, suite.model_dump(mode="json"))
    return made


def _interpreters(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in given:
        name, equals, path = text.partition("=")
        if name not in NAMES or not equals or not path:
            raise UsageError(f"--python: expected NAME=PATH with a name of {', '.join(NAMES)}, got '{text}'")
        found[name] = str(Path(path).absolute()) if os.sep in path else path  # not resolved: it may be a venv's link
    return found


def _claim(out: Path, suite: dict[str, Any]) -> None:
    """The folder is for one suite. Raises UsageError where it holds another's runs, or cannot be written to."""
    path = out / "suite.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if path.exists() and json.loads(path.read_text(encoding="utf-8")) != suite:
            raise UsageError(f"{out} holds runs of another suite, or of other settings: give another folder with --out")
        path.write_text(json.dumps(suite, indent=1), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {out}: expected a folder that can be written to, got {error}") from None


def report(out: Path) -> int:
    """Print and write what a folder tells; the exit code. Raises UsageError."""
    from bench.parity.gaps import TOLERANCE
    from bench.parity.page import Findings

    try:
        findings = Findings.of(out)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if not findings.runs:
        raise UsageError(f"{out}: expected runs of bench.frameworks, found none")
    for table in findings.tables():
        print(f"\n{table.text()}")
    print("", *findings.notes(), sep="\n")
    print("\n" + " and ".join(str(path) for path in findings.write(out)))
    if any(run.status == "failed" for run in findings.runs):
        return SOME_FAILED
    return BEYOND if any(gap.largest is not None and gap.largest > TOLERANCE for gap in findings.gaps) else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, measure, compare."""
    options = parser().parse_args(arguments)
    try:
        if foreign := shadowed():
            raise UsageError(foreign)
        with as_interrupt():
            if not options.report_only:
                from bench.parity import drive

                drive.measure(contest(options), lambda line: print(line, flush=True))
            return report(options.out)
    except KeyboardInterrupt:
        print("\nstopped; what was measured is kept, and the same command goes on", flush=True)
        return STOPPED
    except Exception as error:
        if not isinstance(error, _foreseen()):
            raise
        print(error, file=sys.stderr)
        return USAGE


def _foreseen() -> tuple[type[Exception], ...]:
    from bench.data import DataError
    from bench.declaration.mistakes import SuiteError
    from bench.parity.drive import NotInstalled
    from bench.registry import RegistryError

    return (UsageError, NotInstalled, SuiteError, RegistryError, DataError)


if __name__ == "__main__":
    sys.exit(main())
