"""The headline table as a data frame, and from it CSV and LaTeX. Accuracies are in per cent."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from reports.blocks import Block, Group, Row
from reports.statistics import Estimate
from reports.wording import interval, level, percent, points, slug

MEAN = "mean"
"""What stands for alpha in the rows that average over several."""


def headline(block: Block) -> pd.DataFrame:
    """One row per alpha and algorithm, numbers in per cent or percentage points; empty where there is none.

    Columns: alpha (text: "0.1", "–" for a partition without, or "mean"), algorithm, replicates, client_accuracy with
    its interval (low, high), worst10, global_accuracy, personal_global_accuracy, floor, to_local with its interval.
    """
    records = []
    for group in block.groups:
        for row in group.rows:
            records.append(  # noqa: PERF401  (a comprehension of this length hides its loop)
                {
                    "alpha": level_of(group),
                    "algorithm": row.algorithm,
                    "replicates": len(group.replicates) if row.accuracy else 0,
                    **_estimate("client_accuracy", row.accuracy),
                    "worst10": _percent(row.worst10),
                    "global_accuracy": _percent(row.global_accuracy),
                    "personal_global_accuracy": _percent(row.personal_global),
                    "floor": _percent(group.floor),
                    **_estimate("to_local", row.to_local),
                    "note": row.note,
                }
            )
    return pd.DataFrame.from_records(records)


def level_of(group: Group) -> str:
    """What a group of the table is about."""
    return level(group.alphas[0]) if len(group.alphas) == 1 else MEAN


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else round(100 * fraction, 6)


def _estimate(name: str, estimate: Estimate | None) -> dict[str, float | None]:
    values = (estimate.mean, estimate.low, estimate.high) if estimate else (None, None, None)
    return {key: _percent(value) for key, value in zip((name, f"{name}_low", f"{name}_high"), values, strict=True)}


def latex(block: Block, label: str) -> str:
    r"""The same as a LaTeX table, one decimal; needs \usepackage{booktabs}. Its \label is tab:`label`."""
    rows = []
    for group in block.groups:
        place = level_of(group)
        for row in group.rows:
            rows.append([place, row.algorithm, *_numbers(row)])
            place = ""
        rows.append([place, "floor", percent(group.floor), *[""] * (len(COLUMNS) - 3)])
    frame = pd.DataFrame([[_tex(value) for value in row] for row in rows], columns=COLUMNS)
    text = frame.style.hide(axis="index").to_latex(
        hrules=True,
        column_format="ll" + "r" * (len(COLUMNS) - 2),
        position="t",
        position_float="centering",
        caption=_caption(block),
        label=f"tab:{label}",
    )
    return _spaced(text, [len(group.rows) + 1 for group in block.groups])


COLUMNS = (
    *("alpha", "algorithm", "client", r"95\,\% interval", r"\shortstack{worst\\10\,\%}", "global"),
    *(r"\shortstack{personal\\on global}", r"\shortstack{minus\\local}", r"95\,\% interval\rule{0pt}{0pt}"),
)
"""Heads of the LaTeX table; the empty rule keeps the two intervals' names apart, as pandas wants them."""


def _numbers(row: Row) -> list[str]:
    return [
        percent(row.accuracy.mean if row.accuracy else None),
        interval(row.accuracy),
        percent(row.worst10),
        percent(row.global_accuracy),
        percent(row.personal_global),
        points(row.to_local.mean if row.to_local else None),
        interval(row.to_local, signed=True),
    ]


def _spaced(text: str, groups: Sequence[int]) -> str:
    r"""Space between groups of so many rows, and small letters, for the table is wide: Styler has neither."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(r"\begin{tabular}"))
    lines.insert(start, r"\footnotesize\setlength{\tabcolsep}{3pt}")
    end = next(place for place, line in enumerate(lines) if line.startswith(r"\midrule")) + 1
    for rows in groups[:-1]:
        end += rows
        lines.insert(end, r"\addlinespace")
        end += 1
    return "\n".join(lines) + "\n"


def _caption(block: Block) -> str:
    sizes = sorted({len(group.replicates) for group in block.groups if group.replicates})
    if not sizes:
        over = "nothing to compare"
    elif sizes == [1]:
        over = "one replicate, hence no intervals"
    else:
        count = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else sizes[0]
        over = rf"mean over {count} replicates with 95\,\% t intervals"
    return (
        rf"Accuracy (\%) on {_tex(block.dataset)}, partition {_tex(block.partition)}, zoo {_tex(block.zoo)}: {over}. "
        "Client: each on its own test data; floor: each client's majority class."
    )


SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "–": "--",
    "%": r"\%",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{letter: "\\" + letter for letter in "&$#_{}"},
}


def _tex(text: str) -> str:
    """Text as LaTeX prints it; letters that pdflatex cannot set in its usual fonts become question marks.

    >>> print(_tex("my_net 5 % −1"))
    my\\_net 5 \\% $-$1
    """
    return "".join(SPECIAL.get(letter, letter if _printable(letter) else "?") for letter in text)


def _printable(letter: str) -> bool:
    base = unicodedata.normalize("NFD", letter)[0]  # an accented letter of Latin-1 is printed as letter and accent
    return " " <= letter <= "~" or (letter <= "ÿ" and base.isascii() and base.isalpha())


def write(blocks: Sequence[Block], stems: Sequence[str], folder: Path) -> list[Path]:
    """Write each block's table in each format; returns the paths."""
    paths = []
    for block, stem in zip(blocks, stems, strict=True):
        table, text = folder / f"{stem}.csv", folder / f"{stem}.tex"
        table.write_text(headline(block).to_csv(index=False, lineterminator="\n"), encoding="utf-8", newline="\n")
        text.write_text(latex(block, stem), encoding="utf-8", newline="\n")
        paths += [table, text]
    return paths


def stem(block: Block) -> str:
    """The name of a block's files, without suffix."""
    return slug("headline", block.dataset, block.partition, block.zoo)
