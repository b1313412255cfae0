"""Writing a partition for other tools: as a split folder of PFLlib and HtFLlib, or as plain CSV of row numbers."""

import csv
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data import Data, DataError
from datasets.split import Split

OURS = "fml-bench"
"""The key of config.json, and the file, that hold what the partition is; the other keys are PFLlib's."""
COLUMNS = ("client", "part", "row", "label")


def pfllib(folder: Path, data: Data, splits: Sequence[Split], facts: Mapping[str, Any]) -> None:
    """``train/<k>.npz``, ``test/<k>.npz`` and ``config.json``, as PFLlib and HtFLlib read them.

    Images are float32, normalised as our engines do it. These tools have no validation rows: ours are among the
    training rows there, in ascending order of row numbers.
    """
    for part in ("train", "test"):
        (folder / part).mkdir()
    for k, own in enumerate(splits):
        training = np.union1d(own.train, own.validation)
        for part, rows in (("train", training), ("test", own.test)):
            pair = {"x": normalised(data, rows), "y": data.train_y[rows]}
            np.savez_compressed(folder / part / f"{k}.npz", data=np.array(pair, dtype=object))
    counts = [np.bincount(data.train_y[np.unique(np.concatenate(own))]) for own in splits]
    config = {
        "num_clients": len(splits),
        "num_classes": data.classes,
        "non_iid": facts["partition"] != "iid",
        "balance": False,
        "partition": facts["partition"],
        "Size of samples for labels in clients": [
            [[label, int(count)] for label, count in enumerate(each) if count] for each in counts
        ],
        "alpha": facts["alpha"],
        "batch_size": facts["batch_size"],
        OURS: dict(facts),
    }
    _write(folder / "config.json", config)


def indices(folder: Path, data: Data, splits: Sequence[Split], facts: Mapping[str, Any]) -> None:
    """``partition.csv``: one line per row of the training split that a client holds.

    ``fml-bench.json`` says of which data set.
    """
    with (folder / "partition.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for k, own in enumerate(splits):
            for part, rows in own._asdict().items():
                writer.writerows((k, part, row, data.train_y[row]) for row in rows.tolist())
    _write(folder / f"{OURS}.json", dict(facts))


FORMATS = {"pfllib": pfllib, "csv": indices}


def export(form: str, out: Path, data: Data, splits: Sequence[Split], facts: Mapping[str, Any]) -> None:
    """Write the folder `out`, whole or not at all. Raises DataError where there is something in its place."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out}: expected a new or an empty folder to write to, found something there")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        try:
            FORMATS[form](scratch, data, splits, facts)
            scratch.chmod(0o755)
            os.replace(scratch, out)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise DataError(f"cannot write {out}: {error.strerror or error}") from error


def normalised(data: Data, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Images [n, channels, height, width] of these rows, as nets see them."""
    shift, scale = (np.array(values, np.float32)[:, None, None] for values in (data.shift, data.scale))
    return (data.train_x[rows].astype(np.float32) - shift) / scale


def _write(path: Path, held: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(held, indent=1, sort_keys=False) + "\n", encoding="utf-8")
