"""``python -m bench.run --suite noniid``: every cell of a suite, then tables and a report.

Exit codes: 0 all is done; 2 nothing could be run (usage, configuration, data, output folder), or the disk was full;
3 some cells failed, diverged or ran out of time; 130 stopped by Ctrl-C or SIGTERM. What is finished is kept always.
"""

import argparse
import importlib
import os
import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import engines
from bench.arguments import at_least_one
from bench.execution.worker import Job
from bench.frameworks import NAMES as FRAMEWORKS
from bench.records.store import UNFINISHED, Store, StoreError
from bench.shadow import shadowed

if TYPE_CHECKING:
    from bench.declaration.cell import Cell
    from bench.declaration.studies import Declared
    from bench.declaration.suite import Suite

USAGE, SOME_FAILED, STOPPED = 2, 3, 130
SUITE_OPTIONS = (
    *("dataset", "algorithms", "alphas", "partition", "zoo", "replicates", "rounds", "clients", "time_limit", "set"),
)
_LONGEST_MESSAGE = 15  # lines
_SHOWN = 8  # failed cells that are named at the end


def parser() -> argparse.ArgumentParser:
    """All options. Their values are checked with the suite, so that all mistakes are reported at once."""
    made = argparse.ArgumentParser(
        prog="python -m bench.run",
        description="Run a suite. The same command again goes on where it was stopped; finished cells stay.",
        epilog="Exit codes: 0 done, 2 usage or configuration, 3 some cells failed, 130 stopped.",
        allow_abbrev=False,
    )
    add = made.add_argument
    add("--suite", required=True, metavar="NAME", help="a built-in suite (see bench.list), or a path to a .toml file")
    suite = made.add_argument_group("instead of what the suite says; lists are written a,b")
    add = suite.add_argument
    add("--dataset", metavar="NAMES")
    add("--algorithms", metavar="NAMES")
    add("--alphas", metavar="NUMBERS", help="levels of heterogeneity, such as 0.1,1")
    add("--partition", metavar="NAMES")
    add("--zoo", metavar="NAMES", help="which nets clients have")
    add("--replicates", metavar="N")
    add("--rounds", metavar="N")
    add("--clients", metavar="N")
    add("--time-limit", metavar="SECONDS", help="for each cell")
    add("--studies", metavar="NAMES", help="only these studies, of a suite that has several")
    add("--full", action="store_true", help="the full size, of a suite that has one beside its quick one")
    add("--set", action="append", metavar="NAME.PARAM=VALUE", help="such as fedprox.mu=0.01; may be repeated")
    where = made.add_argument_group("where and how")
    add = where.add_argument
    add("--engine", choices=("auto", *engines.NAMES), default="auto")
    add("--framework", choices=FRAMEWORKS, default="native", help="who runs server and clients; docs/frameworks.md")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: the processor")
    add("--precision", choices=engines.PRECISIONS, default="fp32", help="what nets compute in while they train")
    add("--jobs", type=at_least_one, metavar="N", help="cells at a time; default: one per core; a framework: 1")
    add("--data-root", type=Path, metavar="DIR", help="copies of the data sets; never downloads. Or set BENCH_DATA")
    add("--out", type=Path, metavar="DIR", help="default: results/<suite>-<data set>")
    add("--plugin", action="append", default=[], metavar="FILE", help="a Python file with plugins; may be repeated")
    add("--rerun", choices=("failed", "all"), help="compute these again instead of keeping them")
    add("--dry-run", action="store_true", help="show the cells and a time estimate, and run nothing")
    add("--trace", type=Path, metavar="DIR", help="to find a difference: keep the models after each scored round there")
    add("--no-report", action="store_true", help="write records and tables only")
    return made


class UsageError(Exception):
    """Options that cannot be met on this machine."""


@dataclass(frozen=True)
class Plan:
    """What was asked for, resolved."""

    declared: "Declared"
    cells: "list[Cell]"  # each once, though studies may share it
    members: Mapping[str, list[str]]  # study -> the hashes of its cells; empty for a suite without studies
    out: Path
    jobs: int
    data_root: Path | None
    plugins: tuple[str, ...] = ()
    function: str | None = None  # see bench.execution.worker.Job
    trace: Path | None = None

    @property
    def suite(self) -> "Suite":
        """The suite, or the first study: what is asked of it here is the same in all."""
        return self.declared.suite

    def missing(self) -> "list[Cell]":
        """The cells without a file."""
        return [cell for cell in self.cells if not (self.out / "cells" / f"{cell.hash}.json").exists()]


def plan(options: argparse.Namespace) -> Plan:
    """Read and check everything that needs no data. Raises SuiteError, RegistryError, UsageError."""
    from bench.declaration.studies import load
    from bench.frameworks import needs
    from bench.host.provenance import cores

    needs.check(options.framework, device=_device(options.device))
    plugins = _load_plugins(options.plugin)
    changes = {name: getattr(options, name) for name in SUITE_OPTIONS}
    declared = load(options.suite, changes, full=options.full, only=options.studies)
    cells = [_cells(suite, options) for suite in declared.suites]
    names = [study.name for study in declared.studies]
    root = options.data_root or os.environ.get("BENCH_DATA") or None
    return Plan(
        declared=declared,
        cells=list({cell.hash: cell for some in cells for cell in some}.values()),
        members={name: [cell.hash for cell in some] for name, some in zip(names, cells, strict=False)},
        out=options.out or Path("results") / f"{declared.suite.name}-{'+'.join(declared.whole['datasets'])}",
        jobs=options.jobs or (cores() if options.framework == "native" else 1),  # a framework uses the cores itself
        data_root=Path(root) if root else None,
        plugins=plugins,
        trace=options.trace,
    )


def _cells(suite: "Suite", options: argparse.Namespace) -> "list[Cell]":
    from bench.declaration.cell import cells
    from bench.execution.forecast import resolved

    made = cells(suite, device=_device(options.device), precision=options.precision, framework=options.framework)
    return resolved(made, None if options.engine == "auto" else options.engine)


def _load_plugins(paths: Sequence[str]) -> tuple[str, ...]:
    """Load plugin files; a broken one is reported and does not take the others down. Raises RegistryError."""
    from bench.registry import BrokenPlugin, load_file

    loaded = []
    for path in paths:
        try:
            load_file(path)
        except BrokenPlugin as error:
            print(f"{error}; going on without it", file=sys.stderr)
        else:
            loaded.append(str(Path(path).resolve()))
    return tuple(loaded)


def _device(name: str) -> str:
    """The device to run on; "auto" is the same everywhere, because the device is part of a result's identity."""
    if name == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise UsageError("--device cuda: no usable GPU here (see python -m bench.doctor); leave the option out")
    return "cpu" if name == "auto" else name


def dry_run(asked: Plan) -> int:
    """Show what would be run."""
    from bench.execution import forecast

    todo = asked.missing()
    for study in asked.declared.studies:
        held = set(asked.members[study.name])
        print(f"{study.name}: {study.title}\n{forecast.table([c for c in asked.cells if c.hash in held])}\n")
    if not asked.declared.studies:
        print(forecast.table(asked.cells))
    finished = len(asked.cells) - len(todo)
    print(f"\n{len(asked.cells)} cells, {finished} of them finished in {asked.out}")
    print(forecast.estimate_line(forecast.expected(todo), asked.jobs))
    return 0


def run(asked: Plan, arguments: Sequence[str], *, rerun: str | None, report: bool) -> int:
    """Check the data, run what has no record yet, write tables and report."""
    from bench.execution import forecast, preflight
    from bench.execution.bundles import bundles
    from bench.execution.execute import execute, pending
    from bench.execution.progress import progress
    from bench.host.provenance import provenance
    from bench.records import tidy

    store, suite = Store(asked.out), asked.suite
    store.check_owner(asked.declared.whole)
    published = preflight.check(asked.cells if rerun else asked.missing(), asked.data_root)
    if asked.trace:
        _prepare_trace(asked, rerun)
    origin = provenance(arguments)
    with store.lock():
        store.write_manifest(_manifest(asked, origin))
        todo, counts = pending(asked.cells, store, rerun)
        for notice in store.notices:
            print(f"{notice}; it is computed again", file=sys.stderr)
        costs = forecast.expected(todo)
        print(_opening(asked, len(todo), forecast.wall_clock(costs, asked.jobs)), flush=True)
        job = Job(
            out=asked.out,
            suite={"name": suite.name, "version": suite.version},
            data_root=asked.data_root,
            plugins=asked.plugins,
            function=asked.function,
            trace=asked.trace,
            published=published,
            provenance={name: origin[name] for name in ("commit", "dirty", "versions", "processor", "threads")},
        )
        with progress(asked.cells, todo, lambda cell: costs[cell.hash]) as show:
            work = bundles(todo, lambda cell: costs[cell.hash], asked.jobs)
            outcome = execute(work, job, jobs=asked.jobs, time_limit=suite.time_limit, show=show)
        counts += outcome.counts
        if outcome.stopped:
            print(f"stopped by {outcome.stopped.name}: {counts.total()} of {len(asked.cells)} cells are finished")
            print(_how_to_go_on(arguments), flush=True)
            return STOPPED
        tidy.write(asked.out)
        rendered = _render(asked.out) if report else True
    print(_closing(asked, counts, store, report and rendered), flush=True)
    if not rendered:
        return USAGE
    return SOME_FAILED if any(counts[status] for status in UNFINISHED) else 0


def _prepare_trace(asked: Plan, rerun: str | None) -> None:
    """Make its folder, and say so where it will not hold all cells. Raises UsageError."""
    assert asked.trace
    try:
        asked.trace.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--trace {asked.trace}: expected a folder that can be written to, got {error}") from None
    finished = len(asked.cells) - len(asked.missing())
    if finished and rerun != "all":
        print(f"{finished} cells are finished and leave no trace: compute them again with --rerun all", file=sys.stderr)


def _manifest(asked: Plan, origin: dict[str, Any]) -> dict[str, Any]:
    """The latest declaration, for whoever reads the folder."""
    first = asked.cells[0]
    return {
        "suite": dict(asked.declared.whole),
        "cells": [cell.hash for cell in asked.cells],
        **_studies(asked),
        "engine": first.engine,
        "framework": first.framework,
        "device": first.device,
        "precision": first.precision,
        "data": {name: md5 for cell in asked.cells for name, md5 in cell.data.items()},
        "provenance": origin,
    }


def _studies(asked: Plan) -> dict[str, Any]:
    """The studies for the manifest, each a suite with its cells; nothing for a suite without."""
    held = [
        {
            "name": study.name,
            "title": study.title,
            "about": study.about,
            "suite": study.suite.model_dump(mode="json"),
            "cells": asked.members[study.name],
        }
        for study in asked.declared.studies
    ]
    return {"studies": held} if held else {}


def _render(out: Path) -> bool:
    """Make the report; a fault in it must not make finished results look lost."""
    from bench.registry import explain

    try:
        importlib.import_module("reports.html").render(out)
    except Exception as error:
        print(f"the results are complete, but their report failed: {explain(error)}", file=sys.stderr)
        print(f"try again, and see the whole error, with: python -m bench.report {out}", file=sys.stderr)
        return False
    return True


def _opening(asked: Plan, todo: int, seconds: float) -> str:
    from bench.execution.forecast import processes
    from bench.execution.progress import duration

    suite = asked.suite
    kept = len(asked.cells) - todo
    studies = f", {len(asked.declared.studies)} studies" if asked.declared.studies else ""
    where = ", ".join(asked.declared.whole["datasets"])
    head = f"suite {suite.name} {suite.version} on {where}{studies}: {len(asked.cells)} cells"
    if not todo:
        return f"{head}, all finished before"
    before = f", {kept} of them finished before" if kept else ""
    return f"{head}{before}; about {duration(seconds)} on {processes(min(asked.jobs, todo))}"


def _closing(asked: Plan, counts: Counter[str], store: Store, report: bool) -> str:
    """What came out, and where it lies."""
    lines = [f"{', '.join(f'{count} {status}' for status, count in sorted(counts.items()))}; results in {asked.out}"]
    if any(counts[status] for status in UNFINISHED):
        bad = [record for record in store.latest() if record["status"] in UNFINISHED]
        lines += [f"  {r['status']} {r['identity']['algorithm']} ({r['cell']}): {r['reason']}" for r in bad[:_SHOWN]]
        lines += [f"  and {len(bad) - _SHOWN} more"] if len(bad) > _SHOWN else []
        lines.append("compute them again with --rerun failed")
    if report:
        lines.append(f"report: {asked.out / 'report' / 'report.html'}")
    return "\n".join(lines)


def _how_to_go_on(arguments: Sequence[str]) -> str:
    """The command that continues; what ``--rerun`` asked for is under way and must not start over."""
    kept, rest = [], iter(arguments)
    for argument in rest:
        if argument == "--rerun":
            next(rest, None)
        elif not argument.startswith("--rerun="):
            kept.append(argument)
    return f"go on with: python -m bench.run {shlex.join(kept)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, run, and turn what was foreseen into one message and an exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(arguments)
    try:
        if foreign := shadowed():
            raise UsageError(foreign)
        asked = plan(options)
        if options.dry_run:
            return dry_run(asked)
        return run(asked, arguments, rerun=options.rerun, report=not options.no_report)
    except KeyboardInterrupt:
        print(f"\nstopped; what was finished is kept\n{_how_to_go_on(arguments)}", flush=True)
        return STOPPED
    except Exception as error:
        if not isinstance(error, _foreseen()):
            raise
        print(_short(str(error)), file=sys.stderr)
        return USAGE


def _foreseen() -> tuple[type[Exception], ...]:
    """The errors whose message is meant for the user."""
    from bench.data import DataError
    from bench.declaration.mistakes import SuiteError
    from bench.execution.crew import WorkersError
    from bench.frameworks.needs import Unusable
    from bench.parameters import ParameterError
    from bench.registry import RegistryError

    return (SuiteError, RegistryError, DataError, StoreError, ParameterError, WorkersError, UsageError, Unusable)


def _short(message: str) -> str:
    lines = message.splitlines()
    if len(lines) > _LONGEST_MESSAGE:
        lines = [*lines[: _LONGEST_MESSAGE - 1], f"and {len(lines) - _LONGEST_MESSAGE + 1} more lines"]
    return "\n".join(lines)


if __name__ == "__main__":
    code = main()
    if code == STOPPED:  # Python takes more than a second to take torch apart, which Ctrl-C does not give us
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
