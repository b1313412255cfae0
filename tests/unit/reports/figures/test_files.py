"""Files for print: every format, and the same bytes for the same data."""

import csv
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import pytest

from reports.figures import Form, Plate
from reports.figures.files import FORMATS, rendered, write
from reports.style import SINGLE
from tests.unit.reports.figures.cases import drawings, written


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> list[Plate]:
    return drawings(written(tmp_path_factory.mktemp("run"), algorithms=["fml", "local", "$x_%"], alphas=[0.1]))


def digests(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_data_give_the_same_bytes_whatever_the_user_s_settings(plates: list[Plate], tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
    for plate in plates:
        write(plate, first)
        with mpl.rc_context({"font.size": 20, "lines.linewidth": 7, "savefig.dpi": 30, "svg.fonttype": "none"}):
            write(plate, second)
            assert mpl.rcParams["font.size"] == 20
    assert len(digests(first)) == 4 * len(plates)
    assert digests(first) == digests(second)


SCRIPT = """
import sys
from pathlib import Path
from reports.figures.files import write
from tests.unit.reports.figures.cases import drawings, written
out = Path(sys.argv[1])
results = written(out / "run", algorithms=["fml", "local", "$x_%"], alphas=[0.1])
(plate,) = [plate for plate in drawings(results) if plate.family == "clients"]
write(plate, out)
"""


def test_another_process_writes_the_same_bytes(plates: list[Plate], tmp_path: Path) -> None:
    (plate,) = (plate for plate in plates if plate.family == "clients")
    subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], check=True, cwd=Path(__file__).parents[4])
    for kind in FORMATS:
        assert (tmp_path / f"{plate.stem}.{kind}").read_bytes() == rendered(plate.draw(Form()), kind)


def test_files_are_what_their_names_say(plates: list[Plate], tmp_path: Path) -> None:
    paths = write(plates[0], tmp_path, width=SINGLE)
    starts = {path.suffix: path.read_bytes()[:5] for path in paths}
    assert starts[".pdf"] == b"%PDF-"
    assert starts[".png"][1:4] == b"PNG"
    assert starts[".svg"] == b"<?xml"
    for path in paths:
        assert b"CreationDate" not in path.read_bytes()
    image = (tmp_path / f"{plates[0].stem}.png").read_bytes()
    assert int.from_bytes(image[16:20], "big") == round(SINGLE * 200)


def test_the_data_are_beside_the_figure(plates: list[Plate], tmp_path: Path) -> None:
    *_, path = write(plates[0], tmp_path)
    assert path.read_text(encoding="utf-8") == plates[0].table.csv()
    for plate in plates:
        head, *rows = csv.reader(plate.table.csv().splitlines())
        assert head == list(plate.table.columns)
        assert len(rows) == len(plate.table.rows) > 0
        assert all(len(row) == len(head) for row in rows)
