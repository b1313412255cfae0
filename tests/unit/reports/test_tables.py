"""Tables: numbers as they are, text that breaks neither CSV nor LaTeX."""

from pathlib import Path

import pandas as pd
import pytest

from reports import tables
from reports.blocks import Block, blocks
from reports.results import read
from tests.unit.reports import synthetic

ODD = 'a_b & 50 % {"x"} \\ #1, ~^ <ä> 名'


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> Block:
    declared = synthetic.suite(algorithms=["fml", "local", ODD], alphas=[0.1, 100.0], zoos=["cnn"], replicates=2)
    out = synthetic.write(tmp_path_factory.mktemp("run"), synthetic.records(declared, rounds=3), declared)
    return blocks(read(out))[0]


def test_csv_gives_the_numbers_in_per_cent(block: Block, tmp_path: Path) -> None:
    paths = tables.write([block], ["headline"], tmp_path)
    assert [path.name for path in paths] == ["headline.csv", "headline.tex"]
    frame = pd.read_csv(paths[0], dtype={"alpha": str})
    assert frame["alpha"].tolist() == ["0.1"] * 3 + ["100"] * 3 + ["mean"] * 3
    assert frame["algorithm"].tolist() == ["fml", "local", ODD] * 3
    row = block.groups[0].rows[0]
    assert row.accuracy is not None
    assert row.to_local is not None
    assert frame["client_accuracy"][0] == pytest.approx(100 * row.accuracy.mean, abs=1e-6)
    assert frame["to_local_low"][0] == pytest.approx(100 * (row.to_local.low or 0), abs=1e-6)
    assert frame["to_local"].isna().tolist() == [False, True, False] * 3
    assert frame["floor"][0] == pytest.approx(100 * (block.groups[0].floor or 0), abs=1e-6)
    assert frame["replicates"].tolist() == [2] * 9


def test_latex_is_a_booktabs_table(block: Block) -> None:
    text = tables.latex(block, "headline-x")
    for word in (r"\toprule", r"\midrule", r"\bottomrule", r"\label{tab:headline-x}", r"\addlinespace"):
        assert word in text
    assert "0.100000" not in text
    rows = text.split(r"\midrule")[1].split(r"\bottomrule")[0]
    lines = [line for line in rows.splitlines() if line.endswith(r"\\")]
    assert len(lines) == 3 * 4
    assert lines[0].startswith("0.1 & fml & ")
    assert {line.replace(r"\&", "").count("&") for line in lines} == {len(tables.COLUMNS) - 1}


def test_latex_escapes_what_plugins_are_called(block: Block) -> None:
    text = tables.latex(block, "x")
    assert (
        r'a\_b \& 50 \% \{"x"\} \textbackslash{} \#1, \textasciitilde{}\textasciicircum{} \textless{}ä\textgreater{} ?'
        in text
    )
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert "−" not in text


def test_one_replicate_is_said_in_the_caption(tmp_path: Path) -> None:
    out = synthetic.write(tmp_path, [synthetic.record("fml", 0.1, 0, rounds=2)])
    assert "one replicate, hence no intervals" in tables.latex(blocks(read(out))[0], "x")
