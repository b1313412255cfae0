"""``python -m bench.speed``: how fast the engines are, beside a naive loop and the machine's own limit.

Exit codes: 0 all is measured; 2 usage or data; 3 some workloads failed, or did other work than the naive loop; 130
stopped by Ctrl-C or SIGTERM. What was measured until then is shown.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.arguments import at_least_one
from bench.host.termination import as_interrupt
from bench.registry import RegistryError
from bench.shadow import shadowed
from bench.speedometer import workloads

if TYPE_CHECKING:
    from bench.speedometer.results import Report
    from bench.speedometer.workloads import Workload

USAGE, SOME_FAILED, STOPPED = 2, 3, 130
MOMENTA = (0.0, 0.9)
REPEATS = {"comparison": 5, "overhead": 5, "growth": 3, "jobs": 1}
QUICK_REPEATS = 2
PLACES = {"--data-root": "DIR", "--json": "FILE", "--plot": "FILE", "--docs": "FILE"}  # options that name a place
PICTURES = (".png", ".svg", ".pdf")


class UsageError(Exception):
    """Options that contradict each other, or files that cannot be written."""


def parser() -> argparse.ArgumentParser:
    """All options."""
    made = argparse.ArgumentParser(
        prog="python -m bench.speed",
        description="Client steps per second of every engine, beside a naive loop and the machine's own limit: one "
        "thread, interleaved, as ratios with quartiles.",
        epilog="Exit codes: 0 done, 2 usage or data, 3 some workloads failed, 130 stopped; what is measured is shown.",
        allow_abbrev=False,
    )
    add = made.add_argument
    add("--list", action="store_true", help="name the workloads and stop")
    add("--workloads", metavar="NAMES", help="only these, written a,b")
    add("--repeats", type=at_least_one, metavar="N", help="repetitions; default: 5, with momentum 3, whole jobs 1")
    add("--quick", action="store_true", help="a look in under two minutes: momentum 0, two repetitions, no extras")
    add("--data-root", type=Path, metavar="DIR", help="copies of the data sets; never downloads. Or set BENCH_DATA")
    parts = made.add_argument_group("other parts, measured instead of the comparison")
    add = parts.add_argument
    add("--overhead", action="store_true", help="the reference engine over forward, backward and update alone")
    add("--growth", action="store_true", help="seconds per round from 10 to 1000 clients, and memory")
    add("--job", "--two-cores", dest="job", action="store_true", help="whole jobs by the clock, on all cores")
    add("--processes", type=at_least_one, metavar="N", help="our processes in whole jobs; default: one per core")
    add("--all", action="store_true", help="all parts, the comparison included")
    output = made.add_argument_group("what becomes of it")
    add = output.add_argument
    add("--markdown", action="store_true", help="print tables as Markdown")
    add("--json", type=Path, metavar="FILE", help="write all numbers")
    add("--plot", type=Path, metavar="FILE", help="write the comparison as a figure (.svg, .pdf, .png)")
    add("--docs", type=Path, metavar="FILE", help="make the page, such as docs/speed.md; parts not measured now stay")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, measure, show."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(arguments)
    try:
        if foreign := shadowed():
            raise UsageError(foreign)
        chosen = _chosen(options)
        if options.list:
            print("\n".join(f"{w.name.ljust(20)}  {w.title}, batch {w.batch}, {w.clients} clients" for w in chosen))
            return 0
        parts = _parts(options)
        root = _root(options, chosen, parts)
    except (RegistryError, UsageError) as error:
        print(error, file=sys.stderr)
        return USAGE
    return run(options, chosen, parts, root, arguments)


def _placeless(arguments: Sequence[str]) -> list[str]:
    """The options without this machine's folders: what is measured here is published."""
    kept: list[str] = []
    for argument in arguments:
        option, equals, _ = argument.partition("=")
        if option in PLACES and equals:
            argument = f"{option}={PLACES[option]}"
        elif kept and kept[-1] in PLACES:
            argument = PLACES[kept[-1]]
        kept.append(argument)
    return kept


def _chosen(options: argparse.Namespace) -> "list[Workload]":
    if options.workloads is None:
        return list(workloads.WORKLOADS)
    return workloads.find(name.strip() for name in options.workloads.split(","))


def _parts(options: argparse.Namespace) -> list[str]:
    """The parts to measure. Raises UsageError where options contradict each other."""
    asked = {"overhead": options.overhead, "growth": options.growth, "memory": options.growth, "jobs": options.job}
    parts = [part for part, wanted in asked.items() if wanted or options.all]
    if options.all or not parts:
        parts.insert(0, "comparison")
    if options.docs and (options.workloads or options.quick):
        raise UsageError("--docs makes the whole page: leave --workloads and --quick out")
    if options.plot and "comparison" not in parts:
        raise UsageError("--plot shows the comparison, which is not measured here: leave it out, or add --all")
    if options.plot and options.plot.suffix not in PICTURES:
        raise UsageError(f"--plot: expected a name that ends in {', '.join(PICTURES)}, got {options.plot}")
    for path in (options.json, options.plot, options.docs):
        if path and not path.absolute().parent.is_dir():
            raise UsageError(f"{path}: there is no folder {path.absolute().parent}")
    if options.quick and parts != ["comparison"]:
        raise UsageError("--quick is for the comparison: leave --overhead, --growth, --job and --all out")
    return parts


def _root(options: argparse.Namespace, chosen: "list[Workload]", parts: list[str]) -> str | None:
    """The data root, absolute: workers have another current folder. Raises UsageError where data is missing."""
    from bench.data import DataError
    from bench.registry import DATASETS

    given = options.data_root or os.environ.get("BENCH_DATA") or None
    root = Path(given).absolute() if given else None
    if parts != ["comparison"] or any(workload.dataset.startswith("mnist") for workload in chosen):
        try:
            DATASETS.get("mnist")().load(root)
        except DataError as error:
            raise UsageError(str(error)) from None
    return str(root) if root else None


def run(
    options: argparse.Namespace,
    chosen: "list[Workload]",
    parts: Sequence[str],
    root: str | None,
    arguments: Sequence[str],
) -> int:
    """Measure the parts one after the other and show them; Ctrl-C keeps what is complete."""
    from bench.host.provenance import provenance
    from bench.speedometer.process import WorkerError
    from bench.speedometer.results import Report

    report, stopped, failed = Report(), False, False
    for part in parts:
        report.origins[part] = {**provenance(_placeless(arguments)), "load": os.getloadavg()[0]}
        if report.origins[part]["load"] > 0.5:
            print(f"{part}: this machine is busy (load {os.getloadavg()[0]:.1f}): times will be off", file=sys.stderr)
        try:
            with as_interrupt(), _telling() as (say, tell):
                MEASURE[part](report, options, chosen, root, say, tell)
        except KeyboardInterrupt:
            stopped = True
            break
        except WorkerError as error:
            print(f"{part}: {error}", file=sys.stderr)
            failed = True
    for name in ("comparison", "overhead"):
        kept = [series for series in getattr(report, name) if series.seconds or series.problem]
        setattr(report, name, kept)
    failed = show(report, options, stopped) or failed
    return STOPPED if stopped else SOME_FAILED if failed else 0


def show(report: "Report", options: argparse.Namespace, stopped: bool) -> bool:
    """Print tables and write files; returns whether anything failed."""
    from bench.speedometer import page, plot
    from bench.speedometer.tables import problems, tables

    for table in tables(report).values():
        print(f"\n## {table.title}\n\n{table.markdown()}" if options.markdown else f"\n{table.text()}")
    wrong = problems(report)
    print("".join(f"\nfailed: {line}" for line in wrong), file=sys.stderr)
    if options.json:
        report.write(options.json)
    if options.plot and "comparison" in (made := plot.figures(report)):
        plot.save(made["comparison"], options.plot)
    if stopped:
        print("stopped; the tables hold what was measured" + ("; no page is made of it" if options.docs else ""))
    elif options.docs:
        page.write(report, options.docs)
        print(f"\n{options.docs} and {page.folder(options.docs)} are written")
    return bool(wrong)


Measure = Callable[["Report", argparse.Namespace, "list[Workload]", str | None, Any, Any], None]


def _comparison(
    report: "Report", options: argparse.Namespace, chosen: Any, root: str | None, say: Any, tell: Any
) -> None:
    from bench.speedometer.comparison import compare
    from bench.speedometer.tables import line

    momenta = MOMENTA[:1] if options.quick else MOMENTA
    repeats = options.repeats or (QUICK_REPEATS if options.quick else REPEATS["comparison"])
    extras = not options.quick
    for series in compare(report.comparison, chosen, momenta, repeats, root, extras=extras, say=say):
        tell(line(series))


def _overhead(
    report: "Report", options: argparse.Namespace, chosen: Any, root: str | None, say: Any, tell: Any
) -> None:
    from bench.speedometer.comparison import OVERHEAD, overhead

    of = [workload for workload in workloads.find(OVERHEAD) if not options.workloads or workload in chosen]
    for series in overhead(report.overhead, of, options.repeats or REPEATS["overhead"], root, say=say):
        tell(f"overhead on {series.name}: measured" if not series.problem else f"{series.name}: {series.problem}")


def _growth(report: "Report", options: argparse.Namespace, chosen: Any, root: str | None, say: Any, tell: Any) -> None:
    from bench.speedometer.growth import grow

    for point in grow(report.growth, options.repeats or REPEATS["growth"], root, say=say):
        tell(f"{point.clients} clients: measured")


def _memory(report: "Report", options: argparse.Namespace, chosen: Any, root: str | None, say: Any, tell: Any) -> None:
    from bench.speedometer import memory
    from bench.speedometer.ours import ENGINES

    for engine in ENGINES:
        say(f"memory of the {engine} engine")
        report.memory.append(memory.measure(engine, root))
        tell(f"memory of the {engine} engine: measured")


def _jobs(report: "Report", options: argparse.Namespace, chosen: Any, root: str | None, say: Any, tell: Any) -> None:
    from bench.host.provenance import cores
    from bench.speedometer import jobs

    names = [workload.name for workload in chosen if workload.name in jobs.JOBS]
    processes = options.processes or cores()
    for job in jobs.run(report.jobs, names, options.repeats or REPEATS["jobs"], processes, root, say=say):
        tell(f"job {job.name}: naive {job.naive}, ours {job.ours} seconds")


MEASURE: dict[str, Measure] = {
    "comparison": _comparison,
    "overhead": _overhead,
    "growth": _growth,
    "memory": _memory,
    "jobs": _jobs,
}


@contextlib.contextmanager
def _telling() -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """Two ways to speak on stderr: of what is being done (in a terminal only), and of what is done."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    with console.status("") as status:
        yield (lambda text: status.update(text)), (lambda text: console.print(text, markup=False, soft_wrap=True))


if __name__ == "__main__":
    sys.exit(main())
