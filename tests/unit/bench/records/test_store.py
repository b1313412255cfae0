import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.records import store as module
from bench.records.store import Store, StoreError, save
from tests.unit.bench.faults import SUITE, cells, outcome

MANIFEST: dict[str, Any] = {"suite": SUITE, "cells": []}


def entry(algorithm: str = "works", **changes: Any) -> dict[str, Any]:
    cell = cells(algorithm)[0]
    return {
        "schema": 1,
        "cell": cell.hash,
        "status": "done",
        "reason": None,
        "suite": SUITE,
        "identity": cell.identity(),
        **outcome(cell),
        **changes,
    }


def kept(record: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives it back: tuples are lists."""
    found: dict[str, Any] = json.loads(json.dumps(record))
    return found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "out")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_record_comes_back_as_it_was(store: Store):
    store.write(entry())
    assert store.read(entry()["cell"]) == kept(entry())
    assert store.notices == []


def test_a_cell_without_a_file_has_no_record(store: Store):
    assert store.read("0" * 16) is None
    assert store.records() == []


def test_the_result_is_one_line_that_depends_on_nothing_else(store: Store):
    def result_line() -> str:
        store.write(made)
        lines = store.path(made["cell"]).read_text().splitlines()
        return next(line for line in lines if line.startswith('"result"'))

    made = entry()
    first = result_line()
    made = entry(result=dict(reversed(made["result"].items())), timing={"total_seconds": 9.0})
    assert result_line() == first


def test_records_come_in_the_order_of_their_hashes(store: Store):
    for name in ("works-a", "works-b", "works-c"):
        store.write(entry(name))
    found = [record["cell"] for record in store.records()]
    assert found == sorted(entry(name)["cell"] for name in ("works-a", "works-b", "works-c"))


def test_the_latest_declaration_decides_what_counts(store: Store):
    made = {name: entry(name) for name in ("works-a", "works-b", "works-c")}
    for record in made.values():
        store.write(record)
    wanted = [made["works-c"]["cell"], "0" * 16, made["works-a"]["cell"]]
    store.write_manifest({"suite": SUITE, "cells": wanted})
    assert [record["cell"] for record in store.latest()] == [wanted[0], wanted[2]]


def test_a_folder_without_a_manifest_has_no_latest_declaration(store: Store):
    with pytest.raises(StoreError, match=r"holds no run: expected a manifest\.json"):
        list(store.latest())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission denied"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_says_why(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: str, code: int, words: str
):
    store.write(entry())

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(StoreError, match=words) as caught:
        store.write(entry(status="failed"))
    assert "what was saved before is kept" in str(caught.value)
    assert names(store.cells) == [f"{entry()['cell']}.json"]
    assert store.read(entry()["cell"]) == kept(entry())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="permission denied"), Store(tmp_path / "out").lock():
        pass
    tmp_path.chmod(0o700)


def test_a_path_through_a_file_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="a part of the path is a file"), Store(tmp_path / "file" / "out").lock():
        pass
    with pytest.raises(StoreError, match="expected a folder for the results, found a file"):
        Store(tmp_path / "file").check_owner(SUITE)


def test_numbers_that_json_does_not_know_are_refused(store: Store):
    with pytest.raises(ValueError, match="Out of range"):
        store.write(entry(timing={"total_seconds": float("nan")}))
    assert not store.cells.exists()


DAMAGE = {
    "torn": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "binary": lambda text: "\udcff\udcfe",
    "a list": lambda text: "[]",
    "no schema": lambda text: text.replace('"schema"', '"scheme"'),
    "another cell": lambda text: text.replace('"cell": "', '"cell": "f'),
    "no such status": lambda text: text.replace('"done"', '"well"'),
    "no result": lambda text: text.replace('"result"', '"outcome"'),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_set_aside_and_reported(store: Store, damage: str):
    store.write(entry())
    path = store.path(entry()["cell"])
    path.write_bytes(DAMAGE[damage](path.read_text()).encode(errors="surrogateescape"))
    spoilt = path.read_bytes()
    assert store.read(entry()["cell"]) is None
    assert not path.exists()
    assert (store.cells / "corrupt" / path.name).read_bytes() == spoilt
    assert len(store.notices) == 1
    assert path.name in store.notices[0]
    assert store.records() == []


def test_a_damaged_file_that_cannot_be_moved_is_reported_all_the_same(store: Store, monkeypatch: pytest.MonkeyPatch):
    store.write(entry())
    store.path(entry()["cell"]).write_text("{")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    assert store.read(entry()["cell"]) is None
    assert "left where it is: Permission denied" in store.notices[0]


def test_a_record_of_a_newer_version_is_refused_and_stays(store: Store):
    store.write(entry(schema=2))
    with pytest.raises(StoreError, match=r"newer version \(schema 2, this one reads up to 1\)"):
        store.read(entry()["cell"])
    assert store.path(entry()["cell"]).exists()


def test_a_record_of_an_older_version_is_brought_up_to_date(store: Store, monkeypatch: pytest.MonkeyPatch):
    store.write(entry())
    monkeypatch.setattr(module, "SCHEMA", 3)
    monkeypatch.setitem(module.RECORDS, 1, lambda record: record | {"schema": 2, "note": "one"})
    monkeypatch.setitem(module.RECORDS, 2, lambda record: record | {"schema": 3, "note": record["note"] + ", two"})
    found = store.read(entry()["cell"])
    assert found == kept(entry(schema=3, note="one, two"))


def test_a_manifest_comes_back_with_its_schema(store: Store):
    assert store.manifest() is None
    store.write_manifest(MANIFEST)
    assert store.manifest() == {"schema": 1, **MANIFEST}


@pytest.mark.parametrize("changes", [{"name": "other"}, {"datasets": ["mnist"]}, {"datasets": ["none", "mnist"]}])
def test_a_folder_of_another_suite_is_left_alone(store: Store, changes: dict[str, Any]):
    store.write_manifest(MANIFEST)
    with pytest.raises(StoreError, match=r"belongs to suite 'faults' on none, this is suite .*--out"):
        store.write_manifest({"suite": SUITE | changes, "cells": ["1"]})
    assert store.manifest() == {"schema": 1, **MANIFEST}


def test_the_same_suite_may_declare_something_else(store: Store):
    store.write_manifest(MANIFEST)
    store.write_manifest({"suite": SUITE | {"version": "1.1"}, "cells": ["1"]})
    assert store.manifest() == {"schema": 1, "suite": SUITE | {"version": "1.1"}, "cells": ["1"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is damaged"),
        ("[]", "is not of a benchmark run"),
        ('{"name": "a web page"}', "is not of a benchmark run"),
        (json.dumps({"schema": 2, **MANIFEST}), "newer version"),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(store: Store, text: str, words: str):
    save(store.out / "manifest.json", text)
    with pytest.raises(StoreError, match=words):
        store.check_owner(SUITE)


def test_a_second_run_in_one_folder_is_refused(store: Store):
    with store.lock(), pytest.raises(StoreError, match=f"is in use by process {os.getpid()}"), Store(store.out).lock():
        pass
    with Store(store.out).lock():
        assert (store.out / ".lock").read_text() == f"{os.getpid()}\n"


def test_a_file_system_without_locks_is_named(store: Store, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module.fcntl, "flock", refuse)
    with pytest.raises(StoreError, match=r"cannot be locked \(No locks available\)"), store.lock():
        pass


def test_a_lock_ends_with_its_process_however_that_ends(store: Store):
    program = (
        "import sys; from bench.records.store import Store\n"
        f"with Store({str(store.out)!r}).lock():\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=f"is in use by process {other.pid}"), store.lock():
            pass
        other.kill()
        other.wait(10)
        with store.lock():
            assert (store.out / ".lock").read_text() == f"{os.getpid()}\n"


def test_what_a_killed_run_left_half_written_is_swept_away(store: Store):
    store.write(entry())
    (store.cells / ".abc.json.17.tmp").write_text('{"sche')
    (store.out / ".manifest.json.17.tmp").write_text("")
    with store.lock():
        assert names(store.cells) == [f"{entry()['cell']}.json"]
        assert names(store.out) == [".lock", "cells"]


def test_a_removed_record_is_gone(store: Store):
    store.write(entry())
    store.remove(entry()["cell"])
    store.remove(entry()["cell"])
    assert store.read(entry()["cell"]) is None
