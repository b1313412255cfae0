"""The settings that `bench.tune` tries: drawn from a grid by rule, as many for every algorithm; and their cells.

A grid no larger than the budget is tried in full. Of a larger one the first distinct points of Halton's sequence are
tried (Halton 1960; bases 2, 3, 5, ... for the learning rate and then the hyper-parameters by name; the point u of an
axis means its value number ``floor(u * values)``). It spreads over all axes at once and needs no seed, and a larger
budget keeps the points of a smaller one, so that a run can be extended.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bench.declaration import hyperparameters
from bench.declaration.cell import Cell, cells
from bench.declaration.hyperparameters import Scalar
from bench.declaration.mistakes import Mistake, SuiteError, message
from bench.declaration.suite import Seeds, Suite
from bench.declaration.trial_clients import with_trial_clients
from bench.declaration.tune import LR, Tune
from bench.declaration.variants import given
from bench.registry import ALGORITHMS

Setting = Mapping[str, Scalar]
"""One setting of an algorithm: "lr" and hyper-parameters."""
_LONGEST = 64  # points looked at for each setting of a grid before it is tried in plain order


@dataclass(frozen=True)
class Trial:
    """One setting of one algorithm, and the cells that judge it."""

    algorithm: str
    number: int  # from 1, in the order of drawing
    setting: Setting
    cells: tuple[Cell, ...]


def trials(suite: Suite, dataset: str, *, device: str = "cpu", precision: str = "fp32") -> list[Trial]:
    """Every trial of a suite on a data set, algorithm by algorithm. Raises SuiteError where there is nothing to tune.

    `dataset` is one of `bench.declaration.tuned.keys`. Each trial has cells for every partition, alpha and zoo of the
    suite, in draws of their own: the tuning replicates, whose random streams no result shares, whatever its seeds.
    """
    if suite.tune is None:
        text = "missing, expected a table such as [tune.grid] with lr = [0.01, 0.1]; see docs/tune.md"
        raise SuiteError(message(f"suite {suite.name}", [Mistake(("tune",), text)], {}))
    budget, small = suite.tune.budget(suite.algorithms), with_trial_clients(suite)
    return [
        Trial(name, number, setting, tuple(_cells(small, dataset, name, setting, device, precision)))
        for name in suite.algorithms
        for number, setting in enumerate(settings(suite, name, budget), 1)
    ]


def settings(suite: Suite, algorithm: str, number: int) -> list[Setting]:
    """The `number` settings of an algorithm's grid that are tried. Raises SuiteError where it refuses too many."""
    tune = suite.tune or Tune(grid={})
    axes, meant = tune.axes(algorithm), given([algorithm], suite.variants, suite.params)[algorithm]
    chosen = []
    for setting in points(axes, tune.size(algorithm) <= number):
        whole = {**meant.params, **{name: value for name, value in setting.items() if name != LR}}
        if not hyperparameters.faults(ALGORITHMS, meant.algorithm, whole):  # values may exclude each other
            chosen.append(setting)
        if len(chosen) == number:
            return chosen
    text = (
        f"expected {number} settings that {algorithm} takes, as every algorithm gets, found {len(chosen)}: it refuses "
        "the others. Give it more values, or fewer trials"
    )
    raise SuiteError(message(f"suite {suite.name}", [Mistake(("tune", "grid", algorithm), text)], {}))


def points(axes: Mapping[str, tuple[Scalar, ...]], whole: bool = False) -> Iterator[Setting]:
    """The points of a grid, each once: in plain order (`whole`), else as Halton's sequence comes to them.

    >>> axes = {"lr": (0.1, 0.2, 0.3), "mu": (1, 2)}
    >>> [tuple(point.values()) for point in points(axes)][:4]
    [(0.2, 1), (0.1, 2), (0.3, 1), (0.1, 1)]
    >>> len(list(points(axes))), len(list(points(axes, whole=True)))
    (6, 6)
    """
    size = math.prod(len(values) for values in axes.values())
    seen: list[Setting] = []
    for index in () if whole else range(1, _LONGEST * size):
        point = {
            name: values[_place(index, base, len(values))]
            for base, (name, values) in zip(_primes(), axes.items(), strict=False)
        }
        if point not in seen:
            seen.append(point)
            yield point
        if len(seen) == size:
            return
    plain = (dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values()))
    yield from (point for point in plain if point not in seen)


def _place(index: int, base: int, values: int) -> int:
    """``floor(u * values)`` for the point u of van der Corput's sequence: the digits of `index` behind the point.

    In whole numbers: a rounding at the border of two values would make other trials on another machine.

    >>> [_place(index, 2, 9) for index in range(1, 8)]
    [4, 2, 6, 1, 5, 3, 7]
    """
    numerator, denominator = 0, 1
    while index:
        index, digit = divmod(index, base)
        numerator, denominator = numerator * base + digit, denominator * base
    return values * numerator // denominator


def _primes() -> Iterator[int]:
    return (n for n in itertools.count(2) if all(n % smaller for smaller in range(2, n)))


def alone(suite: Suite, dataset: str) -> Suite:
    """The suite on this data set only; tasks stay together."""
    return suite if suite.tasks else suite.model_copy(update={"datasets": (dataset,)})


def _cells(suite: Suite, dataset: str, algorithm: str, setting: Setting, device: str, precision: str) -> Iterator[Cell]:
    assert suite.tune is not None
    optimizer = suite.training.optimizer
    if LR in setting:
        optimizer = optimizer.model_copy(update={LR: float(setting[LR])})
    own = {name: value for name, value in setting.items() if name != LR}
    one = alone(suite, dataset).model_copy(
        update={
            "algorithms": (algorithm,),
            "replicates": suite.tune.replicates,
            "seeds": Seeds(),
            "training": suite.training.model_copy(update={"optimizer": optimizer}),
            "params": {**suite.params, algorithm: {**suite.params.get(algorithm, {}), **own}},
            "tuned": None,
        }
    )
    return (replace(cell, tuning=True) for cell in cells(one, device=device, precision=precision))
