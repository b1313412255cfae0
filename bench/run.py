"""``python -m bench.run --suite noniid``: every cell of a suite, then tables and a report.

Exit codes: 0 all is done; 2 nothing could be run (usage, configuration, data, output folder), or the disk was full;
3 some cells failed, diverged or ran out of time; 130 stopped by Ctrl-C or SIGTERM. What is finished is kept always.
"""

import argparse
import importlib
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import engines
from bench.arguments import UsageError, at_least_one, foreseen, how_to_go_on, positive, shard, short
from bench.asked import Plan, plan
from bench.execution.executors import HERE
from bench.execution.worker import Job
from bench.frameworks import NAMES as FRAMEWORKS
from bench.records.store import UNFINISHED, Store
from bench.shadow import shadowed

USAGE, SOME_FAILED, STOPPED = 2, 3, 130
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
    add(
        "--jobs",
        type=at_least_one,
        metavar="N",
        help="processes (with ray: tasks; with a framework: cells) at a time; default: one per core, a framework: 1",
    )
    add("--data-root", type=Path, metavar="DIR", help="copies of the data sets; never downloads. Or set BENCH_DATA")
    add("--out", type=Path, metavar="DIR", help="default: results/<suite>-<data set>")
    add("--plugin", action="append", default=[], metavar="FILE", help="a Python file with plugins; may be repeated")
    add(
        "--split-folder",
        action="append",
        default=[],
        metavar="[NAME=]DIR",
        help="run on the clients of a PFLlib or HtFLlib folder: sets --dataset, --partition and --clients",
    )
    add("--executor", choices=("processes", "ray"), default="processes", help="ray: a cluster, see docs/cluster.md")
    add(
        "--address",
        metavar="HOST:PORT",
        help="with ray: the head node; default: a cluster here, for this run",
    )
    add("--cpus-per-task", type=positive, metavar="X", help="with ray: processors of a task; default: 1")
    add("--gpus-per-task", type=positive, metavar="X", help="with ray: GPUs, or a part of one; default: 1 with cuda")
    add("--shard", type=shard, metavar="I/N", help="compute one of N parts only, see docs/cluster.md")
    add("--rerun", choices=("failed", "all"), help="compute these again instead of keeping them")
    add("--dry-run", action="store_true", help="show the cells and a time estimate, and run nothing")
    add("--trace", type=Path, metavar="DIR", help="to find a difference: keep the models after each scored round there")
    add("--no-report", action="store_true", help="write records and tables only")
    return made


def dry_run(asked: Plan) -> int:
    """Show what would be run."""
    from bench.execution import forecast
    from bench.host.provenance import cores

    todo = asked.missing()
    for study in asked.declared.studies:
        held = set(asked.members[study.name])
        cells = [cell for cell in asked.cells if cell.hash in held]
        print(f"{study.name}: {study.title}\n{forecast.table(cells) if cells else 'nothing in this shard'}\n")
    if not asked.declared.studies:
        print(forecast.table(asked.cells))
    finished = len(asked.cells) - len(todo)
    print(f"\n{_number(asked)}, {finished} of them finished in {asked.out}")
    print(forecast.estimate_line(forecast.expected(todo), asked.jobs or cores()))
    return 0


def run(asked: Plan, arguments: Sequence[str], *, rerun: str | None, report: bool) -> int:
    """Check the data, run what has no record yet, write tables and report."""
    from bench.execution import forecast, preflight
    from bench.execution.bundles import bundles
    from bench.execution.execute import execute, pending
    from bench.execution.executors import executor
    from bench.execution.progress import progress
    from bench.host.provenance import provenance
    from bench.records import tidy

    store, suite = Store(asked.out), asked.suite
    store.check_owner(asked.declared.whole)
    published = preflight.check(asked.cells if rerun else asked.missing(), asked.data_root, share=True)
    if asked.trace and (finished := len(asked.cells) - len(asked.missing())) and rerun != "all":
        print(f"{finished} cells are finished and leave no trace: compute them again with --rerun all", file=sys.stderr)
    origin = provenance(arguments)
    with store.lock(asked.shard):
        store.write_manifest(_manifest(asked, origin))
        todo, counts = pending(asked.cells, store, rerun)
        for notice in store.notices:
            print(f"{notice}; it is computed again", file=sys.stderr)
        costs = forecast.expected(todo)
        job = Job(
            out=asked.out,
            suite={"name": suite.name, "version": suite.version},
            data_root=asked.data_root,
            plugins=asked.plugins,
            split_folders=asked.split_folders,
            function=asked.function,
            trace=asked.trace,
            published=published,
            provenance={name: origin[name] for name in ("commit", "dirty", "versions", "processor", "threads")},
            tuned=asked.tuned,
        )
        with executor(asked.where if todo else HERE, job, asked.jobs, suite.time_limit) as at_work:
            print(_opening(asked, len(todo), forecast.wall_clock(costs, at_work.size), at_work.size), flush=True)
            with progress(asked.cells, todo, lambda cell: costs[cell.hash]) as show:
                work = bundles(todo, lambda cell: costs[cell.hash], at_work.size)
                outcome = execute(work, job, show=show, executor=at_work)
        counts += outcome.counts
        if outcome.stopped:
            print(f"stopped by {outcome.stopped.name}: {counts.total()} of {len(asked.cells)} cells are finished")
            print(how_to_go_on("bench.run", arguments), flush=True)
            return STOPPED
        with store.turn():
            tidy.write(asked.out)
            report = report and not any(store.lacks(cell.hash) for cell in asked.everything)
            rendered = _render(asked.out) if report else True
    print(_closing(asked, counts, store, report and rendered), flush=True)
    if not rendered:
        return USAGE
    return SOME_FAILED if any(counts[status] for status in UNFINISHED) else 0


def _manifest(asked: Plan, origin: dict[str, Any]) -> dict[str, Any]:
    """The latest declaration, for whoever reads the folder."""
    first = asked.everything[0]
    return {
        "suite": dict(asked.declared.whole),
        "cells": [cell.hash for cell in asked.everything],
        **_studies(asked),
        "engine": first.engine,
        "framework": first.framework,
        "device": first.device,
        "precision": first.precision,
        "data": {name: md5 for cell in asked.everything for name, md5 in cell.data.items()},
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


def _opening(asked: Plan, todo: int, seconds: float, size: int) -> str:
    from bench.execution.forecast import processes
    from bench.execution.progress import duration

    suite = asked.suite
    kept = len(asked.cells) - todo
    number = len(asked.declared.studies)
    studies = f", {number} stud{'y' if number == 1 else 'ies'}" if number else ""
    where = ", ".join(asked.declared.whole["datasets"])
    head = f"suite {suite.name} {suite.version} on {where}{studies}: {_number(asked)}"
    if not todo:
        return f"{head}, all finished before"
    before = f", {kept} of them finished before" if kept else ""
    return f"{head}{before}; about {duration(seconds)} on {processes(min(size, todo))}"


def _number(asked: Plan) -> str:
    """How many cells, for people."""
    if asked.shard is None:
        return f"{len(asked.cells)} cells"
    return f"shard {asked.shard}, {len(asked.cells)} of {len(asked.everything)} cells"


def _closing(asked: Plan, counts: Counter[str], store: Store, report: bool) -> str:
    """What came out, and where it lies."""
    lines = [f"{', '.join(f'{count} {status}' for status, count in sorted(counts.items()))}; results in {asked.out}"]
    if any(counts[status] for status in UNFINISHED):
        found = (store.read(cell.hash) for cell in asked.cells)
        bad = [record for record in found if record and record["status"] in UNFINISHED]
        lines += [f"  {r['status']} {r['identity']['algorithm']} ({r['cell']}): {r['reason']}" for r in bad[:_SHOWN]]
        lines += [f"  and {len(bad) - _SHOWN} more"] if len(bad) > _SHOWN else []
        lines.append("compute them again with --rerun failed")
    if report:
        lines.append(f"report: {asked.out / 'report' / 'report.html'}")
    elif asked.shard:
        joining = ", or if each has a folder of its own, python -m bench.report FOLDERS --out JOINED"
        lines.append(
            f"when all shards are done: python -m bench.report {asked.out}{'' if asked.declared.studies else joining}"
        )
    return "\n".join(lines)


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
        print(f"\nstopped; what was finished is kept\n{how_to_go_on('bench.run', arguments)}", flush=True)
        return STOPPED
    except Exception as error:
        if not isinstance(error, foreseen()):
            raise
        print(short(str(error)), file=sys.stderr)
        return USAGE


if __name__ == "__main__":
    code = main()
    if code == STOPPED:  # Python takes more than a second to take torch apart, which Ctrl-C does not give us
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
