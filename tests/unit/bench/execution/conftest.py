import multiprocessing
from collections.abc import Iterator

import pytest


@pytest.fixture
def no_worker_left() -> Iterator[None]:
    yield
    assert multiprocessing.active_children() == []
