"""The page: whole, offline, well formed, and safe from what plugins and records say."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.records.store import StoreError
from reports.html import render
from tests.unit.reports import synthetic

ODD = "<script>alert('x')</script> | *b* $y$"
REASON = "ValueError: <img src=http://example.org/x onerror=alert(1)> & more"
PER_PLACE = ("accuracy-alpha", "accuracy-bytes", "accuracy-time", "differences", "partition")
PER_ZOO = ("accuracy-rounds", "loss-rounds", "global-rounds", "planes", "clients", "target")
TABLES = (
    *("verdicts", "verdicts-blocks", "verdicts-global", "comparison", "differences", "bayes", "iqm", "profile"),
    *("ranks", "clients", "costs", "threats", "missing"),
)
VOID = {"meta", "link", "br", "img", "hr", "use"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; unbalanced tags are an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    declared = synthetic.suite(
        name="<b>suite</b>", alphas=[0.1, 100.0], replicates=2, algorithms=["fml", "fedavg", "local", ODD]
    )
    cells = synthetic.records(declared, rounds=4)
    lost = next(i for i, cell in enumerate(cells) if cell["identity"]["algorithm"] == ODD)
    cells[lost] = {**cells[lost], "status": "failed", "reason": REASON, "result": None, "timing": None}
    folder = synthetic.write(tmp_path_factory.mktemp("run"), cells, declared, argv=["--plugin", "<i>.py"])
    render(folder)
    return folder


@pytest.fixture(scope="module")
def page(out: Path) -> Page:
    return Page((out / "report" / "report.html").read_text(encoding="utf-8"))


def test_all_files_are_there_and_not_empty(out: Path) -> None:
    report = out / "report"
    place = "digits-dirichlet-capped"
    figures = [
        f"{name}-{place}" for name in ("accuracy-alpha", "accuracy-bytes", "accuracy-time", "differences", "partition")
    ]
    figures += [f"{kind}-{place}-{zoo}" for kind in PER_ZOO for zoo in ("cnn", "mixed")]
    figures += ["matrix-all-cells", "ranks-2-cells-zoo-cnn", "ranks-2-cells-zoo-mixed"]
    expected = {f"figures/{name}.{kind}" for name in figures for kind in ("svg", "pdf", "png", "csv")}
    tables = [*TABLES, *(f"headline-{place}-{zoo}" for zoo in ("cnn", "mixed"))]
    expected |= {f"tables/{name}.{kind}" for name in tables for kind in ("csv", "md", "tex")} | {"tables/all.tex"}
    files = {path.relative_to(report).as_posix(): path.stat().st_size for path in report.rglob("*") if path.is_file()}
    assert files.keys() == expected | {"report.html", "report.md"}
    assert min(files.values()) > 50


def test_the_page_asks_for_nothing_from_outside(page: Page) -> None:
    for tag, attributes in page.tags:
        for name in ("src", "srcset", "href", "xlink:href", "data", "action", "poster", "background"):
            value = attributes.get(name)
            assert value is None or not re.match(r"\s*(https?:)?//", value), (tag, name, value)
        assert "url(" not in re.sub(r"url\(#[^)]+\)", "", attributes.get("style") or "")
    assert page.of("script") == page.of("img") == page.of("iframe") == []
    assert [link["href"] for link in page.of("link")] == ["data:,"]
    policy = next(meta for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert (policy["content"] or "").startswith("default-src 'none'")


def test_the_style_sheet_asks_for_nothing_from_outside(out: Path) -> None:
    text = (out / "report" / "report.html").read_text(encoding="utf-8")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    for rule in ("prefers-color-scheme: dark", "max-width: 48rem", "@media print"):
        assert rule in style


def test_links_lead_somewhere(page: Page, out: Path) -> None:
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for anchor in page.of("a"):
        target = anchor["href"] or ""
        assert target[1:] in ids if target.startswith("#") else (out / "report" / target).is_file()


def test_ids_are_unique(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_text_from_outside_is_text(page: Page) -> None:
    for text in (ODD, REASON, "<b>suite</b> on digits", "'<i>.py'"):
        assert text in page.text
    assert all("onerror" not in attributes for _, attributes in page.tags)


def test_the_page_says_what_it_must(page: Page) -> None:
    text = " ".join(page.text.split())
    for words in (
        "Descriptive only",
        "27 done, 4 skipped, 1 failed",
        f"fedavg, skipped: {synthetic.REASON}",
        f"Missing pairs: {ODD} failed at alpha 0.1, replicate 0",
        "mean over alpha 0.1, 100",
        "majority floor",
        "minus local",
        "Each algorithm against fml, the suite's reference",
        "One data set only (digits)",
        "too few cells",
        "chosen on validation data",
        "python -m bench.run",
        synthetic.COMMIT,
    ):
        assert words in text
    assert "significan" not in text


def test_the_page_is_small(out: Path) -> None:
    assert (out / "report" / "report.html").stat().st_size < 1_000_000


def test_every_panel_has_a_name_for_those_who_cannot_see_it(page: Page) -> None:
    panels = [attributes for tag, attributes in page.tags if tag == "div" and attributes.get("class") == "panel"]
    assert len(panels) > 30
    assert all(panel["role"] == "img" and panel["aria-label"] for panel in panels)


def test_markdown_says_the_same_and_keeps_its_tables(out: Path) -> None:
    text = (out / "report" / "report.md").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "<img" not in text
    assert "![" in text
    tables = [block for block in re.split(r"\n{2,}", text) if block.startswith("|")]
    for table in tables:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1, table
    assert len(tables) > 12
    assert text.count("![") == text.count("](figures/") / 2


def test_rendering_again_clears_what_is_no_longer_so_and_nothing_else(tmp_path: Path) -> None:
    failed = {**synthetic.record("fml", 0.1, 0), "status": "failed", "reason": "no", "result": None}
    synthetic.write(tmp_path, [failed])
    figures = tmp_path / "report" / "figures"
    figures.mkdir(parents=True)
    for name in ("accuracy-alpha-gone.svg", "mine.svg"):
        (figures / name).write_text("x", encoding="utf-8")
    text = " ".join(Page(render(tmp_path).read_text(encoding="utf-8")).text.split())
    assert [path.name for path in figures.iterdir()] == ["mine.svg"]
    assert "No cell of this run has finished" in text
    assert "fml: 1 cell failed" in text


def test_one_replicate_has_no_interval(tmp_path: Path) -> None:
    cells = [synthetic.record(name, None, 0, partition="iid", rounds=1) for name in ("fml", "local")]
    page = Page(render(synthetic.write(tmp_path, cells)).read_text(encoding="utf-8"))
    assert "n = 1" in page.text
    assert not re.search(r"\[[\d−+]", page.text)


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    synthetic.write(tmp_path, [])
    (tmp_path / "report").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot write the report in"):
        render(tmp_path)


def test_whatever_did_not_finish_is_there_as_what_it_is(tmp_path: Path) -> None:
    cells = [synthetic.record(name, 0.1, r, rounds=2) for r in range(6) for name in ("fml", "local")]
    for place, status in enumerate(("failed", "diverged", "timeout", "skipped")):
        cells[2 * place] = synthetic.ended(cells[2 * place], status, f"because {status}")
    del cells[8]  # declared, never run
    page = Page(render(synthetic.write(tmp_path, cells, absent=["f" * 16])).read_text(encoding="utf-8"))
    text = " ".join(page.text.split())
    for status in ("failed", "diverged", "timeout", "skipped"):
        assert f"fml: 1 cell {status}" in text
        assert f"because {status}" in text
        assert any(f">{status}</a>" in line for line in (tmp_path / "report" / "report.html").read_text().splitlines())
    assert "not run" in text
    assert "1 declared cell not run yet" in text
    assert "5 cells missing beside finished ones" in text
