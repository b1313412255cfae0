"""Whether a framework can be used here: asked before anything is read or started."""

import sys
from importlib.util import find_spec

from bench.frameworks import NEEDS


class Unusable(Exception):
    """A framework that cannot be used as asked; the text says what to do."""


def check(name: str, *, device: str = "cpu") -> None:
    """Raise Unusable where a framework is not installed, or does not run on this system or device."""
    if name == "native":
        return
    modules, extra = NEEDS[name]
    if missing := [module for module in modules if find_spec(module) is None]:
        raise Unusable(
            f"--framework {name} needs {' and '.join(missing)}: "
            f"pip install -c constraints/{extra}.txt '.[{extra}]' in an environment of its own"
        )
    if name.startswith("flower") and sys.platform != "linux":
        raise Unusable(f"--framework {name}: expected Linux, whose processes can be told apart; this is {sys.platform}")
    if device != "cpu":
        raise Unusable(f"--framework {name} runs on the processor: expected --device cpu, got {device}")
