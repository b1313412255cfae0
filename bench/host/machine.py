"""What this machine has: memory, instruction sets, a compiler, accelerators. Facts for people; nothing depends on them.

Every function answers with what it could find out; None or an empty list is "the system does not tell".
"""

import os
import platform
import shutil
import sys
import warnings
from pathlib import Path

GIB = 1 << 30
_TELLING = ("avx2", "avx512f", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "sve", "bf16")
_COMPILERS = ("c++", "g++", "clang++")


def memory() -> float | None:
    """GiB that processes here may use: what the machine has, or less where a container is held to less."""
    limits = (_installed(), _number(CGROUP / "memory.max"), _number(CGROUP / "memory/memory.limit_in_bytes"))
    known = [limit for limit in limits if limit is not None]
    return min(known) / GIB if known else None


def core_quota() -> float | None:
    """How many cores' worth of time a container may use; None where nothing limits it."""
    try:
        quota, period = (CGROUP / "cpu.max").read_text(encoding="ascii").split()
        return int(quota) / int(period)
    except (OSError, ValueError):  # no such limit, or "max"
        return None


def instruction_sets(cpuinfo: Path = Path("/proc/cpuinfo")) -> list[str]:
    """Of the instruction sets that matter here, those that the processor has."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    present = set(flags.partition(":")[2].split())
    return [name for name in _TELLING if name in present]


def bf16(sets: list[str]) -> str:
    """How fast bfloat16 will be, in words, by instruction sets."""
    if "amx_bf16" in sets:
        return "bf16 by AMX tiles (fast)"
    if "avx512_bf16" in sets or "bf16" in sets:
        return "bf16 by vector instructions"
    return "no bf16 instructions"


def compiler() -> str | None:
    """The path of a C++ compiler, as torch.compile would look for one."""
    candidates = (os.environ.get("CXX", ""), *_COMPILERS)
    return next((path for name in candidates if name and (path := shutil.which(name))), None)


def accelerators() -> list[str]:
    """The accelerators that torch can use, in words."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a driver that is missing or too old is a fact, not a warning
        if torch.cuda.is_available():
            each = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
            return [f"{device.name}, {device.total_memory / GIB:.0f} GiB" for device in each]
    return []


def system() -> str:
    """Operating system and architecture."""
    return f"{platform.system()} {platform.release()} on {platform.machine()}"


CGROUP = Path("/sys/fs/cgroup")


def _installed() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def python() -> str:
    """The interpreter: version and path."""
    return f"{platform.python_version()} ({sys.executable})"
