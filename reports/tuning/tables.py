"""What was chosen, what that is worth, and every setting that was tried, as tables."""

from collections.abc import Mapping

from bench.records.tuning import Choice, Scalar, Tried, Tuning
from reports.statistics import ROPE
from reports.tables.kinds import COUNT, PERCENT, POINTS, SIZE, TEXT, Value
from reports.tables.table import Column, Group, Row, Table
from reports.wording import counted, listed


def setting(values: Mapping[str, Scalar]) -> str:
    """One setting for people.

    >>> setting({"lr": 0.05, "average": "uniform"})
    'lr 0.05, average uniform'
    """
    each = (f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items())
    return ", ".join(each) or "as declared"


CHOICES = (
    Column("algorithm", "algorithm", TEXT),
    Column("trials", "trials", COUNT),
    Column("chosen", "chosen", TEXT),
    Column("accuracy", "validation accuracy (%)", PERCENT),
    Column("spread", "deviation", SIZE),
    Column("agree", "agree", TEXT),
    Column("edge", "edge", TEXT),
    Column("digest", "digest", TEXT),
)


def choices(tuning: Tuning) -> Table:
    """What was chosen."""
    rows = [
        Row(
            {
                "algorithm": each.algorithm,
                "trials": len(each.tried),
                "chosen": setting(each.chosen.setting),
                "accuracy": each.chosen.accuracy,
                "spread": each.chosen.spread,
                "agree": f"{each.agree} of {tuning.replicates}" if tuning.replicates > 1 else None,
                "edge": listed(list(each.edge)) or "no",
                "digest": each.digest,
            }
        )
        for each in tuning.choices
    ]
    caption = (
        "The setting of the highest mean validation accuracy, which is optimistic for the best of several. Deviation: "
        "over tuning replicates, in points. Agree: in how many of them the choice is the same when that replicate is "
        "left out. Edge: values that are the smallest or largest tried."
    )
    return Table("choices", "What was chosen", caption, CHOICES, [Group(rows)])


WORTH = (
    Column("algorithm", "algorithm", TEXT),
    Column("best", "best (%)", PERCENT),
    Column("median", "median (%)", PERCENT),
    Column("worst", "worst (%)", PERCENT),
    Column("gain", "best over median", POINTS),
    Column("kept", "the same, left-out replicates", POINTS),
    Column("near", "as good as the best", COUNT),
    Column("diverged", "cells that diverged", COUNT),
)


def worth(tuning: Tuning) -> Table:
    """How much tuning matters."""
    rows = []
    for each in tuning.choices:
        accuracies = [tried.accuracy for tried in each.tried]
        values: dict[str, Value] = {
            "algorithm": each.algorithm,
            "best": max(accuracies),
            "median": each.chosen.accuracy - each.gain,
            "worst": min(accuracies),
            "gain": each.gain,
            "kept": each.kept_gain,
            "near": near(each),
            "diverged": sum(tried.diverged for tried in each.tried),
        }
        rows.append(Row(values))
    caption = (
        "Over the settings tried. Best over median, in points: what the choice is worth against a setting taken "
        "blindly from the grid; the next column is the same on replicates that had no part in choosing. As good as the "
        f"best: settings within {100 * ROPE:g} points of it, itself included. A cell that diverged counts with "
        "accuracy 0."
    )
    return Table("worth", "How much tuning matters", caption, WORTH, [Group(rows)])


def near(choice: Choice) -> int:
    """How many settings are within half a point of the best one, itself included."""
    return sum(choice.chosen.accuracy - each.accuracy <= ROPE + 1e-12 for each in choice.tried)


TRIALS = (
    Column("algorithm", "algorithm", TEXT, shown=False),
    Column("trial", "trial", COUNT),
    Column("setting", "setting", TEXT),
    Column("accuracy", "validation accuracy (%)", PERCENT),
    Column("spread", "deviation", SIZE),
    Column("diverged", "cells that diverged", COUNT),
)


def trials(tuning: Tuning) -> Table:
    """Every setting, the best first."""
    groups = []
    for choice in tuning.choices:
        ordered = sorted(choice.tried, key=lambda each: (each != choice.chosen, -each.accuracy))
        groups.append(Group([_trial(choice, each) for each in ordered], choice.algorithm))
    total = counted(sum(len(choice.tried) for choice in tuning.choices), "setting")
    caption = f"{total}, the best first, the chosen one in bold; the cells of each are in tidy/trials.csv."
    return Table("trials", "All settings", caption, TRIALS, groups)


def _trial(choice: Choice, tried: Tried) -> Row:
    values: dict[str, Value] = {
        "algorithm": choice.algorithm,
        "trial": tried.number,
        "setting": setting(tried.setting),
        "accuracy": tried.accuracy,
        "spread": tried.spread,
        "diverged": tried.diverged,
    }
    return Row(values, bold=frozenset({"setting", "accuracy"}) if tried == choice.chosen else frozenset())
