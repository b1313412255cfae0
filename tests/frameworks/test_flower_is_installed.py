"""Where Flower is not installed, its tests cannot be collected: this one says so, or that it is the tested version."""

from importlib.metadata import version
from importlib.util import find_spec

import pytest

from bench.registry import ROOT


def test_flower_is_installed():
    if find_spec("flwr") is None:
        pytest.skip(
            "tests/frameworks/flower needs Flower: tox -e flower, or pip install -c constraints/flower.txt '.[flower]'"
        )
    assert f"flwr=={version('flwr')}" in (ROOT / "constraints" / "flower.txt").read_text().splitlines()
