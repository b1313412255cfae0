"""``python -m bench.choices OUT``: which choice of an algorithm's variants decides how it stands. Imports no torch."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

OK, USAGE = 0, 2


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m bench.choices",
        description="The effects of the choices that a suite declares as [variants.NAME], as Markdown: each variant "
        "minus its algorithm, and what that does to the verdict against the suite's reference.",
        epilog="Exit codes: 0 done, 2 not result folders, without variants, or not writable.",
        allow_abbrev=False,
    )
    made.add_argument(
        "folders", metavar="OUT", type=Path, nargs="+", help="a result folder of bench.run, or one that --keep wrote"
    )
    made.add_argument("--keep", metavar="DIR", type=Path, help="keep the table of runs in DIR, compressed (one OUT)")
    made.add_argument("--into", metavar="FILE", type=Path, help="put the text between the marks of a document")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Print, keep or put; returns the exit code."""
    made = parser()
    options = made.parse_args(argv)
    if options.keep and len(options.folders) != 1:
        made.error(f"--keep keeps one result folder, got {len(options.folders)}")
    # Imported here, so that --help answers at once: numpy and scipy take a second.
    from bench.records.store import StoreError
    from reports import choices_page, kept
    from reports.results import NotResults

    try:
        if options.keep:
            kept.keep(options.folders[0], options.keep)
        text = choices_page.page([options.keep] if options.keep else options.folders)
        if options.into:
            choices_page.put(text, options.into)
    except (NotResults, StoreError) as error:
        print(f"bench.choices: {error}", file=sys.stderr)
        return USAGE
    if not options.into:
        print(text)
    return OK


if __name__ == "__main__":
    sys.exit(main())
