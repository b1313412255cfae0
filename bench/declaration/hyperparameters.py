"""A plugin's hyper-parameters as a suite gives them: what is wrong with them, and all of them once resolved."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from bench.parameters import Contradiction
from bench.registry import Registry, explain, nearest

Scalar = float | int | str | bool


def names(registry: Registry, name: str) -> list[str]:
    """The hyper-parameters that a plugin takes. Raises RegistryError."""
    return [f.name for f in fields(registry.get(name)) if f.init]


def resolved(registry: Registry, name: str, given: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Every hyper-parameter of a plugin, defaults included, as the plugin itself reads them."""
    plugin = registry.get(name)(**given)
    return {f.name: getattr(plugin, f.name) for f in fields(plugin)}


def faults(registry: Registry, name: str, given: Mapping[str, object]) -> list[tuple[str | None, str]]:
    """What is wrong with them: (parameter, or None for the plugin as a whole; text), empty when all is well.

    Found by asking the plugin: only it knows its ranges. Raises RegistryError where there is no such plugin.
    """
    plugin = registry.get(name)
    try:
        known = names(registry, name)
    except TypeError:
        return [(None, f"{registry.kind} '{name}' must be a dataclass: its fields are its parameters")]
    found: list[tuple[str | None, str]] = [
        (key, f"unknown parameter of {name}.{nearest(key, known)}" if known else f"{name} has no parameters")
        for key in given
        if key not in known
    ]
    usable = {key: value for key, value in given.items() if key in known}
    whole = _objection(plugin, usable)
    if whole is None:
        return found
    alone = {key: _objection(plugin, {key: value}, alone=True) for key, value in usable.items()}
    blamed = {key: text.removeprefix(f"{key}: ") for key, text in alone.items() if text is not None}
    if not blamed:
        return [*found, (None, whole)]  # they contradict each other, or the plugin fails in any case
    return [*found, *blamed.items()]


def at_home(fault: tuple[str | None, str], own: Iterable[str]) -> tuple[str | None, str]:
    """A fault as it is told of a table with the keys `own`: a contradiction that names one of them stands there.

    >>> at_home((None, "mu: expected none without a pull"), ["mu"])
    ('mu', 'expected none without a pull')
    >>> at_home((None, "mu: expected none without a pull"), ["pull"])
    (None, 'mu: expected none without a pull')
    """
    key, text = fault
    named, _, rest = text.partition(": ")
    return (named, rest) if key is None and named in own else fault


def _objection(plugin: Any, given: Mapping[str, object], *, alone: bool = False) -> str | None:
    """Why the plugin refuses these parameters, or None; a parameter that is `alone` contradicts no other."""
    try:
        plugin(**given)
    except Contradiction as error:
        return None if alone else str(error)
    except ValueError as error:
        return str(error)
    except Exception as error:  # a plugin of someone else's: whatever it raises is a reason to show
        return explain(error)
    return None
