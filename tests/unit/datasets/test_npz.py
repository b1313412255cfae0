"""Reading clients' files: what tools write, and what nobody should be made to run."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

from bench.data import DataError
from datasets import npz


def pickled(path: Path, content: bytes) -> Path:
    """An .npz whose entry "data" is an object array with this pickle as its content."""
    with zipfile.ZipFile(path, "w") as archive, archive.open("data.npy", "w") as file:
        npy.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
        file.write(content)
    return path


def saved(path: Path, **held: Any) -> Path:
    np.savez_compressed(path, **held)
    return path


X, Y = np.arange(8, dtype=np.float32).reshape(2, 1, 2, 2), np.array([3, 1])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_every_way_to_pickle_an_array_is_read(tmp_path: Path, protocol: int, core: str):
    array = np.array(0, dtype=object)
    array[()] = {"x": X, "y": Y}
    content = pickle.dumps(array, protocol)
    if protocol < 4:  # later ones write a text with its length before it
        content = content.replace(b"numpy._core", core.encode())
    x, y = npz.read(pickled(tmp_path / "0.npz", content))
    assert np.array_equal(x, X)
    assert x.dtype == np.float32
    assert np.array_equal(y, Y)


def test_what_numpy_itself_writes_is_read(tmp_path: Path):
    for name, held in {
        "dictionary": {"data": {"x": X, "y": Y}},
        "plain": {"x": np.asfortranarray(X), "y": Y},
        "lists": {"data": {"x": X.tolist(), "y": Y.tolist()}},
        "numbers": {"data": {"x": X, "y": [np.int64(3), np.int64(1)]}},
    }.items():
        x, y = npz.read(saved(tmp_path / f"{name}.npz", **held))
        assert np.array_equal(x, X)
        assert np.array_equal(y, Y)


class Intruder:
    """Would make a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_file_that_would_run_something_is_refused_and_runs_nothing(tmp_path: Path, protocol: int):
    array = np.array(0, dtype=object)
    array[()] = {"x": X, "y": Y, "z": Intruder(tmp_path / "made")}
    path = pickled(tmp_path / "0.npz", pickle.dumps(array, protocol))
    with pytest.raises(DataError, match=r"0\.npz cannot be read .*: it asks for (io|_io|builtins|__builtin__)\.open"):
        npz.read(path)
    assert not (tmp_path / "made").exists()
    np.load(path, allow_pickle=True)["data"].item()["z"].close()  # the file is what it seems: others would run it
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"other": Y}, "expected an entry 'data', got other"),
        ({"data": {"x": X}}, "expected a dictionary with 'x' and 'y'"),
        ({"data": Y}, "can only convert an array of size 1"),
    ],
)
def test_other_contents_are_named(tmp_path: Path, held: dict[str, Any], words: str):
    with pytest.raises(DataError, match=words):
        npz.read(saved(tmp_path / "0.npz", **held))


def test_damaged_and_absent_files_are_named(tmp_path: Path):
    path = saved(tmp_path / "0.npz", data={"x": X, "y": Y})
    whole = path.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"0\.npz cannot be read"):
            npz.read(path)
    path.write_bytes(whole.replace(b"PK", b"XX"))
    with pytest.raises(DataError, match=r"0\.npz cannot be read"):
        npz.read(path)
    path.unlink()
    with pytest.raises(DataError, match="found none there"):
        npz.read(path)


def test_only_one_encoding_of_old_bytes_is_known():
    with pytest.raises(pickle.UnpicklingError, match="rot13"):
        npz._latin1("x", "rot13")
