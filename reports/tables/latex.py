r"""Tables for papers: booktabs, escaped, ready for \input; and a document that sets them all."""

import unicodedata
from collections.abc import Sequence

from reports.tables.table import Column, Group, Row, Table

LONG = 40
"""More rows than this do not fit a page: the table then breaks over pages."""


PROSE = r"p{0.6\linewidth}"
"""The layout of a column of sentences."""


def latex(table: Table) -> str:
    r"""A table of one float, or one that breaks over pages where it is long. Its \label is tab:`stem`."""
    body = [line for place, group in enumerate(table.groups) for line in _group(table, group, place)]
    heads = " & ".join(_head(column) for column in table.shown) + r" \\"
    layout = "".join(PROSE if column.kind.long else "l" if column.kind.left else "r" for column in table.shown)
    label = rf"\label{{tab:{table.stem}}}"
    caption = rf"\caption{{{tex(table.caption)}}}"
    small = r"\footnotesize\setlength{\tabcolsep}{3pt}"
    if len(table.rows) > LONG:
        lines = [
            r"% needs \usepackage{booktabs,longtable}",
            rf"{{{small}",
            rf"\begin{{longtable}}{{{layout}}}",
            rf"{caption}{label} \\",
            *(r"\toprule", heads, r"\midrule", r"\endfirsthead"),
            *(r"\toprule", heads, r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot"),
            *body,
            r"\end{longtable}}",
        ]
    else:
        lines = [
            r"% needs \usepackage{booktabs}",
            *(r"\begin{table}[t]", r"\centering", caption, label, small),
            rf"\begin{{tabular}}{{{layout}}}",
            *(r"\toprule", heads, r"\midrule", *body, r"\bottomrule"),
            *(r"\end{tabular}", r"\end{table}"),
        ]
    return "\n".join(lines) + "\n"


def document(stems: Sequence[str]) -> str:
    r"""A document that sets all tables of its folder: what it takes to use them, and a check that they can be."""
    inputs = "\n".join(rf"\input{{{stem}}}" for stem in stems)
    return (
        "\\documentclass{article}\n\\usepackage[T1]{fontenc}\n\\usepackage[utf8]{inputenc}\n"
        "\\usepackage[margin=1.5cm]{geometry}\n\\usepackage{booktabs,longtable}\n"
        f"\\begin{{document}}\n{inputs}\n\\end{{document}}\n"
    )


def _group(table: Table, group: Group, place: int) -> list[str]:
    lines = [r"\addlinespace"] if place else []
    if group.label:
        said = ", ".join(text for text in (group.label, group.aside) if text)
        lines.append(rf"\multicolumn{{{len(table.shown)}}}{{l}}{{\textit{{{tex(said)}}}}} \\")
    return lines + [_row(table.shown, row) for row in group.rows]


def _row(columns: Sequence[Column], row: Row) -> str:
    if row.note:
        rest = len(columns) - 1
        return rf"{_cell(columns[0], row)} & \multicolumn{{{rest}}}{{l}}{{\textit{{{tex(row.note)}}}}} \\"
    return " & ".join(_cell(column, row) for column in columns) + r" \\"


def _cell(column: Column, row: Row) -> str:
    if column.key not in row.values:
        return ""
    value = row.values[column.key]
    text, interval = tex(column.kind.text(value)), tex(column.kind.interval(value))
    marked = rf"\textbf{{{text}}}" if column.key in row.bold else text
    return f"{marked} {interval}".strip()


def _head(column: Column) -> str:
    """A head of several words in two lines: numbers are narrow, their names are not."""
    words = column.head.split()
    if len(words) < 2 or column.kind.left:
        return tex(column.head)
    half = min(range(1, len(words)), key=lambda cut: max(len(" ".join(words[:cut])), len(" ".join(words[cut:]))))
    return rf"\shortstack[r]{{{tex(' '.join(words[:half]))}\\{tex(' '.join(words[half:]))}}}"


SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "±": r"$\pm$",
    "∞": r"$\infty$",
    "–": "--",
    "%": r"\,\%",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after \\ it would be an option
    "]": "{]}",
    **{letter: "\\" + letter for letter in "&$#_{}"},
}


def tex(text: str) -> str:
    """Text as LaTeX prints it; letters that pdflatex cannot set in its usual fonts become question marks.

    >>> print(tex("my_net 5 % −1"))
    my\\_net 5\\,\\% $-$1
    """
    plain = text.replace(" %", "%")
    return "".join(SPECIAL.get(letter, letter if _printable(letter) else "?") for letter in plain)


def _printable(letter: str) -> bool:
    base = unicodedata.normalize("NFD", letter)[0]  # an accented letter of Latin-1 is printed as letter and accent
    return " " <= letter <= "~" or (letter <= "ÿ" and base.isascii() and base.isalpha())
