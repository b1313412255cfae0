"""``python -m bench.compare A B``: paired differences between two runs of one suite. Imports no torch.

Two commits, two machines, two engines, fp32 against bf16: cells are matched by what they are, whatever computed them.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

OK, WORSE, USAGE, SOME_FAILED = 0, 1, 2, 3
ACROSS = ("params", "training", "partition_params", "architectures", "shared", "data_md5", "tasks")


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m bench.compare",
        description="Compare two runs of one suite cell by cell, B minus A. Cells are pairs where algorithm, data, "
        "partition, alpha, zoo, clients, seeds, training and parameters are the same; engine, device, precision, "
        "source digests, commit and machine may differ.",
        epilog="Exit codes: 0 no algorithm is worse in B, 1 one is, by the interval of its paired difference in client "
        "or global accuracy, 2 not two runs of one suite or nothing to match, 3 nothing is worse, but cells that "
        "finished in A did not finish in B, or none finished in both.",
        allow_abbrev=False,
    )
    made.add_argument("first", metavar="A", type=Path, help="a result folder, as bench.run writes it")
    made.add_argument("second", metavar="B", type=Path, help="another one")
    made.add_argument(
        "--across", action="append", default=[], choices=ACROSS, help="compare across this difference; may be repeated"
    )
    made.add_argument("--study", metavar="NAME", help="which study of a suite that has several")
    made.add_argument("--out", metavar="DIR", type=Path, help="write a page and its tables there")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Compare; returns the exit code."""
    options = parser().parse_args(argv)
    # Imported here, so that --help answers at once: numpy and scipy take a second.
    from bench.records.store import StoreError
    from reports.parts import one
    from reports.results import NotResults, read
    from reports.versus.differences import compare
    from reports.versus.matching import NotComparable
    from reports.versus.page import names, said, write

    try:
        first, second = (one(read(folder), options.study, folder) for folder in (options.first, options.second))
        versus = compare(first, second, options.across)
        print("\n".join(said(versus)))
        if options.out:
            print(f"\n{write(versus, (options.first, options.second), options.out)}")
    except (NotResults, StoreError, NotComparable) as error:
        print(f"bench.compare: {error}", file=sys.stderr)
        return USAGE
    if versus.worse:
        print(f"bench.compare: worse in B: {names(versus.worse)}", file=sys.stderr)
        return WORSE
    if versus.lost or not versus.done:
        lost = len(versus.lost)
        what = f"{lost} cells finished in A and not in B" if lost else "no cell finished in both runs"
        print(f"bench.compare: {what}", file=sys.stderr)
        return SOME_FAILED
    return OK


if __name__ == "__main__":
    sys.exit(main())
