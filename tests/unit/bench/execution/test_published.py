"""Data sets that processes share."""

import os
import pickle
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest

from bench.execution.published import Published, publish
from tests.world import images

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no anonymous files")

READER = """
import pickle, sys, numpy as np
data = pickle.loads(bytes.fromhex(sys.argv[1])).data()
print(int(data.train_x.astype(np.int64).sum()), int(data.test_y.sum()), data.classes)
data.train_x[:] = 0
print(int(data.train_x.sum()))
"""


def published() -> Published:
    found = publish("test", images())
    assert found is not None
    return found


def test_what_is_mapped_is_what_was_published() -> None:
    data, mapped = images(), published().data()
    for field in fields(data):
        assert np.array_equal(getattr(mapped, field.name), getattr(data, field.name)), field.name
    assert (mapped.train_x.dtype, mapped.train_y.dtype) == (data.train_x.dtype, data.train_y.dtype)


def test_another_process_sees_it_and_cannot_change_it() -> None:
    data, shared = images(), published()
    told = subprocess.run(
        [sys.executable, "-c", READER, pickle.dumps(shared).hex()], capture_output=True, text=True, check=True
    )
    sums = f"{int(data.train_x.astype(np.int64).sum())} {int(data.test_y.sum())} {data.classes}"
    assert told.stdout.split("\n")[:2] == [sums, "0"]
    assert np.array_equal(shared.data().train_x, data.train_x)


def test_another_file_of_that_number_is_refused() -> None:
    other, shared = published(), published()
    with pytest.raises(OSError, match="expected /memfd:bench-test-"):
        replace(shared, file=other.file).data()


def test_torch_takes_it_without_a_copy() -> None:
    torch = pytest.importorskip("torch")
    mapped = published().data()
    assert torch.from_numpy(mapped.train_x).data_ptr() == mapped.train_x.ctypes.data


def test_a_system_without_such_files_publishes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    assert publish("test", images()) is None
