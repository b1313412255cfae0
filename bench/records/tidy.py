"""Records as flat tables, for any tool that reads CSV. Needs pandas, not torch.

Accuracies and floors are fractions in [0, 1], losses are in nats, bytes are counted over all clients. The rows come
in the order of the axes, whatever the order of the records.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.records.store import Record, Store, save

if TYPE_CHECKING:
    import pandas as pd

AXES = ("dataset", "partition", "alpha", "zoo", "algorithm", "clients", "replicate")
RUNS = (
    *(
        "suite",
        "study",
        "cell",
        "status",
        "algorithm",
        "params",
        "dataset",
        "partition",
        "alpha",
        "zoo",
        "clients",
        "replicate",
    ),
    *("view", "round", "accuracy", "worst10", "accuracy_std", "global_accuracy", "floor"),
    *("bytes_up", "bytes_down", "train_seconds", "engine", "framework", "device", "reason"),
)
_PLACE = ("suite", "study", "cell", "algorithm", "dataset", "partition", "alpha", "zoo", "clients", "replicate", "view")
_METRICS = (
    *("accuracy", "loss", "worst10", "accuracy_std", "validation_accuracy", "validation_loss"),
    *("global_accuracy", "global_loss"),
)
_HEADLINE = ("round", "accuracy", "worst10", "accuracy_std", "global_accuracy")
ROUNDS = (*_PLACE, "round", *_METRICS, "training_loss", "bytes_up", "bytes_down")
CLIENTS = (
    *(*_PLACE, "client", "task", "architecture", "train_size", "validation_size", "test_size", "floor"),
    *("round", "accuracy", "loss", "global_accuracy"),
)
_WHOLE = frozenset(
    {"clients", "replicate", "round", "bytes_up", "bytes_down", "client", "train_size", "validation_size", "test_size"}
)

Row = dict[str, Any]


def runs(records: Iterable[Record]) -> "pd.DataFrame":
    """One row per cell and view, at the headline round; a cell that is not done has one row without view and metrics,
    but with its reason.

    bytes_up and bytes_down are those of the whole run, train_seconds too; floor is the mean over clients.
    """
    return _table((row for record in records for row in _run_rows(record)), RUNS)


def rounds(records: Iterable[Record]) -> "pd.DataFrame":
    """One row per cell, view and evaluated round; bytes_up and bytes_down are those of all rounds up to this one."""
    return _table((row for record in records for row in _round_rows(record)), ROUNDS)


def clients(records: Iterable[Record]) -> "pd.DataFrame":
    """One row per cell, view and client, at the headline round; global_accuracy only where models are personal.

    A task is named where clients have tasks of their own; accuracy and floor are over its classes.
    """
    return _table((row for record in records for row in _client_rows(record)), CLIENTS)


def write(out: Path | str) -> None:
    """Write OUT/tidy/{runs,rounds,clients}.csv for the latest declaration. Raises StoreError.

    A cell that several studies share has its rows once in each of them.
    """
    makers = (("runs", RUNS, _run_rows), ("rounds", ROUNDS, _round_rows), ("clients", CLIENTS, _client_rows))
    rows: dict[str, list[Row]] = {name: [] for name, _, _ in makers}
    store = Store(out)
    studies = (store.manifest() or {}).get("studies") or []
    members = [(study["name"], frozenset(study["cells"])) for study in studies]
    for record in store.latest():
        for study in [name for name, cells in members if record["cell"] in cells] or [None]:
            for name, _, make in makers:
                rows[name] += ({**row, "study": study} for row in make(record))
    for name, columns, _ in makers:
        text = _table(rows[name], columns).to_csv(index=False, lineterminator="\n")
        save(Path(out) / "tidy" / f"{name}.csv", text)


def _run_rows(record: Record) -> Iterator[Row]:
    identity = record["identity"]
    cell = {
        **_place(record),
        "status": record["status"],
        "reason": record["reason"],
        "params": json.dumps(identity.get("params", {}), sort_keys=True, separators=(",", ":")),
        **{name: identity.get(name) for name in ("engine", "framework", "device")},
    }
    if record["status"] != "done":
        yield cell
        return
    result = record["result"]
    cell |= {
        "floor": result["partition"]["floor"],
        "bytes_up": sum(result["bytes_up"]),
        "bytes_down": sum(result["bytes_down"]),
        "train_seconds": record["timing"]["train_seconds"],
    }
    for view, at in sorted(result["at_headline"].items()):
        yield cell | {"view": view, **{name: at[name] for name in _HEADLINE}}


def _round_rows(record: Record) -> Iterator[Row]:
    if record["status"] != "done":
        return
    result = record["result"]
    up, down = (_sums(result[name]) for name in ("bytes_up", "bytes_down"))
    for view, figures in sorted(result["views"].items()):
        for index, number in enumerate(figures["rounds"]):
            yield {
                **_place(record),
                "view": view,
                "round": number,
                **{name: figures[name][index] for name in _METRICS},
                "training_loss": result["training_loss"][number - 1],
                "bytes_up": up[number - 1],
                "bytes_down": down[number - 1],
            }


def _client_rows(record: Record) -> Iterator[Row]:
    if record["status"] != "done":
        return
    result, identity = record["result"], record["identity"]
    partition, dealt = result["partition"], identity["architectures"]
    tasks = [task["name"] for task in identity.get("tasks", ()) for _ in range(task["clients"])]
    for view, at in sorted(result["at_headline"].items()):
        general = at["clients"]["global_accuracy"]
        for k, accuracy in enumerate(at["clients"]["accuracy"]):
            yield {
                **_place(record),
                "view": view,
                "client": k,
                "task": tasks[k] if tasks else None,
                "architecture": dealt[k % len(dealt)] if view == "personal" else identity["shared"],
                "train_size": partition["train_sizes"][k],
                "validation_size": partition["validation_sizes"][k],
                "test_size": partition["test_sizes"][k],
                "floor": partition["floors"][k],
                "round": at["round"],
                "accuracy": accuracy,
                "loss": at["clients"]["loss"][k],
                "global_accuracy": None if general is None else general[k],
            }


def _place(record: Record) -> Row:
    """Which cell a row is about."""
    return {
        "suite": record["suite"]["name"],
        "cell": record["cell"],
        **{name: record["identity"].get(name) for name in AXES},
    }


def _sums(values: Sequence[int]) -> list[int]:
    """Running totals."""
    totals, total = [], 0
    for value in values:
        total += value
        totals.append(total)
    return totals


def _table(rows: Iterable[Row], columns: Sequence[str]) -> "pd.DataFrame":
    import pandas as pd

    def order(row: Row) -> tuple[tuple[bool, Any], ...]:
        keys = ("study", *AXES, "cell", "view", "round", "client")
        return tuple((row.get(key) is not None, row.get(key) if row.get(key) is not None else 0) for key in keys)

    ordered = sorted(rows, key=order)
    table = pd.DataFrame(ordered, columns=list(columns))
    return table.astype(dict.fromkeys(_WHOLE.intersection(columns), "Int64"))  # whole numbers even where some lack
