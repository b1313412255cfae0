"""Tidy tables kept beside a document, so that its numbers can be made again without the cell files.

    FOLDER/manifest.json   the suite as it was declared, and where it ran (commit, versions, processor)
    FOLDER/runs.csv.gz     the rows of OUT/tidy/runs.csv

What a table of runs holds is enough for verdicts and effects; curves, clients and partitions need the cell files.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from bench.records.store import StoreError, save
from reports.results import NotResults, Results, Run, Score

ORIGIN = ("commit", "dirty", "versions", "processor", "threads")
"""What of a run's provenance is kept: not the command, whose paths are those of one machine."""


def keep(out: Path, folder: Path) -> None:
    """Keep a result folder's table of runs. Raises NotResults, StoreError."""
    try:
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        table = (out / "tidy" / "runs.csv").read_bytes()
    except OSError as error:
        raise NotResults(f"{out}: expected the manifest.json and tidy/runs.csv of bench.run: {error}") from None
    origin = manifest.get("provenance") or {}
    kept = {
        "suite": manifest["suite"],
        "provenance": {name: origin[name] for name in ORIGIN if name in origin},
        **{name: manifest.get(name) for name in ("engine", "device", "precision", "data")},
    }
    save(folder / "manifest.json", json.dumps(kept, indent=1, sort_keys=True) + "\n")
    try:
        (folder / "runs.csv.gz").write_bytes(gzip.compress(table, mtime=0))
    except OSError as error:
        raise StoreError(f"cannot write {folder}: {error.strerror or error}") from error


def read(folder: Path) -> Results:
    """Results from a kept table. Raises NotResults."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        text = gzip.decompress((folder / "runs.csv.gz").read_bytes()).decode()
        runs = list(_runs(text))
    except (OSError, ValueError, KeyError) as error:
        raise NotResults(f"{folder}: expected manifest.json and runs.csv.gz, as --keep writes them: {error}") from None
    return Results(
        suite=manifest["suite"],
        provenance=manifest.get("provenance") or {},
        setup={name: manifest.get(name) for name in ("engine", "device", "precision", "data")},
        runs=runs,
        pictures=[],
        waiting=0,
        others=0,
        commits=[str((manifest.get("provenance") or {}).get("commit", "unknown"))],
    )


def is_kept(folder: Path) -> bool:
    """Whether a folder holds kept tables, not cell files."""
    return (folder / "runs.csv.gz").is_file()


def _runs(text: str) -> Iterator[Run]:
    cells: dict[str, dict[str, dict[str, str]]] = {}  # cell -> view -> its row
    for row in csv.DictReader(io.StringIO(text)):
        cells.setdefault(row["cell"], {})[row["view"]] = row
    for cell, views in cells.items():
        row = views.get("personal") or next(iter(views.values()))
        yield Run(
            cell=cell,
            algorithm=row["algorithm"],
            dataset=row["dataset"],
            partition=row["partition"],
            alpha=_number(row["alpha"]),
            zoo=row["zoo"],
            replicate=int(row["replicate"]),
            clients=int(row["clients"]),
            params=json.loads(row["params"]),
            status=row["status"],
            reason="",
            score=_score(views, row) if row["status"] == "done" else None,
            identity={},
            commit="",
            processor="",
        )


def _score(views: Mapping[str, Mapping[str, str]], row: Mapping[str, str]) -> Score:
    general, personal = views.get("global"), views.get("personal")
    nothing = np.zeros(0)
    return Score(
        round=int(row["round"]),
        view=row["view"],
        accuracy=float(row["accuracy"]),
        worst10=float(row["worst10"]),
        global_accuracy=_number(general["global_accuracy"]) if general else None,
        personal_global=_number(personal["global_accuracy"]) if personal else None,
        general=_number(general["accuracy"]) if general else None,
        floor=float(row["floor"]),
        clients=nothing,
        views={},
        never_sampled=0,
        bytes_up=nothing,
        bytes_down=nothing,
        seconds=float(row["train_seconds"]),
        train_seconds=float(row["train_seconds"]),
        shared=False,
        partition_hash="",
        fingerprint="",
    )


def _number(text: str) -> float | None:
    return float(text) if text else None
