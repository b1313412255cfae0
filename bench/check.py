"""``python -m bench.check``: run a suite and compare with its committed baseline; CI fails where anything got worse.

Exit codes: 0 as good as the baseline; 1 something got worse, or was not accepted; 2 nothing could be compared (usage,
suite, data, baseline); 130 stopped by Ctrl-C or SIGTERM.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.gate.verdict import GATES
from bench.host.termination import as_interrupt
from bench.shadow import shadowed

if TYPE_CHECKING:
    from bench.gate.asked import Asked

OK, WORSE, USAGE, STOPPED = 0, 1, 2, 130


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m bench.check",
        description="Run a suite; compare accuracy, computation, counted work and runtime with a committed baseline.",
        epilog="Exit codes: 0 as good, 1 worse (or not accepted), 2 nothing to compare with or usage, 130 stopped. "
        "See docs/gate.md.",
        allow_abbrev=False,
    )
    add = made.add_argument
    add("--suite", default="ci", metavar="NAME", help="a built-in suite or a path to a .toml file; default: ci")
    add("--baseline", type=Path, metavar="FILE", help="default: reports/baselines/<suite>.json")
    add(
        "--accept",
        action="store_true",
        help="make what is measured now the baseline (with --gates: these parts); prints old against new",
    )
    add("--gates", default=",".join(GATES), metavar="NAMES", help=f"some of {','.join(GATES)}; default: all")
    add("--plugin", action="append", default=[], metavar="FILE", help="a Python file with plugins; may be repeated")
    add("--data-root", type=Path, metavar="DIR", help="copies of the data sets; never downloads. Or set BENCH_DATA")
    add("--jobs", type=int, metavar="N", help="processes for the cells; default: one per core")
    add(
        "--out", type=Path, metavar="DIR", help="for verdict.json, junit.xml, summary.md; default: results/gate-<suite>"
    )
    return made


class UsageError(Exception):
    """Options that make no sense."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or accept, and turn what was foreseen into one message and an exit code."""
    options = parser().parse_args(arguments)
    try:
        with as_interrupt():  # no benchmark process outlives us; while cells run, their executor listens
            if foreign := shadowed():
                raise UsageError(foreign)
            asked = _asked(options)
            return _accept(asked, options) if options.accept else _check(asked, options)
    except KeyboardInterrupt:
        print("\nbench.check: stopped", file=sys.stderr)
        return STOPPED
    except Exception as error:
        from bench.gate.measure import Stopped

        if isinstance(error, Stopped):
            print(f"bench.check: stopped by {error}", file=sys.stderr)
            return STOPPED
        if not isinstance(error, _foreseen()):
            raise
        print(f"bench.check: {error}", file=sys.stderr)
        return USAGE


def _asked(options: argparse.Namespace) -> "Asked":
    """Read and check what needs no computing."""
    gates = tuple(name for name in GATES if name in options.gates.split(","))
    if unknown := set(options.gates.split(",")) - set(GATES):
        raise UsageError(f"--gates: expected some of {', '.join(GATES)}, got {', '.join(sorted(unknown)) or 'nothing'}")
    if options.jobs is not None and options.jobs < 1:
        raise UsageError(f"--jobs: expected a whole number >= 1, got {options.jobs}")

    from bench import suites
    from bench.declaration.gate import strangers
    from bench.declaration.mistakes import SuiteError, message
    from bench.declaration.suite import load
    from bench.gate.asked import Asked
    from bench.gate.measure import Bench
    from bench.host.provenance import cores
    from bench.registry import load_file

    for plugin in options.plugin:
        load_file(plugin)
    suite = load(options.suite)
    if strange := strangers(suite):
        raise SuiteError(message(f"suite {options.suite}", strange, {}))
    root = options.data_root or os.environ.get("BENCH_DATA") or None
    return Asked(
        bench=Bench(
            suite=suite,
            jobs=options.jobs or cores(),
            data_root=Path(root).resolve() if root else None,
            plugins=tuple(str(Path(plugin).resolve()) for plugin in options.plugin),
        ),
        suite_file=str(suites.find(options.suite).resolve()),
        gates=gates,
        tell=lambda text: print(f"bench.check: {text}", file=sys.stderr, flush=True),
    )


def _check(asked: "Asked", options: argparse.Namespace) -> int:
    from bench.gate import checking, printing
    from bench.gate.baseline import default_path
    from bench.host.provenance import provenance

    path = options.baseline or default_path(asked.bench.suite)
    report = checking.check(asked, path, provenance())
    print(printing.table(report.rows))
    print(f"\n{printing.conclusion(report)}")
    out = options.out or Path("results") / f"gate-{asked.bench.suite.name}"
    written = printing.write(report, out)
    print(f"beside it: {', '.join(str(each) for each in written)}")
    return OK if report.passed else WORSE


def _accept(asked: "Asked", options: argparse.Namespace) -> int:
    from bench.gate import accepting, baseline, printing
    from bench.host.provenance import provenance

    path = options.baseline or baseline.default_path(asked.bench.suite)
    try:
        old = baseline.read(path)
    except baseline.BaselineError as error:
        if asked.gates != GATES and not isinstance(error, baseline.NoBaseline):
            raise  # its other parts would be lost
        old = None
        print(f"bench.check: nothing to compare the new baseline with: {error}", file=sys.stderr)
    made = accepting.accept(asked, old, provenance(), path)
    if made.baseline is None:
        print(printing.table(made.refusals))
        print("bench.check: not accepted, the baseline stays as it was", file=sys.stderr)
        return WORSE
    if made.rows:
        print("old against new; what fails here is what this acceptance changes\n")
        print(printing.table(made.rows, ("verdict", "gate", "what", "old", "new", *printing.HEAD[5:])))
    baseline.write(path, made.baseline)
    print(f"\naccepted: {path}; commit it with the reason")
    return OK


def _foreseen() -> tuple[type[Exception], ...]:
    """The errors whose message is meant for the user."""
    from bench.data import DataError
    from bench.declaration.mistakes import SuiteError
    from bench.execution.executor import WorkersError
    from bench.gate.baseline import BaselineError
    from bench.gate.runtime import RuntimeUnavailable
    from bench.parameters import ParameterError
    from bench.records.store import StoreError
    from bench.registry import RegistryError

    return (
        *(SuiteError, RegistryError, DataError, StoreError, ParameterError, WorkersError),
        *(BaselineError, RuntimeUnavailable, UsageError),
    )


if __name__ == "__main__":
    sys.exit(main())
