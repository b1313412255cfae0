"""Reading one client's file of a split folder, without running what it says.

PFLlib and HtFLlib keep a dictionary {"x": images, "y": labels} as a pickled object in an .npz file. A pickle is a
program: unpickling somebody else's file with ``allow_pickle=True`` runs whatever it holds. So this reader takes
dictionaries, lists, numbers, texts and NumPy arrays, and refuses every other name that a file asks for.
"""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bench.data import DataError

Pair = tuple[NDArray[Any], NDArray[Any]]  # x and y as stored


def _latin1(text: str, encoding: str = "latin1") -> bytes:
    """How old pickles write bytes; other encodings are refused."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it asks for the encoding {encoding!r}")
    return text.encode("latin1")


def _allowed() -> dict[tuple[str, str], Callable[..., Any]]:
    """What an array is made of in a pickle, under the names that NumPy 1 and NumPy 2 give them."""
    from numpy._core import multiarray, numeric

    known: dict[tuple[str, str], Callable[..., Any]] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _latin1,
    }
    for core in ("numpy.core", "numpy._core"):
        known[f"{core}.multiarray", "_reconstruct"] = multiarray._reconstruct
        known[f"{core}.multiarray", "scalar"] = multiarray.scalar
        known[f"{core}.numeric", "_frombuffer"] = numeric._frombuffer  # type: ignore[attr-defined]
    return known


class _ArraysOnly(pickle.Unpickler):
    """Makes arrays and plain values, and nothing else."""

    allowed = _allowed()

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle names; refused unless an array needs it."""
        try:
            return self.allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and only arrays are read") from None


def read(path: Path) -> Pair:
    """x and y of one client's file. Raises DataError where it is missing, damaged, or holds anything but arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
            if "data" in names:
                held = _array(archive, "data").item()
            elif {"x", "y"} <= names:
                held = {name: _array(archive, name) for name in ("x", "y")}
            else:
                raise ValueError(f"expected an entry 'data', got {', '.join(sorted(names)) or 'none'}")
        if not isinstance(held, dict) or not {"x", "y"} <= held.keys():
            raise ValueError("expected a dictionary with 'x' and 'y'")
        return np.asarray(held["x"]), np.asarray(held["y"])
    except FileNotFoundError:
        raise DataError(f"{path}: expected a client's .npz file, found none there") from None
    except Exception as error:  # a damaged pickle may raise anything
        raise DataError(f"{path} cannot be read as a client's images and labels: {error}") from error


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """One array of an .npz file, a pickled one too."""
    with archive.open(f"{name}.npy") as stream:
        file: IO[bytes] = stream
        version = npy.read_magic(file)
        reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = reader(file)
        if dtype.hasobject:
            made: Any = _ArraysOnly(file).load()
            return np.asarray(made).reshape(shape)
        flat = np.frombuffer(file.read(), dtype)
        return flat.reshape(shape, order="F" if fortran else "C")
