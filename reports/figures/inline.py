"""Figures as elements of the page: an <svg> with ids of its own, in the colours of the page's theme."""

import re
from io import StringIO

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.figures.sheet import stroke
from reports.style import COLOURS, FLOOR, INK, PALE, PAPER, Look, paper

VARIABLES = {
    INK: "ink", PALE: "rule", FLOOR: "floor", PAPER: "paper", **{colour: f"c{i}" for i, colour in enumerate(COLOURS)},
}  # fmt: skip
"""Colours of the style -> custom properties of the page, which has lighter ones for the dark."""


def element(figure: Figure, name: str) -> str:
    """A figure as an <svg> element; `name` is unique in the page, and short, because it stands in front of every id."""
    buffer = StringIO()
    with paper():
        figure.savefig(buffer, format="svg", metadata={"Date": None}, dpi=200, facecolor="none")
    return _embedded(buffer.getvalue(), name)


def swatch(look: Look, name: str) -> str:
    """A piece of line for the page's legend."""
    with paper():
        figure = Figure(figsize=(0.45, 0.16))
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.add_line(stroke(look, [0, 0.5, 1], [0.5, 0.5, 0.5], markevery=[1], markersize=5, linewidth=1.4))
    return element(figure, name)


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
    body = _unique(_short(body), name)
    for colour, variable in VARIABLES.items():
        body = body.replace(f": {colour}", f": var(--{variable})")
    return re.sub(r">\s+<", "><", body).strip()


def _short(body: str) -> str:
    """The same picture in half the letters: hundredths of a point are finer than any screen, and spaces say nothing."""
    body = re.sub(r'\b(?:d|x|y|transform)="[^"]*"', lambda found: _rounded(found[0]), body)
    return re.sub(r'(?<=\bd=")[^"]*', lambda found: re.sub(r"\s*([A-Za-z])\s*", r"\1", found[0]).strip(), body)


def _rounded(attribute: str) -> str:
    """Numbers with two decimals at most, but for scales, which are small."""
    return re.sub(r"(scale\([^)]*\))|(-?\d+\.\d{3,})", lambda found: found[1] or f"{float(found[2]):.2f}", attribute)


def _unique(body: str, name: str) -> str:
    """Ids that are used get `name` in front, the others go."""
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', body))
    body = re.sub(r'\s\bid="([^"]*)"', lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", body)
    return re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", body)
