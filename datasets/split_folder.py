"""A split folder of PFLlib or HtFLlib as a data set: ``train/0.npz``, ``test/0.npz`` and so on, one pair per client.

All clients' rows together, those for training before those for testing, client after client, are the training split
here; the partition "as-given" knows whose they are. The global test split is all clients' test rows.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.data import Data, DataError, Own, Source
from bench.registry import DATASETS, RegistryError
from datasets import npz

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
PARTS = ("train", "test")
Images = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True)
class SplitFolder:
    """A folder that has become a data set."""

    name: str  # of the data set
    path: Path
    clients: int

    def __str__(self) -> str:
        return f"{self.name}={self.path}"


class _Registered(Source):
    """What all data sets from split folders have in common; `data` is in memory from the start."""

    data: ClassVar[Data]
    path: ClassVar[Path]

    def load(self, root: Path | None = None, download: bool = True) -> Data:
        """The folder's images; `root` and `download` change nothing."""
        return self.data


def named(text: str) -> tuple[str, Path]:
    """Name and folder of ``[NAME=]DIR``; without a name the data set is called as its folder is. Raises DataError.

    >>> named("mine=data/MNIST")[0], named("data/MNIST/")[0]
    ('mine', 'MNIST')
    """
    name, equals, path = text.partition("=")
    if not equals or "/" in name:
        name, path = Path(text).resolve().name, text
    if not NAME.fullmatch(name):
        raise DataError(f"--split-folder {text}: expected a name of letters, digits and . _ - (NAME=DIR), got '{name}'")
    return name, Path(path).expanduser().resolve()


def register(text: str) -> SplitFolder:
    """Make a folder, given as ``[NAME=]DIR``, a data set. Idempotent.

    Raises DataError where the folder cannot be used, RegistryError where the name is taken.
    """
    name, path = named(text)
    if name in DATASETS.names():
        known = DATASETS.get(name)
        if getattr(known, "path", None) == path:
            return SplitFolder(name, path, len(known.data.clients))
        raise RegistryError(
            f"--split-folder {path}: there is a data set '{name}' already; choose another name: NAME={path}"
        )
    data = read(path)
    facts = {
        "shape": data.train_x.shape[1:],
        "classes": data.classes,
        "train_size": len(data.train_y),
        "test_size": len(data.test_y),
        "md5": data.md5,
        "data": data,
        "path": path,
        "__doc__": f"The {len(data.clients)} clients of the split folder {path.name}.",
        "__module__": __name__,
    }
    DATASETS.register(name)(type("SplitFolderSource", (_Registered,), facts))
    return SplitFolder(name, path, len(data.clients))


def read(folder: Path) -> Data:
    """A whole split folder. Raises DataError that names the file at fault."""
    count = _clients(folder)
    pairs = {part: [_checked(folder / part / f"{k}.npz") for k in range(count)] for part in PARTS}
    _check_alike(folder, pairs)
    every = [pairs[part][k] for k in range(count) for part in PARTS]
    train_x, train_y = (np.concatenate([pair[i] for pair in every]) for i in (0, 1))
    test_x, test_y = (np.concatenate([pair[i] for pair in pairs["test"]]) for i in (0, 1))
    ends = np.cumsum([len(y) for _, y in every])
    rows = [np.arange(end - len(y), end, dtype=np.int64) for end, (_, y) in zip(ends, every, strict=True)]
    own = tuple(Own(rows[2 * k], rows[2 * k + 1]) for k in range(count))
    shift, scale = _normalisation(np.concatenate([x for x, _ in pairs["train"]]))
    return Data(
        train_x=train_x,
        train_y=train_y,
        test_x=test_x,
        test_y=test_y,
        classes=max(_declared_classes(folder), int(train_y.max()) + 1),
        shift=shift,
        scale=scale,
        md5=_content(every),
        clients=own,
    )


def _clients(folder: Path) -> int:
    """How many clients there are: both parts must have files 0 to K - 1."""
    wanted = "expected a split folder of PFLlib or HtFLlib, with train/0.npz, test/0.npz and so on"
    if not folder.is_dir():
        raise DataError(f"{folder}: {wanted}, found {'a file' if folder.exists() else 'nothing'} there")
    numbers = {part: {int(f.stem) for f in (folder / part).glob("*.npz") if f.stem.isdecimal()} for part in PARTS}
    everyone = numbers["train"] | numbers["test"]
    if not everyone:
        raise DataError(f"{folder}: {wanted}, found no such files")
    for part in PARTS:
        if absent := sorted(set(range(max(everyone) + 1)) - numbers[part]):
            raise DataError(f"{folder}: clients go up to {max(everyone)}, but there is no {part}/{absent[0]}.npz")
    return len(everyone)


def _checked(path: Path) -> tuple[Images, NDArray[np.int64]]:
    """Images [n, channels, height, width] and labels [n] of one file."""
    x, y = npz.read(path)
    if x.ndim == 3:
        x = x[:, None]  # grey images without an axis for their one channel
    if x.ndim != 4 or x.dtype.kind not in "uif" or y.dtype.kind not in "uif" or y.shape != x.shape[:1]:
        raise DataError(
            f"{path}: expected numbers x [n, channels, height, width] and y [n], got x {x.dtype} {list(x.shape)} and "
            f"y {y.dtype} {list(y.shape)}"
        )
    if not len(y):
        raise DataError(f"{path} holds no samples: expected at least 1")
    labels = y.astype(np.int64)
    if (labels != y).any() or labels.min() < 0:
        raise DataError(f"{path}: expected whole numbers from 0 as labels, got {y[(labels != y) | (labels < 0)][0]}")
    images = np.ascontiguousarray(x if x.dtype == np.uint8 else x.astype(np.float32))
    if not np.isfinite(images).all():
        raise DataError(f"{path}: expected finite pixels, got {images[~np.isfinite(images)][0]}")
    return images, labels


def _check_alike(folder: Path, pairs: dict[str, list[tuple[Images, NDArray[np.int64]]]]) -> None:
    """Raise DataError unless all files hold images of one size and kind."""
    first = pairs["train"][0][0]
    for part in PARTS:
        for k, (x, _) in enumerate(pairs[part]):
            if (x.shape[1:], x.dtype) != (first.shape[1:], first.dtype):
                raise DataError(
                    f"{folder}: images of {part}/{k}.npz are {x.dtype} {list(x.shape[1:])}, those of train/0.npz are "
                    f"{first.dtype} {list(first.shape[1:])}: expected one kind"
                )


def _declared_classes(folder: Path) -> int:
    """What config.json says; 0 where it does not: then the labels say it."""
    try:
        config: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / 'config.json'} cannot be read: {error}") from error
    number = config.get("num_classes", 0) if isinstance(config, dict) else 0
    return number if isinstance(number, int) and number > 0 else 0


def _normalisation(x: Images) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Shift and scale per channel: of stored pixels by the training rows; numbers that were floats stay as they are."""
    channels = x.shape[1]
    if x.dtype != np.uint8:
        return (0.0,) * channels, (1.0,) * channels
    mean, deviation = x.mean(axis=(0, 2, 3), dtype=np.float64), x.std(axis=(0, 2, 3), dtype=np.float64)
    return tuple(map(float, mean.round(4))), tuple(float(max(value, 1e-4)) for value in deviation.round(4))


def _content(every: Iterable[Sequence[NDArray[Any]]]) -> str:
    """md5 of what the files hold, however they are packed."""
    total = md5(usedforsecurity=False)
    for pair in every:
        for array in pair:
            total.update(f"{array.dtype.str} {array.shape}\n".encode())
            total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()
