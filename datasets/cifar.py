"""CIFAR-10 and CIFAR-100: colour images of 32x32 (Krizhevsky 2009)."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench import vision
from bench.data import DataError
from bench.registry import dataset
from datasets.copies import Archive, CopiedSource, Images, Labels, digest


class _Batches(CopiedSource):
    """Pickled batches, each a dictionary of images and labels."""

    shape: ClassVar[tuple[int, int, int]] = (3, 32, 32)
    train_size: ClassVar[int] = 50_000
    test_size: ClassVar[int] = 10_000

    def archives(self) -> Sequence[Archive]:
        """The one archive that torchvision names."""
        theirs = self._reader()
        return [Archive(theirs.filename, [theirs.url], theirs.tgz_md5)]

    def read(self, root: Path) -> tuple[Images, Labels, Images, Labels]:
        """The arrays, read by torchvision."""
        with warnings.catch_warnings():
            # NumPy 2.4.0 dislikes how arrays were pickled in 2009; the values are right.
            warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
            try:
                train, test = (self._reader()(root, train=part) for part in (True, False))
            except RuntimeError as error:
                raise DataError(f"{self.name}: torchvision refuses the copy in {root}: {error}") from error
        return _images(train), _labels(train), _images(test), _labels(test)

    def _reader(self) -> Any:
        return getattr(vision.datasets(), self.theirs)


def _images(data: Any) -> Images:
    return np.ascontiguousarray(data.data.transpose(0, 3, 1, 2))  # torchvision gives height, width, channel


def _labels(data: Any) -> Labels:
    return np.array(data.targets, np.int64)


@dataset("cifar10")
class Cifar10(_Batches):
    """Colour photographs in 10 classes, 50,000 to train and 10,000 to test, 32x32."""

    name: ClassVar[str] = "cifar10"
    theirs: ClassVar[str] = "CIFAR10"
    classes: ClassVar[int] = 10
    folder: ClassVar[str] = "cifar-10-batches-py"
    files: ClassVar[Mapping[str, str]] = {
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
        "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    }
    md5: ClassVar[str] = digest(files)
    shift: ClassVar[tuple[float, ...]] = (125.3069, 122.9504, 113.8654)
    scale: ClassVar[tuple[float, ...]] = (62.9932, 62.0887, 66.7049)


@dataset("cifar100")
class Cifar100(_Batches):
    """Colour photographs in 100 classes (fine labels), 50,000 to train and 10,000 to test, 32x32."""

    name: ClassVar[str] = "cifar100"
    theirs: ClassVar[str] = "CIFAR100"
    classes: ClassVar[int] = 100
    folder: ClassVar[str] = "cifar-100-python"
    files: ClassVar[Mapping[str, str]] = {  # as torchvision publishes them
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
        "meta": "7973b15100ade9c7d40fb424638fde48",
    }
    md5: ClassVar[str] = digest(files)
    # 255 times the widely used (0.5071, 0.4865, 0.4409) and (0.2673, 0.2564, 0.2762)
    shift: ClassVar[tuple[float, ...]] = (129.3042, 124.0700, 112.4341)
    scale: ClassVar[tuple[float, ...]] = (68.1702, 65.3918, 70.4184)
