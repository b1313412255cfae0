"""What is found out about a machine, on machines made up for it."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from bench.host import machine


@pytest.fixture
def cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    return tmp_path


def test_memory_is_what_a_container_leaves(cgroup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "sysconf", {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 2**20}.__getitem__)
    assert machine.memory() == 4.0
    (cgroup / "memory.max").write_text("max\n", encoding="ascii")
    assert machine.memory() == 4.0
    (cgroup / "memory.max").write_text(f"{3 << 30}\n", encoding="ascii")
    assert machine.memory() == 3.0


def test_memory_may_be_unknown(cgroup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr(machine.os, "sysconf", refuse)
    assert machine.memory() is None


def test_a_containers_share_of_the_cores(cgroup: Path) -> None:
    assert machine.core_quota() is None
    (cgroup / "cpu.max").write_text("max 100000\n", encoding="ascii")
    assert machine.core_quota() is None
    (cgroup / "cpu.max").write_text("150000 100000\n", encoding="ascii")
    assert machine.core_quota() == 1.5


@pytest.mark.parametrize(
    ("line", "sets", "words"),
    [
        ("flags\t: fpu avx2 avx512f avx512_bf16 amx_tile amx_bf16", 5, "bf16 by AMX tiles (fast)"),
        ("flags\t: fpu avx2 avx512f avx512_bf16", 3, "bf16 by vector instructions"),
        ("flags\t: fpu avx2", 1, "no bf16 instructions"),
        ("Features\t: fp asimd bf16", 2, "bf16 by vector instructions"),
    ],
)
def test_instruction_sets_are_read(tmp_path: Path, line: str, sets: int, words: str) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor\t: 0\n{line}\n", encoding="utf-8")
    found = machine.instruction_sets(cpuinfo)
    assert len(found) == sets
    assert machine.bf16(found) == words


def test_a_system_that_does_not_tell_instruction_sets(tmp_path: Path) -> None:
    assert machine.instruction_sets(tmp_path / "none") == []


def test_the_compiler_is_that_of_the_environment_else_a_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert machine.compiler() is None
    for name in ("g++", "mine++"):
        (tmp_path / name).touch(mode=0o755)
    assert machine.compiler() == str(tmp_path / "g++")
    monkeypatch.setenv("CXX", "mine++")
    assert machine.compiler() == str(tmp_path / "mine++")


def test_accelerators_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert machine.accelerators() == []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    device = SimpleNamespace(name="Fast One", total_memory=80 << 30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda number: device)
    assert machine.accelerators() == ["Fast One, 80 GiB"] * 2


def test_the_interpreter_and_the_system_are_named() -> None:
    assert machine.python().startswith(".".join(map(str, sys.version_info[:2])))
    assert " on " in machine.system()
