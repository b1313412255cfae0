"""Data sets in memory that all workers share.

The parent has read them anyway, to check partitions. It lays their arrays into an anonymous file, which a worker maps
instead of reading and unpacking its own copy: the pages are the same for all processes. The file is gone with the last
process that holds it, however that process ends. Only Linux has such files; elsewhere every worker reads for itself.
"""

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data import Data

_PAGE = 4096  # arrays begin at page boundaries, so that one's pages are not another's


@dataclass(frozen=True)
class Place:
    """Where an array lies in a file."""

    dtype: str
    shape: tuple[int, ...]
    offset: int


@dataclass(frozen=True)
class Published:
    """A data set in a file that other processes of this user can map while the publisher lives."""

    file: str
    name: str  # what the system calls that file: a number may be another file's where the publisher is gone
    arrays: Mapping[str, Place]  # by field of `Data`
    facts: Mapping[str, Any]  # the other fields

    def data(self) -> Data:
        """The data set, mapped. A write would change this process's own page only. Raises OSError."""
        if (found := os.readlink(self.file)) != self.name:
            raise OSError(f"{self.file}: expected {self.name}, got {found}")
        mapped: dict[str, Any] = {
            name: np.memmap(self.file, place.dtype, "c", place.offset, place.shape)
            for name, place in self.arrays.items()
        }
        return Data(**{name: array.view(np.ndarray) for name, array in mapped.items()}, **self.facts)


def publish(name: str, data: Data) -> Published | None:
    """Lay a data set into shared memory, for as long as this process lives; None where the system cannot.

    name: for people who look at open files.
    """
    values = {field.name: getattr(data, field.name) for field in fields(data)}
    arrays = {key: np.ascontiguousarray(value) for key, value in values.items() if isinstance(value, np.ndarray)}
    try:
        descriptor = os.memfd_create(f"bench-{name}-{uuid.uuid4().hex}")
        places = {}
        for key, array in arrays.items():
            places[key] = Place(array.dtype.str, array.shape, _append(descriptor, array))
    except (AttributeError, OSError):  # not Linux; no memory left for it
        return None
    file = Path(f"/proc/{os.getpid()}/fd/{descriptor}")
    if not file.exists():
        os.close(descriptor)
        return None
    return Published(
        str(file), os.readlink(file), places, {key: value for key, value in values.items() if key not in arrays}
    )


def _append(descriptor: int, array: NDArray[Any]) -> int:
    """Write an array to the end of a file; where it begins."""
    offset = -(-os.lseek(descriptor, 0, os.SEEK_END) // _PAGE) * _PAGE
    os.ftruncate(descriptor, offset + max(1, array.nbytes))
    if array.nbytes:
        np.memmap(f"/proc/self/fd/{descriptor}", array.dtype, "r+", offset, array.shape)[...] = array
    return offset
