"""The nets that a cell's clients need, and what each client's task is to an algorithm."""

import copy
from dataclasses import replace

import torch

from bench.data import DataError
from bench.declaration.cell import Cell
from bench.nets.net import Net, parts
from bench.plugin import Parts, Task
from bench.registry import NETS
from bench.rounds.pool import Pool


def build(architecture: str, shape: tuple[int, int, int], classes: int) -> Net:
    """A net of the zoo with new weights. Raises DataError where it cannot be made for such images."""
    try:
        net = NETS.get(architecture)(shape, classes)
    except (RuntimeError, ValueError, TypeError) as error:
        raise _misfit(architecture, shape, error) from error
    return net  # type: ignore[no-any-return]  # a registry cannot know what its plugins return


def inspect(architecture: str, shape: tuple[int, int, int], classes: int, name: str | None = None) -> tuple[Net, Parts]:
    """A net and its parts, after a look at what it makes of an image. Raises DataError where that is no `Out`.

    `name`: what its parts are to call it, where that is not its name in the zoo.
    """
    net, plugin, key = build(architecture, shape, classes), NETS.get(architecture), (architecture, shape, classes, name)
    if key not in _seen or _seen[key][0] is not plugin:
        _seen[key] = plugin, _inspected(net, architecture, shape, classes, name or architecture)
    return net, _seen[key][1]


_seen: dict[tuple[str, tuple[int, int, int], int, str | None], tuple[object, Parts]] = {}
"""What a plugin's net was found to be: a suite's cells have the same few nets."""


def _inspected(net: Net, architecture: str, shape: tuple[int, int, int], classes: int, name: str) -> Parts:
    try:
        named = parts(net, name)
        with torch.no_grad():
            logits, features = copy.deepcopy(net).eval()(torch.zeros(2, *shape))
    except (RuntimeError, ValueError, TypeError) as error:
        raise _misfit(architecture, shape, error) from error
    expected = (2, classes), (2, named.features)
    if (got := (tuple(logits.shape), tuple(features.shape))) != expected:
        raise DataError(
            f"net '{architecture}': expected logits and features of shapes {expected[0]} and {expected[1]} for two "
            f"images and {classes} classes, got {got[0]} and {got[1]}"
        )
    return named


def _misfit(architecture: str, shape: tuple[int, int, int], error: Exception) -> DataError:
    size = "x".join(map(str, shape))
    return DataError(f"net '{architecture}' cannot take images of {size}: {error}")


def look(cell: Cell, there: Pool) -> dict[str, tuple[Net, Parts]]:
    """Every net that a cell's clients need, by architecture, after a look at it. Raises DataError.

    Where clients have tasks of their own, the size of the head is a part of the name: heads of different sizes cannot
    be stacked, so such nets are different architectures to an engine.
    """
    needed = {*_own(cell, there), *((cell.shared, part.classes) for part in there.parts)}
    found = {}
    for net, classes in sorted(needed):
        name = _named(cell, net, classes)
        try:
            found[name] = inspect(net, there.shape, classes, name)
        except DataError as error:
            role = "the shared net, for global model and meme" if net == cell.shared else "a client's own net"
            raise DataError(f"zoo '{cell.zoo}' on {cell.dataset}, {role}: {error}") from error
    return found


def _own(cell: Cell, there: Pool) -> list[tuple[str, int]]:
    """Each client's own net and number of classes."""
    return [
        (cell.architectures[k % len(cell.architectures)], there.parts[place].classes)
        for k, place in enumerate(there.task_of)
    ]


def _named(cell: Cell, net: str, classes: int) -> str:
    return f"{net}/{classes}" if cell.tasks else net


def tasks(cell: Cell, there: Pool) -> tuple[dict[str, Net], Task, tuple[Task, ...]]:
    """The nets by architecture, what all clients' tasks have in common, and the task of each client (none of its own).

    Clients with as many classes share one `Task`, so that an engine sees that they are alike.
    """
    inspected = look(cell, there)
    named = {name: parts for name, (_, parts) in inspected.items()}
    if cell.tasks:
        named = {name: replace(parts, kept=parts.head) for name, parts in named.items()}
    own = tuple(named[_named(cell, net, classes)] for net, classes in _own(cell, there))
    sizes = [there.parts[place].classes for place in there.task_of]

    def task(size: int) -> Task:
        return Task(size, there.shape, named[_named(cell, cell.shared, size)], own, common=not cell.tasks)

    nets = {name: net for name, (net, _) in inspected.items()}
    if not cell.tasks:
        return nets, task(sizes[0]), ()
    made = {size: task(size) for size in sizes}
    shared = made[sizes[0]].shared
    bodies = replace(
        shared, architecture=shared.net, parameters=shared.parameters - shared.head, head=frozenset(), kept=frozenset()
    )
    return nets, replace(made[sizes[0]], classes=0, shared=bodies), tuple(made[size] for size in sizes)
