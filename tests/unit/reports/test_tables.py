"""Tables: one definition, three files; numbers as they are, text that breaks neither CSV nor Markdown nor LaTeX."""

import re
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from reports.analysis import Analysis, analyse
from reports.results import read
from reports.sections import sections
from reports.statistics import Estimate, MedianRounds
from reports.tables import files
from reports.tables.kinds import MIB, PERCENT, POINTS, ROUNDS, TEXT, P
from reports.tables.latex import latex, tex
from reports.tables.table import Column, Group, Row, Table
from tests.unit.reports import given, synthetic

ODD = 'a_b & 50 % {"x"} \\ #1, ~^ <ä> 名 [y]'


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    declared = synthetic.suite(algorithms=["fml", "fedavg", "local", ODD], alphas=[0.1, 100.0], replicates=3)
    cells = synthetic.records(declared, rounds=3)
    lost = next(place for place, cell in enumerate(cells) if cell["identity"]["algorithm"] == ODD)
    cells[lost] = synthetic.ended(cells[lost], "failed", f"odd: {ODD}")
    return analyse(read(synthetic.write(tmp_path_factory.mktemp("run"), cells, declared)))


@pytest.fixture(scope="module")
def tables(analysis: Analysis) -> list[Table]:
    return [shown.table for section in sections(analysis) for shown in section.tables]


def test_the_report_has_these_tables(tables: list[Table]) -> None:
    stems = [table.stem for table in tables]
    assert stems == [
        *("verdicts", "verdicts-blocks", "verdicts-global"),
        *("headline-digits-dirichlet-capped-cnn", "headline-digits-dirichlet-capped-mixed"),
        *("comparison", "differences", "bayes", "iqm", "profile", "ranks", "clients", "costs", "threats", "missing"),
    ]
    assert all(table.rows and table.caption for table in tables)


def test_csv_holds_the_numbers_of_the_headline(analysis: Analysis, tables: list[Table]) -> None:
    table = next(table for table in tables if table.stem == "headline-digits-dirichlet-capped-cnn")
    frame = pd.read_csv(StringIO(table.csv()), dtype={"alpha": str})
    frame = frame[frame["algorithm"] != "majority floor"].reset_index()
    assert frame["alpha"].tolist() == ["0.1"] * 4 + ["100"] * 4 + ["mean"] * 4
    assert frame["algorithm"].tolist() == ["fml", "fedavg", "local", ODD] * 3
    group = analysis.blocks[0].groups[0]
    row = group.rows[0]
    assert row.accuracy is not None
    assert row.to_local is not None
    assert row.sent is not None
    assert frame["accuracy"][0] == pytest.approx(100 * row.accuracy.mean, abs=1e-6)
    assert frame["to_local_low"][0] == pytest.approx(100 * (row.to_local.low or 0), abs=1e-6)
    assert frame["floor"][0] == pytest.approx(100 * (group.floor or 0), abs=1e-6)
    assert frame["sent"][0] == pytest.approx(row.sent / 2**20, abs=1e-6)
    assert frame["to_local"].isna().tolist() == [False, False, True, False] * 3
    assert frame["replicates"].tolist() == [2] * 4 + [3] * 4 + [2] * 4


def test_csv_of_differences_names_the_cell_files(analysis: Analysis, tables: list[Table]) -> None:
    frame = pd.read_csv(StringIO(next(table for table in tables if table.stem == "differences").csv()))
    known = {run.cell: run for run in analysis.results.runs}
    for _, row in frame.iterrows():
        ours = [known[cell] for cell in row["algorithm_cells"].split()]
        theirs = [known[cell] for cell in row["reference_cells"].split()]
        assert {run.algorithm for run in ours} == {row["algorithm"]}
        assert {run.algorithm for run in theirs} == {"fml"}
        assert [run.replicate for run in ours] == [run.replicate for run in theirs]
        by_hand = [
            a.score.accuracy - b.score.accuracy for a, b in zip(ours, theirs, strict=True) if a.score and b.score
        ]
        assert row["difference"] == pytest.approx(100 * sum(by_hand) / len(by_hand), abs=1e-5)


def test_every_csv_and_markdown_is_rectangular(tables: list[Table]) -> None:
    for table in tables:
        assert len(pd.read_csv(StringIO(table.csv()))) == len(table.rows)
        pipes = {len(re.findall(r"(?<!\\)\|", line)) for line in table.markdown().splitlines()}
        assert len(pipes) == 1, table.stem


def test_bold_is_in_markdown_and_latex(tables: list[Table]) -> None:
    table = next(table for table in tables if table.stem == "headline-digits-dirichlet-capped-cnn")
    assert any(row.bold for row in table.rows)
    assert len(re.findall(r"\*\*", table.markdown())) == 2 * sum(len(row.bold) for row in table.rows)
    assert latex(table).count(r"\textbf{") == sum(len(row.bold) for row in table.rows)


def test_latex_escapes_what_plugins_are_called() -> None:
    text = tex(ODD)
    assert text == (
        r'a\_b \& 50\,\% \{"x"\} \textbackslash{} \#1, \textasciitilde{}\textasciicircum{} '
        r"\textless{}ä\textgreater{} ? {[}y{]}"
    )
    assert tex("−1.0 ± ∞") == r"$-$1.0 $\pm$ $\infty$"


def test_latex_has_the_structure_that_booktabs_wants(tables: list[Table]) -> None:
    for table in tables:
        text = latex(table)
        for word in (r"\toprule", r"\midrule", r"\bottomrule", rf"\label{{tab:{table.stem}}}", r"\caption{"):
            assert word in text, table.stem
        body = text.split(r"\midrule")[-1].split(r"\bottomrule")[0 if "longtable" not in text else -1]
        for line in body.splitlines():
            if line.endswith(r"\\") and r"\multicolumn" not in line and "longtable" not in line:
                assert len(re.findall(r"(?<!\\)&", line)) == len(table.shown) - 1, line
        assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
        assert "−" not in text


def typeset(tables: list[Table], folder: Path) -> str:
    """What pdflatex says of all tables in one document."""
    files.write(tables, folder)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=folder, capture_output=True, text=True, errors="replace", timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (folder / "all.pdf").stat().st_size > 10_000
    return done.stdout


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_latex_compiles_as_it_is(tables: list[Table], tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    typeset(tables, tmp_path / "odd")
    declared = synthetic.suite(replicates=2)
    found = analyse(read(synthetic.write(tmp_path / "run", synthetic.records(declared, rounds=3), declared)))
    usual = [shown.table for section in sections(found) for shown in section.tables]
    (tmp_path / "usual").mkdir()
    assert "Overfull" not in typeset(usual, tmp_path / "usual")


def test_a_long_table_breaks_over_pages() -> None:
    rows = [Row({"name": f"row {number}", "value": 0.5}) for number in range(60)]
    table = Table(
        "long", "Long", "Long.", [Column("name", "name", TEXT), Column("value", "value", PERCENT)], [Group(rows)]
    )
    assert r"\begin{longtable}{lr}" in latex(table)
    assert latex(Table("short", "", "", table.columns, [Group(rows[:5])])).startswith(r"% needs \usepackage{booktabs}")


@pytest.mark.parametrize(
    ("kind", "value", "text", "plain"),
    [
        (PERCENT, Estimate(0.5, 0.4, 0.6, 5), "50.0 [40.0, 60.0]", {"x": 50.0, "x_low": 40.0, "x_high": 60.0}),
        (PERCENT, Estimate(0.5, None, None, 1), "50.0", {"x": 50.0, "x_low": None, "x_high": None}),
        (POINTS, -0.0123, "−1.23", {"x": -1.23}),
        (P, 0.0001, "< 0.001", {"x": 0.0001}),
        (MIB, 2**20, "1.00", {"x": 1.0}),
        (ROUNDS, MedianRounds(30, False, 5, 1), "> 30", {"x": "> 30"}),
        (PERCENT, None, "–", {"x": None}),
        (PERCENT, float("nan"), "–", None),
        (TEXT, "a", "a", {"x": "a"}),
    ],
)
def test_values_for_people_and_for_programs(kind, value, text, plain) -> None:  # type: ignore[no-untyped-def]
    assert kind.whole(value) == text
    if plain is not None:
        assert kind.plain("x", value) == plain


def test_one_replicate_is_said_in_the_caption(tmp_path: Path) -> None:
    found = given.analysis(tmp_path, given.cells({"fedavg": [[0.5]], "mine": [[0.6]]}))
    table = next(s.table for each in sections(found) for s in each.tables if s.table.stem.startswith("headline"))
    assert "one replicate, hence no intervals" in table.caption
    assert not any(row.bold for row in table.rows)
