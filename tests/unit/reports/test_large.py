"""Three thousand cells are analysed and laid out in seconds; `python -m tests.unit.reports.large` for all of it."""

import time
from pathlib import Path

import pytest

from reports import drawing
from reports.analysis import analyse
from reports.blocks import blocks
from reports.figures import plates
from reports.results import read
from reports.sections import sections
from reports.sources import sources
from reports.style import looks
from tests.unit.reports import large, synthetic


def test_three_thousand_cells(tmp_path: Path) -> None:
    out = large.write(tmp_path)
    started = time.process_time()
    found = analyse(read(out))
    tables = [shown.table for section in sections(found) for shown in section.tables]
    texts = [table.csv() for table in tables]
    assert time.process_time() - started < 30  # 4 s on the machine that this was written on
    assert len(found.results.runs) == 3000
    assert sum(len(source.rows) * len(source.replicates) for source in sources(found)) == 3000
    assert [(each.estimate.n, each.cells) for each in found.verdicts] == [(10, 30), (10, 30), (10, 60), (10, 60)]
    assert sum(map(len, texts)) > 100_000


def test_figures_drawn_side_by_side_are_the_same_and_the_page_shows_some_of_a_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [synthetic.record(name, 0.1, 0, zoo=zoo, rounds=2, clients=3) for zoo in ("a", "b") for name in ("x", "y")]
    results = read(synthetic.write(tmp_path, cells))
    look = looks(["x", "y"])
    made = [plate for plate in plates(results, blocks(results), look) if plate.family in ("clients", "target")]
    monkeypatch.setattr(drawing, "OF_A_KIND", 1)
    drawn = []
    for many in (99, 2):  # one after the other, then side by side
        folder = tmp_path / str(many)
        folder.mkdir()
        monkeypatch.setattr(drawing, "MANY", many)
        drawn.append(drawing.draw(made, folder))
    one, other = drawn
    assert [(each.plate.stem, len(each.panels), each.data) for each in one] == [
        (each.plate.stem, len(each.panels), each.data) for each in other
    ]
    assert [bool(each.panels) for each in one] == [True, True, False, False]
    assert [each.panels for each in one] == [each.panels for each in other]
    for first, second in zip(one, other, strict=True):
        assert [path.read_bytes() for path in first.files] == [path.read_bytes() for path in second.files]
