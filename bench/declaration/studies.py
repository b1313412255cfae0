"""Suite files that hold more than one suite: studies that run as one command, and a full size beside the quick one.

A file with ``[[studies]]`` declares several suites of one name: each study is the file's own keys with its own laid
over them, and is then a suite like any other, checked in full. A file with ``[full]`` has a second size: ``--full``
lays that table over the file first. Neither changes what a cell is, so a cell that two studies share is one cell.
"""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.declaration.mistakes import Mistake, SuiteError, message, show
from bench.declaration.overrides import Changed, apply
from bench.declaration.suite import Suite, checked, read
from bench.registry import nearest

OF_THE_FILE = ("name", "version", "time_limit", "gate", "studies", "full")
"""Keys that a study cannot have: they are about the folder or the command."""
_WORDS = ("name", "title", "about")  # keys of a study that are not the suite's
_AXES = ("datasets", "partitions", "alphas", "zoos", "algorithms")
_TWINS = {"local_steps": "local_epochs", "local_epochs": "local_steps", "tasks": "datasets", "datasets": "tasks"}
"""Keys of which a table has one or the other."""
_OF_THEIR_CLIENTS = ("tune", "tuned")  # which hold for the data sets, or for the tasks, that they are declared beside


@dataclass(frozen=True)
class Study:
    """One question of a suite file, with what it runs."""

    name: str  # of its part of the report and of its tables
    title: str
    about: str  # what it asks, for the reader; may be empty
    suite: Suite


@dataclass(frozen=True)
class Declared:
    """What a suite file declares: one suite, or studies that share a results folder."""

    suite: Suite  # the suite; where there are studies, the first of them
    whole: Mapping[str, Any]  # what the manifest calls the suite: with studies, all of their axes together
    studies: tuple[Study, ...] = ()  # those that were asked for

    @property
    def suites(self) -> tuple[Suite, ...]:
        """What is to be run."""
        return tuple(study.suite for study in self.studies) or (self.suite,)


def load(
    name_or_path: str | Path, options: Mapping[str, Any] | None = None, *, full: bool = False, only: str | None = None
) -> Declared:
    """A suite file with what the command line changes; `only` names studies, separated by commas.

    Options change every study alike. Raises SuiteError, whose message lists every mistake.
    """
    title, raw = f"suite {name_or_path}", sized(f"suite {name_or_path}", read(name_or_path), full)
    listed = raw.pop("studies", None)
    if listed is None:
        if only is not None:
            raise SuiteError(f"{title} has no studies: leave --studies out")
        suite = checked(title, apply(raw, options or {}))
        return Declared(suite, suite.model_dump(mode="json"))
    _check(title, raw, listed)
    studies, faults = [], []
    for each in listed:
        try:
            studies.append(_study(title, raw, each, options or {}))
        except SuiteError as error:
            faults.append(str(error))
    if faults:
        raise SuiteError(_told(title, faults))
    return Declared(studies[0].suite, _whole(studies), _chosen(title, studies, only))


def sized(title: str, raw: Mapping[str, Any], full: bool) -> dict[str, Any]:
    """The declaration in one of its sizes, without the table [full]. Raises SuiteError where there is none to use."""
    made = copy.deepcopy(dict(raw))
    over = made.pop("full", None)
    if not full:
        return made
    if not isinstance(over, dict):
        raise SuiteError(f"{title} has one size only: it has no table [full], leave --full out")
    listed = over.pop("studies", [])
    made = _laid_over(made, over)
    for each in listed:
        held = made.get("studies", [])
        names = [str(study.get("name")) for study in held]
        if each.get("name") not in names:
            hint = nearest(str(each.get("name")), names)
            raise SuiteError(f"{title}: [[full.studies]]: no study is called {show(each.get('name'))}.{hint}")
        place = names.index(each["name"])
        made["studies"] = [*held[:place], _laid_over(held[place], each), *held[place + 1 :]]
    return made


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `over` laid on it: tables in tables, everything else replaced.

    A table with a name (an optimiser, a schedule) takes the place of the other as a whole, for its keys are those of
    its name; a budget in steps takes the place of one in epochs, and the other way round, as tasks and data sets do.

    >>> merged({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 4}})
    {'a': 1, 'b': {'c': 2, 'd': 4}}
    >>> merged({"lr_schedule": {"name": "step", "every": 3}}, {"lr_schedule": {"name": "constant"}})
    {'lr_schedule': {'name': 'constant'}}
    """
    made = {key: value for key, value in base.items() if _TWINS.get(key) not in over}
    for key, value in over.items():
        old = made.get(key)
        joins = isinstance(value, dict) and isinstance(old, dict) and "name" not in value
        made[key] = merged(old, value) if joins else copy.deepcopy(value)  # type: ignore[arg-type]  # old is a dict
    return made


def _laid_over(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`merged`, but for what is tuned: tasks, and data sets in the place of tasks, are of other clients than `base` is.

    Both may have the key "digits", and values for clients that know all digits would pass for those of clients with
    some.
    """
    others = "tasks" in over or ("datasets" in over and "tasks" in base)
    return merged({key: value for key, value in base.items() if not (others and key in _OF_THEIR_CLIENTS)}, over)


def _check(title: str, raw: Mapping[str, Any], listed: object) -> None:
    """Raise SuiteError where the studies are none, or the file has tables that no study uses."""
    if not isinstance(listed, list) or not listed or not all(isinstance(each, dict) for each in listed):
        raise SuiteError(f"{title}: studies: expected tables [[studies]], at least one, got {show(listed)}")
    found = []
    names = [each.get("name") for each in listed]
    for each in listed:
        name = each.get("name")
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
            found.append(Mistake(("studies", "name"), f"expected letters, digits, _ and - only, got {show(name)}"))
        elif names.count(name) > 1:
            found.append(Mistake(("studies", "name"), f"expected each name once, got {show(name)} more than once"))
        found += [
            Mistake(("studies", str(name), key), f"expected a text, got {show(each.get(key))}")
            for key in ("title", "about")
            if not isinstance(each.get(key, ""), str) or (key == "title" and not each.get(key))
        ]
        found += [
            Mistake(("studies", str(name), key), "is of the whole file: expected it at its top, not in a study")
            for key in OF_THE_FILE[1:]
            if key in each
        ]
    used = [name for each in listed for key in _AXES for name in _texts(each.get(key, raw.get(key)))]
    used += _lenders(raw.get("variants"), set(used))
    found += [
        Mistake((*path, name), f"expected a name that some study lists.{nearest(name, used)}")
        for path, held in _by_name(raw)
        for name in held
        if name not in used
    ]
    if found:
        raise SuiteError(message(title, found, {}))


def _by_name(raw: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Iterable[str]]]:
    """The tables of a file that hold one table for each name of an axis: (where, the names)."""
    tuned, tune = raw.get("tuned"), raw.get("tune")
    places: list[tuple[tuple[str, ...], Any]] = [((table,), raw.get(table)) for table in ("params", "zoo", "variants")]
    places += [(("tuned", dataset), tables) for dataset, tables in (tuned.items() if isinstance(tuned, dict) else ())]
    yield from ((path, held) for path, held in places if isinstance(held, dict))
    grid = tune.get("grid") if isinstance(tune, dict) else None
    held = grid.items() if isinstance(grid, dict) else ()
    yield ("tune", "grid"), [name for name, values in held if isinstance(values, dict)]


def _told(title: str, faults: Sequence[str]) -> str:
    """The messages of all studies; what is wrong in all of them alike (an option, a key of the file) is said once."""
    bodies = [fault.partition("\n")[2] for fault in faults]
    if len(set(bodies)) == 1 and len(bodies) > 1:
        return f"{title}, in each of {len(bodies)} studies:\n{bodies[0]}"
    return "\n".join(faults)


def _study(title: str, raw: Mapping[str, Any], each: Mapping[str, Any], options: Mapping[str, Any]) -> Study:
    own = {key: value for key, value in each.items() if key not in _WORDS}
    base = _without_strangers(raw, {**raw, **own})
    changed: Changed = apply(_laid_over(base, own), options)
    suite = checked(f"{title}, study {each['name']}", changed)
    return Study(each["name"], each["title"], each.get("about", ""), suite)


def _without_strangers(raw: Mapping[str, Any], study: Mapping[str, Any]) -> dict[str, Any]:
    """The file's keys without the tables of what the study does not run: they are for its neighbours."""
    listed = {key: _texts(study.get(key)) for key in _AXES}
    lenders = _lenders(study.get("variants"), listed["algorithms"])
    homes = {
        "params": listed["algorithms"] | lenders | listed["partitions"],
        "zoo": listed["zoos"],
        "variants": listed["algorithms"],
    }
    made = {
        key: {name: held for name, held in value.items() if name in homes[key]}
        if key in homes and isinstance(value, dict)
        else value
        for key, value in raw.items()
    }
    return _tuning_without_strangers(made, listed["algorithms"], lenders)


def _tuning_without_strangers(raw: Mapping[str, Any], algorithms: set[str], lenders: set[str]) -> dict[str, Any]:
    """The same for what is tuned, by algorithm: ``[tune.grid]`` and ``[tuned.DATASET]``."""
    made = dict(raw)
    if isinstance(tune := raw.get("tune"), dict) and isinstance(grid := tune.get("grid"), dict):
        own = {name: held for name, held in grid.items() if name in algorithms or not isinstance(held, dict)}
        made["tune"] = {**tune, "grid": own}
    if isinstance(tuned := raw.get("tuned"), dict):
        made["tuned"] = {
            dataset: {name: held for name, held in tables.items() if name in algorithms | lenders}
            if isinstance(tables, dict)
            else tables
            for dataset, tables in tuned.items()
        }
    return made


def _lenders(variants: object, names: set[str]) -> set[str]:
    """The algorithms that variants of these names are of, and take parameters from."""
    held = variants.items() if isinstance(variants, dict) else ()
    return {str(table.get("algorithm")) for name, table in held if name in names and isinstance(table, dict)}


def _texts(value: object) -> set[str]:
    return {item for item in value if isinstance(item, str)} if isinstance(value, list | tuple) else set()


def _whole(studies: Sequence[Study]) -> dict[str, Any]:
    """What all studies of a file declare together, for the manifest: the folder belongs to all of them."""
    dumps = [study.suite.model_dump(mode="json") for study in studies]
    axes = {axis: list(dict.fromkeys(value for dump in dumps for value in dump[axis])) for axis in _AXES}
    return {
        **dumps[0],
        **axes,
        "zoo": {name: held for dump in dumps for name, held in dump["zoo"].items()},
        "params": {},  # each study has its own
        "replicates": max(dump["replicates"] for dump in dumps),
    }


def _chosen(title: str, studies: Sequence[Study], only: str | None) -> tuple[Study, ...]:
    if only is None:
        return tuple(studies)
    names = [part.strip() for part in only.split(",") if part.strip()]
    known = [study.name for study in studies]
    if strange := [name for name in names if name not in known]:
        raise SuiteError(f"{title}: --studies: there is none called {_quoted(strange)}.{nearest(strange[0], known)}")
    if not names:
        raise SuiteError(f"{title}: --studies: expected names separated by commas, got {show(only)}")
    return tuple(study for study in studies if study.name in names)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
