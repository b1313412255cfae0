"""Verdicts in fixed words, by rule: what a reader may quote."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis import Analysis, CellDifference, Judged
from reports.analysis.fields import Field
from reports.results import Setting
from reports.statistics import FEW_CELLS, POWER, ROPE, Estimate, Verdict
from reports.wording import at_level, counted, listed, points

WORDS: dict[Verdict, str] = {
    "better": "is better than",
    "worse": "is worse than",
    "practically equal": "is practically equal to",
    "undecided": "against",
}


@dataclass(frozen=True)
class Said:
    """One verdict, as the page shows it."""

    subject: str
    verb: str
    reference: str
    verdict: Verdict
    numbers: str  # difference, interval, replicates, cells
    more: Sequence[str]  # what to know beside it
    counted: Sequence[Setting]  # the cells that it is over
    replicates: Sequence[int]
    left_out: str  # cells and replicates that do not count; "" where all do

    def __str__(self) -> str:
        """One paragraph of text."""
        head = f"{self.subject} {self.verb} {self.reference}"
        word = ": undecided" if self.verdict == "undecided" else ""
        return " ".join([f"{head}{word}: {self.numbers}.", *self.more])


def difference(estimate: Estimate) -> str:
    """A difference with its interval, in points.

    >>> difference(Estimate(0.012, 0.004, 0.02, 5))
    '+1.20 points [+0.40, +2.00]'
    """
    text = f"{points(estimate.mean, 2)} points"
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [{points(estimate.low, 2)}, {points(estimate.high, 2)}]"


def said(judged: Judged, cells: Sequence[CellDifference] = ()) -> Said:
    """A verdict in words; `cells` are the same pair's single cells."""
    estimate, pair = judged.estimate, judged.pair
    more = []
    if judged.descriptive:
        more.append(f"Descriptive only, with {counted(estimate.n, 'replicate')}.")
    if judged.why:
        more.append(f"No interval: {judged.why}.")
    if judged.verdict == "undecided" and judged.detectable is not None:
        more.append(
            f"A true difference of {points(judged.detectable, 2)[1:]} points would have been found in "
            f"{100 * POWER:g} % of such comparisons; smaller ones may go unseen."
        )
    if len(cells) > 1:
        ahead = sum(each.discovered and each.estimate.mean > 0 for each in cells)
        behind = sum(each.discovered and each.estimate.mean < 0 for each in cells)
        if ahead or behind:
            more.append(f"Of its {len(cells)} single cells it is ahead in {ahead} and behind in {behind}.")
        if ahead and behind:
            more.append("So the mean hides an effect of the cell.")
    if judged.bounds:
        low, high = (points(bound, 1) for bound in (judged.bounds.low, judged.bounds.high))
        more.append(
            f"{judged.bounds.missing} of {judged.bounds.pairs} pairs are missing: with them the mean could have been "
            f"anything in [{low}, {high}]."
        )
    return Said(
        subject=pair.first,
        verb=WORDS[judged.verdict],
        reference=pair.second,
        verdict=judged.verdict,
        numbers=f"{difference(estimate)}, {counted(estimate.n, 'replicate')}, {counted(judged.cells, 'cell')}",
        more=more,
        counted=pair.kept_settings,
        replicates=pair.kept_replicates,
        left_out=_left_out(judged),
    )


def _left_out(judged: Judged) -> str:
    pair = judged.pair
    settings = [place(each) for each in pair.settings if each not in set(pair.kept_settings)]
    replicates = [each for each in pair.replicates if each not in set(pair.kept_replicates)]
    parts = [f"cells {listed(settings, 5)}"] if settings else []
    parts += [f"replicates {listed(replicates)}"] if replicates else []
    return " and ".join(parts)


def place(setting: Setting) -> str:
    """A setting by name."""
    named = [setting.dataset, setting.partition, f"zoo {setting.zoo}", at_level(setting.alpha)]
    return ", ".join(part for part in named if part)


def verdicts(analysis: Analysis) -> list[Said]:
    """All verdicts against the reference."""
    return [
        said(judged, [cell for cell in analysis.cells if cell.algorithm == judged.pair.first])
        for judged in analysis.verdicts
    ]


def no_verdicts(analysis: Analysis) -> str:
    """Why there are none; "" where there are."""
    if analysis.verdicts:
        return ""
    finished = {run.algorithm for run in analysis.results.runs if run.score}
    if not finished:
        return "No cell has finished: there is nothing to judge."
    if analysis.reference not in finished:
        return (
            f"The reference, {analysis.reference or 'which the suite does not name'}, finished no cell: there are no "
            "verdicts against it."
        )
    if finished == {analysis.reference}:
        return f"Only {analysis.reference} finished cells: there is nothing to compare it with."
    return f"No algorithm finished a cell that {analysis.reference} finished too."


def ranking(field: Field) -> str:
    """What the test over ranks says."""
    held = field.ranking
    if held is None:
        return "One cell has an order, not mean ranks."
    where = f"{listed(field.algorithms)} over {counted(len(field.settings), 'cell')}"
    if held.test is None:
        return f"{where}: too few cells for Iman and Davenport's test, which needs {FEW_CELLS}."
    p = "< 0.001" if held.test.p < 0.001 else f"= {held.test.p:.3f}"
    first, second = held.test.degrees
    return f"{where}: Iman and Davenport's F({first}, {second}) = {held.test.statistic:.2f}, p {p}."


RULE = (
    f"By rule: with d = algorithm minus reference and its interval, better where the interval lies above "
    f"{points(ROPE)} points, worse below {points(-ROPE)}, practically equal inside, else undecided."
)
