"""``python -m bench.tune noniid``: hyper-parameters by the same number of trials for every algorithm.

Trials have draws of their own and see no row that a result tests a client on; see docs/tune.md. Exit codes: 0 every
algorithm has its values; 2 nothing could be run (usage, configuration, data, output folder); 3 for some algorithm
nothing could be chosen; 130 stopped by Ctrl-C or SIGTERM. What is finished is kept, and the same command goes on.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench import engines
from bench.arguments import UsageError, at_least_one, device, foreseen, how_to_go_on, load_plugins, short
from bench.shadow import shadowed

if TYPE_CHECKING:
    from bench.records.tuning import Tuning
    from bench.tuning.study import Study

OK, USAGE, SOME_FAILED, STOPPED = 0, 2, 3, 130
SUITE_OPTIONS = (
    *("dataset", "algorithms", "alphas", "partition", "zoo", "rounds", "clients", "time_limit", "set"),
    *("trials", "tuning_replicates"),
)


def parser() -> argparse.ArgumentParser:
    """All options. Their values are checked with the suite, so that all mistakes are reported at once."""
    made = argparse.ArgumentParser(
        prog="python -m bench.tune",
        description="Choose hyper-parameters on validation data: the same number of settings for every algorithm of a "
        "suite, in draws that no result has. The same command again goes on where it was stopped.",
        epilog="Exit codes: 0 done, 2 usage or configuration, 3 nothing chosen for some algorithm, 130 stopped. "
        "See docs/tune.md.",
        allow_abbrev=False,
    )
    made.add_argument("suite", metavar="SUITE", help="a built-in suite (see bench.list), or a path to a .toml file")
    suite = made.add_argument_group("instead of what the suite says; lists are written a,b")
    add = suite.add_argument
    add("--dataset", metavar="NAMES")
    add("--algorithms", metavar="NAMES")
    add("--trials", metavar="N", help="settings for each algorithm")
    add("--tuning-replicates", metavar="N", help="draws made for tuning alone")
    add("--alphas", metavar="NUMBERS")
    add("--partition", metavar="NAMES")
    add("--zoo", metavar="NAMES")
    add("--rounds", metavar="N")
    add("--clients", metavar="N")
    add("--time-limit", metavar="SECONDS", help="for each cell")
    add("--set", action="append", metavar="NAME.PARAM=VALUE", help="such as tune.grid.lr=[0.01,0.1]; may be repeated")
    where = made.add_argument_group("where and how")
    add = where.add_argument
    add("--write", type=Path, metavar="FILE", help="the suite file that gets the values; all else in it stays")
    add("--engine", choices=("auto", *engines.NAMES), default="auto")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: the processor")
    add("--jobs", type=at_least_one, metavar="N", help="processes; default: one per core")
    add("--data-root", type=Path, metavar="DIR", help="copies of the data sets; never downloads. Or set BENCH_DATA")
    add("--out", type=Path, metavar="DIR", help="default: results/tune-<suite>-<data set>")
    add("--plugin", action="append", default=[], metavar="FILE", help="a Python file with plugins; may be repeated")
    add("--rerun", choices=("failed", "all"), help="compute these again instead of keeping them")
    add("--dry-run", action="store_true", help="show the settings and a time estimate, and run nothing")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, run, and turn what was foreseen into one message and an exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(arguments)
    try:
        if foreign := shadowed():
            raise UsageError(foreign)
        plugins = load_plugins(options.plugin)
        studies = _studies(options)
        if options.dry_run:
            return _dry_run(studies, options)
        return _run(studies, options, arguments, plugins)
    except KeyboardInterrupt:
        print(f"\nstopped; what was finished is kept\n{how_to_go_on('bench.tune', arguments)}", flush=True)
        return STOPPED
    except Exception as error:
        if not isinstance(error, foreseen()):
            raise
        print(short(str(error)), file=sys.stderr)
        return USAGE


def _studies(options: argparse.Namespace) -> "list[Study]":
    """What is to be tuned, one study for each data set; tasks are one. Raises SuiteError, RegistryError, UsageError."""
    from bench.declaration.suite import load
    from bench.declaration.tuned import keys
    from bench.tuning.study import Study

    suite = load(options.suite, {name: getattr(options, name) for name in SUITE_OPTIONS})
    if options.out and len(keys(suite)) > 1:
        raise UsageError(f"--out: expected one data set, which has one folder, got {', '.join(keys(suite))}")
    engine = None if options.engine == "auto" else options.engine
    where = device(options.device)
    return [Study.of(suite, dataset, options.out, engine, where) for dataset in keys(suite)]


def _dry_run(studies: "list[Study]", options: argparse.Namespace) -> int:
    from bench.execution import forecast
    from bench.host.provenance import cores
    from bench.tuning import printing

    for study in studies:
        print(printing.plan(study), end="\n\n")
    todo = [cell for study in studies for cell in study.missing()]
    cells = sum(len(study.cells) for study in studies)
    print(f"{cells} cells, {cells - len(todo)} of them finished in {', '.join(str(study.out) for study in studies)}")
    print(forecast.estimate_line(forecast.expected(todo), options.jobs or cores()))
    return OK


def _run(
    studies: "list[Study]", options: argparse.Namespace, arguments: Sequence[str], plugins: tuple[str, ...]
) -> int:
    """Run the trials, choose, print, keep and report; write the values where asked."""
    from bench.host.provenance import cores, provenance
    from bench.records import tuning as records
    from bench.records.store import Store
    from bench.tuning import printing, writing
    from bench.tuning.running import How, compute
    from reports.tuning.page import render

    root = options.data_root or os.environ.get("BENCH_DATA") or None
    how = How(
        jobs=options.jobs or cores(),
        data_root=Path(root) if root else None,
        plugins=plugins,
        rerun=options.rerun,
        provenance=provenance(arguments),
    )
    found: list[Tuning] = []
    for study in studies:
        if stopped := compute(study, how):
            finished = len(study.cells) - len(study.missing())
            print(f"stopped by {stopped.name}: {finished} of {len(study.cells)} cells are finished")
            print(how_to_go_on("bench.tune", arguments), flush=True)
            return STOPPED
        tuning = study.found(Store(study.out).read, command(arguments))
        records.write(study.out, tuning)
        page = render(study.out, tuning)
        print(f"\n{printing.choices(tuning)}\nreport: {page}", flush=True)
        found.append(tuning)
    if options.write:
        writing.write(options.write, found)
        print(f"values written into {options.write}; raise its version: it declares other results now")
    elif any(tuning.choices for tuning in found):
        print(f"\nto use them, give --write FILE, or put this into a suite file:\n\n{writing.snippet(found)}")
    return SOME_FAILED if any(tuning.without for tuning in found) else OK


def command(arguments: Sequence[str]) -> str:
    """The command as it stands beside the values: without what decides none of them.

    >>> command(["noniid", "--dataset", "digits", "--jobs", "2", "--write", "my.toml", "--out=there"])
    'python -m bench.tune noniid --dataset digits'
    """
    kept, rest = [], iter(arguments)
    for argument in rest:
        name, equals, _ = argument.partition("=")
        if name in ("--jobs", "--write", "--out", "--data-root", "--rerun", "--time-limit"):
            if not equals:
                next(rest, None)
        else:
            kept.append(argument)
    return f"python -m bench.tune {shlex.join(kept)}"


if __name__ == "__main__":
    code = main()
    if code == STOPPED:  # Python takes more than a second to take torch apart, which Ctrl-C does not give us
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
