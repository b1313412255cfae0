"""Figures of what was measured."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.speedometer.ours import ENGINES
from bench.speedometer.results import NAIVE, Growth, Report, Series, Spread
from reports.style import BLACK, BLUE, DOUBLE, FLOOR, GREEN, ORANGE, SINGLE, paper

LOOKS = {NAIVE: (BLACK, "D"), "reference": (ORANGE, "s"), "vectorised": (GREEN, "^"), "auto": (BLUE, "o")}


def figures(report: Report) -> dict[str, Figure]:
    """All figures that a report has something for, by a name that the page knows."""
    found = {}
    with paper():
        momenta = list(dict.fromkeys(series.momentum for series in report.comparison))
        some = [series for series in report.comparison if series.momentum == momenta[0] and series.rate(NAIVE)]
        if some:
            found["comparison"] = _comparison(some)
        if report.growth:
            found["growth"] = _growth(report.growth)
    return found


def save(figure: Figure, path: Path) -> None:
    """Write a figure; the name's ending says in which format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with paper():
        still = {"Date": None} if path.suffix in (".svg", ".pdf") else None  # the same numbers give the same file
        figure.savefig(path, dpi=200, metadata=still, facecolor="white")


def _comparison(some: Sequence[Series]) -> Figure:
    """How many times as fast as the naive loop each engine is, workload by workload."""
    figure = Figure(figsize=(DOUBLE, 0.9 + 0.36 * len(some)), layout="constrained")
    axes = figure.subplots()
    places = range(len(some))
    for name in (name for name in ENGINES if any(name in series.seconds for series in some)):
        colour, marker = LOOKS[name]
        ratios = [(place, series.ratio(name)) for place, series in zip(places, some, strict=True)]
        known = [(place, ratio) for place, ratio in ratios if ratio]
        axes.errorbar(
            [ratio.median for _, ratio in known],
            [place for place, _ in known],
            xerr=[[r.median - r.low for _, r in known], [r.high - r.median for _, r in known]],
            color=colour, marker=marker, markersize=5, linestyle="none", elinewidth=1.2, label=name,
        )  # fmt: skip
    limits = [(series.limit() or 0) / (series.rate(NAIVE) or 1) for series in some]
    axes.plot(limits, places, "|", color=FLOOR, markersize=13, markeredgewidth=2, label="the machine's limit")
    aims = [(place, series.workload["floor"]) for place, series in zip(places, some, strict=True)]
    aims = [(place, floor) for place, floor in aims if floor]
    axes.plot([f for _, f in aims], [p for p, _ in aims], "|", color=BLACK, markersize=9, label="what we want at least")
    axes.axvline(1, color=BLACK, linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks([0.5, 1, 2, 5, 10, 20, 50, 100])
    least = min(r.low for series in some for name in ENGINES if (r := series.ratio(name)))
    axes.set_xlim(min(0.8, 0.9 * least), 1.3 * max(limits))
    axes.set_yticks(list(places), [series.title for series in some])
    axes.invert_yaxis()
    axes.set_xlabel("times as fast as the naive loop, one core (log scale)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=5, handlelength=1.2)
    return figure


def _growth(points: Sequence[Growth]) -> Figure:
    """Seconds of a round against the number of clients."""
    figure = Figure(figsize=(SINGLE * 1.3, 2.6), layout="constrained")
    axes = figure.subplots()
    clients = [point.clients for point in points]
    for name in points[0].seconds:
        colour, marker = LOOKS[name]
        spreads = [Spread.of(point.seconds[name]) for point in points]
        axes.plot(clients, [spread.median for spread in spreads], color=colour, marker=marker, label=name)
    first = Spread.of(points[0].seconds[NAIVE]).median
    line = [first * count / clients[0] for count in clients]
    axes.plot(clients, line, color=FLOOR, linestyle=":", label="linear in clients")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(clients, [str(count) for count in clients])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))  # powers would stand there as TeX
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("clients, five steps each (log scale)")
    axes.set_ylabel("seconds of a round (log scale)")
    axes.legend()
    return figure
