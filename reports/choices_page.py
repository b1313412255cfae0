"""The effects of choices of several runs as Markdown, for a document of the project."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from bench.records.store import StoreError, save
from reports import contents, deciding, kept, results
from reports.analysis.choices import choices
from reports.analysis.pairs import index
from reports.blocks import blocks
from reports.results import NotResults, Results
from reports.tables import choices as tables
from reports.tables.files import markdown
from reports.wording import counted, level, listed

BEGIN, END = "<!-- bench.choices: begin -->", "<!-- bench.choices: end -->"


def page(folders: Sequence[Path]) -> str:
    """Markdown: one part per result folder (or folder of kept tables). Raises NotResults, StoreError."""
    return "\n".join(part(kept.read(each) if kept.is_kept(each) else results.read(each)) for each in folders)


def part(found: Results) -> str:
    """One run: what was run, what decides, and the tables. Raises NotResults where no variants were declared."""
    settings = [block.setting(each) for block in blocks(found) for each in block.levels]
    effects = choices(found.suite, index(found.runs), settings)
    if effects is None:
        raise NotResults(f"suite {found.name}: expected finished [variants] of algorithms that take part, found none")
    lines = [f"## {listed(found.axis('dataset'))}", _what(found), *deciding.paragraphs(effects)]
    for table in tables.tables(effects):
        lines += [f"### {table.title}", markdown(table).rstrip()]
    return "\n\n".join(lines) + "\n"


def _what(found: Results) -> str:
    done, declared = found.counts["done"], found.suite.get("replicates", 0)
    ended = [
        f"{status} {name} at alpha {level(alpha)}, zoo {zoo}: {number}"
        for (status, name, alpha, zoo), number in Counter(
            (run.status, run.algorithm, run.alpha, run.zoo) for run in found.runs if run.status != "done"
        ).items()
    ]
    alphas = listed([level(alpha) for alpha in found.axis("alpha")])
    return (
        f"Suite {found.name}: {counted(done, 'finished cell')}, {counted(int(declared), 'replicate')}, "
        f"{listed(found.axis('partition'))} with alpha {alphas}, zoos {listed(found.axis('zoo'))}. "
        f"{contents.training(found.suite.get('training') or {})}. "
        f"{'Did not finish: ' + '; '.join(ended) if ended else 'All finished'}."
    )


def put(text: str, path: Path) -> None:
    """Put the text between the two marks of a document. Raises StoreError where it has none."""
    try:
        before = path.read_text(encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}") from error
    if before.count(BEGIN) != 1 or before.count(END) != 1 or before.index(BEGIN) > before.index(END):
        raise StoreError(f"{path}: expected one line '{BEGIN}' and, below it, one '{END}'")
    head, tail = before.split(BEGIN)[0], before.split(END)[1]
    save(path, f"{head}{BEGIN}\n\n{text}\n{END}{tail}")
