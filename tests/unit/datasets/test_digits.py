"""The default data set."""

from hashlib import sha256

import numpy as np
import pytest
import sklearn.datasets

from bench.data import DataError
from datasets.digits import IMAGES, Digits, global_test_rows


@pytest.fixture(scope="module")
def digits():
    return Digits().load()


def test_sizes_are_as_declared(digits):
    assert digits.train_x.shape == (Digits.train_size, *Digits.shape)
    assert digits.test_x.shape == (Digits.test_size, *Digits.shape)
    assert digits.train_x.dtype == np.uint8
    assert (digits.train_x.min(), digits.train_x.max()) == (0, 16)
    assert np.unique(digits.train_y).tolist() == np.unique(digits.test_y).tolist() == list(range(Digits.classes))
    assert (digits.train_y.dtype, digits.md5) == (np.int64, Digits.md5)


def test_every_image_is_in_one_split(digits):
    ours = np.concatenate([digits.train_x, digits.test_x]).reshape(-1, 64)
    theirs = sklearn.datasets.load_digits().data
    assert np.array_equal(np.unique(ours, axis=0), np.unique(theirs, axis=0))
    assert len(ours) == len(theirs) == IMAGES


def test_the_test_split_is_a_fifth_and_fixed():
    rows = global_test_rows()
    assert len(rows) == -(-IMAGES // 5)
    assert np.all(np.diff(rows) > 0)
    assert sha256(rows.astype("<i8").tobytes()).hexdigest()[:16] == "076101c6e0809d1d"


def test_images_and_labels_stay_together(digits):
    rows, x, y = global_test_rows(), *sklearn.datasets.load_digits(return_X_y=True)
    assert np.array_equal(digits.test_x.reshape(-1, 64), x[rows])
    assert np.array_equal(digits.test_y, y[rows])


def test_the_constants_normalise_the_training_split(digits):
    assert digits.shift[0] == pytest.approx(digits.train_x.mean(), abs=5e-5)
    assert digits.scale[0] == pytest.approx(digits.train_x.std(), abs=5e-5)


def test_another_copy_is_refused(monkeypatch):
    x, y = sklearn.datasets.load_digits(return_X_y=True)
    x[5, 20] += 1
    monkeypatch.setattr(sklearn.datasets, "load_digits", lambda return_X_y: (x, y))
    with pytest.raises(DataError, match=rf"digits: the copy in scikit-learn .* has md5 .*, expected {Digits.md5}"):
        Digits().load()
