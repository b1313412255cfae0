"""Tables of what was measured, for a terminal or as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.speedometer.comparison import LOADER, NAIVE_BF16, PLAIN_MALLOC
from bench.speedometer.contest import BARE
from bench.speedometer.ours import ENGINES
from bench.speedometer.results import NAIVE, Growth, Job, Memory, Report, Series, Spread

NOTHING = "-"
FORMS = (LOADER, PLAIN_MALLOC, NAIVE_BF16)  # of the naive loop, beside its main one
GIB = 1 << 30


@dataclass(frozen=True)
class Table:
    """A heading, column names and cells; the first column is text, the others are numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self) -> str:
        """For a terminal."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        body = []
        for line in lines:
            first, *others = zip(line, widths, strict=True)
            body.append("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]))
        return "\n".join([self.title, *body])

    def markdown(self) -> str:
        """For a page, without the heading."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        return "\n".join("| " + " | ".join(line) + " |" for line in (self.columns, rule, *self.rows))


def tables(report: Report) -> dict[str, Table]:
    """All tables that a report has something for, by a name that the page knows."""
    found: dict[str, Table] = {}
    momenta = list(dict.fromkeys(series.momentum for series in report.comparison))
    for place, momentum in enumerate(momenta):
        some = [series for series in report.comparison if series.momentum == momentum]
        found["comparison" if place == 0 else "beside"] = _comparison(some, momentum, main=place == 0)
        if place == 0:
            if any(name in series.seconds for series in some for name in FORMS):
                found["naive"] = _naive(some)
            found["limit"] = _limit(some)
    made = {
        "overhead": _overhead(report.overhead) if report.overhead else None,
        "growth": _growth(report.growth) if report.growth else None,
        "memory": _memory(report.memory) if report.memory else None,
        "jobs": _jobs(report.jobs) if report.jobs else None,
    }
    return found | {name: table for name, table in made.items() if table}


def problems(report: Report) -> list[str]:
    """What went wrong, one line each."""
    every = [*report.comparison, *report.overhead]
    return [f"{series.name}, momentum {series.momentum:g}: {series.problem}" for series in every if series.problem]


def _comparison(some: Sequence[Series], momentum: float, *, main: bool) -> Table:
    present = [name for name in ENGINES if any(name in series.seconds for series in some)]
    aim = ["at least"] if main else []
    columns = ["workload", "naive: steps/s", *(f"{name}: x naive" for name in present), *aim, "limit: x naive"]
    rows = []
    for series in some:
        ratios = [_spread(series.ratio(name)) for name in present]
        floor = series.workload["floor"]
        aimed = [f"{floor:g}" if floor else NOTHING] if main else []
        rate, limit = series.rate(NAIVE), series.limit()
        most = f"{limit / rate:.1f}" if rate and limit else NOTHING
        rows.append([series.title, _number(rate), *ratios, *aimed, most])
    return Table(f"Client steps per second against the naive loop, momentum {momentum:g}", columns, rows)


def _limit(some: Sequence[Series]) -> Table:
    present = [name for name in ENGINES if any(name in series.seconds for series in some)]
    columns = ["workload", "Mflop/step", "matmul Gflop/s", "convolution Gflop/s", "limit: steps/s"]
    rows = []
    for series in some:
        if not series.rates:
            continue
        flops = (series.facts["matmul_flops"] + series.facts["convolution_flops"]) / series.facts["steps"]
        best = [Spread.of([rate[kind] for rate in series.rates]).median for kind in ("matmul", "convolution")]
        shares = [_percent(series.share(name)) for name in (NAIVE, *present)]
        row = [series.title, f"{flops / 1e6:.1f}", *(f"{rate / 1e9:.0f}" for rate in best), _number(series.limit())]
        rows.append([*row, *shares])
    columns += [f"{name} reaches" for name in (NAIVE, *present)]
    return Table("The machine's limit: the same operations at its best rates, one thread", columns, rows)


def _naive(some: Sequence[Series]) -> Table:
    forms = [name for name in FORMS if any(name in series.seconds for series in some)]
    columns = ["workload", "steps a round", "naive: us/step", *(f"{name.removeprefix('naive, ')}: x" for name in forms)]
    rows = []
    for series in some:
        rate = series.rate(NAIVE)
        ratios = [_spread(series.ratio(name)) for name in forms]
        rows.append(
            [series.title, str(series.facts.get("steps", NOTHING)), _number(1e6 / rate if rate else None), *ratios]
        )
    return Table("The naive loop in other forms, against its main one", columns, rows)


def _overhead(every: Sequence[Series]) -> Table:
    columns = ["workload", "steps a client and round", "bare: us/step", "reference: us/step", "overhead %"]
    rows = []
    for series in every:
        ratio = series.ratio(BARE, "reference")  # seconds of the engine over those of the arithmetic
        bare, ours = series.rate(BARE), series.rate("reference")
        if ratio is None or not bare or not ours:
            continue
        percent = Spread(*(100 * (value - 1) for value in (ratio.median, ratio.low, ratio.high)))
        each = f"{series.facts['steps'] / series.facts['clients']:.1f}"
        rows.append([series.title, each, f"{1e6 / bare:.0f}", f"{1e6 / ours:.0f}", _spread(percent, 1)])
    return Table("The reference engine against forward, backward and update alone", columns, rows)


def _growth(points: Sequence[Growth]) -> Table:
    names = list(points[0].seconds)
    columns = ["clients", *(f"{name}: s/round" for name in names), *(f"{name}: us/step" for name in names)]
    rows = []
    for point in points:
        seconds = [Spread.of(point.seconds[name]).median for name in names]
        each = [f"{1e6 * taken / point.steps:.0f}" for taken in seconds]
        rows.append([str(point.clients), *(f"{taken:.3f}" for taken in seconds), *each])
    return Table("A round with more and more clients, five steps each", columns, rows)


def _memory(every: Sequence[Memory]) -> Table:
    columns = ["engine", "peak of a cell, GiB", "of it imports, GiB", "after 20 short rounds, GiB", "after 200, GiB"]
    rows = [[m.engine, *(f"{value / GIB:.2f}" for value in (m.peak, m.imports, m.early, m.late))] for m in every]
    return Table("Resident memory: a cell of 100 clients with LeNet5", columns, rows)


def _jobs(jobs: Sequence[Job]) -> Table:
    columns = ["job", "cells", "rounds", "naive, s", "ours, s", "processes", "x", "at least", "naive: accuracy", "ours"]
    rows = []
    for job in jobs:
        naive = Spread.of(job.naive).median if job.naive else None
        ours = Spread.of(job.ours).median
        ratios = [slow / fast for slow, fast in zip(job.naive, job.ours, strict=False)]
        ratio = _spread(Spread.of(ratios)) if ratios else NOTHING
        least = f"{job.floor:g}" if job.floor else f"{job.most:.0f} s at most" if job.most else NOTHING
        right = [f"{100 * a:.2f} %" if a is not None else NOTHING for a in (job.naive_accuracy, job.our_accuracy)]
        cells, rounds = str(job.cells), str(job.rounds or NOTHING)
        seconds = [f"{naive:.1f}" if naive else NOTHING, f"{ours:.1f}", str(job.processes)]
        rows.append([job.title, cells, rounds, *seconds, ratio, least, *right])
    return Table("Whole jobs by the clock, start-up and evaluation included", columns, rows)


def _spread(spread: Spread | None, digits: int = 2) -> str:
    if spread is None:
        return NOTHING
    if spread.low == spread.high:
        return f"{spread.median:.{digits}f}"
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f}-{spread.high:.{digits}f})"


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.0f}"


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.0f} %"


def line(series: Series) -> str:
    """A finished series in a line."""
    head = f"{series.name}, momentum {series.momentum:g}"
    if series.problem:
        return f"{head}: {series.problem}"
    rate = series.rate(NAIVE)
    ratios = ", ".join(f"{name} x {_spread(series.ratio(name))}" for name in ENGINES if name in series.seconds)
    return f"{head}: naive {_number(rate)} steps/s, {ratios}"
