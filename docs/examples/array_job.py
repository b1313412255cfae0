"""A suite as an array job: one task per shard, through submitit. See docs/cluster.md.

    python docs/examples/array_job.py --shards 8 --partition cpu -- --suite noniid --out /shared/noniid

All shards write into one folder, which every node sees; the shard that completes it makes the report. What follows
``--`` are options of bench.run. With ``--cluster local`` the tasks are processes on this machine.
"""

import argparse
import sys
from dataclasses import dataclass

import submitit

from bench import run


@dataclass
class Shard:
    """What one task does: a part of the suite. Submitted again, it goes on where it was stopped."""

    number: int
    of: int
    options: tuple[str, ...]

    def __call__(self) -> int:
        """Compute it; the exit code of bench.run."""
        return run.main([*self.options, "--shard", f"{self.number}/{self.of}"])

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """What Slurm is to start when it has stopped this task: the same again, since finished cells stay."""
        return submitit.helpers.DelayedSubmission(self)


def main() -> int:
    """Submit all shards and wait for them; the largest exit code."""
    parser = argparse.ArgumentParser(description="Run a suite as an array job.", allow_abbrev=False)
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--cluster", choices=("slurm", "local"), default="slurm")
    parser.add_argument("--partition", help="of Slurm")
    parser.add_argument("--cores", type=int, default=4, help="of each task")
    parser.add_argument("--minutes", type=int, default=240)
    parser.add_argument("--logs", default="logs", help="folder of the tasks' output")
    parser.add_argument("options", nargs="+", help="after --, options of bench.run")
    asked = parser.parse_args()
    executor = submitit.AutoExecutor(folder=asked.logs, cluster=asked.cluster)
    executor.update_parameters(timeout_min=asked.minutes, cpus_per_task=asked.cores)
    if asked.cluster == "slurm":
        executor.update_parameters(slurm_partition=asked.partition, slurm_array_parallelism=asked.shards)
    options = (*asked.options, "--jobs", str(asked.cores))
    with executor.batch():
        jobs = [executor.submit(Shard(number + 1, asked.shards, options)) for number in range(asked.shards)]
    codes = [job.result() for job in jobs]
    print("exit codes of the shards:", *codes)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
