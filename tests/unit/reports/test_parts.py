"""Runs of several studies: each a chapter of its own, with anchors and files of its own, and nothing pooled."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import compare
from bench.records import tidy
from bench.records.store import Store
from reports.html import render
from reports.joining import CannotJoin, join
from reports.parts import parts
from reports.results import read
from tests.unit.reports import synthetic
from tests.unit.reports.test_html import Page

FIRST = synthetic.suite(alphas=[0.1], zoos=["cnn"], algorithms=["fml", "local"], replicates=5)
SECOND = synthetic.suite(
    alphas=[0.1, 1.0], zoos=["cnn"], algorithms=["fml", "fedavg"], replicates=5, reference="fedavg"
)


def write(out: Path) -> Path:
    """Two studies that share FML's cells at alpha 0.1."""
    made = [synthetic.records(declared, rounds=3) for declared in (FIRST, SECOND)]
    cells = {cell["cell"]: cell for some in made for cell in some}
    synthetic.write(out, cells.values(), synthetic.suite(alphas=[0.1, 1.0], zoos=["cnn"]))
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["studies"] = [
        {"name": name, "title": title, "about": about, "suite": declared, "cells": [cell["cell"] for cell in some]}
        for name, title, about, declared, some in (
            ("alone", "Against training alone", "Does it <help>?", FIRST, made[0]),
            ("other", "Against FedAvg", "", SECOND, made[1]),
        )
    ]
    (out / "manifest.json").write_text(json.dumps(manifest))
    return out


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write(tmp_path_factory.mktemp("studies") / "out")
    tidy.write(folder)
    render(folder)
    return folder


def test_each_part_holds_its_own_cells(out: Path):
    alone, other = parts(read(out))
    assert (alone.name, other.title, len(alone.results.runs), len(other.results.runs)) == (
        "alone",
        "Against FedAvg",
        10,
        20,
    )
    assert {run.algorithm for run in alone.results.runs} == {"fml", "local"}
    assert other.results.suite["reference"] == "fedavg"
    assert [len(part.results.pictures) for part in (alone, other)] == [1, 2]
    assert len(read(out).runs) == 25  # the shared cells are five


def test_a_run_without_studies_is_one_part(tmp_path: Path):
    results = read(synthetic.write(tmp_path, synthetic.records(FIRST, rounds=3), FIRST))
    (part,) = parts(results)
    assert (part.name, part.results) == ("", results)


def test_the_page_has_a_chapter_for_each_study(out: Path):
    page = Page((out / "report" / "report.html").read_text(encoding="utf-8"))
    ids = [str(attributes["id"]) for _, attributes in page.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    assert {"alone-study", "other-study", "alone-verdicts", "other-verdicts", "other-cells", "protocol"} <= set(ids)
    anchors = {str(link["href"])[1:] for link in page.of("a") if str(link["href"]).startswith("#")}
    assert anchors <= set(ids)
    files = {str(link["href"]) for link in page.of("a") if not str(link["href"]).startswith("#")}
    assert any("figures/other/" in file for file in files)
    assert all((out / "report" / file).is_file() for file in files)
    assert "Does it <help>?" in page.text
    assert [tag for tag, _ in page.tags if tag in ("h1", "h2")] == ["h1", *["h2"] * 4]  # studies, protocol, provenance


def test_verdicts_are_each_study_s_own(out: Path):
    tables = out / "report" / "tables"
    assert "local,fml" in (tables / "alone" / "verdicts.csv").read_text()
    assert "fml,fedavg" in (tables / "other" / "verdicts.csv").read_text()
    assert not (tables / "verdicts.csv").exists()
    text = (out / "report" / "report.md").read_text()
    headings = [line for line in text.splitlines() if line.lstrip("\\").startswith("#")]
    first = headings.index("## Against training alone")
    assert first < headings.index("### Verdicts") < headings.index("## Against FedAvg")
    assert headings[first + 2] == "#### The same as a table"
    assert not [line for line in headings if line.startswith("\\")]


def test_tables_of_studies_no_longer_there_go(out: Path, tmp_path: Path):
    folder = write(tmp_path / "out")
    render(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["studies"] = manifest["studies"][:1]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "report" / "tables" / "other" / "mine.txt").write_text("kept: it is not ours")
    render(folder)
    assert [path.name for path in (folder / "report" / "tables" / "other").iterdir()] == ["mine.txt"]
    assert not (folder / "report" / "figures" / "other").exists()


def test_tidy_tables_name_the_study(out: Path):
    import pandas as pd

    table = pd.read_csv(out / "tidy" / "runs.csv")
    assert table.groupby("study")["cell"].nunique().to_dict() == {"alone": 10, "other": 20}
    assert table["cell"].nunique() == 25
    assert list(table.columns[:3]) == ["suite", "study", "cell"]


def test_runs_are_compared_study_by_study(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def asked(*options: str) -> Any:
        return compare.main([str(out), str(out), *options]), capsys.readouterr()

    code, said = asked()
    assert (code, said.err.count("\n")) == (2, 1)
    assert "expected --study with the name of one, found the studies alone, other" in said.err
    assert "expected the study 'both', found the studies" in asked("--study", "both")[1].err
    assert asked("--study", "alone")[0] == 0
    with pytest.raises(CannotJoin, match="holds several studies"):
        join([out, write(tmp_path / "again")], tmp_path / "joined")
    assert Store(tmp_path / "joined").manifest() is None
