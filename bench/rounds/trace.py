"""A debug artefact: the models after each round, as they were scored, for comparing runs tensor by tensor.

A cell leaves ``DIR/<cell>/``: a ``round-0001.npz`` per scored round, with arrays named ``global/<tensor>`` and
``personal/<client>/<tensor>``, and ``trace.json``: its identity and the sha256 of each model. Equal hashes are equal
bits. Nothing reads it but `bench.parity`.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from bench.declaration.cell import Cell
from bench.plugin import Tensors

Model = tuple[nn.Module, Tensors]


class Trace:
    """The trace of one cell under `folder`."""

    def __init__(self, folder: Path, cell: Cell) -> None:
        """Makes the cell's folder; what an earlier run left in it is removed."""
        self.folder = folder / cell.hash
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in (*self.folder.glob("round-*.npz"), *self.folder.glob("trace.json")):
            old.unlink()
        self.told: dict[str, Any] = {"cell": cell.hash, "identity": cell.identity(), "rounds": {}}

    def note(self, round: int, models: Mapping[str, Sequence[Model]]) -> None:
        """Keep the models after `round` finished rounds: view -> each client's model; a global one once."""
        kept = {
            f"{view}/{k}" if view == "personal" else view: tensors
            for view, each in models.items()
            for k, (_, tensors) in enumerate(each[:1] if view == "global" else each)
        }
        arrays = {
            f"{model}/{name}": tensor.numpy(force=True)
            for model, tensors in kept.items()
            for name, tensor in tensors.items()
        }
        np.savez(self.folder / f"round-{round:04d}.npz", **arrays)  # type: ignore[arg-type]  # takes ** for its own flag
        self.told["rounds"][str(round)] = {model: digest(tensors) for model, tensors in kept.items()}
        (self.folder / "trace.json").write_text(json.dumps(self.told, indent=1), encoding="utf-8")


def digest(tensors: Tensors) -> str:
    """The sha256 of a model's tensors, names, types and shapes included; the order of names does not matter."""
    found = sha256()
    for name in sorted(tensors):
        array = tensors[name].numpy(force=True)
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(array.tobytes())  # in C order, whatever the layout
    return found.hexdigest()
