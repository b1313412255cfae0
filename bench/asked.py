"""What a command line asked for, resolved: the suite with its changes, the cells, where and on what.

Everything that needs no data; importing it needs neither torch nor NumPy.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.arguments import Shard, UsageError, device, load_plugins
from bench.execution.executors import HERE, Where

if TYPE_CHECKING:
    from bench.declaration.cell import Cell
    from bench.declaration.studies import Declared
    from bench.declaration.suite import Suite

SUITE_OPTIONS = (
    *("dataset", "algorithms", "alphas", "partition", "zoo", "replicates", "rounds", "clients", "time_limit", "set"),
)


@dataclass(frozen=True)
class Plan:
    """What was asked for, resolved."""

    declared: "Declared"
    cells: "list[Cell]"  # to be computed here, each once, though studies may share it
    members: Mapping[str, list[str]]  # study -> the hashes of its cells; empty for a suite without studies
    out: Path
    jobs: int | None  # None: as many as there is room for
    data_root: Path | None
    plugins: tuple[str, ...] = ()
    split_folders: tuple[str, ...] = ()  # as NAME=DIR
    function: str | None = None  # see bench.execution.worker.Job
    where: Where = HERE
    tuned: Mapping[str, str] = field(default_factory=dict)  # a cell's hash -> digest of the trials behind its values
    shard: Shard | None = None  # which part of the suite this is; None: all of it
    trace: Path | None = None  # see bench.rounds.trace
    whole: "tuple[Cell, ...]" = ()  # with a shard: the cells of all shards

    @property
    def suite(self) -> "Suite":
        """The suite, or the first study: what is asked of it here is the same in all."""
        return self.declared.suite

    @property
    def everything(self) -> "Sequence[Cell]":
        """All cells of the suite, whoever computes them."""
        return self.whole or self.cells

    def missing(self) -> "list[Cell]":
        """The cells without a file."""
        return [cell for cell in self.cells if not (self.out / "cells" / f"{cell.hash}.json").exists()]


def plan(options: argparse.Namespace) -> Plan:
    """Read and check everything that needs no data. Raises SuiteError, RegistryError, UsageError."""
    from bench.declaration.studies import load
    from bench.declaration.tuned import digest

    _check_framework(options)
    plugins = load_plugins(options.plugin)
    choices = {name: getattr(options, name) for name in SUITE_OPTIONS}
    folders = split_folders(options.split_folder, choices)
    declared = load(options.suite, choices, full=options.full, only=options.studies)
    cells = [_cells(suite, options) for suite in declared.suites]
    each = list({cell.hash: cell for some in cells for cell in some}.values())
    names = [study.name for study in declared.studies]
    trials = {
        cell.hash: digest(suite, cell.dataset, cell.algorithm)
        for suite, some in zip(declared.suites, cells, strict=True)
        for cell in some
    }
    root = options.data_root or os.environ.get("BENCH_DATA") or None
    return Plan(
        declared=declared,
        cells=share(each, options.shard) if options.shard else each,
        members={name: [cell.hash for cell in some] for name, some in zip(names, cells, strict=False)},
        whole=tuple(each) if options.shard else (),
        tuned={name: found for name, found in trials.items() if found},
        shard=options.shard,
        out=options.out or Path("results") / f"{declared.suite.name}-{'+'.join(declared.whole['datasets'])}",
        jobs=options.jobs or (None if options.framework == "native" else 1),  # a framework uses the cores itself
        where=_where(options),
        data_root=Path(root) if root else None,
        plugins=plugins,
        split_folders=folders,
        trace=_trace(options),
    )


def _trace(options: argparse.Namespace) -> Path | None:
    """The folder for traces, made. Raises UsageError."""
    if options.trace is None:
        return None
    if options.executor != "processes":
        raise UsageError("--trace keeps models on this machine: expected --executor processes")
    folder: Path = options.trace
    try:
        if not options.dry_run:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--trace {folder}: expected a folder that can be written to, got {error}") from None
    return folder


def _cells(suite: "Suite", options: argparse.Namespace) -> "list[Cell]":
    from bench.declaration.cell import cells
    from bench.execution.forecast import resolved

    made = cells(
        suite,
        device=device(options.device, here=options.address is None),
        precision=options.precision,
        framework=options.framework,
    )
    return resolved(made, None if options.engine == "auto" else options.engine)


def share(declared: "list[Cell]", shard: Shard) -> "list[Cell]":
    """The cells of one shard. Raises UsageError where there are fewer cells than shards."""
    from bench.execution.forecast import expected
    from bench.execution.shards import shards

    costs = expected(declared)
    mine = shards(declared, lambda cell: costs[cell.hash], shard.of)[shard.number - 1]
    if not mine:
        raise UsageError(f"--shard {shard}: nothing to do for it, the suite has {len(declared)} cells")
    return mine


def split_folders(asked: Sequence[str], choices: dict[str, Any]) -> tuple[str, ...]:
    """Make split folders data sets, and choose them, their partition and their clients where no option does.

    Raises DataError, RegistryError, UsageError.
    """
    if not asked:
        return ()
    from datasets.split_folder import register

    folders = [register(text) for text in asked]
    numbers = {folder.clients for folder in folders}
    if len(numbers) > 1:
        told = ", ".join(f"{folder.clients} in {folder.path}" for folder in folders)
        raise UsageError(f"--split-folder: expected folders with one number of clients, got {told}")
    given = {"dataset": [folder.name for folder in folders], "partition": ["as-given"], "clients": numbers.pop()}
    for name, value in given.items():
        if choices.get(name) is None:
            choices[name] = value
    return tuple(map(str, folders))


def _check_framework(options: argparse.Namespace) -> None:
    """Raises Unusable, UsageError where the framework that was asked for cannot run here."""
    from bench.frameworks import needs

    if options.framework != "native" and options.executor == "ray":
        raise UsageError(f"--framework {options.framework} starts processes of its own: leave --executor ray out")
    needs.check(options.framework, device=device(options.device, here=options.address is None))


def _where(options: argparse.Namespace) -> Where:
    """Which executor, and what it is told. Raises UsageError."""
    given = {"--address": options.address, "--cpus-per-task": options.cpus_per_task}
    given["--gpus-per-task"] = options.gpus_per_task
    if options.executor != "ray":
        if foreign := [name for name, value in given.items() if value is not None]:
            raise UsageError(f"{foreign[0]}: only with --executor ray")
        return HERE
    from bench.execution.ray_session import MISSING, installed

    if not installed():
        raise UsageError(MISSING)
    gpus = options.gpus_per_task or (1.0 if options.device == "cuda" else 0.0)
    return Where("ray", options.address, options.cpus_per_task or 1.0, gpus)
