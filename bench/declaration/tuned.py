"""``[tuned.DATASET.ALGORITHM]`` of a suite: values that `bench.tune` found, and what they change in its cells.

They take the place of ``[params.ALGORITHM]`` and of the optimiser's learning rate in the cells of that data set; an
option such as ``--set fml.alpha=0.8`` takes theirs. Where clients have tasks of their own, DATASET is all data sets of
these tasks together, see `key`. ALGORITHM is a name of the suite's ``algorithms``: a variant with a table of its own
has these values, one without has those of its algorithm, as it has its ``[params]``.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench import suites
from bench.declaration import hyperparameters
from bench.declaration.hyperparameters import Scalar
from bench.declaration.mistakes import Mistake, from_pydantic, show
from bench.declaration.tune import LR, wrong_rate
from bench.declaration.variants import Given, Params, algorithm_of, params_of
from bench.registry import ALGORITHMS, DATASETS, RegistryError, nearest

if TYPE_CHECKING:
    from bench.declaration.suite import Suite

SOURCE = "source"
"""The key beside the values that says where they come from."""
Count = Annotated[int, Field(ge=1)]


class _Declared(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Source(_Declared):
    """How values were found: as `bench.tune` writes it."""

    digest: str  # of the trials: everything that decided the choice
    command: str
    trials: Count  # settings that were tried
    replicates: Count
    reserved: Annotated[float, Field(ge=0, lt=1)] = 0.0
    accuracy: Annotated[float, Field(ge=0, le=1)]  # on validation data, of the values that were chosen
    edge: tuple[str, ...] = ()  # values at an end of their grid: a wider one may be better


class Tuned(_Declared):
    """The values of one algorithm on one data set."""

    values: dict[str, Scalar]  # "lr" and hyper-parameters
    source: Source | None = None  # None: written by hand


Tables = dict[str, dict[str, Tuned]]
"""Data set, or data sets of tasks together -> algorithm -> its values."""


def keys(suite: "Suite") -> tuple[str, ...]:
    """What values of a suite can be for: each of its data sets, or all data sets of its tasks together."""
    return (suites.together(task.dataset for task in suite.tasks),) if suite.tasks else suite.datasets


def key(suite: "Suite", dataset: str) -> str:
    """Under which key the values for cells of a data set stand; with tasks there is one, whatever cells call them."""
    return keys(suite)[0] if suite.tasks else dataset


def read_tables(value: object, algorithms: Mapping[str, Given]) -> tuple[Tables, list[Mistake]]:
    """The tables of a file, and what is wrong with them, for these algorithms by name.

    Data sets that the suite does not list are fine.
    """
    made: Tables = {}
    found: list[Mistake] = []
    for (dataset, name), table in _tables(value, found):
        path = ("tuned", dataset, name)
        if name not in algorithms:
            found.append(Mistake(path, f"no algorithm of this suite.{nearest(name, algorithms)}"))
            continue
        values = dict(table)
        source = _source(values.pop(SOURCE, None), (*path, SOURCE), found)
        found += _wrong_values(path, algorithms[name], values)
        made.setdefault(dataset, {})[name] = Tuned.model_construct(values=values, source=source)
    return made, found


def _tables(value: object, found: list[Mistake]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Every table of an algorithm; what is not one goes to `found`."""
    if not isinstance(value, dict):
        found.append(Mistake(("tuned",), f"expected tables such as [tuned.digits.fml], got {show(value)}"))
        return
    known = DATASETS.names()
    for dataset, inside in value.items():
        if wrong := list(_wrong_key(dataset, known)):
            found += [Mistake(("tuned", dataset), text) for text in wrong]
        elif not isinstance(inside, dict):
            found.append(Mistake(("tuned", dataset), f"expected a table of algorithms, got {show(inside)}"))
        else:
            for name, table in inside.items():
                if isinstance(table, dict):
                    yield (dataset, name), table
                else:
                    found.append(Mistake(("tuned", dataset, name), f"expected a table of values, got {show(table)}"))


def _wrong_key(key: str, known: Collection[str]) -> Iterator[str]:
    """What is wrong with a data set's name, or with the names of several that tasks have, see `key`."""
    parts = [key] if key in known else key.split(suites.JOINT)
    yield from (f"unknown dataset '{part}'.{nearest(part, known)}" for part in parts if part not in known)
    if len(parts) > 1 and set(parts) <= set(known) and key != (right := suites.together(parts)):
        yield f"expected data sets each once and by the alphabet, '{right}', or no cell would have the values"


def _source(value: object, path: tuple[str, ...], found: list[Mistake]) -> Source | None:
    if value is None:
        return None
    try:
        return Source.model_validate(value)
    except ValidationError as error:
        found += [Mistake((*path, *each.path), each.text) for each in from_pydantic(error, Source)]
        return None


def _wrong_values(path: tuple[str, ...], meant: Given, values: Mapping[str, Any]) -> Iterator[Mistake]:
    nested = {key for key, value in values.items() if not isinstance(value, Scalar)}
    yield from (Mistake((*path, key), f"expected a single value, got {show(values[key])}") for key in sorted(nested))
    if LR in values and LR not in nested and (text := wrong_rate(values[LR])):
        yield Mistake((*path, LR), text)
    own = {key: value for key, value in values.items() if key != LR and key not in nested}
    try:
        faults = hyperparameters.faults(ALGORITHMS, meant.algorithm, {**meant.params, **own})
    except RegistryError:
        return  # reported where the algorithm is named
    for key, text in (hyperparameters.at_home(fault, own) for fault in faults):
        if key is None or key in own:
            yield Mistake((*path, key) if key else path, text)


def _holder(suite: "Suite", dataset: str, name: str) -> str | None:
    """The name whose table holds for an algorithm or a variant on a data set; None: there is none."""
    tables = (suite.tuned or {}).get(key(suite, dataset), {})
    return next((held for held in (name, algorithm_of(name, suite.variants)) if held in tables), None)


def of(suite: "Suite", dataset: str, name: str) -> Tuned | None:
    """The table that holds in these cells; None where there is none."""
    holder = _holder(suite, dataset, name)
    return (suite.tuned or {})[key(suite, dataset)][holder] if holder else None


def params(suite: "Suite", dataset: str, name: str) -> Params:
    """The hyper-parameters of an algorithm on a data set: as declared, and tuned ones in their place."""
    holder, table = _holder(suite, dataset, name), of(suite, dataset, name)
    if not holder or not table:
        return params_of(name, suite.variants, suite.params)
    own = {key: value for key, value in table.values.items() if key != LR}
    if holder == name:
        return {**params_of(name, suite.variants, suite.params), **own}
    lent = {**suite.params.get(holder, {}), **own}  # a variant's own parameters stand on those of its algorithm
    return params_of(name, suite.variants, {**suite.params, holder: lent})


def training(suite: "Suite", dataset: str, name: str) -> dict[str, Any]:
    """The training settings of an algorithm on a data set, as a plain dict of its own."""
    settings = suite.training.model_dump()
    table = of(suite, dataset, name)
    if table and LR in table.values:
        settings["optimizer"] = {**settings["optimizer"], LR: float(table.values[LR])}
    return settings


def digest(suite: "Suite", dataset: str, name: str) -> str | None:
    """The digest of the trials that the values in these cells come from; None where no trials stand behind them."""
    table = of(suite, dataset, name)
    return table.source.digest if table and table.source else None
