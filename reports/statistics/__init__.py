"""What a few replicates and cells say about methods. Pure functions of arrays, explained in docs/statistics.md.

The unit is the replicate (a redraw of everything) or the cell, never the client. Accuracies are fractions in [0, 1] and
differences stand in the same unit; higher is better, so give losses with their sign turned. ValueError where a number
is missing or a shape is wrong; None where the data are too few for the thing asked for.
"""

from reports.statistics.arrays import LEVEL, SEED, Floats
from reports.statistics.bayes import Posterior, bayesian_signed_rank
from reports.statistics.clients import gini, share_below, worst_tenth
from reports.statistics.effects import (
    POWER,
    detectable_in_deviations,
    minimum_detectable_effect,
    standardised,
    superiority,
)
from reports.statistics.intervals import (
    FEW,
    Band,
    Estimate,
    mean_band,
    mean_interval,
    paired_difference,
    paired_p,
    simultaneous_intervals,
    t_quantile,
)
from reports.statistics.missing import TOLERATED, Bounds, complete, missing_bounds
from reports.statistics.multiplicity import benjamini_hochberg, holm
from reports.statistics.ranks import (
    FEW_CELLS,
    ImanDavenport,
    cell_ranks,
    cliques,
    critical_difference,
    iman_davenport,
    mean_ranks,
)
from reports.statistics.robust import iqm, iqm_interval, performance_profile
from reports.statistics.rounds_to_target import MedianRounds, Reach, median_rounds, rounds_to_target
from reports.statistics.selection import best_subset
from reports.statistics.signed_rank import SignedRank, can_reach, pairs_needed, signed_rank, smallest_p
from reports.statistics.verdicts import ROPE, Verdict, verdict

__all__ = [
    "FEW",
    "FEW_CELLS",
    "LEVEL",
    "POWER",
    "ROPE",
    "SEED",
    "TOLERATED",
    "Band",
    "Bounds",
    "Estimate",
    "Floats",
    "ImanDavenport",
    "MedianRounds",
    "Posterior",
    "Reach",
    "SignedRank",
    "Verdict",
    "bayesian_signed_rank",
    "benjamini_hochberg",
    "best_subset",
    "can_reach",
    "cell_ranks",
    "cliques",
    "complete",
    "critical_difference",
    "detectable_in_deviations",
    "gini",
    "holm",
    "iman_davenport",
    "iqm",
    "iqm_interval",
    "mean_band",
    "mean_interval",
    "mean_ranks",
    "median_rounds",
    "minimum_detectable_effect",
    "missing_bounds",
    "paired_difference",
    "paired_p",
    "pairs_needed",
    "performance_profile",
    "rounds_to_target",
    "share_below",
    "signed_rank",
    "simultaneous_intervals",
    "smallest_p",
    "standardised",
    "superiority",
    "t_quantile",
    "verdict",
    "worst_tenth",
]
