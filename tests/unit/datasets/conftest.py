"""What several tests of this room share."""

import pytest

from bench import vision
from tests.unit.datasets.toys import ToyCifar


@pytest.fixture
def told(monkeypatch):
    """torchvision checks md5s of its own: give it those of the toy."""
    theirs = vision.datasets().CIFAR100
    for attribute, name in (("train_list", "train"), ("test_list", "test")):
        monkeypatch.setattr(theirs, attribute, [[name, ToyCifar.files[name]]])
    monkeypatch.setattr(theirs, "meta", theirs.meta | {"md5": ToyCifar.files["meta"]})
