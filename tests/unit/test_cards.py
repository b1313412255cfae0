"""Fidelity cards: every algorithm has one, and the lines that a card quotes are in the code."""

import re
from pathlib import Path

import pytest

from bench.registry import ALGORITHMS

ROOT = Path(__file__).resolve().parents[2]
CARDS = sorted((ROOT / "docs" / "algorithms").glob("*.md"))


def quoted(card: str) -> list[tuple[str, str]]:
    """(file, line of code) of each row of a table whose head says "line in `file`"."""
    found, file = [], None
    for row in card.splitlines():
        if head := re.fullmatch(r"\|.*\| line in `(.+)` \|", row):
            file = head[1]
        elif not row.startswith("|"):
            file = None
        elif file and not row.startswith("|---"):
            code = re.search(r"\| `([^`]+)` \|$", row)
            assert code, f"expected a row that ends with a line of code: {row}"
            found.append((file, code[1]))
    return found


def test_every_algorithm_that_ships_has_a_card() -> None:
    shipped = {entry.name for entry in ALGORITHMS.entries().values() if entry.origin.startswith("algorithms/")}
    assert {name for name in shipped if ":" not in name} <= {card.stem for card in CARDS}


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.stem)
def test_the_lines_that_a_card_quotes_are_in_the_code(card: Path) -> None:
    for file, line in quoted(card.read_text(encoding="utf-8")):
        assert line in (ROOT / file).read_text(encoding="utf-8"), f"{file} has no line {line}"


def test_a_quoted_line_that_is_gone_would_be_noticed() -> None:
    ditto = (ROOT / "docs" / "algorithms" / "ditto.md").read_text(encoding="utf-8")
    assert ("algorithms/ditto.py", "return of_global + of_personal + self.lam / 2 * distance") in quoted(ditto)
