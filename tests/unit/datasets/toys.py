"""Small data sets on disk in the real formats, with places to download them from that need no network."""

import gzip
import io
import pickle
import tarfile
from collections.abc import Mapping
from hashlib import md5
from pathlib import Path

import numpy as np

from datasets.cifar import Cifar100
from datasets.copies import Archive, CopiedSource, digest
from datasets.mnist import Mnist

TRAIN, TEST = 12, 5


def pixels(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def idx(values: np.ndarray) -> bytes:
    """The format of the MNIST page: two zeros, type (8: unsigned byte), dimensions, sizes, values."""
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.astype(np.uint8).tobytes()


def mnist_files() -> dict[str, bytes]:
    return {
        "train-images-idx3-ubyte": idx(pixels(TRAIN, 28, 28)),
        "train-labels-idx1-ubyte": idx(np.arange(TRAIN) % 10),
        "t10k-images-idx3-ubyte": idx(pixels(TEST, 28, 28, seed=1)),
        "t10k-labels-idx1-ubyte": idx(np.arange(TEST)),
    }


def cifar_files() -> dict[str, bytes]:
    """CIFAR-100's files: pickled dictionaries, an image as a row of 1024 red, 1024 green, 1024 blue."""

    def batch(count: int, seed: int) -> bytes:
        content = {
            "data": pixels(count, 3072, seed=seed),
            "fine_labels": list(range(count)),
            "coarse_labels": [0] * count,
        }
        return pickle.dumps(content, protocol=2)

    meta = pickle.dumps({"fine_label_names": [f"class {c}" for c in range(100)]}, protocol=2)
    return {"train": batch(TRAIN, 0), "test": batch(TEST, 1), "meta": meta}


def sums(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: md5(content).hexdigest() for name, content in files.items()}


class ToyMnist(Mnist):
    """MNIST's format, folder and names with 17 images; `places` is where its .gz files can be downloaded."""

    files = sums(mnist_files())
    md5 = digest(files)
    train_size, test_size = TRAIN, TEST
    places: tuple[str, ...] = ()

    def archives(self) -> list[Archive]:
        packed = {f"{name}.gz": md5(pack(content)).hexdigest() for name, content in mnist_files().items()}
        return [Archive(name, [f"{place}/{name}" for place in self.places], known) for name, known in packed.items()]


class ToyCifar(Cifar100):
    """CIFAR-100's format with 17 images, as one .tar.gz; torchvision must be told of its md5s (`known_to`)."""

    files = sums(cifar_files())
    md5 = digest(files)
    train_size, test_size = TRAIN, TEST
    places: tuple[str, ...] = ()

    def archives(self) -> list[Archive]:
        name = "cifar-100-python.tar.gz"
        return [Archive(name, [f"{place}/{name}" for place in self.places], md5(self.packed()).hexdigest())]

    def packed(self) -> bytes:
        whole = io.BytesIO()
        with gzip.GzipFile(fileobj=whole, mode="wb", mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
            for name, content in cifar_files().items():
                member = tarfile.TarInfo(f"{self.folder}/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return whole.getvalue()


def pack(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def write(root: Path, source: type[CopiedSource], files: Mapping[str, bytes]) -> Path:
    """Lay the files out in `root` as the source expects them; returns their folder."""
    folder = root / source.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def tree(root: Path) -> set[str]:
    """All files and folders under `root`."""
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}
