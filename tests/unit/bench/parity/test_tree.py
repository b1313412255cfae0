"""Looking at a process and its descendants."""

import subprocess
import sys

from bench.parity import tree

BUSY = "import time\nwhile time.process_time() < 0.3: pass\n"


def test_a_child_and_what_it_used_count() -> None:
    before = tree.cpu_seconds()
    child = subprocess.Popen([sys.executable, "-c", BUSY + "print('done', flush=True); input()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert child.stdout
    child.stdout.readline()
    assert child.pid in tree.processes()
    alive = tree.cpu_seconds() - before
    child.communicate(b"\n")
    assert child.pid not in tree.processes()
    ended = tree.cpu_seconds() - before
    assert alive > 0.25
    assert ended > 0.29


def test_memory_counts_children() -> None:
    alone = tree.peak_bytes()
    assert alone > 1 << 20
    with subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:  # fmt: skip
        assert child.stdout
        child.stdout.readline()
        assert tree.peak_bytes() > alone + (1 << 20)
        child.communicate(b"\n")
