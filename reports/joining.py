"""Several result folders as one: more replicates, algorithms or data sets, computed elsewhere or at another time.

What is joined is copied, byte for byte, so that the new folder is one like any other and outlives its sources.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.records import tidy
from bench.records.store import Store, StoreError, save
from reports.results import NotResults, refuse_trials

AXES = {"datasets": "dataset", "partitions": "partition", "alphas": "alpha", "zoos": "zoo", "algorithms": "algorithm"}
"""An axis of a suite -> what a cell's identity calls it."""
ONE_EACH = (
    ("algorithm", "digests.algorithm", "variant_of", "lr_factor"),
    ("partition", "partition_params", "digests.partition"),
    ("dataset", "data_md5", "digests.dataset", "tasks"),
    ("zoo", "architectures", "shared", "digests.nets"),
)
"""By algorithm, partition, data set, zoo: what must be the same wherever it occurs, or means would mix two things."""
TUNED = ("params", "training.optimizer.lr")
"""By algorithm and data set: what may be tuned for each."""
ONE_FOR_ALL = ("training", "clients", "precision", "framework", "numerics", "reserved")
"""What all cells of a report share; of the training settings all but the learning rate."""


class CannotJoin(Exception):
    """The folders do not fit together; the message says where."""


@dataclass(frozen=True)
class _Source:
    folder: Path
    manifest: Mapping[str, Any]
    cells: Mapping[str, tuple[str, Mapping[str, Any]]]  # of its latest declaration: status, identity


def join(folders: Sequence[Path], out: Path) -> None:
    """Make `out` a result folder that holds the cells of all of them, with tidy tables.

    A cell that several hold counts once, a finished one before a failed one. Raises NotResults, StoreError, and
    CannotJoin where the suites or the settings of cells contradict each other, or `out` holds results of its own.
    """
    sources = [_read(folder) for folder in folders]
    _check_suites(sources)
    _check_settings(sources)
    _check_twice(sources)
    _check_out(out, folders)
    chosen = _chosen(sources)
    store = Store(out)
    with store.lock():
        for stale in store.cells.glob("*.json"):
            if stale.stem not in chosen:
                stale.unlink()
        for cell, source in chosen.items():
            _copy(Store(source.folder).path(cell), store.path(cell))
        save(out / "manifest.json", json.dumps(_manifest(sources, chosen), indent=1, allow_nan=False) + "\n")
        tidy.write(out)


def _read(folder: Path) -> _Source:
    store = Store(folder)
    manifest = store.manifest()
    if manifest is None:
        raise NotResults(f"{folder}: expected a result folder with a manifest.json, as bench.run writes it, found none")
    refuse_trials(folder, manifest)
    return _Source(folder, manifest, {each["cell"]: (each["status"], each["identity"]) for each in store.latest()})


def _check_suites(sources: Sequence[_Source]) -> None:
    def version(source: _Source) -> str:
        return ".".join(str(source.manifest["suite"].get("version", "1.0")).split(".")[:2])

    first = sources[0]
    if several := [source.folder for source in sources if source.manifest.get("studies")]:
        raise CannotJoin(f"{several[0]} holds several studies: expected folders of one suite each")
    for other in sources[1:]:
        for what, ours, theirs in (
            ("suite", first.manifest["suite"].get("name"), other.manifest["suite"].get("name")),
            ("suite version", version(first), version(other)),
            *(
                (key, first.manifest["suite"].get(key), other.manifest["suite"].get(key))
                for key in ("reference", "target_accuracy")
            ),
        ):
            if ours != theirs:
                raise CannotJoin(
                    f"{what}: expected the same everywhere, got {ours} in {first.folder} and {theirs} in {other.folder}"
                )


def _check_settings(sources: Sequence[_Source]) -> None:
    """Raise CannotJoin where one name stands for two things."""
    seen: dict[tuple[str, str, str], tuple[str, Path]] = {}
    for source in sources:
        for _, identity in source.cells.values():
            named = [((f"{kind} {identity.get(kind)}", key, ""), key) for kind, *keys in ONE_EACH for key in keys]
            owner = f"algorithm {identity.get('algorithm')}"
            named += [((owner, key, str(identity.get("dataset"))), key) for key in TUNED]
            named += [(("all cells", key, ""), key) for key in ONE_FOR_ALL]
            for place, key in named:
                value = json.dumps(_at(identity, key), sort_keys=True)
                known, where = seen.setdefault(place, (value, source.folder))
                if known != value:
                    raise CannotJoin(
                        f"{place[0]}: expected one '{key}', got {known} in {where} and {value} in {source.folder}; "
                        "to see what it changes, use python -m bench.compare"
                    )


PLACE = ("algorithm", "dataset", "partition", "alpha", "zoo", "clients", "partition_seed", "training_seed")
"""What one cell of a report is, however it was computed."""


def _check_twice(sources: Sequence[_Source]) -> None:
    """Raise CannotJoin where two folders hold one cell, computed in two ways: a report could show only one of them."""
    seen: dict[str, tuple[str, Mapping[str, Any], Path]] = {}
    for source in sources:
        for cell, (_, identity) in source.cells.items():
            place = json.dumps([identity.get(key, identity.get("replicate")) for key in PLACE])
            known, other, where = seen.setdefault(place, (cell, identity, source.folder))
            if known != cell and where != source.folder:
                keys = sorted(key for key in identity.keys() | other.keys() if identity.get(key) != other.get(key))
                raise CannotJoin(
                    f"cell {known} in {where} and {cell} in {source.folder} are the same but for {', '.join(keys)}: "
                    "expected each cell once; to see what it changes, use python -m bench.compare"
                )


def _at(identity: Mapping[str, Any], key: str) -> Any:
    """A value by its path, such as "digests.algorithm"; the training settings without the learning rate."""
    value: Any = identity
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if key == "training" and isinstance(value, Mapping) and isinstance(value.get("optimizer"), Mapping):
        return {**value, "optimizer": {name: held for name, held in value["optimizer"].items() if name != "lr"}}
    return value


def _check_out(out: Path, folders: Sequence[Path]) -> None:
    if out.resolve() in {folder.resolve() for folder in folders}:
        raise CannotJoin(f"--out {out}: expected a new folder, got one of those to join")
    there = Store(out).manifest()
    if there is not None and "joined" not in there:
        raise CannotJoin(f"--out {out}: expected a new folder or one that bench.report joined, found results of a run")
    if there is None and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CannotJoin(f"--out {out}: expected a new or an empty folder, found something else in it")


def _chosen(sources: Sequence[_Source]) -> dict[str, _Source]:
    """Cell -> the source whose record counts."""
    chosen: dict[str, _Source] = {}
    for source in sources:
        for cell, (status, _) in source.cells.items():
            if cell not in chosen or (status == "done" and chosen[cell].cells[cell][0] != "done"):
                chosen[cell] = source
    return chosen


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise StoreError(f"cannot copy {source} to {target}: {error.strerror or error}") from error


def _manifest(sources: Sequence[_Source], chosen: Mapping[str, _Source]) -> dict[str, Any]:
    """A declaration of everything: the first folder's, with the axes of all, in the order in which they come."""
    first = sources[0].manifest
    suites = [source.manifest["suite"] for source in sources]
    axes = {axis: list(dict.fromkeys(value for suite in suites for value in suite.get(axis, ()))) for axis in AXES}
    params = {name: held for suite in suites for name, held in (suite.get("params") or {}).items()}
    tuned: dict[str, dict[str, Any]] = {}
    for dataset, tables in (item for suite in suites for item in (suite.get("tuned") or {}).items()):
        tuned[dataset] = {**tables, **tuned.get(dataset, {})}
    identities = [source.cells[cell][1] for cell, source in chosen.items()]
    draws = {tuple(each.get(key) for key in ("partition_seed", "training_seed", "replicate")) for each in identities}
    declared = dict.fromkeys(cell for source in sources for cell in source.manifest["cells"])
    return {
        "schema": first["schema"],
        "suite": {**first["suite"], **axes, "params": params, "tuned": tuned, "replicates": max(len(draws), 1)},
        "cells": list(declared),
        **{key: first.get(key) for key in ("engine", "device", "precision")},
        "data": {name: md5 for source in sources for name, md5 in (source.manifest.get("data") or {}).items()},
        "provenance": first.get("provenance") or {},
        "joined": [
            {"folder": source.folder.name, "provenance": source.manifest.get("provenance") or {}} for source in sources
        ],
    }
