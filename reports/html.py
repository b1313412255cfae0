"""From a result folder to its report: one page that opens offline, the same in Markdown, figures and tables."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bench.records.store import StoreError, save
from reports import contents, drawing, frameworks, wording
from reports.chapters import Chapter, chapters
from reports.drawing import Drawn
from reports.results import Results, read
from reports.style import looks
from reports.tables.files import write as write_tables

TEMPLATES = Path(__file__).parent / "templates"


def render(out: Path, results: Results | None = None, width: float | None = None) -> Path:
    """Write OUT/report anew from the cell files (or from `results`, as read from them); returns the page's path.

    `width` is that of the figures' files in inches; None: the one that suits each. Where nothing has finished the page
    says so and how the cells ended. Raises NotResults for a folder that no run wrote, and StoreError where files cannot
    be read or written.
    """
    results = results or read(out)
    report = Path(out) / "report"
    made = chapters(results, looks(results.axis("algorithm")))
    drawn: list[list[Drawn]] = []
    with _explained(report):
        for chapter in made:
            for folder in ("figures", "tables"):
                (report / folder / chapter.name).mkdir(parents=True, exist_ok=True)
            drawn.append(drawing.draw(chapter.plates, report / "figures", width, first=sum(map(len, drawn))))
        written = [path for some in drawn for each in some for path in each.files]
        written += write_tables([table for chapter in made for table in chapter.tables], report / "tables")
        _clear(report, written)
    words = _words(results, made, drawn)
    words["frameworks"] = frameworks.read(Path(out))
    words["tidy"] = (Path(out) / "tidy" / "runs.csv").is_file()
    save(report / "report.md", environment(markdown=True).get_template("report.md.j2").render(words))
    page = report / "report.html"
    save(page, environment().get_template("report.html.j2").render(words, style=Markup(style())))
    return page


def _words(results: Results, made: Sequence[Chapter], drawn: Sequence[Sequence[Drawn]]) -> dict[str, Any]:
    told = [chapter.words(some) for chapter, some in zip(made, drawn, strict=True)]
    protocols = {chapter["name"]: chapter.pop("protocol") for chapter in told}
    agreed = [each for each in protocols[told[0]["name"]] if all(each in other for other in protocols.values())]
    for chapter in told:  # a study's own rules stand in its chapter, those of all at the end of the page
        chapter["protocol"] = [each for each in protocols[chapter["name"]] if each not in agreed]
    return {
        "title": contents.title(results),
        "summary": contents.of_studies(results) if results.studies else told[0]["summary"],
        "notices": contents.of_the_folder(results) if results.studies else told[0]["notices"],
        "chapters": told,
        "studies": bool(results.studies),
        "protocol": agreed,
        "provenance": contents.provenance(results),
        "commands": contents.commands(results),
    }


FAMILIES = (
    *("accuracy", "loss", "global", "partition", "planes", "clients", "target", "differences", "matrix", "ranks"),
    *("headline", "verdicts", "comparison", "bayes", "iqm", "profile", "costs", "threats", "missing", "all"),
    *("architectures", "company"),
    *("headline", "verdicts", "comparison", "bayes", "iqm", "profile", "costs", "threats", "missing", "all", "choices"),
)
OURS = re.compile(rf"({'|'.join(FAMILIES)})(-.*)?\.(csv|md|tex|svg|pdf|png)")
"""Files an earlier rendering may have left; one that is not written again would show what is no longer so."""


def _clear(report: Path, written: Iterable[Path]) -> None:
    kept = set(written)
    for folder in ("figures", "tables"):
        for path in sorted((report / folder).rglob("*"), reverse=True):  # what is in a folder before the folder
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
            elif path.is_file() and path not in kept and OURS.fullmatch(path.name):
                path.unlink()


def style() -> str:
    """The style sheet of all pages."""
    return (TEMPLATES / "style.css").read_text(encoding="utf-8")


def environment(markdown: bool = False) -> jinja2.Environment:
    """Templates with what they need; text from outside is escaped for the language they write."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=not markdown,
        finalize=_plain if markdown else None,
    )
    named: Mapping[str, Any] = {
        "percent": lambda value: Markup(wording.percent(value)),
        "level": wording.level,
        "counted": wording.counted,
        "listed": wording.listed,
    }
    made.filters.update(named)
    return made


def _plain(value: object) -> object:
    """Text from outside as Markdown prints it. What is marked safe passes."""
    return value if not isinstance(value, str) or isinstance(value, Markup) else wording.markdown(value)


@contextlib.contextmanager
def _explained(report: Path) -> Iterator[None]:
    """Turn the system's errors into one that command lines know."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot write the report in {report}: {error.strerror or error}") from error
