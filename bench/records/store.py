"""Finished cells on disk: one JSON file each, whole or absent, readable by later versions. Needs no torch.

    OUT/manifest.json        the latest declaration: suite, its cells, provenance
    OUT/cells/<hash>.json    one record per finished cell
    OUT/cells/corrupt/       cell files that could not be read, set aside
    OUT/.lock                held by the run that writes here, or by the shards of one together
    OUT/.lock-2-of-4         held by the run of a shard

A file is written under another name, flushed to the disk and renamed, so that a kill leaves the old file or the new
one. The lock belongs to the process (flock): it is gone with it, however it ended.
"""

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

SCHEMA = 1
STATUSES = ("done", "skipped", "failed", "diverged", "timeout")
UNFINISHED = frozenset({"failed", "diverged", "timeout"})
"""The outcomes that make a run exit with 3 and that ``--rerun failed`` computes again."""

Record = dict[str, Any]

Migrations = dict[int, Callable[[Record], Record]]
RECORDS: Migrations = {}
"""Schema n -> what makes a record of schema n one of n + 1. A change of the format adds one and raises `SCHEMA`."""
MANIFESTS: Migrations = {}
"""The same for manifests."""


class StoreError(Exception):
    """A folder that cannot be used or written; the message says why and what to do."""


class Store:
    """One output folder."""

    def __init__(self, out: Path | str) -> None:
        self.out = Path(out)
        self.cells = self.out / "cells"
        self.notices: list[str] = []  # cell files that were set aside, for people

    def path(self, cell: str) -> Path:
        """Where the record of a cell lives."""
        return self.cells / f"{cell}.json"

    def write(self, record: Record) -> None:
        """Keep one record, whole or not at all. Raises StoreError; ValueError where a number is not finite."""
        save(self.path(record["cell"]), as_text(record))

    def read(self, cell: str) -> Record | None:
        """The record of a cell, brought to the present schema; None where there is none.

        A file that is no record is moved to cells/corrupt, with a notice. Raises StoreError on a newer schema.
        """
        path = self.path(cell)
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            problem = _problem(record, cell)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            problem = str(error)
        if problem:
            self._set_aside(path, problem)
            return None
        return _present(record, path, RECORDS)

    def records(self) -> list[Record]:
        """Every record of the folder, in the order of their hashes."""
        names = sorted(path.stem for path in self.cells.glob("*.json"))
        return [record for cell in names if (record := self.read(cell)) is not None]

    def latest(self) -> Iterator[Record]:
        """The records of the latest declaration, in its order, one at a time: those of large runs are big."""
        manifest = self.manifest()
        if manifest is None:
            raise StoreError(f"{self.out} holds no run: expected a manifest.json, as bench.run writes it")
        for cell in dict.fromkeys(manifest["cells"]):
            if (record := self.read(cell)) is not None:
                yield record

    def remove(self, cell: str) -> None:
        """Forget a cell, so that it is computed again."""
        with _explained(self.path(cell)):
            self.path(cell).unlink(missing_ok=True)

    def manifest(self) -> dict[str, Any] | None:
        """The manifest, or None where there is none. Raises StoreError where it is not one of ours."""
        path = self.out / "manifest.json"
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise StoreError(f"{path} is damaged ({error}): remove it, or choose another folder with --out") from error
        if not isinstance(manifest, dict) or not {"schema", "suite", "cells"} <= manifest.keys():
            raise StoreError(f"{path} is not of a benchmark run: choose another folder with --out")
        return _present(manifest, path, MANIFESTS)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Declare what this folder is about. Raises StoreError where it belongs to another suite."""
        self.check_owner(manifest["suite"])
        save(self.out / "manifest.json", json.dumps({"schema": SCHEMA, **manifest}, indent=1, allow_nan=False) + "\n")

    def check_owner(self, suite: Mapping[str, Any]) -> None:
        """Raise StoreError unless the folder is free or of this suite ("name") and these data sets ("datasets")."""
        if self.out.exists() and not self.out.is_dir():
            raise StoreError(f"{self.out}: expected a folder for the results, found a file")
        if (manifest := self.manifest()) is None:
            return
        ours, theirs = (
            f"suite '{s['name']}' on {' + '.join(sorted(s['datasets']))}" for s in (suite, manifest["suite"])
        )
        if ours != theirs:
            raise StoreError(f"{self.out} belongs to {theirs}, this is {ours}: choose another folder with --out")

    def lacks(self, cell: str) -> bool:
        """Whether there is no file of this cell."""
        return not self.path(cell).exists()

    @contextlib.contextmanager
    def lock(self, shard: tuple[int, int] | None = None) -> Iterator[None]:
        """Be the only run in this folder, which is made if need be; with a shard (number, of), the only one of it.

        Raises StoreError where another run is at work: any, or for a shard, one of this shard or of the whole suite.
        """
        if shard is None:
            with self._held(".lock", f"{os.getpid()}"):
                for torn in (*self.out.glob(".*.tmp"), *self.cells.glob(".*.tmp")):  # of a run killed while it wrote
                    torn.unlink(missing_ok=True)
                yield
            return
        number, of = shard
        with self._held(".lock", "shards", shared=True), self._held(f".lock-{number}-of-{of}", f"{os.getpid()}"):
            yield

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other shard makes tables and report of this folder: the last one sees all records."""
        with self._held(".lock-tables", f"{os.getpid()}", wait=True):
            yield

    @contextlib.contextmanager
    def _held(self, name: str, holder: str, *, shared: bool = False, wait: bool = False) -> Iterator[None]:
        path = self.out / name
        with _explained(path):
            self.cells.mkdir(parents=True, exist_ok=True)
            file = path.open("a+", encoding="utf-8")
        with file:
            try:
                fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                file.seek(0)
                who = file.read().strip() or "?"
                who = "by shards of a run" if who == "shards" else f"by process {who}"
                raise StoreError(f"{self.out} is in use {who}") from None
            except OSError as error:
                raise StoreError(
                    f"{self.out} cannot be locked ({error.strerror}): choose a folder on another file system with --out"
                ) from error
            with _explained(path):
                file.truncate(0)
                file.write(f"{holder}\n")
                file.flush()
            yield

    def _set_aside(self, path: Path, problem: str) -> None:
        aside = self.cells / "corrupt" / path.name
        try:
            aside.parent.mkdir(exist_ok=True)
            os.replace(path, aside)
            where = f"set aside as {aside}"
        except OSError as error:
            where = f"left where it is: {error.strerror}"
        self.notices.append(f"cell file {path.name} is damaged ({problem}): {where}")


def save(path: Path, text: str) -> None:
    """Write a file, whole or not at all; its folder is made if need be. Raises StoreError."""
    torn = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with torn.open("w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(torn, path)
        except BaseException:
            with contextlib.suppress(OSError):
                torn.unlink(missing_ok=True)
            raise
        _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Make a rename outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot flush a folder
            raise
    finally:
        os.close(descriptor)


def as_text(record: Record) -> str:
    """One line per field, so that the deterministic part can be compared with a plain diff.

    Raises ValueError where a number is not finite, TypeError where something is no JSON.
    """
    fields = (f"{json.dumps(name)}: {json.dumps(record[name], sort_keys=True, allow_nan=False)}" for name in record)
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _problem(record: Any, cell: str) -> str | None:
    """What keeps a parsed file from being the record of this cell."""
    if not isinstance(record, dict) or not isinstance(record.get("schema"), int):
        return "not a record"
    if record["schema"] > SCHEMA:
        return None  # `_present` refuses it: a file of a newer version is not damaged
    if record.get("cell") != cell:
        return f"it is of cell {record.get('cell')}"
    if record.get("status") not in STATUSES:
        return f"unknown status {record.get('status')!r}"
    needed = ("identity", "suite", "result", "timing") if record["status"] == "done" else ("identity", "suite")
    missing = [name for name in needed if not isinstance(record.get(name), dict)]
    return f"it lacks {', '.join(missing)}" if missing else None


def _present(record: Record, path: Path, migrations: Migrations) -> Record:
    """A record or manifest of any schema up to ours as one of ours."""
    while record["schema"] < SCHEMA:
        record = migrations[record["schema"]](record)
    if record["schema"] > SCHEMA:
        raise StoreError(
            f"{path} was written by a newer version (schema {record['schema']}, this one reads up to {SCHEMA}): "
            "update, or choose another folder with --out"
        )
    return record


_CAUSES = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOTDIR: "a part of the path is a file",
    errno.EEXIST: "a part of the path is a file",
}


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn the system's errors into ours."""
    try:
        yield
    except OSError as error:
        cause = _CAUSES.get(error.errno or 0, error.strerror or str(error))
        raise StoreError(f"cannot write {path}: {cause}; what was saved before is kept") from error
