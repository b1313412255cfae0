"""What nets compute in while they train.

Weights, optimisers, losses and averages are float32 in every precision, and so is all scoring; with ``bf16`` the layers
of a net work in bfloat16, as ``torch.autocast`` does it: matrix products and convolutions take rounded weights and
activations, and sum in float32.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from bench.plugin import Out

_NOTHING = nullcontext()
_DTYPES = {"fp32": None, "bf16": torch.bfloat16}


def dtype(precision: str) -> torch.dtype | None:
    """What layers compute in; None: as weights and images are."""
    return _DTYPES[precision]


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """A context for passes in PyTorch's own layers; what comes out of them needs `widened`."""
    computed_in = dtype(precision)
    return _NOTHING if computed_in is None else torch.autocast(device.type, computed_in)


def widened(out: Any, precision: str) -> Out:
    """What a net returned, in float32 or wider: a loss is never computed in bfloat16."""
    if _DTYPES[precision] is None:  # every step of every client comes by here
        return Out(*out)
    return Out(*(tensor.float() if tensor.dtype == torch.bfloat16 else tensor for tensor in out))
