"""Cells for tests of frameworks, and what they are held against."""

from typing import Any

from bench.declaration.cell import Cell, cells
from bench.declaration.suite import load


def cell(algorithm: str, zoo: str = "mlp", **choices: Any) -> Cell:
    """One cell on digits with unequal clients (Dirichlet 0.1), for the reference engine."""
    asked = {"algorithms": algorithm, "zoo": zoo, "alphas": "0.1", "replicates": "1", **choices}
    suite = asked.pop("suite", "smoke")
    framework, precision = asked.pop("framework", "native"), asked.pop("precision", "fp32")
    (made,) = cells(load(suite, asked), framework=framework, precision=precision)
    return made
