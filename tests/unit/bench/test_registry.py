"""Finding plugins: by reading, by entry point, by file; and what is said of those that are broken."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from bench.registry import (
    ALGORITHMS,
    REGISTRIES,
    BrokenPlugin,
    Registry,
    RegistryError,
    UnknownName,
    load_file,
    nearest,
)

PLUGIN = """
from dataclasses import dataclass
from algorithms.fedavg import FedAvg
from bench.plugin import algorithm

@algorithm("{name}")
@dataclass(frozen=True)
class Mine(FedAvg):
    \"\"\"My own method.\"\"\"
"""


def write(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def point(name: str, value: str, group: str) -> importlib.metadata.EntryPoint:
    return importlib.metadata.EntryPoint(name=name, value=value, group=group)


@pytest.fixture
def entry_points(monkeypatch: pytest.MonkeyPatch) -> list[importlib.metadata.EntryPoint]:
    """Entry points as if packages had them installed."""
    points: list[importlib.metadata.EntryPoint] = []
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: [p for p in points if p.group == group])
    return points


def test_the_four_algorithms_are_listed_from_their_files() -> None:
    entries = ALGORITHMS.entries()
    assert {"fedavg", "fedprox", "fml", "local"} <= set(entries)
    assert entries["fml"].origin == "algorithms/fml.py"
    assert entries["fml"].summary == "Federated mutual learning."


def test_listing_imports_neither_torch_nor_a_plugin() -> None:
    code = (
        "import sys; from bench.registry import REGISTRIES; assert all(r.names() for r in REGISTRIES);"
        "heavy = {'torch', 'pandas', 'scipy', 'sklearn', 'algorithms.fml'} & set(sys.modules); assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda r: r.kind)
def test_every_listed_name_loads(registry: Registry) -> None:
    for name in registry.names():
        assert registry.get(name) is registry.get(name)


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"unknown algorithm 'fedporx'. Did you mean 'fedprox'\?"):
        ALGORITHMS.get("fedporx")
    assert nearest("zzz", []) == " Known: none."


def test_a_file_registers_its_plugin(tmp_path: Path) -> None:
    path = write(tmp_path, PLUGIN.format(name="test-mine"))
    load_file(path)
    load_file(path)  # a second time changes nothing
    assert ALGORITHMS.get("test-mine")().source == "arXiv:1602.05629, Algorithm 1"
    entry = ALGORITHMS.entries()["test-mine"]
    assert (entry.origin, entry.summary) == (str(path), "My own method.")


def test_a_name_may_not_be_taken_twice(tmp_path: Path) -> None:
    with pytest.raises(
        RegistryError, match=r"algorithm 'fedavg' is registered by both algorithms\.fedavg and bench_plug"
    ):
        load_file(write(tmp_path, PLUGIN.format(name="fedavg")))


def test_a_broken_file_is_named_with_its_line_and_remembered(tmp_path: Path) -> None:
    path = write(tmp_path, "import torch\nraise RuntimeError('no such device')\n", "broken.py")
    with pytest.raises(BrokenPlugin, match=r"broken\.py cannot be imported: RuntimeError: no such device .*line 2"):
        load_file(path)
    with pytest.raises(UnknownName, match=r"unknown algorithm 'test-broken'.*broken\.py did not load: RuntimeError"):
        ALGORITHMS.get("test-broken")
    assert ALGORITHMS.get("fedavg")  # the others go on


def test_a_file_that_is_not_python(tmp_path: Path) -> None:
    with pytest.raises(BrokenPlugin, match=r"SyntaxError: .*line 2"):
        load_file(write(tmp_path, "x = 1\ndef (:\n", "syntax.py"))
    with pytest.raises(RegistryError, match="expected a Python file, found none"):
        load_file(tmp_path / "missing.py")


def test_an_installed_plugin_is_found_and_loaded_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry_points: list[importlib.metadata.EntryPoint]
) -> None:
    write(tmp_path, PLUGIN.format(name="test-installed"), "installed_plugin.py")
    monkeypatch.syspath_prepend(tmp_path)
    entry_points.append(point("test-installed", "installed_plugin:Mine", "bench.algorithms"))
    assert "test-installed" in ALGORITHMS.names()
    assert "installed_plugin" not in sys.modules
    assert ALGORITHMS.get("test-installed").__name__ == "Mine"


def test_a_broken_installed_plugin_harms_only_those_who_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry_points: list[importlib.metadata.EntryPoint]
) -> None:
    write(tmp_path, "import not_there_at_all\n", "broken_plugin.py")
    monkeypatch.syspath_prepend(tmp_path)
    entry_points.append(point("test-bad", "broken_plugin:Mine", "bench.algorithms"))
    assert ALGORITHMS.get("fedavg")
    with pytest.raises(
        BrokenPlugin, match=r"'test-bad' \(broken_plugin:Mine \(entry point\)\) cannot be imported: ModuleNotFoundError"
    ):
        ALGORITHMS.get("test-bad")


def test_an_entry_point_may_not_shadow_a_built_in(entry_points: list[importlib.metadata.EntryPoint]) -> None:
    entry_points.append(point("fml", "other:FML", "bench.algorithms"))
    with pytest.raises(
        RegistryError, match=r"'fml' is registered by both algorithms/fml\.py and the entry point other:FML"
    ):
        ALGORITHMS.names()


def test_groups_of_entry_points() -> None:
    assert [registry.group for registry in REGISTRIES] == [
        "bench.algorithms", "bench.datasets", "bench.partitions", "bench.zoos", "bench.nets",
    ]  # fmt: skip


def test_a_broken_file_of_our_own_room_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = tmp_path / "room"
    room.mkdir()
    write(room, '@widget("one")\ndef one():\n    """A widget."""\n', "one.py")
    write(room, "def (:\n", "two.py")
    monkeypatch.setattr("bench.registry.ROOT", tmp_path)
    registry = Registry("widget", "room")
    assert registry.names() == ["one"]
    assert list(registry.broken_files()) == ["room/two.py"]
