"""MNIST and Fashion-MNIST: grey images of 28x28 in ten classes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench import vision
from bench.registry import dataset
from datasets.copies import Archive, CopiedSource, Images, Labels, digest


class _Idx(CopiedSource):
    """Four files in the format of the MNIST page: images and labels of the training and the test split."""

    shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    classes: ClassVar[int] = 10
    train_size: ClassVar[int] = 60_000
    test_size: ClassVar[int] = 10_000

    def archives(self) -> Sequence[Archive]:
        """One packed file each, from the places that torchvision lists."""
        theirs = getattr(vision.datasets(), self.theirs)
        return [Archive(name, [mirror + name for mirror in theirs.mirrors], md5) for name, md5 in theirs.resources]

    def read(self, root: Path) -> tuple[Images, Labels, Images, Labels]:
        """The arrays, read by torchvision's reader of the format."""
        # Not by its MNIST class, which prefers an old processed copy, if there is one, to the files just verified.
        reader = vision.datasets().mnist
        here = root / self.folder

        def images(name: str) -> Images:
            pixels: Images = reader.read_image_file(str(here / name)).numpy()
            return pixels[:, None]

        def labels(name: str) -> Labels:
            numbers: Labels = reader.read_label_file(str(here / name)).numpy().astype(np.int64)
            return numbers

        return (
            images("train-images-idx3-ubyte"),
            labels("train-labels-idx1-ubyte"),
            images("t10k-images-idx3-ubyte"),
            labels("t10k-labels-idx1-ubyte"),
        )


@dataset("mnist")
class Mnist(_Idx):
    """Handwritten digits, 60,000 to train and 10,000 to test, 28x28 grey (LeCun et al. 1998)."""

    name: ClassVar[str] = "mnist"
    theirs: ClassVar[str] = "MNIST"
    folder: ClassVar[str] = "MNIST/raw"
    files: ClassVar[Mapping[str, str]] = {
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    }
    md5: ClassVar[str] = digest(files)
    shift: ClassVar[tuple[float, ...]] = (33.3184,)
    scale: ClassVar[tuple[float, ...]] = (78.5675,)


@dataset("fashion-mnist")
class FashionMnist(_Idx):
    """Pictures of clothes, 60,000 to train and 10,000 to test, 28x28 grey (Xiao et al. 2017, arXiv:1708.07747)."""

    name: ClassVar[str] = "fashion-mnist"
    theirs: ClassVar[str] = "FashionMNIST"
    folder: ClassVar[str] = "FashionMNIST/raw"
    files: ClassVar[Mapping[str, str]] = {
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    }
    md5: ClassVar[str] = digest(files)
    shift: ClassVar[tuple[float, ...]] = (72.9404,)
    scale: ClassVar[tuple[float, ...]] = (90.0212,)
