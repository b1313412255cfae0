"""Client accuracy against what it cost, in traffic or in time, one panel per zoo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from reports.figures import marks, scales
from reports.figures.plate import Form, Key, Looks, Table
from reports.figures.sheet import Frame, Picture, sheet, stroke
from reports.statistics import Band, Floats

QUANTITY = "client accuracy (%)"
FAR = 12.0
"""Where the most expensive algorithm costs so many times the cheapest the axis is logarithmic."""


@dataclass(frozen=True)
class Course:
    """One algorithm: what it had spent by each evaluated round [T] and its accuracy there, in per cent."""

    spent: Floats
    band: Band


@dataclass(frozen=True)
class Cost:
    """One panel."""

    title: str
    courses: Mapping[str, Course]


@dataclass(frozen=True)
class Costs:
    """All panels of a data set and partition."""

    algorithms: Sequence[str]  # who is drawn, in the order of the report
    spent: str  # with its unit: "MiB sent, all clients together"
    panels: Sequence[Cost]


def figure(data: Costs, looks: Looks, form: Form) -> Figure:
    """Curves; an algorithm that spends nothing is a level line at its last accuracy."""
    limits = scales.span(
        scales.ends(course.band for panel in data.panels for course in panel.courses.values()), 0.0, 100.0
    )
    pictures = [Picture(panel.title, partial(_draw, panel, looks, limits)) for panel in data.panels]
    left = scales.beside(limits)
    return sheet(pictures, Frame(data.spent, QUANTITY, 1.7, least=2.0, left=left, gap=0.24, key=key(data, looks)), form)


def _draw(panel: Cost, looks: Looks, limits: tuple[float, float], axes: Axes) -> None:
    paid = [course.spent for course in panel.courses.values() if course.spent[-1] > 0]
    far = bool(paid) and max(spent[-1] for spent in paid) > FAR * min(spent[-1] for spent in paid)
    if far:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: scales.plain(value)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        first = min(spent[spent > 0][0] for spent in paid)
        axes.set_xlim(0.8 * first, 1.2 * max(spent[-1] for spent in paid))
    else:
        most = max((float(spent[-1]) for spent in paid), default=1.0)
        scales.across(axes, (-0.03 * most, 1.05 * most))
    for place, (name, course) in enumerate(panel.courses.items()):
        if course.spent[-1] > 0:
            marks.curve(axes, course.spent, course.band, looks[name], place, len(panel.courses), 100.0)
        else:
            ends = axes.get_xlim()
            level = stroke(looks[name], list(np.linspace(*ends, 6)), [float(course.band.mean[-1])] * 6)
            level.set_markevery([1, 2, 3, 4])
            axes.add_line(level)
    scales.up(axes, limits)


def key(data: Costs, looks: Looks) -> Key:
    """Who is drawn; of those that send nothing it says so."""
    free = {name for panel in data.panels for name, course in panel.courses.items() if course.spent[-1] <= 0}
    entries = marks.key(data.algorithms, looks)
    return [(f"{name} (sends nothing)" if name in free else name, look) for name, look in entries]


def table(data: Costs) -> Table:
    """One row per panel, algorithm and evaluated round."""
    rows = [
        (panel.title, name, float(course.spent[place]), *marks.at(course.band, place))
        for panel in data.panels
        for name, course in panel.courses.items()
        for place in range(len(course.spent))
    ]
    return Table(("panel", "algorithm", data.spent, QUANTITY, "low", "high"), rows)
