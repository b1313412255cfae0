"""Learning-rate schedules, against torch."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from bench.declaration.optimiser import Schedule

SCHEDULES = {
    "constant": (Schedule(), lambda o: torch.optim.lr_scheduler.ConstantLR(o, factor=1.0)),
    "step": (Schedule(name="step", every=3, gamma=0.5), lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5)),
    "step, default gamma": (Schedule(name="step", every=4), lambda o: torch.optim.lr_scheduler.StepLR(o, 4, 0.1)),
    "cosine": (Schedule(name="cosine"), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 12)),
}


@pytest.mark.parametrize(("schedule", "torchs"), SCHEDULES.values(), ids=list(SCHEDULES))
def test_schedules_are_those_of_torch(schedule: Schedule, torchs: Callable[[torch.optim.Optimizer], Any]) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    reference = torchs(optimizer)
    for round in range(12):
        assert schedule.lr(0.3, round, 12) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        reference.step()
