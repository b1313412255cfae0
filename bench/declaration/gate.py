"""What a suite asks of the gate: how much accuracy may be lost, and what must hold whatever the baseline says."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from bench.declaration.mistakes import Mistake, show
from bench.registry import nearest

Fraction = Annotated[float, Field(ge=0, le=1)]


class _Declared(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Band(_Declared):
    """A range for the mean accuracy (a fraction) of every cell that it names; what is not named is any.

    The accuracy is that of the headline view at the headline round, the mean over replicates.
    """

    algorithm: str | None = None
    dataset: str | None = None
    partition: str | None = None
    alpha: float | None = None
    zoo: str | None = None
    low: Fraction = 0.0
    high: Fraction = 1.0

    def names(self, cell: Any) -> bool:
        """Whether the band is about this cell."""
        return all(
            wanted is None or wanted == getattr(cell, axis)
            for axis in ("algorithm", "dataset", "partition", "alpha", "zoo")
            for wanted in (getattr(self, axis),)
        )


class Gate(_Declared):
    """``[gate]`` of a suite; `bench.run` does not look at it."""

    margin: Annotated[float, Field(gt=0, lt=1)] = 0.02  # accuracy that a cell may lose; all cells together, half of it
    bands: tuple[Band, ...] = ()


def strangers(suite: Any) -> list[Mistake]:
    """Bands that name what the suite does not have, or no range: they could never fail.

    No part of loading a suite: an option such as ``--algorithms`` may leave out what a band is about.
    """
    found = []
    for band in suite.gate.bands:
        for axis, key in _AXES.items():
            wanted, there = getattr(band, axis), getattr(suite, key)
            if wanted is not None and wanted not in there:
                text = f"expected one of the suite's, got {show(wanted)}.{nearest(str(wanted), map(str, there))}"
                found.append(Mistake(("gate", "bands", axis), text))
        if band.low >= band.high:
            found.append(Mistake(("gate", "bands"), f"expected low < high, got {band.low:g} and {band.high:g}"))
    return found


_AXES = {
    "algorithm": "algorithms",
    "dataset": "datasets",
    "partition": "partitions",
    "alpha": "alphas",
    "zoo": "zoos",
}
