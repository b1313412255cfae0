"""The page in a real browser: no message, no request, light and dark, nothing wider than a phone."""

import re
from pathlib import Path

import pytest

from reports.html import render
from tests.unit.reports import browser, synthetic

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium here")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    declared = synthetic.suite(
        alphas=[0.1, 100.0], replicates=2, algorithms=["fml", "fedavg", "local", "a-plugin-with-a-rather-long-name"]
    )
    cells = synthetic.records(declared, rounds=3)
    cells[0] = synthetic.ended(cells[0], "failed", "a/very/long/path" * 20)
    return render(synthetic.write(tmp_path_factory.mktemp("run"), cells, declared))


def test_the_desktop_page_asks_for_nothing_and_says_nothing(page: Path, tmp_path: Path) -> None:
    seen = browser.visit(page, tmp_path, 1280)
    assert (seen.console, seen.requests) == ([], [])
    assert browser.colours(seen.screenshot) == (255, 255, 255)


def test_the_log_would_show_a_request(page: Path, tmp_path: Path) -> None:
    """The check can fail: the same page with a picture from elsewhere and without its policy."""
    asking = page.read_text(encoding="utf-8").replace("<main>", "<main><img src='http://nowhere.invalid/x.png'>")
    bad = tmp_path / "bad.html"
    bad.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", asking), encoding="utf-8")
    seen = browser.visit(bad, tmp_path / "without", 1280)
    assert seen.requests == ["http://nowhere.invalid/x.png"]
    bad.write_text(asking, encoding="utf-8")  # with the policy nothing is asked for, and the console says so
    seen = browser.visit(bad, tmp_path / "with", 1280)
    assert seen.requests == []
    assert "Content Security Policy" in seen.console[0]


def test_in_the_dark_the_paper_is_dark(page: Path, tmp_path: Path) -> None:
    assert sum(browser.colours(browser.visit(page, tmp_path, 1280, dark=True).screenshot)) < 120


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(page: Path, tmp_path: Path, width: int) -> None:
    assert browser.overflow(page, tmp_path, width).startswith("[] of ")
