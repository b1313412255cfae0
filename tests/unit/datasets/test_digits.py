"""The default data set."""

import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
import sklearn.datasets

from bench.data import DataError
from bench.registry import ROOT
from datasets import digits
from datasets.digits import IMAGES, Digits, global_test_rows


@pytest.fixture(scope="module")
def loaded():
    return Digits().load()


def test_sizes_are_as_declared(loaded):
    assert loaded.train_x.shape == (Digits.train_size, *Digits.shape)
    assert loaded.test_x.shape == (Digits.test_size, *Digits.shape)
    assert loaded.train_x.dtype == np.uint8
    assert (loaded.train_x.min(), loaded.train_x.max()) == (0, 16)
    assert np.unique(loaded.train_y).tolist() == np.unique(loaded.test_y).tolist() == list(range(Digits.classes))
    assert (loaded.train_y.dtype, loaded.md5) == (np.int64, Digits.md5)


def test_every_image_is_in_one_split(loaded):
    ours = np.concatenate([loaded.train_x, loaded.test_x]).reshape(-1, 64)
    theirs = sklearn.datasets.load_digits().data
    assert np.array_equal(np.unique(ours, axis=0), np.unique(theirs, axis=0))
    assert len(ours) == len(theirs) == IMAGES


def test_the_test_split_is_a_fifth_and_fixed():
    rows = global_test_rows()
    assert len(rows) == -(-IMAGES // 5)
    assert np.all(np.diff(rows) > 0)
    assert sha256(rows.astype("<i8").tobytes()).hexdigest()[:16] == "076101c6e0809d1d"


def test_images_and_labels_stay_together(loaded):
    rows, x, y = global_test_rows(), *sklearn.datasets.load_digits(return_X_y=True)
    assert np.array_equal(loaded.test_x.reshape(-1, 64), x[rows])
    assert np.array_equal(loaded.test_y, y[rows])


def test_the_constants_normalise_the_training_split(loaded):
    assert loaded.shift[0] == pytest.approx(loaded.train_x.mean(), abs=5e-5)
    assert loaded.scale[0] == pytest.approx(loaded.train_x.std(), abs=5e-5)


def test_the_file_is_what_the_library_reads(monkeypatch):
    by_library = sklearn.datasets.load_digits(return_X_y=True)
    assert all(np.array_equal(*pair) for pair in zip(digits._read(), by_library, strict=True))
    monkeypatch.setattr(digits, "find_spec", lambda name: None)  # as if it lay elsewhere
    assert all(np.array_equal(*pair) for pair in zip(digits._read(), by_library, strict=True))


def test_the_library_is_not_imported():
    """Which takes longer than all else that a run on digits does before it begins."""
    check = "import sys; from datasets.digits import Digits; Digits().load(); assert 'sklearn' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_another_copy_is_refused(monkeypatch):
    x, y = sklearn.datasets.load_digits(return_X_y=True)
    x[5, 20] += 1
    monkeypatch.setattr(digits, "_read", lambda: (x, y))
    with pytest.raises(DataError, match=rf"digits: the copy in scikit-learn .* has md5 .*, expected {Digits.md5}"):
        Digits().load()
