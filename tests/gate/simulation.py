"""How often the accuracy gate passes, where the truth is known: its false alarms and its misses."""

from dataclasses import dataclass

import numpy as np

from bench.gate.accuracy import Outcome, judge, looks

CELLS, REPLICATES, MARGIN = 16, 10, 0.02
"""As in the suite ci: 16 views of 12 cells, 10 replicates."""


@dataclass(frozen=True)
class Passes:
    """Of many simulated checks."""

    share: float  # that passed
    replicates: float  # mean number that were needed


def passes(loss: float, noise: float, *, cells: int = CELLS, trials: int = 1000, seed: int = 0) -> Passes:
    """Checks of a change that costs `cells` of the cells `loss` of accuracy (a fraction, as is `noise`).

    `noise` is the standard deviation of one cell's difference in one replicate, as another machine's float order
    makes it, independent over cells and replicates.
    """
    rng = np.random.default_rng(seed)
    passed, used = 0, 0
    at = looks(REPLICATES)
    for _ in range(trials):
        lost = np.where(np.arange(CELLS) < cells, loss, 0.0)
        now = rng.normal(0.0, noise, (REPLICATES, CELLS)) - lost
        for number in at:
            found = judge(np.zeros((number, CELLS)), now[:number], MARGIN, len(at), last=number == at[-1])
            if found.outcome is not Outcome.OPEN:
                break
        passed += found.outcome is Outcome.PASSED
        used += number
    return Passes(passed / trials, used / trials)


NOISES = (0.0025, 0.01, 0.02)
LOSSES = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03)
OF_ONE = (0.01, 0.02, 0.03, 0.04, 0.06)


def table(trials: int = 1000) -> str:
    """Shares that passed, as Markdown: a row per true loss, a column per noise."""
    head = "| true loss | " + " | ".join(f"noise {100 * n:g} points" for n in NOISES) + " |"
    lines = [head, "|---|" + "---|" * len(NOISES)]
    for cells, losses, where in ((CELLS, LOSSES, "all cells"), (1, OF_ONE, f"one cell of {CELLS}")):
        for loss in losses:
            each = [passes(loss, noise, cells=cells, trials=trials) for noise in NOISES]
            lines += [_row(f"{100 * loss:g} points in {where}", each)]
    return "\n".join(lines)


def _row(label: str, found: list[Passes]) -> str:
    return f"| {label} | " + " | ".join(f"{100 * f.share:.1f} % ({f.replicates:.1f})" for f in found) + " |"
