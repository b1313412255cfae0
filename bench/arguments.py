"""Kinds of values that several command lines take."""

import argparse
import math
from typing import NamedTuple


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
