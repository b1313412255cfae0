"""Whether another machine may compute cells of this run: the same code, plugins, libraries and data, or none.

A cell's hash names its numbers, so a machine that would give other numbers must not answer for it. Imports no torch
until a cell is looked at.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.host.provenance import version
from bench.registry import REGISTRIES, ROOT, explain, load_file

if TYPE_CHECKING:
    from bench.declaration.cell import Cell

LIBRARIES = ("torch", "numpy")
"""Whose versions decide last bits."""


@dataclass(frozen=True)
class Expected:
    """What the machine that asks is like."""

    code: str  # see `code`
    libraries: Mapping[str, str | None]  # name -> version without its build (+cpu)

    @classmethod
    def here(cls) -> "Expected":
        """What this machine is like."""
        return cls(code(), _libraries())


@functools.cache
def code() -> str:
    """16 hex digits that name the benchmark's own code on this machine: every Python file of `bench`."""
    total = sha256()
    for path in sorted((ROOT / "bench").rglob("*.py")):
        total.update(f"{path.relative_to(ROOT).as_posix()}\n".encode())
        total.update(path.read_bytes())
    return total.hexdigest()[:16]


@functools.cache
def _libraries() -> dict[str, str | None]:
    """Versions here; looking them up takes longer than a short cell."""
    return {name: (version(name) or "").partition("+")[0] or None for name in LIBRARIES}


@functools.cache
def load_sent(sources: tuple[tuple[str, str], ...]) -> None:
    """Load plugin files by name and text. Cheap from the second call on, and no file stays. Raises RegistryError."""
    if not sources:
        return
    from bench.declaration.digest import digest

    with TemporaryDirectory(prefix="fml-bench-") as folder:
        for number, (name, text) in enumerate(sources):
            path = Path(folder) / str(number) / name
            path.parent.mkdir()
            path.write_text(text, encoding="utf-8")
            load_file(path)
        for registry in REGISTRIES:
            for plugin in registry.from_files():
                digest(plugin)  # reads the source now, and remembers


def unfit(expected: Expected, cells: "Sequence[Cell]", root: Path | None, prepare: Callable[[], object]) -> str | None:
    """Why this machine must not compute these cells, or None; `prepare` loads plugins and the code of cells."""
    here = Expected.here()
    if here.code != expected.code:
        return f"another version of the benchmark (digest {here.code}, expected {expected.code})"
    for name, wanted in expected.libraries.items():
        if here.libraries[name] != wanted:
            return f"{name} {here.libraries[name]}, expected {wanted}"
    try:
        prepare()
        return next((reason for cell in cells if (reason := _objection(cell, root))), None)
    except Exception as error:  # whatever keeps this machine from it, others may be able to
        return explain(error)


def _objection(cell: "Cell", root: Path | None) -> str | None:
    """What speaks against one cell here."""
    from bench.data import DataError
    from bench.declaration.cell import source_digests
    from bench.rounds.loading import load

    names = {"algorithm": cell.plugin, "partition": cell.partition, "dataset": cell.dataset, "nets": cell.zoo}
    for kind, found in source_digests(cell).items():
        if found != cell.digests[kind]:
            return (
                f"another version of the {kind} '{names[kind]}' (source digest {found}, expected {cell.digests[kind]})"
            )
    for name, md5 in cell.data.items():
        try:
            data = load(name, root)
        except DataError as error:
            return str(error)
        if data.md5 != md5:
            return f"other data under the name '{name}' (md5 {data.md5}, expected {md5})"
    if cell.device == "cuda":
        import torch

        if not torch.cuda.is_available():
            return "no usable GPU"
    return None
