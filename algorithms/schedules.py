"""How alpha and beta of `algorithms.fml` move while it trains: from a start to an end, by a measure in [0, 1].

==========  ==================================================================================================
constant    the start, always
linear      0 in the first round, 1 in the last
step        0 until `step_percent` of the rounds are done, 1 from then on
teacher     the mean probability that the teacher, at this very step, gives to the batch's labels
==========  ==================================================================================================

The paper studies "dynamic" alpha and beta without a formula that we could check; these are our reading. "teacher" is
the one that comes from data: with ``alpha = 1`` and ``alpha_end = 0`` a student looks at the labels while its teacher
knows nothing, and listens to the teacher as far as it is right. It is a constant: no gradient flows through it.

All values stay in [0, 1], because start and end do.
"""

from typing import TYPE_CHECKING

from torch import Tensor

from bench import ops
from bench.plugin import At, Batch, Contradiction, Out

if TYPE_CHECKING:
    from algorithms.fml import FML

SCHEDULES = ("constant", "linear", "step", "teacher")
Weight = float | Tensor  # in [0, 1]: a number, or a scalar that depends on the batch
END, STEP = 0.5, 50  # what alpha_end, beta_end and step_percent are unless given


def scheduled(
    schedule: str, start: float, end: float, *, step_percent: int, teacher: Out, batch: Batch, at: At
) -> Weight:
    """The weight of the labels at this step: ``start + (end - start) * measure``, in [0, 1]."""
    if schedule == "constant":
        return start
    if schedule == "step":
        return end if 100 * at.round >= step_percent * at.rounds else start
    measure = at.progress if schedule == "linear" else ops.confidence(teacher, batch)
    return start + (end - start) * measure


def check(fml: "FML") -> None:
    """Raise Contradiction where a parameter of a schedule would do nothing."""
    schedules = {"alpha": fml.alpha_schedule, "beta": fml.beta_schedule}
    for name, schedule in schedules.items():
        start, end = getattr(fml, name), getattr(fml, f"{name}_end")
        if schedule == "constant" and end != END:
            raise Contradiction(f"{name}_end: expected none with {name}_schedule 'constant', got {end:g}")
        if schedule != "constant" and end == start:
            raise Contradiction(f"{name}_end: expected another value than {name} with a schedule, got {end:g} for both")
    if fml.step_percent != STEP and "step" not in schedules.values():
        raise Contradiction(f"step_percent: expected none without a 'step' schedule, got {fml.step_percent}")
