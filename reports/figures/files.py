"""From plates to files for print: SVG, PDF and PNG, and the data as CSV; the same bytes for the same data."""

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from reports.figures.plate import Form, Plate
from reports.style import PAPER, paper

FORMATS: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "png": {"Software": None},
}
"""Format -> the metadata that would differ between two renderings or two versions."""
RESOLUTION = 200  # dots per inch, of PNG


def write(plate: Plate, folder: Path, width: float | None = None) -> list[Path]:
    """Write one figure in every format, and its data; returns the paths. `width` is in inches; None: natural."""
    figure = plate.draw(Form(width))
    paths = []
    for kind in FORMATS:
        path = folder / f"{plate.stem}.{kind}"
        path.write_bytes(rendered(figure, kind))
        paths.append(path)
    path = folder / f"{plate.stem}.csv"
    path.write_text(plate.table.csv(), encoding="utf-8", newline="")
    return [*paths, path]


def rendered(figure: Figure, kind: str) -> bytes:
    """A figure as the bytes of a file of one of the `FORMATS`."""
    buffer = BytesIO()
    with paper():
        figure.savefig(buffer, format=kind, metadata=FORMATS[kind], dpi=RESOLUTION, facecolor=PAPER)
    return buffer.getvalue()
