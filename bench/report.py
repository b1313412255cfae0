"""``python -m bench.report OUT``: render the report of a result folder again, from its cell files. Imports no torch."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

OK, USAGE, NOTHING = 0, 2, 3


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m bench.report",
        description="Render OUT/report (page, Markdown, figures, tables) again from the cell files in OUT.",
        epilog="Exit codes: 0 rendered, 2 not a result folder or not writable, 3 rendered, but no cell has finished.",
    )
    made.add_argument("out", metavar="OUT", type=Path, help="a result folder, as bench.run writes it")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Render one report; returns the exit code."""
    out: Path = parser().parse_args(argv).out
    # Imported here, so that --help answers at once: pandas and matplotlib take seconds.
    from bench.records.store import StoreError
    from reports.html import render
    from reports.results import NotResults, read

    try:
        results = read(out)
        page = render(out, results)
    except (NotResults, StoreError) as error:
        print(f"bench.report: {error}", file=sys.stderr)
        return USAGE
    for notice in results.notices:
        print(f"bench.report: {notice}", file=sys.stderr)
    print(page)
    if not results.counts["done"]:
        ended = ", ".join(f"{number} {status}" for status, number in results.counts.items() if number) or "none was run"
        print(
            f"bench.report: no cell in {out} has finished ({ended}): the page only says how they ended", file=sys.stderr
        )
        return NOTHING
    return OK


if __name__ == "__main__":
    sys.exit(main())
