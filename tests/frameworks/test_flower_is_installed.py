"""Where Flower is not installed, its tests cannot be collected: this one says so."""

from importlib.util import find_spec

import pytest


def test_flower_is_installed():
    if find_spec("flwr") is None:
        pytest.skip(
            "tests/frameworks/flower needs Flower: tox -e flower, or pip install -c constraints/flower.txt '.[flower]'"
        )
