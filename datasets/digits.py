"""scikit-learn's handwritten digits: real, tiny and always there. The default data set."""

from hashlib import md5, sha256
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.data import Data, DataError, Rows, Source
from bench.registry import dataset

IMAGES = 1797


@dataset("digits")
class Digits(Source):
    """1797 handwritten digits of 8x8 pixels in 17 shades, part of scikit-learn: no files, no network.

    The test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, UCI, 1998). Values are whole
    numbers from 0 to 16. The set has no official split, so `global_test_rows` fixes one; it is random, so the same
    writers appear on both sides, and a test score here says nothing of writers that were never seen.
    """

    shape: ClassVar[tuple[int, int, int]] = (1, 8, 8)
    classes: ClassVar[int] = 10
    train_size: ClassVar[int] = 1437
    test_size: ClassVar[int] = 360
    md5: ClassVar[str] = "5f1cc2189bf027cbc3710716cabc8572"  # of the four arrays, as uint8
    shift: ClassVar[tuple[float, ...]] = (4.8906,)  # mean and
    scale: ClassVar[tuple[float, ...]] = (6.0212,)  # standard deviation of all pixels of the training split

    def load(self, root: Path | None = None, download: bool = True) -> Data:
        """Read the digits that scikit-learn carries; `root` and `download` change nothing.

        Raises DataError where scikit-learn's copy is another than expected.
        """
        images, labels = _read()
        x: NDArray[np.uint8] = images.reshape(-1, *self.shape).astype(np.uint8)
        y: NDArray[np.int64] = labels.astype(np.int64)
        test = global_test_rows(len(x))
        train = np.setdiff1d(np.arange(len(x)), test)
        found = _content((x[train], y[train], x[test], y[test]))
        if found != self.md5:
            raise DataError(
                f"digits: the copy in scikit-learn {version('scikit-learn')} has md5 {found}, expected {self.md5}. "
                "Install the version that constraints.txt names."
            )
        return Data(
            train_x=x[train],
            train_y=y[train],
            test_x=x[test],
            test_y=y[test],
            classes=self.classes,
            shift=self.shift,
            scale=self.scale,
            md5=found,
        )


def _read() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Images [n, 64] and labels [n], as ``sklearn.datasets.load_digits(return_X_y=True)`` gives them.

    From scikit-learn's file where it lies where it has always lain: importing the library takes longer than all else
    that a run does before it begins.
    """
    found = find_spec("sklearn")  # does not import it
    for folder in (found and found.submodule_search_locations) or ():
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            table = np.loadtxt(file, delimiter=",")
            return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return images, labels


def global_test_rows(images: int = IMAGES) -> Rows:
    """The rows of the global test split: the fifth (rounded up) with the smallest hashes, ascending. Not stratified.

    Row i has the hash sha256("digits i"), so that no version of a random generator can ever move the split.

    >>> len(global_test_rows()), global_test_rows()[:5].tolist()
    (360, [10, 18, 24, 33, 35])
    """
    ranked = sorted(range(images), key=lambda row: sha256(f"digits {row}".encode()).digest())
    return np.sort(np.array(ranked[: -(-images // 5)], np.int64))


def _content(arrays: tuple[NDArray[np.uint8] | NDArray[np.int64], ...]) -> str:
    digest = md5(usedforsecurity=False)
    for array in arrays:
        digest.update(array.astype(np.uint8).tobytes())
    return digest.hexdigest()
