"""The baseline: what a suite gave when somebody last looked at it and accepted it. One JSON file in the repository."""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.declaration.suite import Suite
from bench.gate.accuracy import LEAST
from bench.records.store import save
from bench.registry import ROOT

SCHEMA = 2
FOLDER = ROOT / "reports" / "baselines"
DIGITS = 9
"""Of the numbers of a fingerprint; accuracies keep all, because identical ones pass without a test."""

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]


class BaselineError(Exception):
    """A baseline that cannot be compared with; the message says why and what to do."""


class NoBaseline(BaselineError):
    """There is none yet."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Fingerprint(_Part):
    """Of one cell, on the reference engine; see `bench.gate.fingerprint`."""

    exact: dict[str, str | int]
    numbers: Annotated[dict[str, list[float]], Field(min_length=1)]
    one_image: Positive

    @model_validator(mode="after")
    def _says_something(self) -> "Fingerprint":
        for name in ("losses 1", "losses 2", "metrics"):
            if not self.numbers.get(name):
                raise ValueError(f"expected numbers for '{name}', got none")
        return self


class Speed(_Part):
    """Of one benchmark; see `bench.gate.runtime`."""

    ratio: Positive
    waits: Count | None


class Runtimes(_Part):
    """Of all benchmarks on one kind of processor."""

    provenance: dict[str, Any]
    frozen: str  # digest of the work that runtimes are divided by
    speeds: Annotated[dict[str, Speed], Field(min_length=1)]  # benchmark -> its speed


class Baseline(_Part):
    """All that is compared. A gate that was never accepted is None."""

    suite: dict[str, Any]
    provenance: dict[str, dict[str, Any]]  # gate of cells -> where and when its part was accepted
    operators_of: str  # the PyTorch whose operators were counted; "" without counts
    engines: list[str]  # that were watched; none without fingerprints
    accuracy: dict[str, Annotated[list[Fraction], Field(min_length=LEAST)]] | None  # view of a cell -> by replicate
    skipped: dict[str, str]  # cell -> reason
    fingerprints: dict[str, Fingerprint] | None  # cell -> its fingerprint
    counts: dict[str, dict[str, Count]] | None  # engine and cell -> its counts
    runtime: dict[str, Runtimes] | None  # processor -> its runtimes

    @model_validator(mode="after")
    def _holds_something(self) -> "Baseline":
        for name in ("accuracy", "fingerprints", "counts", "runtime"):
            if getattr(self, name) == {}:
                raise ValueError(f"{name}: expected at least one entry, got none")
        if self.fingerprints and not self.engines:
            raise ValueError("engines: expected those of the fingerprints, got none")
        lengths = {len(values) for values in (self.accuracy or {}).values()}
        if len(lengths) > 1:
            raise ValueError(f"accuracy: expected as many replicates in every cell, got {sorted(lengths)}")
        if self.accuracy and lengths != {self.suite.get("replicates")}:
            raise ValueError(f"accuracy: expected the suite's {self.suite.get('replicates')} replicates, got {lengths}")
        return self


def default_path(suite: Suite) -> Path:
    """Where the baseline of a suite lies unless told otherwise."""
    return FOLDER / f"{suite.name}.json"


def load(path: Path, suite: Suite) -> Baseline:
    """The baseline of this very suite. Raises BaselineError."""
    baseline = read(path)
    if difference := differs(baseline.suite, suite):
        raise BaselineError(f"the baseline {path} {difference}")
    return baseline


def read(path: Path) -> Baseline:
    """A baseline of any suite. Raises BaselineError where there is none, or one that is damaged, newer or edited."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except FileNotFoundError:
        raise NoBaseline(f"no baseline at {path}: make one with --accept and commit it") from None
    except OSError as error:
        raise BaselineError(f"the baseline {path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"the baseline {path} is damaged ({error}): {_RESTORE}") from None
    if not isinstance(content, dict) or not isinstance(content.get("schema"), int):
        raise BaselineError(f"{path} is not a baseline: expected a table with a 'schema', {_RESTORE}")
    if content["schema"] > SCHEMA:
        raise BaselineError(
            f"the baseline {path} was written by a newer version (schema {content['schema']}, this one reads up to "
            f"{SCHEMA}): update, or renew it with --accept"
        )
    if content["schema"] < 1:
        raise BaselineError(f"the baseline {path} has the schema {content['schema']}, expected {SCHEMA}: {_RESTORE}")
    checksum = content.pop("checksum", None)
    schema = content.pop("schema")
    told = _checksum(content)
    try:
        baseline = Baseline.model_validate(_of_schema_1(content) if schema == 1 else content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise BaselineError(f"the baseline {path} makes no sense ({where}: {first['msg']}): {_RESTORE}") from None
    if checksum != told:
        raise BaselineError(f"the baseline {path} was edited by hand (its checksum differs): {_RESTORE}")
    return baseline


def _no_number(text: str) -> float:
    raise ValueError(f"expected finite numbers, got {text}")


def _of_schema_1(content: Mapping[str, Any]) -> dict[str, Any]:
    """What the first schema held, in the present one: it knew one provenance for all, and one processor."""
    kept = {name: value for name, value in content.items() if name != "frozen"}
    provenance = content.get("provenance")
    if not isinstance(provenance, dict):
        return kept  # which makes no sense, as validation will say
    parts = {"accuracy": "accuracy", "fingerprint": "fingerprints", "counted": "counts"}
    kept["provenance"] = {gate: provenance for gate, part in parts.items() if content.get(part) is not None}
    if (speeds := content.get("runtime")) is not None:
        here = {"provenance": provenance, "frozen": content.get("frozen"), "speeds": speeds}
        kept["runtime"] = {str(provenance.get("processor")): here}
    return kept


_RESTORE = "restore the committed file, or renew it with --accept"


def differs(old: Mapping[str, Any], suite: Suite) -> str:
    """How a baseline's declaration is not this suite's, and what to do; "" where they compare."""
    new = json.loads(json.dumps(suite.model_dump(mode="json")))
    if old.get("name") != new["name"]:
        return f"is of suite '{old.get('name')}', this is '{new['name']}'"
    if _minor(str(old.get("version"))) != _minor(new["version"]):
        return (
            f"is of version {old.get('version')} of suite '{new['name']}', this is {new['version']}: they do not "
            "compare; renew it with --accept"
        )
    # What is computed may not change, nor what the gate asks of it.
    before, after = _decisive(old), _decisive(new)
    if changed := [key for key in after if before.get(key) != after[key]]:
        return (
            f"was made from another declaration of suite '{new['name']}' {new['version']}: "
            f"{'; '.join(_changes(key, before.get(key), after[key]) for key in changed)}. Undo the change, or raise "
            "the suite's version and renew the baseline with --accept"
        )
    return ""


_HARMLESS = ("version", "time_limit", "reference", "target_accuracy")


def _decisive(declared: Mapping[str, Any]) -> dict[str, Any]:
    """What of a declaration decides numbers: of tuning only which rows it reserves."""
    kept = {key: value for key, value in declared.items() if key not in _HARMLESS}
    if isinstance(tune := kept.get("tune"), dict):
        kept["tune"] = {"reserved": tune.get("reserved")}
    return kept


def _changes(name: str, old: Any, new: Any) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        inner = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
        return ", ".join(_changes(f"{name}.{key}", old.get(key), new.get(key)) for key in inner)
    return f"{name} {json.dumps(old)} -> {json.dumps(new)}"


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


def write(path: Path, baseline: Baseline) -> None:
    """Keep a baseline, whole or not at all. Raises StoreError."""
    content = baseline.model_dump(mode="json")
    save(path, _text({"schema": SCHEMA, **content, "checksum": _checksum(content)}))


def rounded(numbers: Mapping[str, list[float]]) -> dict[str, list[float]]:
    """Numbers of a fingerprint as they are kept."""
    return {name: [float(f"{x:.{DIGITS}g}") for x in values] for name, values in numbers.items()}


def _checksum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode()).hexdigest()[:16]


_DEEPER = {"runtime": 3}  # levels to unfold where two are too few


def _text(content: Mapping[str, Any]) -> str:
    """Unfolded down to a line for each cell and benchmark: a change of one is a change of one line."""
    return _unfolded(content, {name: _DEEPER.get(name, 1) for name in content}) + "\n"


def _unfolded(content: Mapping[str, Any], levels: Mapping[str, int], indent: str = "") -> str:
    """A table with a line for each entry, and `levels` more for what is in it."""
    lines = []
    for name, value in content.items():
        if levels[name] and isinstance(value, dict) and value:
            text = _unfolded(value, dict.fromkeys(value, levels[name] - 1), f"{indent}  ")
        else:
            text = json.dumps(value, allow_nan=False)
        lines.append(f"{indent}{json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(lines) + f"\n{indent[:-2]}}}"
