"""Which folder is read, and whether it may be written to."""

from pathlib import Path

import pytest

from bench.data import DataError
from datasets import folder
from datasets.folder import Folder, locate


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    for variable in ("BENCH_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))


def test_an_argument_comes_before_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", "/nowhere")
    assert locate(tmp_path) == Folder(tmp_path, ours=False, origin="the data root")


def test_the_variable_comes_before_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    assert locate(None) == Folder(tmp_path, ours=False, origin="the data root from BENCH_DATA")


@pytest.mark.parametrize(
    ("platform", "xdg", "expected"),
    [
        ("linux", None, "me/.cache/fml-bench"),
        ("linux", "relative", "me/.cache/fml-bench"),
        ("darwin", None, "me/Library/Caches/fml-bench"),
        ("linux", "xdg", "xdg/fml-bench"),
        ("darwin", "xdg", "xdg/fml-bench"),
    ],
)
def test_the_cache_is_where_the_platform_wants_it(tmp_path, monkeypatch, platform, xdg, expected):
    monkeypatch.setattr(folder.sys, "platform", platform)
    if xdg:
        monkeypatch.setenv("XDG_CACHE_HOME", xdg if xdg == "relative" else str(tmp_path / xdg))
    assert locate(None) == Folder(tmp_path / expected, ours=True, origin="the download cache")


def test_a_tilde_is_the_home_folder(tmp_path):
    (tmp_path / "me/data").mkdir(parents=True)
    assert locate(Path("~/data")).path == tmp_path / "me/data"


@pytest.mark.parametrize(("kind", "found"), [("absent", "nothing"), ("file", "a file")])
def test_a_named_folder_must_be_one(tmp_path, monkeypatch, kind, found):
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("")
    with pytest.raises(DataError, match=f"the data root: expected a folder with data sets at {place}, found {found}"):
        locate(place)
    monkeypatch.setenv("BENCH_DATA", str(place))
    with pytest.raises(DataError, match="the data root from BENCH_DATA: expected a folder"):
        locate(None)
