"""A plugin file: MNIST with its first images only, as ``mnist-6000`` and so on, so that a round is short.

``python -m bench.run --plugin`` takes it, and so do the workers that measure: both run the same cells.
"""

import dataclasses
from pathlib import Path
from typing import ClassVar

from bench.data import Data
from bench.registry import dataset
from datasets.mnist import Mnist

SIZES = (1500, 3000, 6000, 12000)


def _first(images: int) -> type[Mnist]:
    class Subset(Mnist):
        train_size: ClassVar[int] = images
        md5: ClassVar[str] = f"{Mnist.md5}[:{images}]"

        def load(self, root: Path | None = None, download: bool = True) -> Data:
            whole = Mnist().load(root, download)
            return dataclasses.replace(
                whole, train_x=whole.train_x[:images], train_y=whole.train_y[:images], md5=self.md5
            )

    Subset.__doc__ = f"The first {images} training images of MNIST; its test split whole."
    Subset.__module__ = __name__
    return Subset


for _size in SIZES:
    dataset(f"mnist-{_size}")(_first(_size))
