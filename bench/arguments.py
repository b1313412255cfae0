"""What several command lines take and say alike."""

import argparse
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LONGEST = 15  # lines of one message


class UsageError(Exception):
    """Options that cannot be met on this machine."""


def at_least_one(text: str) -> int:
    """A whole number >= 1.

    >>> at_least_one("2")
    2
    """
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number >= 1, got {text}")
    return number


def positive(text: str) -> float:
    """A finite number > 0.

    >>> positive("0.5")
    0.5
    """
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"expected a number > 0, got {text}")
    return number


class Shard(NamedTuple):
    """One of several parts of a suite."""

    number: int  # from 1
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def shard(text: str) -> Shard:
    """``i/n``, with i from 1 to n.

    >>> str(shard("2/4"))
    '2/4'
    """
    number, slash, of = text.partition("/")
    if slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
        return Shard(int(number), int(of))
    raise argparse.ArgumentTypeError(f"expected I/N with I from 1 to N, such as 2/4, got {text}")


def load_plugins(paths: Sequence[str]) -> tuple[str, ...]:
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


def device(name: str, *, here: bool = True) -> str:
    """The device to run on; "auto" is the same everywhere, because the device is part of a result's identity.

    `here`: whether cells run on this machine; nodes of a cluster are looked at when cells get there.
    """
    if name == "cuda" and here:
        import torch

        if not torch.cuda.is_available():
            raise UsageError("--device cuda: no usable GPU here (see python -m bench.doctor); leave the option out")
    return "cpu" if name == "auto" else name


def foreseen() -> tuple[type[Exception], ...]:
    """The errors of a suite's commands whose message is meant for the user; imported when there is one to look at."""
    from bench.data import DataError
    from bench.declaration.mistakes import SuiteError
    from bench.execution.executor import WorkersError
    from bench.frameworks.needs import Unusable
    from bench.parameters import ParameterError
    from bench.records.store import StoreError
    from bench.registry import RegistryError

    return (SuiteError, RegistryError, DataError, StoreError, ParameterError, WorkersError, UsageError, Unusable)


def short(message: str) -> str:
    """A message of at most `LONGEST` lines."""
    lines = message.splitlines()
    if len(lines) > LONGEST:
        lines = [*lines[: LONGEST - 1], f"and {len(lines) - LONGEST + 1} more lines"]
    return "\n".join(lines)


def how_to_go_on(module: str, arguments: Sequence[str]) -> str:
    """The command that continues; what ``--rerun`` asked for is under way and must not start over.

    >>> how_to_go_on("bench.run", ["--suite", "smoke", "--rerun", "all"])
    'go on with: python -m bench.run --suite smoke'
    """
    kept, rest = [], iter(arguments)
    for argument in rest:
        if argument == "--rerun":
            next(rest, None)
        elif not argument.startswith("--rerun="):
            kept.append(argument)
    return f"go on with: python -m {module} {shlex.join(kept)}"
