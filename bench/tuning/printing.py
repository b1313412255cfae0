"""What a person reads on the terminal: the settings to be tried, and what was chosen."""

from collections.abc import Mapping, Sequence

from bench.records.tuning import Choice, Scalar, Tuning
from bench.tuning.study import Study

HEAD = ("algorithm", "trials", "chosen", "validation accuracy (%)", "median (%)", "agree", "edge")


def setting(values: Mapping[str, Scalar]) -> str:
    """One setting for people.

    >>> setting({"lr": 0.05, "average": "uniform"})
    'lr 0.05, average uniform'
    """
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items()) or "as declared"


def _short(value: Scalar) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def plan(study: Study) -> str:
    """The settings of every algorithm, one a line, and how many cells each takes."""
    rows = [("algorithm", "trial", "setting", "cells")]
    rows += [
        (trial.algorithm, str(trial.number), setting(trial.setting), str(len(trial.cells))) for trial in study.trials
    ]
    return "\n".join([f"{study.suite.name} on {study.dataset}", _table(rows), *_standing(study)])


def _standing(study: Study) -> list[str]:
    """Whether the values that the suite has already are of these trials."""
    held = (study.suite.tuned or {}).get(study.dataset, {})
    sources = {name: each.source for name, each in held.items() if each.source}
    other = [name for name, source in sources.items() if source.digest != study.digest(name)]
    same = [name for name in sources if name not in other]
    found = [f"the suite's values are of these trials: {', '.join(same)}"] if same else []
    if other:
        found.append(f"the suite's values are of other trials (settings, budget or source code): {', '.join(other)}")
    return found


def choices(tuning: Tuning) -> str:
    """What was chosen, and how sure it is."""
    lines = [_table([HEAD, *(_row(choice) for choice in tuning.choices)])] if tuning.choices else []
    lines += [f"{name}: nothing chosen, {reason}" for name, reason in tuning.without.items()]
    if any(choice.edge for choice in tuning.choices):
        lines.append("edge: the chosen value is the smallest or largest tried; extend the grid and tune again")
    return "\n".join(lines)


def _row(choice: Choice) -> tuple[str, ...]:
    best = choice.chosen
    spread = "" if best.spread is None else f" ± {100 * best.spread:.1f}"
    replicates = len(best.by_replicate)
    middle = 100 * (best.accuracy - choice.gain)
    return (
        choice.algorithm,
        str(len(choice.tried)),
        setting(best.setting),
        f"{100 * best.accuracy:.1f}{spread}",
        f"{middle:.1f}",
        f"{choice.agree} of {replicates}" if replicates > 1 else "",
        ", ".join(choice.edge),
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
