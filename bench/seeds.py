"""Random streams by name: the same draw has the same name everywhere, and the algorithm is never part of a name.

Methods that are compared meet the same partition, initial weights, batch order and cohort, because none of these
streams can depend on the method: `seed` refuses such an axis.
"""

import functools
import json
from hashlib import sha256

import numpy as np

Axis = str | int | float | None
_CANONICAL = json.JSONEncoder(separators=(",", ":"))
FORBIDDEN = {"algorithm", "params", "engine", "device", "jobs"}


def seed(purpose: str, **axes: Axis) -> int:
    """A seed in [0, 2**63) from a purpose and named axes, by hash: stable over processes, platforms and versions.

    The order of the axes does not matter, and 1 and 1.0 are different values. Raises ValueError on an axis that
    would let two compared methods meet different draws.

    >>> seed("batches", client=1, round=2) == seed("batches", round=2, client=1)
    True
    >>> seed("batches", client=1, round=2) == seed("batches", client=2, round=1)
    False
    >>> seed("batches", algorithm="fml")
    Traceback (most recent call last):
    ...
    ValueError: a random stream must not depend on algorithm
    """
    if bad := FORBIDDEN & axes.keys():
        raise ValueError(f"a random stream must not depend on {', '.join(sorted(bad))}")
    pairs = ",".join([_pair(*axis) for axis in sorted(axes.items())])
    text = f"[{_CANONICAL.encode(purpose)},[{pairs}]]"
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") >> 1


@functools.lru_cache(maxsize=1 << 12, typed=True)  # typed, or 1.0 would have the text of 1
def _pair(name: str, value: Axis) -> str:
    """An axis as JSON. A round draws for every client and epoch, and few axes of theirs are new."""
    return _CANONICAL.encode([name, value])


def stream(purpose: str, **axes: Axis) -> np.random.Generator:
    """A NumPy generator (PCG64) seeded by `seed`."""
    return np.random.Generator(np.random.PCG64(seed(purpose, **axes)))
