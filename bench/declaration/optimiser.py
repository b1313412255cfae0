"""The optimiser of local training as a suite declares it, and how its learning rate goes over the rounds."""

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from bench.declaration.mistakes import mistake

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, le=1)]


class Table(BaseModel):
    """A table of a suite file: no conversions, no unknown keys, no infinities, nothing changed later."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class Optimizer(Table):
    """The optimiser of local training.

    Adam has torch's defaults (beta 0.9 and 0.999, epsilon 1e-8); weight decay is an L2 term in both.
    """

    name: Literal["sgd", "adam"] = "sgd"
    lr: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    weight_decay: NotNegative = 0.0

    @field_validator("momentum")
    @classmethod
    def _only_sgd(cls, value: float, info: ValidationInfo) -> float:
        if value and info.data.get("name") == "adam":
            raise mistake(f"expected 0 or no such key with adam, which has its own momentum, got {value:g}")
        return value


class Schedule(Table):
    """How the learning rate goes over the rounds."""

    name: Literal["constant", "step", "cosine"] = "constant"
    every: Count | None = Field(default=None, validate_default=True)  # rounds between two steps
    gamma: Share | None = Field(default=None, validate_default=True)  # factor of each step; 0.1 unless given

    @field_validator("every", "gamma")
    @classmethod
    def _only_step(cls, value: float | None, info: ValidationInfo) -> float | None:
        if "name" not in info.data:
            return value
        if info.data["name"] != "step" and value is not None:
            raise mistake(f"expected no such key with the schedule '{info.data['name']}', got {value:g}")
        if info.data["name"] == "step" and value is None:
            if info.field_name == "every":
                raise mistake("missing, expected a whole number of rounds >= 1 with the schedule 'step'")
            return 0.1
        return value

    def lr(self, base: float, round: int, rounds: int) -> float:
        """The learning rate of a round (from 0) of `rounds`; `base` is that of the first.

        Cosine goes to 0 without reaching it in the last round (Loshchilov & Hutter 2017, Equation 5, no restarts).

        >>> schedule = Schedule(name="step", every=10)
        >>> [schedule.lr(1.0, round, 30) for round in (0, 9, 10)]
        [1.0, 1.0, 0.1]
        """
        if self.name == "cosine":
            return base / 2 * (1 + math.cos(math.pi * round / rounds))
        if self.name == "step" and self.every and self.gamma:
            return base * self.gamma ** (round // self.every)
        return base
