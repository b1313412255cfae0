"""A Ray cluster of nodes with one processor each, on the loopback interface: a program that does what it is told.

It prints the head node's address, then reads lines: ``add [NAME=VALUE ...]`` starts another node, with these in its
environment; ``kill`` ends the node that was added last as a power cut would. It answers each with a line and ends, with
all that it started, when its input does.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> None:
    """Be the cluster."""
    folder = Path(tempfile.mkdtemp(prefix="fml-two-"))
    (folder / "ray").mkdir()
    quiet = ("RAY_usage_stats_enabled", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "RAY_enable_metrics_collection")
    os.environ.update(dict.fromkeys(quiet, "0"), RAY_TMPDIR=str(folder))
    from ray.cluster_utils import Cluster

    settings: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 << 20, "temp_dir": str(folder)}
    quiet_head = {"include_dashboard": False, "include_log_monitor": False, "no_monitor": True}
    cluster = Cluster(initialize_head=True, head_node_args=settings | quiet_head)
    added: list[Any] = []
    try:
        print(cluster.address, flush=True)
        for line in sys.stdin:
            word, *changes = line.split()
            if word == "add":
                before = dict(os.environ)
                os.environ.update(change.split("=", 1) for change in changes)
                added.append(cluster.add_node(**settings))
                os.environ.clear()
                os.environ.update(before)
            else:
                cluster.remove_node(added.pop(), allow_graceful=False)
            print(word, flush=True)
    finally:
        cluster.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
