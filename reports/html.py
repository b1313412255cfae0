"""From a result folder to its report: one page that opens offline, the same in Markdown, figures and tables."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bench.records.store import StoreError, save
from reports import contents, drawing, figures, sentences, wording
from reports.analysis import Analysis, analyse
from reports.compared import compared
from reports.drawing import Drawn
from reports.results import Results, read
from reports.sections import Section, sections
from reports.sources import anchors, sources
from reports.style import looks
from reports.tables.files import write as write_tables

TEMPLATES = Path(__file__).parent / "templates"


def render(out: Path, results: Results | None = None, width: float | None = None) -> Path:
    """Write OUT/report anew from the cell files (or from `results`, as read from them); returns the page's path.

    `width` is that of the figures' files in inches; None: the one that suits each. Where nothing has finished the page
    says so and how the cells ended. Raises NotResults for a folder that no run wrote, and StoreError where files cannot
    be read or written.
    """
    analysis = analyse(results or read(out))
    report = Path(out) / "report"
    look = looks(analysis.results.axis("algorithm"))
    plates = figures.plates(analysis.results, analysis.blocks, look, compared(analysis))
    made = sections(analysis)
    with _explained(report):
        for folder in ("figures", "tables"):
            (report / folder).mkdir(parents=True, exist_ok=True)
        drawn = drawing.draw(plates, report / "figures", width)
        written = [path for each in drawn for path in each.files]
        written += write_tables([shown.table for each in made for shown in each.tables], report / "tables")
        _clear(report, written)
    words = _words(analysis, made)
    words["tidy"] = (Path(out) / "tidy" / "runs.csv").is_file()
    words["figures"] = _by_family(drawn, made)
    save(report / "report.md", environment(markdown=True).get_template("report.md.j2").render(words))
    page = report / "report.html"
    save(page, environment().get_template("report.html.j2").render(words, style=Markup(style())))
    return page


def _words(analysis: Analysis, made: Sequence[Section]) -> dict[str, Any]:
    results = analysis.results
    return {
        "title": contents.title(results),
        "summary": contents.summary(analysis),
        "notices": contents.notices(analysis),
        "sections": made,
        "facts": contents.facts(results),
        "endings": contents.endings(results),
        "sources": sources(analysis),
        "anchors": anchors(analysis),
        "places": {setting: sentences.place(setting) for setting in anchors(analysis)},
        "protocol": contents.protocol(results),
        "provenance": contents.provenance(results),
        "commands": contents.commands(results),
    }


def _by_family(drawn: Sequence[Drawn], made: Sequence[Section]) -> dict[str, list[Drawn]]:
    """The figures of each section. Raises ValueError where one has no place, so that none is lost unseen."""
    homes = {family: section.anchor for section in made for family in section.families}
    if homeless := {each.plate.family for each in drawn} - homes.keys():
        raise ValueError(f"figures without a section: {', '.join(sorted(homeless))}")
    found: dict[str, list[Drawn]] = {section.anchor: [] for section in made}
    for each in drawn:
        found[homes[each.plate.family]].append(each)
    return found


FAMILIES = (
    *("accuracy", "loss", "global", "partition", "planes", "clients", "target", "differences", "matrix", "ranks"),
    *("headline", "verdicts", "comparison", "bayes", "iqm", "profile", "costs", "threats", "missing", "all", "choices"),
)
OURS = re.compile(rf"({'|'.join(FAMILIES)})(-.*)?\.(csv|md|tex|svg|pdf|png)")
"""Files an earlier rendering may have left; one that is not written again would show what is no longer so."""


def _clear(report: Path, written: Iterable[Path]) -> None:
    kept = set(written)
    for folder in ("figures", "tables"):
        for path in (report / folder).iterdir():
            if path not in kept and OURS.fullmatch(path.name):
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
