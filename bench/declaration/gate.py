"""What a suite asks of the gate: how much accuracy may be lost, and what must hold whatever the baseline says."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from bench.declaration.mistakes import Mistake, mistakes, show
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

    @field_validator("bands")
    @classmethod
    def _about_this_suite(cls, value: tuple[Band, ...], info: ValidationInfo) -> tuple[Band, ...]:
        """A band that names nothing of the suite could never fail."""
        suite = info.context or {}
        found = []
        for band in value:
            for axis, key in _AXES.items():
                wanted, there = getattr(band, axis), suite.get(key, ())
                if wanted is not None and wanted not in there:
                    hint = nearest(str(wanted), map(str, there))
                    found.append(
                        Mistake(("gate", "bands", axis), f"expected one of the suite's, got {show(wanted)}.{hint}")
                    )
            if band.low >= band.high:
                text = f"expected low < high, got {band.low:g} and {band.high:g}"
                found.append(Mistake(("gate", "bands"), text))
        if found:
            raise mistakes(found)
        return value


_AXES = {
    "algorithm": "algorithms",
    "dataset": "datasets",
    "partition": "partitions",
    "alpha": "alphas",
    "zoo": "zoos",
}
