"""Hyper-parameters as fields of a frozen dataclass: declared with a range, checked on construction. Needs no torch.

Algorithms and partitions declare their parameters alike::

    @dataclass(frozen=True)
    class Prox:
        mu: float = number(0.01, low=0)

        def __post_init__(self) -> None:
            check_fields(self)
"""

import math
from dataclasses import MISSING, field, fields
from difflib import get_close_matches
from typing import Any

__all__ = ["Contradiction", "ParameterError", "check_fields", "choice", "number", "whole"]


class ParameterError(ValueError):
    """A hyper-parameter out of its range or of the wrong type; the message names field, expectation and value."""


class Contradiction(ParameterError):
    """Hyper-parameters that are each in their range but make no sense together: none of them is to blame alone."""


def number(default: float, *, low: float = -math.inf, high: float = math.inf) -> float:
    """A float hyper-parameter in [low, high]."""
    return field(default=default, metadata={"low": low, "high": high})


def whole(default: int, *, low: float = -math.inf, high: float = math.inf) -> int:
    """An integer hyper-parameter in [low, high]."""
    return field(default=default, metadata={"low": low, "high": high})


def choice(default: str, options: tuple[str, ...]) -> str:
    """A hyper-parameter that takes one of `options`."""
    return field(default=default, metadata={"options": options})


def check_fields(plugin: Any) -> None:
    """Check every field of a dataclass of hyper-parameters against its declaration.

    Whole numbers are taken for floats, so that 1 and 1.0 are one setting. Raises ParameterError naming all mistakes.
    """
    mistakes = []
    for f in fields(plugin):
        value, default = getattr(plugin, f.name), f.default
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
            object.__setattr__(plugin, f.name, value)
        if default is not MISSING and type(value) is not type(default):
            mistakes.append(f"{f.name}: expected {_KINDS.get(type(default), type(default).__name__)}, got {value!r}")
            continue
        low, high = f.metadata.get("low", -math.inf), f.metadata.get("high", math.inf)
        if isinstance(value, int | float) and not (math.isfinite(value) and low <= value <= high):
            mistakes.append(f"{f.name}: expected {_KINDS[type(value)]} {_range(low, high)}, got {value!r}")
        options = f.metadata.get("options")
        if options and value not in options:
            close = get_close_matches(str(value), options, n=1)
            hint = f". Did you mean '{close[0]}'?" if close else ""
            mistakes.append(f"{f.name}: expected one of {', '.join(options)}, got {value!r}{hint}")
    if mistakes:
        raise ParameterError("; ".join(mistakes))


_KINDS = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return f">= {low:g}" if math.isfinite(low) else "that is finite"
    return f"from {low:g} to {high:g}" if math.isfinite(low) else f"<= {high:g}"
