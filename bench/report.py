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
        description="Render OUT/report (page, Markdown, figures, tables) again from the cell files in OUT. "
        "Several folders of one suite are joined first: their cells are copied into the folder that --out names.",
        epilog="Exit codes: 0 rendered, 2 not result folders, not to be joined or not writable, 3 rendered, but no "
        "cell has finished.",
        allow_abbrev=False,
    )
    made.add_argument("folders", metavar="OUT", type=Path, nargs="+", help="a result folder, as bench.run writes it")
    made.add_argument(
        "--columns",
        type=int,
        choices=(1, 2),
        help="draw every figure for so many columns of print (default: what suits it)",
    )
    made.add_argument("--out", metavar="DIR", type=Path, help="the folder of the joined results")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Render one report; returns the exit code."""
    made = parser()
    options = made.parse_args(argv)
    folders: list[Path] = options.folders
    if len(folders) > 1 and options.out is None:
        made.error("several folders are joined: name a new folder for them with --out")
    if len(folders) == 1 and options.out is not None:
        made.error("--out is for joining several folders; the report of one is written into it")
    # Imported here, so that --help answers at once: numpy and matplotlib take a second.
    from bench.records.store import StoreError
    from reports.html import render
    from reports.joining import CannotJoin, join
    from reports.results import NotResults, read
    from reports.style import DOUBLE, SINGLE

    out = options.out or folders[0]
    try:
        if options.out:
            join(folders, out)
        results = read(out)
        page = render(out, results, {1: SINGLE, 2: DOUBLE}.get(options.columns))
    except (NotResults, StoreError, CannotJoin) as error:
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
