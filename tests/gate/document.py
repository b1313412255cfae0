"""Tables in docs/gate.md that commands write, each between its marks."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "gate.md"


def put(name: str, table: str, path: Path = DOCUMENT) -> None:
    """Put a table between ``<!-- trial: NAME -->`` and ``<!-- end: NAME -->``. Raises ValueError without them."""
    text = path.read_text(encoding="utf-8")
    begin, end = f"<!-- trial: {name} -->\n", f"<!-- end: {name} -->"
    head, found, rest = text.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{path}: expected the marks {begin.strip()} and {end}")
    path.write_text(f"{head}{begin}{table}\n{end}{tail}", encoding="utf-8")
