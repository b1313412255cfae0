"""Variants: an algorithm of a suite under a name of its own, with parameters or a learning rate of its own.

    [variants.local-half]
    algorithm = "local"
    lr_factor = 0.5

    [variants.pfllib-detached]
    algorithm = "fml:pfllib"
    params = {detach = true}

A variant stands in the suite's ``algorithms`` like any other, and its name is the label of its results. Its parameters
are those that the suite gives its algorithm, then its own, then those of a table ``[params.NAME]`` (and ``--set
NAME.PARAM=VALUE``). A report compares each variant with its algorithm where that takes part: docs/write-a-suite.md.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from bench.declaration import hyperparameters
from bench.declaration.mistakes import Mistake
from bench.declaration.names import Algorithm
from bench.registry import ALGORITHMS, RegistryError, nearest

Params = Mapping[str, hyperparameters.Scalar]


class Variant(BaseModel):
    """``[variants.NAME]`` of a suite."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    algorithm: Algorithm  # or preset
    params: dict[str, hyperparameters.Scalar] = {}
    lr_factor: Annotated[float, Field(gt=0)] = 1.0  # of the suite's learning rate
    choice: str = ""  # what the report calls the choice that is made otherwise; "": the names of the parameters


def algorithm_of(name: str, variants: Mapping[str, Variant]) -> str:
    """The registered algorithm or preset that a name of a suite stands for."""
    return variants[name].algorithm if name in variants else name


def params_of(name: str, variants: Mapping[str, Variant], tables: Mapping[str, Params]) -> Params:
    """The parameters that a suite gives a name; `tables` are the suite's ``[params.NAME]``."""
    if name not in variants:
        return tables.get(name, {})
    return {**tables.get(variants[name].algorithm, {}), **variants[name].params, **tables.get(name, {})}


class Given(NamedTuple):
    """What a name in a suite's ``algorithms`` stands for."""

    algorithm: str  # or preset, as registered
    params: Params  # that the suite gives it


def given(names: Iterable[str], variants: Mapping[str, Variant], tables: Mapping[str, Params]) -> dict[str, Given]:
    """What each of these names stands for; `tables` are the suite's ``[params.NAME]``."""
    return {name: Given(algorithm_of(name, variants), params_of(name, variants, tables)) for name in names}


def mistakes_in(listed: Iterable[str], variants: Mapping[str, Any]) -> list[Mistake]:
    """What is wrong with a suite's list of algorithms, and with variants that are not in it.

    `variants` are as they were written: mistakes inside of one are found where it is read.
    """
    listed = tuple(listed)
    found = [Mistake(("algorithms",), text) for name in listed if (text := _check_name(name, variants))]
    for name, table in variants.items():
        if name not in listed:
            text = f"expected a variant that 'algorithms' lists.{nearest(name, listed)}"
            found.append(Mistake(("variants", name), text))
        if isinstance(table, dict) and not table.get("params") and table.get("lr_factor", 1.0) == 1.0:
            found.append(Mistake(("variants", name), "expected params or an lr_factor, got neither: nothing varies"))
    return found


def _check_name(name: str, variants: Mapping[str, Any]) -> str | None:
    """What is wrong with a name in ``algorithms``; None: nothing."""
    if name not in variants:
        try:
            ALGORITHMS.get(name)
        except RegistryError as error:
            close = get_close_matches(name, variants, n=1, cutoff=0.6)
            return f"unknown algorithm '{name}'. Did you mean the variant '{close[0]}'?" if close else str(error)
        return None
    if name in ALGORITHMS.names():
        return f"'{name}' is an algorithm: give the suite's own variant another name"
    return f"'{name}' is a variant, and only presets have a colon in their name" if ":" in name else None


def algorithms(variants: Mapping[str, Any]) -> list[str]:
    """The algorithms that variants are of, as far as they are named."""
    named = [table.get("algorithm") for table in variants.values() if isinstance(table, dict)]
    return [name for name in named if isinstance(name, str)]


def param_mistakes(name: str, table: Any, tables: Mapping[str, Any]) -> list[Mistake]:
    """What is wrong with the parameters of a variant, given as `params_of` puts them together."""
    if not isinstance(table, dict) or not isinstance(algorithm := table.get("algorithm"), str):
        return []  # reported where the variant is read
    inherited, own, added = tables.get(algorithm, {}), table.get("params", {}), tables.get(name, {})
    if not all(isinstance(each, dict) for each in (inherited, own, added)):
        return []
    try:
        faults = hyperparameters.faults(ALGORITHMS, algorithm, {**inherited, **own, **added})
    except RegistryError:
        return []
    found = []
    for key, text in (hyperparameters.at_home(fault, (*own, *added)) for fault in faults):
        home = ("params", name) if key in added else ("variants", name, "params") if own else ("variants", name)
        if key is None or key in own or key in added:
            found.append(Mistake((*home, key) if key else home, text))
    return found
