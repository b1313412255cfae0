"""Data sets that are files in a folder: found, verified, downloaded on first use, and read through torchvision."""

import gzip
import os
import shutil
import tarfile
import zlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.data import Data, DataError, Source
from datasets.download import DownloadError, fetch
from datasets.folder import VARIABLE, Folder, locate

Images = NDArray[np.uint8]  # [N, channels, height, width]
Labels = NDArray[np.int64]  # [N]


@dataclass(frozen=True)
class Archive:
    """One file to download: a packed file of the data set (.gz), or all of them together (.tar.gz)."""

    name: str
    urls: Sequence[str]  # the same file at several places
    md5: str


def digest(files: Mapping[str, str]) -> str:
    """One md5 for a data set: of the names and md5s of its files.

    >>> digest({"b": "1", "a": "2"}) == digest({"a": "2", "b": "1"})
    True
    """
    text = "".join(f"{name} {files[name]}\n" for name in sorted(files))
    return md5(text.encode(), usedforsecurity=False).hexdigest()


class CopiedSource(Source):
    """A data set of `files` in ``<root>/<folder>``; a file may also be there packed, as ``<name>.gz``."""

    name: ClassVar[str]
    theirs: ClassVar[str]  # the name of its class in torchvision.datasets
    folder: ClassVar[str]
    files: ClassVar[Mapping[str, str]]  # name -> md5 of the unpacked file
    shift: ClassVar[tuple[float, ...]]  # mean and
    scale: ClassVar[tuple[float, ...]]  # standard deviation per channel over the training split, in units of x (0..255)

    @abstractmethod
    def archives(self) -> Sequence[Archive]:
        """What to download."""

    @abstractmethod
    def read(self, root: Path) -> tuple[Images, Labels, Images, Labels]:
        """Training images and labels, test images and labels, of a root in which every file is verified."""

    def load(self, root: Path | None = None, download: bool = True) -> Data:
        """Read the copies in `root`, else in BENCH_DATA, else in the user cache, which is filled on first use.

        Raises DataError where a file is missing, damaged or unreadable, or the download fails.
        """
        place = locate(root)
        if self.missing(place.path):
            if not (place.ours and download):
                raise DataError(self._absent(place))
            self._download(place)
        try:
            with self._unpacked(place) as folder:
                self._verify(folder, place)
                train_x, train_y, test_x, test_y = self.read(folder)
        except OSError as error:
            raise DataError(f"{self.name}: the copy in {place.path} cannot be read: {error}") from error
        return Data(
            train_x=train_x,
            train_y=train_y,
            test_x=test_x,
            test_y=test_y,
            classes=self.classes,
            shift=self.shift,
            scale=self.scale,
            md5=self.md5,
        )

    def missing(self, root: Path) -> list[str]:
        """The names of the files that `root` does not hold, neither as they are nor packed."""
        here = root / self.folder
        return [name for name in self.files if not (here / name).is_file() and not (here / f"{name}.gz").is_file()]

    def _absent(self, place: Folder) -> str:
        """The message for a folder without the data set."""
        tip = (
            "Put them there, or leave --data-root and BENCH_DATA away to have them downloaded."
            if not place.ours
            else f"Put them there, or name a folder that holds them with --data-root or {VARIABLE}."
        )
        return f"{self.name}: no complete copy in {place.path} ({place.origin}).\n{self._wanted(place.path)}\n{tip}"

    def _wanted(self, root: Path) -> str:
        missing = self.missing(root)
        names = "".join(f"\n  {self.folder}/{name}" for name in missing)
        return f"Missing {len(missing)} of {len(self.files)} files (each may also be there as .gz):{names}"

    @contextmanager
    def _unpacked(self, place: Folder) -> Iterator[Path]:
        """A root with every file unpacked: the folder itself, or a temporary one where some are there as .gz only."""
        here = place.path / self.folder
        packed = [name for name in self.files if not (here / name).is_file()]
        if not packed:
            yield place.path
            return
        with TemporaryDirectory(prefix=f"{self.name}-") as root:
            there = Path(root) / self.folder
            there.mkdir(parents=True)
            for name in self.files:
                if name in packed:
                    _unpack(here / f"{name}.gz", there / name, self.name)
                else:
                    os.symlink((here / name).resolve(), there / name)
            yield Path(root)

    def _verify(self, root: Path, place: Folder) -> None:
        """Raise DataError unless each file has the expected md5."""
        for name, expected in self.files.items():
            found = _md5(root / self.folder / name)
            if found != expected:
                file = place.path / self.folder / name
                file = file if file.is_file() else file.with_name(f"{name}.gz")
                remedy = "delete it to have it downloaded again" if place.ours else "replace it by a good copy"
                raise DataError(
                    f"{self.name}: {file} is damaged or another version: expected md5 {expected}, got {found} "
                    f"(unpacked); {remedy}"
                )

    def _download(self, place: Folder) -> None:
        """Fill the cache: all is fetched and verified in a temporary folder, and files are moved in one by one."""
        try:
            place.path.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(prefix=".download-", dir=place.path) as scratch:
                arrived = Path(scratch)
                for archive in self.archives():
                    fetch(archive.urls, arrived / archive.name, archive.md5)
                    _take_apart(arrived / archive.name, arrived, self)
                target = place.path / self.folder
                target.mkdir(parents=True, exist_ok=True)
                for name in self.files:
                    os.replace(arrived / self.folder / name, target / name)
        except (DownloadError, OSError) as error:
            with suppress(OSError):
                place.path.rmdir()  # leaves a folder that holds anything
            raise DataError(
                f"{self.name}: cannot be downloaded to {place.path} ({error}).\n"
                f"Without a network, name a folder that holds it with --data-root or {VARIABLE}.\n"
                f"{self._wanted(place.path)}"
            ) from error


def _take_apart(archive: Path, root: Path, source: CopiedSource) -> None:
    """Unpack the files of a verified archive into their folder in `root`."""
    there = root / source.folder
    there.mkdir(parents=True, exist_ok=True)
    if archive.name.endswith(".tar.gz"):
        with tarfile.open(archive) as tar:
            for name in source.files:
                member = tar.extractfile(f"{source.folder}/{name}")
                if member is not None:
                    (there / name).write_bytes(member.read())
    else:
        _unpack(archive, there / archive.name.removesuffix(".gz"), source.name)


def _unpack(packed: Path, target: Path, name: str) -> None:
    try:
        with gzip.open(packed) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{name}: {packed} is damaged and cannot be unpacked ({error}); replace it") from error


def _md5(file: Path) -> str:
    total = md5(usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            total.update(chunk)
    return total.hexdigest()
