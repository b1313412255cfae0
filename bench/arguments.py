"""Kinds of values that several command lines take."""

import argparse


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
