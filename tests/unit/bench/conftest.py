"""What tests of several commands share."""

import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders whose report was asked for."""
    asked: list[Path] = []
    stand_in = ModuleType("reports.html")
    stand_in.render = asked.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "reports.html", stand_in)
    return asked
