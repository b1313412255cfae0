"""Where results come from: code, libraries, machine. Recorded with them, never part of their identity."""

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.registry import ROOT

FRAMEWORKS = ("flwr", "ray", "pfl")  # told where they are installed
LIBRARIES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pandas")


def provenance(argv: Sequence[str] = ()) -> dict[str, Any]:
    """All that may matter to someone who wonders about a number, JSON-able.

    commit (None outside a checkout), dirty (tracked files differ from it), versions, processor, cores this process
    may use, threads per cell, platform, started (UTC), argv.
    """
    commit, dirty = _checkout(ROOT)
    return {
        "commit": commit,
        "dirty": dirty,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
            **{name: found for name in FRAMEWORKS if (found := version(name))},
        },
        "processor": processor(),
        "cores": cores(),
        "threads": 1,
        "platform": platform.platform(),
        "started": now(),
        "argv": list(argv),
    }


def now() -> str:
    """The present moment, ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS has no affinity


def processor() -> str:
    """The processor's name as its maker writes it, or the architecture where the system does not tell."""
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def version(distribution: str) -> str | None:
    """The installed version of a library; None where there is none."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _checkout(root: Path) -> tuple[str | None, bool | None]:
    """(commit, dirty) of a folder that is the top of a git checkout, else (None, None)."""
    if not (root / ".git").exists():  # an installed copy may lie inside somebody else's checkout
        return None, None
    git = ("git", "-C", str(root))
    commit = _output(*git, "rev-parse", "HEAD")
    changes = _output(*git, "status", "--porcelain", "--untracked-files=no")
    return commit or None, None if changes is None else bool(changes)


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
