"""A process and all that it has started: how much processor time they have used, how much memory they held.

Descendants are read from /proc. Where there is none, the figures lack those that are alive.
"""

import os
import resource
import sys
import time
from pathlib import Path

PROC = Path("/proc")
_PARENT, _TIMES = 1, slice(11, 15)  # fields of /proc/PID/stat after the name: parent; user, system, children's of both


def processes(root: int | None = None) -> list[int]:
    """This process (or `root`) and its living descendants."""
    parents = {int(path.name): found for path in PROC.glob("[0-9]*") if (found := _stat(int(path.name)))}
    family = [os.getpid() if root is None else root]
    for pid in family:  # grows while we go through it
        family += [child for child, fields in parents.items() if int(fields[_PARENT]) == pid]
    return family


def cpu_seconds() -> float:
    """Of this process and its descendants, those that have ended and were waited for included.

    To the microsecond for this process and for what it has waited for; for living descendants in the kernel's ticks.
    """
    waited = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = [int(ticks) for pid in processes()[1:] if (fields := _stat(pid)) for ticks in fields[_TIMES]]
    return time.process_time() + waited.ru_utime + waited.ru_stime + sum(ticks) / os.sysconf("SC_CLK_TCK")


def peak_bytes() -> int:
    """The sum, over this process and its living descendants, of the most memory that each has held so far.

    More than what they held together: their peaks need not coincide, and libraries they share count for each.
    """
    peaks = [peak for pid in processes() if (peak := _high_water(pid))]
    if peaks:
        return sum(peaks)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _stat(pid: int) -> list[str] | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has just ended, or there is no /proc
        return None
    return text.rpartition(")")[2].split()  # the name before it may hold anything


def _high_water(pid: int) -> int | None:
    try:
        lines = (PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)
