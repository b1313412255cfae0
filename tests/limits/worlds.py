"""Where limit identities must hold: nets, optimisers, budgets, participation."""

from typing import Any

import tests.nets  # noqa: F401 - registers the net with BatchNorm

WORLDS: list[dict[str, Any]] = [
    {"net": "mlp"},
    {"net": "cnn", "participation": 0.5},
    {"net": "test-batchnorm", "local_epochs": None, "local_steps": 5},
    {"net": "mlp", "optimizer": {"name": "adam", "lr": 0.01, "momentum": 0.0, "weight_decay": 1e-4}},
]
ALONE: dict[str, Any] = {"clients": 1, "partition": "iid", "partition_params": {}, "alpha": None}
