"""What is asked for, what is pinned, what is there."""

from importlib import metadata
from pathlib import Path

import pytest

from bench.host import requirements
from bench.host.requirements import Library, libraries


def test_every_library_of_the_project_is_known_and_usable() -> None:
    known = {library.name: library for library in libraries()}
    assert {"torch", "numpy", "scikit-learn", "pydantic"} <= known.keys()
    assert all(library.usable for library in known.values())


def test_ranges_and_pins_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\ndependencies = ["Some_Thing[extra]>=1.2", "other >= 3 ; python_version > \'3\'"]\n',
        encoding="utf-8",
    )
    (tmp_path / "constraints.txt").write_text("# the tested set\nsome-thing==1.4.0\n", encoding="utf-8")
    monkeypatch.setattr(metadata, "version", {"Some_Thing": "1.4.0+cpu", "other": "2.9"}.__getitem__)
    some, other = libraries(tmp_path)
    assert (some.least, some.tested, some.usable, some.as_tested) == ("1.2", "1.4.0", True, True)
    assert (other.least, other.tested, other.usable, other.as_tested) == ("3", None, False, True)


def test_an_installed_copy_asks_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "requires", lambda name: ["torch>=2.6", 'ruff>=0.1; extra == "lint"'])
    assert [library.name for library in libraries(tmp_path)] == ["torch"]

    def unknown(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", unknown)
    assert libraries(tmp_path) == []


@pytest.mark.parametrize(
    ("installed", "usable"), [("2.6", True), ("2.6.0", True), ("2.13.0+cpu", True), ("2.5.9", False), (None, False)]
)
def test_versions_compare_by_number(installed: str | None, usable: bool) -> None:
    assert Library("torch", "2.6", None, installed).usable is usable


def test_a_library_that_is_not_there_has_no_version() -> None:
    assert requirements._installed("surely-not-installed") is None
