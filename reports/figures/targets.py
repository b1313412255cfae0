"""Rounds until a target accuracy, one row per algorithm; runs that never got there stand beyond the last round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import marks, scales
from reports.figures.plate import Form, Key, Looks, Table
from reports.figures.sheet import Frame, Picture, names_width, sheet, stroke
from reports.statistics import Reach, median_rounds
from reports.style import FLOOR, INK, PALE, SMALL, Look

KEY = (
    ("one run", Look(FLOOR, "o", None)),
    ("not within its rounds", Look(FLOOR, "o", None, hollow=True)),
    ("median", Look(INK, "|", None)),
)


@dataclass(frozen=True)
class Race:
    """One panel: for each algorithm when its runs reached the target."""

    title: str
    runs: Mapping[str, Sequence[Reach]]


@dataclass(frozen=True)
class Targets:
    """All panels of a block."""

    algorithms: Sequence[str]  # the rows
    target: float  # client accuracy in per cent
    rounds: int  # the last evaluated one, R
    panels: Sequence[Race]


def figure(data: Targets, looks: Looks, form: Form) -> Figure:
    """A dot per run; the shaded strip at the right is beyond the last round."""
    names = data.algorithms
    left = names_width(names)
    pictures = [Picture(panel.title, partial(_draw, panel, names, data.rounds, looks, left)) for panel in data.panels]
    frame = Frame(
        f"round at which {data.target:g} % is reached", "", 0.23 * len(names) + 0.05, left=left, gap=0.2, key=key(data)
    )
    return sheet(pictures, frame, form)


def _draw(panel: Race, names: Sequence[str], rounds: int, looks: Looks, left: float, axes: Axes) -> None:
    marks.named_rows(axes, names, left)
    beyond = rounds * 1.13 + 1  # where censored runs stand
    edge = (rounds + beyond) / 2
    axes.axvspan(edge, 2 * beyond - edge, facecolor=PALE, alpha=0.6, linewidth=0)
    for place, name in enumerate(names):
        runs = sorted(panel.runs.get(name, ()), key=lambda run: (not run.reached, run.round))
        if not runs:
            marks.absent(axes, place, "no result")
        else:
            heights = place + np.linspace(-0.24, 0.24, len(runs)) if len(runs) > 1 else [float(place)]
            for height, run in zip(heights, runs, strict=True):
                look = looks[name]
                dot = Look(look.colour, look.marker, None, hollow=not run.reached)
                axes.add_line(stroke(dot, [run.round if run.reached else beyond], [float(height)], markersize=2.8))
            middle = median_rounds(runs)
            at = middle.round if middle.reached else beyond
            axes.add_line(
                stroke(Look(INK, "", (0.0, ())), [at, at], [place - 0.38, place + 0.38], linewidth=1.1, zorder=1.5)
            )
    axes.set_xlim(0, 2 * beyond - edge)
    free = beyond - 0.2 * (2 * beyond - edge)  # so that no label runs into that of the strip
    ticks = [tick for tick in scales.ticks((0, rounds + 1), 4, whole=True) if 1 <= tick <= free]
    axes.set_xticks([*ticks, beyond], [*map(scales.plain, ticks), f"> {rounds}"])
    axes.tick_params(axis="x", labelsize=SMALL)


def key(data: Targets) -> Key:
    """What the marks mean; open ones only where there are any."""
    late = any(not run.reached for panel in data.panels for runs in panel.runs.values() for run in runs)
    return [entry for entry in KEY if late or not entry[1].hollow]


def table(data: Targets) -> Table:
    """One row per panel and algorithm: the median as it stands in tables, and every run."""
    rows = []
    for panel in data.panels:
        for name, runs in panel.runs.items():
            middle = median_rounds(runs)
            each = ", ".join(str(run.round) if run.reached else f"> {run.round}" for run in runs)
            rows.append((panel.title, name, str(middle), middle.runs_reached, middle.runs, each))
    return Table(("panel", "algorithm", "median round", "runs that reached it", "runs", "each run"), rows)
