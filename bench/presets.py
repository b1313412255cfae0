"""Presets: settings of an algorithm that have a name of their own, such as ``fml:pfllib``.

An algorithm declares them above itself::

    @algorithm("fml-variant")
    @preset("fml:pfllib", "FML as in PFLlib", reduction="mean", detach=False)
    @dataclass(frozen=True)
    class FMLVariant(FML): ...

A preset stands wherever an algorithm does: in a suite's lists, behind ``--algorithms`` and ``--set``, in ``bench.list``
and as the label of its results. It is the algorithm with other defaults, nothing else: parameters can still be given,
and a cell's identity holds all values, never only the name. Needs no torch.
"""

import re
from collections.abc import Callable
from dataclasses import field, fields, make_dataclass
from typing import Any, TypeVar

from bench.registry import ALGORITHMS, RegistryError, nearest

__all__ = ["preset"]

T = TypeVar("T", bound=type)


def preset(name: str, summary: str, **values: float | int | str | bool) -> Callable[[T], T]:
    """Decorator, above ``@dataclass``: registers `name` ("family:preset") for the algorithm with these defaults.

    `summary` is one line for people, which ``bench.list`` shows. Raises RegistryError for a name without a family or
    for values that are no parameters, and ParameterError for values that the algorithm refuses.
    """

    def declare(plugin: T) -> T:
        ALGORITHMS.register(name)(_with_defaults(plugin, name, summary, values))
        return plugin

    if not re.fullmatch(r"[\w.-]+:[\w.-]+", name):
        raise RegistryError(f"expected a preset's name such as 'fml:authors', got '{name}'")
    return declare


def _with_defaults(plugin: Any, name: str, summary: str, values: dict[str, Any]) -> type:
    """A subclass whose fields have other defaults."""
    known = {f.name: f for f in fields(plugin)}
    if strangers := [key for key in values if key not in known]:
        raise RegistryError(f"preset '{name}': unknown parameter '{strangers[0]}'.{nearest(strangers[0], known)}")
    changed = [
        (key, known[key].type, field(default=value, metadata=known[key].metadata)) for key, value in values.items()
    ]
    made = make_dataclass(plugin.__name__, changed, bases=(plugin,), frozen=True)
    made.__module__ = plugin.__module__
    made.__qualname__ = f"{plugin.__qualname__}[{name}]"
    made.__doc__ = summary
    made()  # a preset that its algorithm refuses is a mistake of whoever declares it
    return made
