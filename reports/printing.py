"""From plates to files for print (SVG, PDF, PNG) and to SVG inside the page, the same bytes for the same data."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import Self

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from reports.figures import Looks, Panel, Plate
from reports.style import BLUE, COLOURS, DOUBLE, FLOOR, FLOOR_DASH, INK, PALE, SINGLE, Look, label, paper

FORMATS: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
}
"""Format -> the metadata that would differ between two renderings or two versions."""
FLOOR_NAME = "majority floor"


def write(plate: Plate, looks: Looks, folder: Path, stem: str) -> list[Path]:
    """Write one figure in every format; returns the paths."""
    paths = []
    with paper():
        figure = _printed(plate, looks)
        figure.draw_without_rendering()  # lays the figure out, once for all formats
        figure.set_layout_engine("none")
        for kind, metadata in FORMATS.items():
            buffer = BytesIO()
            figure.savefig(buffer, format=kind, metadata=metadata, dpi=200, facecolor="white")
            path = folder / f"{stem}.{kind}"
            path.write_bytes(buffer.getvalue())
            paths.append(path)
    return paths


def _printed(plate: Plate, looks: Looks) -> Figure:
    """All panels in one figure of one or two columns' width."""
    number = len(plate.panels)
    columns = number if number <= 3 else 2 if number == 4 else 3
    rows = math.ceil(number / columns)
    width = SINGLE if number == 1 else DOUBLE
    key = _Key.of(plate, width)
    figure = Figure(figsize=(width, plate.height * rows + 0.2 + 0.17 * key.rows))
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=bool(plate.ylabel))
    cells = [axes for row in grid for axes in row]
    for place, (panel, axes) in enumerate(zip(plate.panels, cells, strict=False)):
        panel.draw(axes)
        axes.set_title(label(panel.title, 44))
        if place + columns >= number:  # nothing below it
            axes.set_xlabel(plate.xlabel)
            axes.tick_params(labelbottom=True)
        if place % columns == 0:
            axes.set_ylabel(plate.ylabel)
    for axes in cells[number:]:
        axes.remove()
    if plate.most is not None:
        _scale(figure, cells[:number], plate.most)
    elif key.names:
        handles = [_handle(looks[name]) for name in plate.algorithms]
        if plate.floor:
            handles.append(Line2D([], [], color=FLOOR, linestyle=FLOOR_DASH, linewidth=1.1))
        figure.legend(
            handles, key.names, loc="outside upper center", ncols=key.columns, columnspacing=1.2, borderaxespad=0.2
        )
    return figure


@dataclass(frozen=True)
class _Key:
    """The legend of a printed figure: as few rows as its width allows."""

    names: list[str]
    columns: int = 1
    rows: int = 0

    @classmethod
    def of(cls, plate: Plate, width: float) -> Self:
        names = [label(name) for name in plate.algorithms] + ([FLOOR_NAME] if plate.floor else [])
        entries = np.asarray([0.56 + 0.066 * len(name) for name in names])  # inches: line, gaps and letters
        for columns in range(len(names), 0, -1):
            if columns == 1 or sum(column.max() for column in np.array_split(entries, columns)) <= width:
                return cls(names, columns, math.ceil(len(names) / columns))
        return cls(names)


def _handle(look: Look) -> Line2D:
    return Line2D([], [], color=look.colour, linestyle=look.dash, marker=look.marker)


def _scale(figure: Figure, axes: Sequence[Axes], most: int) -> None:
    """What the tiles' colour means; on white paper opacity is a mix with white."""
    colours = LinearSegmentedColormap.from_list("images", ["#ffffff", BLUE])
    mappable = ScalarMappable(PowerNorm(0.5, 0, most), colours)
    bar = figure.colorbar(
        mappable, ax=axes, shrink=0.8, aspect=30, pad=0.03, label="images", ticks=MaxNLocator(5, integer=True)
    )
    bar.outline.set_linewidth(0.4)


def panel_svg(plate: Plate, panel: Panel, name: str) -> str:
    """One panel as an <svg> element for the page; `name` is unique there. Colours follow the page's theme."""
    with paper():
        figure = Figure(figsize=(SINGLE, 2.5))
        figure.set_layout_engine("none")  # fixed margins are faster, and panels side by side line up
        FigureCanvasAgg(figure)
        axes = figure.add_axes((plate.left, 0.16, 1 - plate.left - plate.right, 0.81))
        panel.draw(axes)
        axes.set_xlabel(plate.xlabel)
        axes.set_ylabel(plate.ylabel)
        text = _svg(figure)
    return _embedded(text, name)


def swatch_svg(look: Look | None, name: str) -> str:
    """A piece of an algorithm's line for the page's legend; None: the majority floor's."""
    with paper():
        figure = Figure(figsize=(0.45, 0.16))
        figure.set_layout_engine("none")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        if look is None:
            axes.plot([0, 1], [0.5, 0.5], color=FLOOR, linestyle=FLOOR_DASH, linewidth=1.3)
        else:
            axes.plot([0, 1], [0.5, 0.5], color=look.colour, linestyle=look.dash, linewidth=1.4)
            axes.plot([0.5], [0.5], color=look.colour, marker=look.marker, markersize=5)
        text = _svg(figure)
    return _embedded(text, name)


def _svg(figure: Figure) -> str:
    buffer = StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None}, dpi=200, facecolor="none")
    return buffer.getvalue()


VARIABLES = {INK: "ink", PALE: "rule", FLOOR: "floor", **{colour: f"c{i}" for i, colour in enumerate(COLOURS)}}
"""Colours of the style -> custom properties of the page, which has lighter ones for the dark."""


def _embedded(text: str, name: str) -> str:
    """An SVG document as an element: no prologue, unique ids, no style of its own, the page's size and colours."""
    body = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*</defs>", "", body)
    box = re.search(r'viewBox="[^"]*"', body)
    if box is None:
        raise ValueError("expected an SVG with a viewBox from matplotlib")
    body = f'<svg {box[0]} aria-hidden="true">' + body[body.index(">") + 1 :]
    body = re.sub(r'(\bid=")(?=[^"])', rf"\g<1>{name}-", body)
    body = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", body)
    for colour, variable in VARIABLES.items():
        body = body.replace(f": {colour}", f": var(--{variable})")
    return re.sub(r">\s+<", "><", body).strip()
