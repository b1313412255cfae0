"""What the command line changes of a suite, applied to the file's own words before anything is checked.

So a mistake in an option and a mistake in the file meet the same checks and stand in one list, each under the name
by which the user gave it.
"""

import copy
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.declaration.mistakes import Mistake, Path, show

LISTS = {"dataset": "datasets", "partition": "partitions", "zoo": "zoos", "algorithms": "algorithms"}
NUMBERS: dict[str, tuple[Path, type[int] | type[float]]] = {
    "replicates": (("replicates",), int),
    "rounds": (("training", "rounds"), int),
    "clients": (("training", "clients"), int),
    "time_limit": (("time_limit",), float),
    "trials": (("tune", "trials"), int),
    "tuning_replicates": (("tune", "replicates"), int),
}
NAMES = frozenset({*LISTS, *NUMBERS, "alphas", "set"})
_OPEN_TABLES = ("training", "seeds", "tune")  # that --set reaches by their own name
_BARE_WORD = re.compile(r"[A-Za-z][\w.-]*")
_SHAPE = "expected NAME.PARAM=VALUE, such as fedprox.mu=0.01 or training.batch_size=16"


@dataclass
class Changed:
    """A declaration after the command line had its say."""

    raw: dict[str, Any]
    origins: dict[Path, str] = field(default_factory=dict)  # place -> the option that filled it
    mistakes: list[Mistake] = field(default_factory=list)

    def put(self, path: Path, value: object, origin: str) -> None:
        """Set one place; a place that two options set is a mistake."""
        if earlier := self.origins.get(path):
            self.mistakes.append(Mistake((origin,), f"given twice, as {earlier} before; a run takes one value"))
            return
        self.origins[path] = origin
        table = self.raw
        for key in path[:-1]:
            table = table.setdefault(str(key), {})
            if not isinstance(table, dict):
                return  # the file has something else there, which the check of the file reports
        table[str(path[-1])] = value


def apply(raw: Mapping[str, Any], overrides: Mapping[str, Any]) -> Changed:
    """The declaration `raw` with `overrides`: option name -> its text, or a value already read; None: not given.

    Options are `NAMES`; lists may be texts with commas. What a narrower choice makes meaningless goes with it: the
    parameters and inline zoos of what is no longer in the suite, and a reference that is not (the first algorithm
    takes its place).
    """
    if unknown := overrides.keys() - NAMES:
        raise TypeError(f"no such override: {', '.join(sorted(unknown))}")
    changed = Changed(copy.deepcopy(dict(raw)))
    given = {name: value for name, value in overrides.items() if value is not None}
    for name, key in LISTS.items():
        if name in given and not (key == "datasets" and _moved(changed, given[name])):
            _put_list(changed, (key,), given[name], f"--{name}", str, "names")
    if "alphas" in given:
        _put_list(changed, ("alphas",), given["alphas"], "--alphas", float, "numbers")
    for name, (path, kind) in NUMBERS.items():
        if name in given:
            _put_number(changed, path, given[name], f"--{name.replace('_', '-')}", kind)
    _forget_dropped(raw, changed)
    for text in given.get("set", ()):
        _put_setting(changed, str(text))
    return changed


def _put_list(changed: Changed, path: Path, value: Any, origin: str, kind: Callable[[str], Any], noun: str) -> None:
    items = [part.strip() for part in value.split(",")] if isinstance(value, str) else list(value)
    items = [item for item in items if item != ""]
    try:
        if not items:
            raise ValueError
        changed.put(path, [kind(item) for item in items], origin)
    except ValueError:
        changed.mistakes.append(Mistake((origin,), f"expected {noun} separated by commas, got {show(value)}"))


def _moved(changed: Changed, value: Any) -> bool:
    """Take tasks to the data set that ``--dataset`` names, where all are of one; false without such tasks."""
    tasks = changed.raw.get("tasks")
    names = [name.strip() for name in (value.split(",") if isinstance(value, str) else value) if name.strip()]
    if not names or not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        return False
    if len(names) > 1 or len(of := {str(task.get("dataset")) for task in tasks}) > 1:
        text = "one, to which all [[tasks]] go" if len(names) > 1 else f"none, for [[tasks]] are of {len(of)} data sets"
        changed.mistakes.append(Mistake(("--dataset",), f"expected {text}, got {show(names)}"))
        return True
    changed.raw["tasks"] = [{**task, "dataset": names[0]} for task in tasks]
    changed.origins |= {("tasks", place, "dataset"): "--dataset" for place in range(len(tasks))}
    return True


def _put_number(changed: Changed, path: Path, value: Any, origin: str, kind: type[int] | type[float]) -> None:
    try:
        changed.put(path, kind(value) if isinstance(value, str) else value, origin)
    except ValueError:
        noun = "a whole number" if kind is int else "a number"
        changed.mistakes.append(Mistake((origin,), f"expected {noun}, got {show(value)}"))


def _put_setting(changed: Changed, text: str) -> None:
    """One ``--set PATH=VALUE``."""
    written, equals, value = text.partition("=")
    written = written.strip()
    path = _path(written)
    if not equals or path is None:
        changed.mistakes.append(Mistake(("--set",), f"{_SHAPE}, got {show(text)}"))
        return
    origin = f"--set {written}"
    try:
        changed.put(path, _literal(value.strip()), origin)
    except ValueError:
        changed.mistakes.append(Mistake((origin,), f"expected a TOML value (quote a text), got {show(value.strip())}"))
        return
    _outrank_tuned(changed, path)
    twins = {"local_steps": "local_epochs", "local_epochs": "local_steps"}
    training = changed.raw.get("training")
    other = twins.get(str(path[-1])) if path[0] == "training" and len(path) == 2 else None
    if other and isinstance(training, dict) and ("training", other) not in changed.origins:
        training.pop(other, None)  # a suite has one of the two: giving one replaces the file's other


def _outrank_tuned(changed: Changed, path: Path) -> None:
    """Forget the tuned values that a setting of the command line takes the place of."""
    for algorithm, values in _tuned(changed.raw):
        if path[0] == "params" and path[1] == algorithm:
            values.pop(str(path[2]), None)
        if path[:2] == ("training", "optimizer") and path[2:] in ((), ("lr",)):
            values.pop("lr", None)


def _tuned(raw: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The tables [tuned.DATASET.ALGORITHM], by algorithm; what is no table is left to the check of the file."""
    return [table for _, of_data_set in _tables(raw.get("tuned")) for table in _tables(of_data_set)]


def _path(written: str) -> Path | None:
    parts = written.split(".")
    if len(parts) < 2 or not all(part.strip() == part != "" for part in parts):
        return None
    if parts[0] in _OPEN_TABLES:
        return tuple(parts)
    return ("params", ".".join(parts[:-1]), parts[-1])


def _literal(text: str) -> Any:
    """A TOML value, or a bare word as a text. Raises ValueError.

    >>> _literal("0.1"), _literal("uniform"), _literal("true"), _literal("[1, 2]")
    (0.1, 'uniform', True, [1, 2])
    """
    try:
        read = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        read = {}
    if read.keys() == {"value"}:
        return read["value"]
    if _BARE_WORD.fullmatch(text):
        return text
    raise ValueError(text)


def _forget_dropped(file: Mapping[str, Any], changed: Changed) -> None:
    """Drop what belongs to names that the file listed and the options took away."""
    raw = changed.raw
    gone = {
        key: _texts(file.get(key)) - _texts(raw.get(key))
        for key in ("algorithms", "partitions", "zoos")
        if (key,) in changed.origins
    }
    kept = {name: table for name, table in _tables(raw.get("variants")) if name not in gone.get("algorithms", set())}
    needed = {str(table.get("algorithm")) for table in kept.values()}  # what variants are of lends them parameters
    for table, names in (
        ("params", (gone.get("algorithms", set()) - needed) | gone.get("partitions", set())),
        ("variants", gone.get("algorithms", set())),
        ("zoo", gone.get("zoos", set())),
    ):
        if isinstance(raw.get(table), dict):
            raw[table] = {name: value for name, value in raw[table].items() if name not in names}
    if isinstance(raw.get("tune"), dict):
        _pop(raw["tune"].get("grid"), gone.get("algorithms", set()))
    for _, of_data_set in _tables(raw.get("tuned")):
        _pop(of_data_set, gone.get("algorithms", set()) - needed)
    if raw.get("reference") in gone.get("algorithms", set()):
        raw["reference"] = raw["algorithms"][0]


def _pop(table: Any, names: Iterable[str]) -> None:
    for name in names if isinstance(table, dict) else ():
        table.pop(name, None)


def _tables(value: object) -> list[tuple[str, dict[str, Any]]]:
    return (
        [(name, table) for name, table in value.items() if isinstance(table, dict)] if isinstance(value, dict) else []
    )


def _texts(value: object) -> set[str]:
    return {item for item in value if isinstance(item, str)} if isinstance(value, Iterable) else set()
