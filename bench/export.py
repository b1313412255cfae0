"""``python -m bench.export SUITE OUT``: a partition of a suite for other tools, see docs/interchange.md.

Exit codes: 0 written; 2 usage, configuration, data or folder.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.arguments import UsageError
from bench.asked import split_folders

if TYPE_CHECKING:
    from bench.declaration.cell import Cell

OK, USAGE = 0, 2
CHOICES = ("dataset", "alphas", "partition", "zoo", "clients", "set")
FORMATS = ("pfllib", "csv")


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m bench.export",
        description="Write one partition of a suite, the very one that bench.run draws: as a split folder of PFLlib "
        "and HtFLlib, or as CSV of row numbers.",
        epilog="Exit codes: 0 written, 2 usage, configuration, data or folder.",
        allow_abbrev=False,
    )
    add = made.add_argument
    add("suite", metavar="SUITE", help="a built-in suite, or a path to a .toml file")
    add("out", metavar="OUT", type=Path, help="a new or an empty folder")
    add("--format", choices=FORMATS, required=True)
    add("--replicate", type=int, default=0, metavar="N", help="whose draw, from 0")
    add("--data-root", type=Path, metavar="DIR", help="copies of the data sets; never downloads. Or set BENCH_DATA")
    add("--plugin", action="append", default=[], metavar="FILE", help="a Python file with plugins; may be repeated")
    add("--split-folder", action="append", default=[], metavar="[NAME=]DIR", help="as in bench.run")
    add = made.add_argument_group("which partition, where the suite has several").add_argument
    add("--dataset", metavar="NAME")
    add("--partition", metavar="NAME")
    add("--alphas", metavar="NUMBER")
    add("--zoo", metavar="NAME", help="cells of another zoo have another draw")
    add("--clients", metavar="N")
    add("--set", action="append", metavar="NAME.PARAM=VALUE", help="such as dirichlet.minimum=1; may be repeated")
    return made


def chosen(options: argparse.Namespace) -> "Cell":
    """A cell that has the partition. Raises SuiteError, RegistryError, DataError, UsageError."""
    from bench.declaration.cell import cells
    from bench.declaration.suite import load
    from bench.registry import load_file

    if options.replicate < 0:
        raise UsageError(f"--replicate: expected a whole number >= 0, got {options.replicate}")
    for path in options.plugin:
        load_file(path)
    choices = {name: getattr(options, name) for name in CHOICES}
    split_folders(options.split_folder, choices)
    suite = load(options.suite, choices)
    if suite.tasks:
        raise UsageError(f"suite {options.suite} has [[tasks]]: expected a suite whose clients share one data set")
    suite = suite.model_copy(update={"replicates": options.replicate + 1})
    made = [cell for cell in cells(suite) if cell.replicate == options.replicate]
    draws = {json.dumps(cell.axes("partition"), sort_keys=True): cell for cell in made}
    if len(draws) > 1:
        several = (
            ("--dataset", {cell.dataset for cell in made}),
            ("--partition", {cell.partition for cell in made}),
            ("--alphas", {f"{cell.alpha:g}" for cell in made if cell.alpha is not None}),
            ("--zoo", {cell.zoo for cell in made}),
        )
        told = "; ".join(f"{option} {', '.join(sorted(values))}" for option, values in several if len(values) > 1)
        raise UsageError(f"expected one partition, the suite has {len(draws)}: choose one of {told}")
    return made[0]


def facts(cell: "Cell", digest: str) -> dict[str, Any]:
    """What the partition is, for whoever finds the files."""
    return {
        "dataset": cell.dataset,
        "data_md5": cell.data_md5,
        "partition": cell.partition,
        "params": cell.partition_params,
        "alpha": cell.alpha,
        "clients": cell.clients,
        "zoo": cell.zoo,
        "replicate": cell.replicate,
        "seed": cell.partition_seed,
        "hash": digest,
        "batch_size": cell.training["batch_size"],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw and write; what was foreseen becomes one message and an exit code."""
    options = parser().parse_args(arguments)
    from bench.data import DataError
    from bench.declaration.mistakes import SuiteError
    from bench.parameters import ParameterError
    from bench.registry import RegistryError

    try:
        cell = chosen(options)
        from bench.rounds.dealing import deal, describe
        from bench.rounds.loading import load
        from bench.rounds.pool import of_one
        from datasets.split_files import export

        root = options.data_root or os.environ.get("BENCH_DATA") or None
        data = load(cell.dataset, Path(root) if root else None)
        there = of_one(data, cell.clients)
        splits = deal(cell, there)
        export(options.format, options.out, data, splits, facts(cell, describe(cell, there, splits)["hash"]))
    except (SuiteError, RegistryError, DataError, ParameterError, UsageError) as error:
        print(f"bench.export: {error}", file=sys.stderr)
        return USAGE
    alpha = "" if cell.alpha is None else f" with alpha {cell.alpha:g}"
    what = f"{cell.partition}{alpha} of {cell.dataset} over {cell.clients} clients, replicate {cell.replicate}"
    print(f"{what}: {options.out}")
    return OK


if __name__ == "__main__":
    sys.exit(main())
