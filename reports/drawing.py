"""Figures become files and parts of the page: one after the other, or side by side where there are many."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from reports.figures import Plate, files, inline

LONGEST = 300
"""Rows of a figure's data that the page holds; all of them are in its CSV file."""
OF_A_KIND = 4
"""So many figures of one family the page shows; further ones are links to their files, or nobody could open it."""
MANY = 40
"""From so many figures on, processes that draw side by side pay for their start."""
MOST_PROCESSES = 4


class Shown(NamedTuple):
    """One panel in the page."""

    title: str
    wide: bool
    svg: Markup


@dataclass(frozen=True)
class Drawn:
    """A figure with its files, and its drawings for the page."""

    plate: Plate
    files: Sequence[Path]
    panels: Sequence[Shown]  # none: only its files are linked
    legend: Sequence[tuple[str, Markup]]  # name, <svg>
    data: str  # CSV
    cut: int  # rows that the page leaves out


def draw(plates: Sequence[Plate], folder: Path, width: float | None = None, first: int = 0) -> list[Drawn]:
    """Write every figure's files, and draw for the page those that it shows; the same bytes, however many processes.

    `width` is that of the files in inches; None: each figure's natural one. `first` numbers the first figure: ids are
    of the page, which may hold several such lists.
    """
    count: dict[str, int] = {}
    shown = []
    for plate in plates:
        count[plate.family] = count.get(plate.family, 0) + 1
        shown.append(count[plate.family] <= OF_A_KIND)
    one = partial(_one, folder, width)
    numbers = range(first, first + len(plates))
    if len(plates) < MANY:
        return list(map(one, plates, shown, numbers))
    processes = min(MOST_PROCESSES, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return list(pool.map(one, plates, shown, numbers, chunksize=4))


def _one(folder: Path, width: float | None, plate: Plate, shown: bool, number: int) -> Drawn:
    written = files.write(plate, folder, width)
    if not shown:
        return Drawn(plate, written, (), (), "", 0)
    panels = [
        Shown(panel.title, panel.wide, Markup(inline.element(panel.draw(), f"f{number}-{place}")))
        for place, panel in enumerate(plate.panels)
    ]
    legend = [
        (name, Markup(inline.swatch(look, f"f{number}-k{place}"))) for place, (name, look) in enumerate(plate.key)
    ]
    lines = plate.table.csv().splitlines()
    return Drawn(plate, written, panels, legend, "\n".join(lines[: LONGEST + 1]), max(0, len(lines) - 1 - LONGEST))
