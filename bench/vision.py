"""The one place that imports torchvision (and with it torch), and only when something of it is asked for.

A torchvision built for CUDA beside a torch built for the CPU (what the package indexes give unless both are chosen
with care) fails on import with "operator torchvision::nms does not exist": its compiled part did not load, and the
registration of shapes for that operator finds nothing. Data sets and models need no compiled operator, so declaring
the two schemas is enough to go on.
"""

import importlib
import warnings
from functools import cache
from types import ModuleType
from typing import Any

MISSING_OPERATOR = "operator torchvision::nms does not exist"
SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: list[Any] = []  # dropping the handle would withdraw the declaration


def datasets() -> ModuleType:
    """``torchvision.datasets``."""
    return _submodule("datasets")


def models() -> ModuleType:
    """``torchvision.models``."""
    return _submodule("models")


@cache
def _submodule(name: str) -> ModuleType:
    with warnings.catch_warnings():
        # The reader of image files is compiled too; nothing here reads one.
        warnings.filterwarnings("ignore", message="Failed to load image Python extension")
        try:
            return importlib.import_module(f"torchvision.{name}")
        except RuntimeError as error:
            if MISSING_OPERATOR not in str(error):
                raise
            _declare_operators()
            return importlib.import_module(f"torchvision.{name}")


def _declare_operators() -> None:
    import torch

    library: Any = torch.library
    handle = library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        handle.define(f"{operator}{SCHEMA}")
    _declared.append(handle)
