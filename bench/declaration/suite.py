"""What a suite declares: its axes and how training goes, read from TOML, checked in full and frozen.

`load` is the door. Every mistake of a file and of the command line is reported at once, see
`bench.declaration.mistakes`. The classes below are the file format: a key is a field. Importing this needs no torch;
checking a suite imports the plugins that it names.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
)

from bench import suites
from bench.declaration import hyperparameters, overrides, variants
from bench.declaration.gate import Gate
from bench.declaration.mistakes import Mistake, SuiteError, from_pydantic, message, mistake, mistakes, show
from bench.declaration.names import DataSet, Net, Partition, check_zoo, needs_alpha, room_for_clients
from bench.declaration.optimiser import Count, Optimizer, Positive, Schedule, Share, Table
from bench.declaration.tasks import DeclaredTask, check_tasks, with_data_sets
from bench.declaration.tune import Tune, grid_faults
from bench.declaration.tuned import Tables, read_tables
from bench.declaration.variants import Variant
from bench.registry import ALGORITHMS, PARTITIONS, Registry, RegistryError, nearest

__all__ = ["InlineZoo", "Seeds", "Suite", "SuiteError", "Training", "Variant", "load"]

Axis = Field(min_length=1)


class Training(Table):
    """What every algorithm of the suite has to train with: the budget is the suite's, not a method's."""

    rounds: Count
    clients: Count
    participation: Share = 1.0  # of the clients, drawn anew each round
    local_epochs: Count | None = None
    local_steps: Count | None = Field(default=None, validate_default=True)
    batch_size: Count
    optimizer: Optimizer
    lr_schedule: Schedule = Schedule()
    evaluate_every: Count = 1  # rounds; the last one is always evaluated
    selection: Literal["validation", "last"] = "validation"  # which round is the headline

    @field_validator("clients")
    @classmethod
    def _fits_data(cls, value: int, info: ValidationInfo) -> int:
        if not (info.context or {}).get("tasks"):  # which are checked one by one
            room_for_clients(value, _declared(info, "datasets"))
        return value

    @field_validator("local_steps")
    @classmethod
    def _one_budget(cls, value: int | None, info: ValidationInfo) -> int | None:
        if "local_epochs" in info.data and (value is None) == (info.data["local_epochs"] is None):
            which = "neither" if value is None else "both"
            raise mistakes([Mistake(("training",), f"expected one of local_epochs and local_steps, got {which}")])
        return value


class Seeds(Table):
    """Where random streams start. Replicate r has the number base + r unless a fixed number is given here."""

    base: int = 0
    partition: int | None = None
    training: int | None = None


class InlineZoo(Table):
    """A zoo of the suite's own, ``[zoo.NAME]``: `clients` are dealt in turn; `shared` is for global model and meme.

    `draws` names another zoo of the suite whose draws this one meets too (partition, splits, batch order, and initial
    weights where the nets are the same): what one client's net does to the others then shows without other chance.
    """

    clients: Annotated[tuple[Net, ...], Axis]
    shared: Net
    draws: str = ""


_LATER = ("variants", "tune", "tuned")


class Suite(Table):
    """A whole suite: axes, training, parameters. Made by `load`."""

    name: str  # of the result folder and the report
    version: str = "1.0"  # results compare within one major.minor
    datasets: Annotated[tuple[DataSet, ...], Axis]
    partitions: Annotated[tuple[Partition, ...], Axis]
    alphas: tuple[Positive, ...] = Field(default=(), validate_default=True)  # only for partitions that use them
    zoo: dict[str, InlineZoo] = Field(default={})
    zoos: Annotated[tuple[str, ...], Axis]
    variants: dict[str, Variant] = Field(default={})
    algorithms: Annotated[tuple[str, ...], Axis]  # algorithms, presets, and the suite's own variants
    replicates: Count = 5
    reference: str  # the algorithm that others are compared with
    target_accuracy: Share  # a fraction; recorded for rounds-to-target
    training: Training
    tasks: tuple[DeclaredTask, ...] | None = None  # clients with tasks of their own; they name the data sets
    params: dict[str, dict[str, hyperparameters.Scalar]] = Field(default={}, validate_default=True)
    seeds: Seeds = Seeds()
    time_limit: Positive = 7200.0  # seconds for a cell; decides no number
    gate: Gate = Gate()  # what bench.check asks; decides no number
    tune: Tune | None = None  # what bench.tune may try; its `reserved` decides what clients are tested on
    tuned: Tables | None = None  # data set (or the tasks' together) -> algorithm -> what bench.tune found

    @model_serializer(mode="wrap")
    def _as_ever(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without keys that came later, where they are empty: what was declared before stays the same declaration."""
        return {key: value for key, value in dump(self).items() if value or key not in _LATER}

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
            raise mistake(f"expected letters, digits and . _ - only (it names a folder), got {show(value)}")
        return value

    @field_validator("version")
    @classmethod
    def _has_major_and_minor(cls, value: str) -> str:
        if not re.fullmatch(r"\d+\.\d+(\.\d+)?", value):
            raise mistake(f"expected a version such as '1.0' or '1.0.2', got {show(value)}")
        return value

    @field_validator("datasets", "partitions", "alphas", "zoos", "algorithms")
    @classmethod
    def _each_once(cls, value: tuple[str | float, ...]) -> tuple[str | float, ...]:
        if twice := sorted({show(item) for item in value if value.count(item) > 1}):
            raise mistake(f"expected each value once, got {', '.join(twice)} more than once")
        return value

    @field_validator("alphas")
    @classmethod
    def _where_needed(cls, value: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        if not value and (users := needs_alpha(_declared(info, "partitions"))):
            raise mistake(f"expected at least one number > 0, which {', '.join(users)} needs, got none")
        return value

    @field_validator("zoos")
    @classmethod
    def _zoos_exist(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        found = [Mistake(("zoos",), text) for name in value if (text := check_zoo(name, _declared(info, "zoo")))]
        found += [
            Mistake(("zoo", name), f"expected a zoo that 'zoos' lists.{nearest(name, value)}")
            for name in _declared(info, "zoo")
            if name not in value
        ]
        own = info.data.get("zoo", {})
        found += [
            Mistake(("zoo", name, "draws"), f"expected another zoo of 'zoos', got '{zoo.draws}'")
            for name, zoo in own.items()
            if zoo.draws and (zoo.draws not in value or zoo.draws == name or getattr(own.get(zoo.draws), "draws", ""))
        ]
        if found:
            raise mistakes(found)
        return value

    @field_validator("algorithms")
    @classmethod
    def _algorithms_exist(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if found := variants.mistakes_in(value, _table(info, "variants")):
            raise mistakes(found)
        return value

    @field_validator("tasks")
    @classmethod
    def _tasks_fit(
        cls, value: tuple[DeclaredTask, ...] | None, info: ValidationInfo
    ) -> tuple[DeclaredTask, ...] | None:
        if value is not None:
            training = info.data.get("training")
            check_tasks(value, training.clients if training else None)
        return value

    @field_validator("reference")
    @classmethod
    def _reference_takes_part(cls, value: str, info: ValidationInfo) -> str:
        algorithms = _declared(info, "algorithms")
        if algorithms and value not in algorithms:
            raise mistake(f"expected one of the suite's algorithms, got {show(value)}.{nearest(value, algorithms)}")
        return value

    @field_validator("params", mode="plain")
    @classmethod
    def _params_fit(cls, value: object, info: ValidationInfo) -> dict[str, dict[str, hyperparameters.Scalar]]:
        if not isinstance(value, dict):
            raise mistake(f"expected tables such as [params.fedprox], got {show(value)}")
        own = _table(info, "variants")
        homes = {name: registry for registry, key in _WITH_PARAMS for name in _declared(info, key)}
        homes |= dict.fromkeys(variants.algorithms(own), ALGORITHMS)
        found = [
            Mistake(("params", name), f"no algorithm or partition of this suite.{nearest(name, homes)}")
            for name in value
            if name not in homes
        ]
        for name, registry in homes.items():
            if name in own:
                found += variants.param_mistakes(name, own[name], value)
            else:
                found += _param_mistakes(registry, name, value.get(name, {}))
        if found:
            raise mistakes(found)
        return value

    @field_validator("tune")
    @classmethod
    def _grid_fits(cls, value: Tune | None, info: ValidationInfo) -> Tune | None:
        found = grid_faults(value, _given(info, _declared(info, "algorithms"))) if value else []
        if found:
            raise mistakes(found)
        return value

    @field_validator("tuned", mode="before")
    @classmethod
    def _tuned_fits(cls, value: object, info: ValidationInfo) -> Tables | None:
        if value is None:
            return None
        lenders = variants.algorithms(_table(info, "variants"))
        made, found = read_tables(value, _given(info, (*_declared(info, "algorithms"), *lenders)))
        if found:
            raise mistakes(found)
        return made


_WITH_PARAMS = ((ALGORITHMS, "algorithms"), (PARTITIONS, "partitions"))


def _param_mistakes(registry: Registry, name: str, given: object) -> list[Mistake]:
    """What is wrong with one table of parameters; a name that does not load is reported where it is listed."""
    if not isinstance(given, dict):
        return [Mistake(("params", name), f"expected a table of parameters, got {show(given)}")]
    nested = [key for key, value in given.items() if not isinstance(value, hyperparameters.Scalar)]
    if nested:
        return [Mistake(("params", name, key), f"expected a single value, got {show(given[key])}") for key in nested]
    try:
        faults = [hyperparameters.at_home(fault, given) for fault in hyperparameters.faults(registry, name, given)]
    except RegistryError:
        return []
    home = ("params", name) if given else (f"{registry.kind}s",)
    return [Mistake((*home, key) if key else home, text) for key, text in faults]


def _declared(info: ValidationInfo, key: str) -> tuple[str, ...]:
    """The names listed under another key, as far as they are texts.

    From the declaration itself where there is one: a part with a mistake in it never reaches ``info.data``, and one
    mistake must not hide the next.
    """
    value = (info.context if info.context is not None else info.data).get(key)
    listed = value if isinstance(value, list | tuple | dict) else ()
    return tuple(item for item in listed if isinstance(item, str))


def _given(info: ValidationInfo, names: Iterable[str]) -> dict[str, variants.Given]:
    """What names of the declaration stand for, as far as it is sound; what is not has been reported."""
    return variants.given(names, info.data.get("variants", {}), info.data.get("params", {}))


def _table(info: ValidationInfo, key: str) -> dict[str, Any]:
    """A table of the declaration by its name, as it was written."""
    value = (info.context if info.context is not None else info.data).get(key)
    return value if isinstance(value, dict) else {}


def load(name_or_path: str | Path, options: Mapping[str, Any] | None = None) -> Suite:
    """The suite of this name or file, with what the command line changes (see `bench.declaration.overrides.apply`).

    For files with one suite; `bench.declaration.studies.load` reads those with several. Raises SuiteError, whose
    message lists every mistake in at most 15 lines.
    """
    raw = read(name_or_path)
    raw.pop("full", None)  # another size of the same suite, which this command does not run
    if "studies" in raw:
        raise SuiteError(f"suite {name_or_path} holds several studies: expected a file with one suite here")
    return checked(f"suite {name_or_path}", overrides.apply(raw, options or {}))


def read(name_or_path: str | Path) -> dict[str, Any]:
    """The words of a suite file, unchecked. Raises SuiteError where there are none to read."""
    try:
        path = suites.find(name_or_path)
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except suites.UnknownSuite as error:
        raise SuiteError(str(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SuiteError(f"suite file {path} is not TOML: {error}") from None
    except OSError as error:
        raise SuiteError(f"suite file {path} cannot be read: {error.strerror or error}") from None


def checked(title: str, changed: overrides.Changed) -> Suite:
    """A declaration as a suite. Raises SuiteError, whose message begins with `title` and lists every mistake."""
    declared, twofold = with_data_sets(_as_tuples(changed.raw))
    found = [*changed.mistakes, *twofold]
    try:
        suite = Suite.model_validate(declared, context=declared)
    except ValidationError as error:
        ours = {"datasets"} if "tasks" in declared and "datasets" not in changed.raw else set()  # not the user's words
        found = found + [one for one in from_pydantic(error, Suite) if one.path[0] not in ours]
    else:
        if not found:
            return suite
    raise SuiteError(message(title, found, changed.origins))


def _as_tuples(value: Any) -> Any:
    """Arrays as tuples, which is what frozen models hold and strict ones want."""
    if isinstance(value, list):
        return tuple(_as_tuples(item) for item in value)
    return {key: _as_tuples(item) for key, item in value.items()} if isinstance(value, dict) else value
