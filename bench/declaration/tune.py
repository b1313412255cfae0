"""``[tune]`` of a suite: which values `bench.tune` may try, how many settings an algorithm gets, and on which rows."""

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bench.declaration import hyperparameters
from bench.declaration.hyperparameters import Scalar
from bench.declaration.mistakes import Mistake, mistakes, show
from bench.declaration.variants import Given
from bench.registry import ALGORITHMS, RegistryError, nearest

LR = "lr"
"""The optimiser's learning rate among an algorithm's own hyper-parameters."""
Count = Annotated[int, Field(ge=1)]
Values = tuple[Scalar, ...]


class Tune(BaseModel):
    """``[tune]``. Every algorithm gets the same number of settings, whatever the number of its hyper-parameters."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    grid: dict[str, Any]  # lr -> values for all; algorithm -> hyper-parameter (or lr) -> values
    trials: Count | None = None  # settings that each algorithm gets; None: as many as the smallest grid has
    replicates: Count = 3  # draws made for tuning alone
    reserved: Annotated[float, Field(ge=0, lt=1)] = 0.5  # share of training rows that no result's client test holds
    clients: Literal["all", "fewer"] = "all"  # of trials: see `bench.declaration.trial_clients`

    @field_validator("grid", mode="plain")
    @classmethod
    def _lists_of_values(cls, value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise mistakes([Mistake(("tune", "grid"), f"expected a table with lists of values, got {show(value)}")])
        found = list(_no_lists(("tune", "grid"), value, tables=True))
        if found:
            raise mistakes(found)
        return value

    def axes(self, algorithm: str) -> dict[str, Values]:
        """What is tried of an algorithm, the learning rate first, then its hyper-parameters by name; numbers ascend."""
        own = self.grid.get(algorithm, {})
        rates = own.get(LR, self.grid.get(LR))
        found = {**({LR: rates} if rates else {}), **{name: own[name] for name in sorted(own) if name != LR}}
        return {name: tuple(sorted(values)) if numeric(values) else values for name, values in found.items()}

    def size(self, algorithm: str) -> int:
        """How many settings an algorithm's whole grid has."""
        return math.prod(len(values) for values in self.axes(algorithm).values())

    def budget(self, algorithms: Iterable[str]) -> int:
        """How many settings each of these algorithms gets."""
        return self.trials or min(self.size(name) for name in algorithms)


def numeric(values: Iterable[Scalar]) -> bool:
    """Whether values have an order, and so an axis ends.

    >>> numeric((1, 0.5)), numeric(("a", "b")), numeric((True, False))
    (True, False, False)
    """
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _no_lists(path: tuple[str, ...], table: Mapping[str, Any], tables: bool) -> Iterable[Mistake]:
    """What is not a list of single values, each once; `tables`: whether tables of such lists are fine too."""
    for name, value in table.items():
        if tables and isinstance(value, dict) and name != LR:
            yield from _no_lists((*path, name), value, tables=False)
        elif not isinstance(value, tuple) or not value or not all(isinstance(item, Scalar) for item in value):
            yield Mistake((*path, name), f"expected a list of values to try, at least one, got {show(value)}")
        elif tables and name != LR:
            text = f"expected a table such as [tune.grid.{name}] with lists of values, or the key lr, got {show(value)}"
            yield Mistake((*path, name), text)
        elif twice := sorted({show(item) for item in value if value.count(item) > 1}):
            yield Mistake((*path, name), f"expected each value once, got {', '.join(twice)} more than once")


def grid_faults(tune: Tune, algorithms: Mapping[str, Given]) -> list[Mistake]:
    """What is wrong with a grid for these algorithms of a suite, by name."""
    found = [
        Mistake(("tune", "grid", name), f"no algorithm of this suite.{nearest(name, algorithms)}")
        for name in tune.grid
        if name != LR and name not in algorithms
    ]
    found += [Mistake(("tune", "grid", LR), text) for text in _wrong_rates(tune.grid.get(LR, ()))]
    for name, meant in algorithms.items():
        own = tune.grid.get(name, {})
        if not tune.axes(name):
            text = f"expected lr for all algorithms, or values for {name}, which has nothing to tune"
            found.append(Mistake(("tune", "grid"), text))
        found += [Mistake(("tune", "grid", name, LR), text) for text in _wrong_rates(own.get(LR, ()))]
        found += _wrong_parameters(name, meant, own)
    if not found and tune.trials:
        small = min(algorithms, key=tune.size)
        if tune.trials > tune.size(small):
            text = (
                f"expected at most {tune.size(small)}, all that the grid of {small} has: every algorithm gets the same "
                f"number of settings. Give it more values, or fewer trials. Got {tune.trials}"
            )
            found.append(Mistake(("tune", "trials"), text))
    return found


def wrong_rate(value: object) -> str | None:
    """What is wrong with a learning rate; None: nothing."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf:
        return None
    return f"expected a number > 0, got {show(value)}"


def _wrong_rates(values: Iterable[object]) -> list[str]:
    return [text for value in values if (text := wrong_rate(value))]


def _wrong_parameters(name: str, meant: Given, own: Mapping[str, Values]) -> list[Mistake]:
    found: list[Mistake] = []
    try:
        known = hyperparameters.names(ALGORITHMS, meant.algorithm)
        for key, values in own.items():
            if key == LR:
                continue
            for value in values:
                for place, text in hyperparameters.faults(ALGORITHMS, meant.algorithm, {**meant.params, key: value}):
                    if place == key:  # one that contradicts another value makes no trial: bench.declaration.trials
                        found.append(Mistake(("tune", "grid", name, key), text))
    except (RegistryError, TypeError):
        return []  # reported where the algorithm is named
    if LR in known:
        text = f"lr means the optimiser's learning rate, and {name} has a parameter of that name: it cannot be tuned"
        found.append(Mistake(("tune", "grid", name, LR), text))
    return list(dict.fromkeys(found))
