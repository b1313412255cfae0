"""All tests here need Flower: they run in ``tox -e flower``, and say why they do not run elsewhere."""

import warnings
from importlib.util import find_spec

import pytest

from bench.frameworks import needs

if find_spec("flwr"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Flower's own imports warn of is not ours to mend
        import flwr.clientapp
        import flwr.serverapp
        import flwr.supercore.inflatable.inflatable_utils  # noqa: F401
else:
    collect_ignore_glob = ["*.py"]


@pytest.fixture(scope="session", autouse=True)
def _flower() -> None:
    needs.check("flower")
