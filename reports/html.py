"""From a result folder to its report: one page that opens offline, the same in Markdown, figures and tables."""

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bench.records.store import StoreError, save
from reports import contents, tables, wording
from reports.blocks import LOCAL, Block, blocks
from reports.figures import Panel, Plate, files, inline, plates
from reports.results import Results, read
from reports.style import looks

TEMPLATES = Path(__file__).parent / "templates"
OURS = re.compile(
    r"(headline|accuracy|clients|differences|global|loss|matrix|partition|planes|ranks|target)-.*\.(csv|tex|svg|pdf|png)"
)
"""Files an earlier rendering may have left; one that is not written again would show what is no longer so."""


@dataclass(frozen=True)
class Section:
    """A block of the headline table with the names of its files."""

    block: Block
    stem: str
    gaps: Sequence[str]
    compared: bool  # whether any row has a difference to Local


@dataclass(frozen=True)
class Shown:
    """A plate with its drawings for the page."""

    plate: Plate
    panels: Sequence[tuple[Panel, Markup]]  # with its <svg>
    legend: Sequence[tuple[str, Markup]]  # name, <svg>


def render(out: Path, results: Results | None = None) -> Path:
    """Write OUT/report anew from the cell files (or from `results`, as read from them); returns the page's path.

    Where nothing has finished the page says so and how the cells ended. Raises NotResults for a folder that no run
    wrote, and StoreError where files cannot be read or written.
    """
    results = results or read(out)
    report = Path(out) / "report"
    found = blocks(results)
    numbered = [block for block in found if block.groups]
    look = looks(results.axis("algorithm"))
    drawn = plates(results, found, look)
    table_stems = wording.distinct([tables.stem(block) for block in numbered])
    with _explained(report):
        written = []
        for folder in ("figures", "tables"):
            (report / folder).mkdir(parents=True, exist_ok=True)
        for plate in drawn:
            written += files.write(plate, report / "figures")
        written += tables.write(numbered, table_stems, report / "tables")
        _clear(report, written)
    sections = [_section(block, stem) for block, stem in zip(numbered, table_stems, strict=True)]
    shown = [_shown(plate) for plate in drawn]
    words = _words(results, found, sections, shown)
    words["tidy"] = (Path(out) / "tidy" / "runs.csv").is_file()
    save(report / "report.md", _markdown().get_template("report.md.j2").render(words))
    page = report / "report.html"
    save(page, _pages().get_template("report.html.j2").render(words, style=Markup(_read("style.css"))))
    return page


def _words(
    results: Results, found: Sequence[Block], sections: Sequence[Section], shown: Sequence[Shown]
) -> dict[str, Any]:
    return {
        "title": contents.title(results),
        "facts": contents.facts(results),
        "notices": contents.notices(results, found),
        "sections": sections,
        "figures": shown,
        "endings": contents.endings(results),
        "protocol": contents.protocol(results),
        "provenance": contents.provenance(results),
        "command": contents.command(results),
        "local": LOCAL,
    }


def _section(block: Block, stem: str) -> Section:
    compared = any(row.to_local for group in block.groups for row in group.rows)
    return Section(block, stem, contents.gaps(block), compared)


def _shown(plate: Plate) -> Shown:
    panels = [
        (panel, Markup(inline.element(panel.draw(), f"{plate.stem}-{place}")))
        for place, panel in enumerate(plate.panels)
    ]
    legend = [
        (name, Markup(inline.swatch(one, f"{plate.stem}-key-{place}"))) for place, (name, one) in enumerate(plate.key)
    ]
    return Shown(plate, panels, legend)


def _clear(report: Path, written: Iterable[Path]) -> None:
    kept = set(written)
    for folder in ("figures", "tables"):
        for path in (report / folder).iterdir():
            if path not in kept and OURS.fullmatch(path.name):
                path.unlink()


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _pages() -> jinja2.Environment:
    return _environment(autoescape=True)


def _markdown() -> jinja2.Environment:
    return _environment(autoescape=False, finalize=_plain)


def _environment(**options: Any) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )
    numbers: list[Callable[..., str]] = [wording.percent, wording.points, wording.interval]
    environment.filters.update({write.__name__: _safe(write) for write in numbers})
    environment.filters.update(level=wording.level, counted=wording.counted, listed=wording.listed)
    return environment


def _safe(write: Callable[..., str]) -> Callable[..., Markup]:
    """Numbers hold no markup, so their brackets need no escape."""
    return lambda *args, **kwargs: Markup(write(*args, **kwargs))


def _plain(value: object) -> object:
    """Text from outside as Markdown prints it: no markup, one line. What is marked safe passes.

    >>> print(_plain("a|b <i> *c*"))
    a\\|b &lt;i&gt; \\*c\\*
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = " ".join(value.split()) if value.strip() else value
    text = re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@contextlib.contextmanager
def _explained(report: Path) -> Iterator[None]:
    """Turn the system's errors into one that command lines know."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot write the report in {report}: {error.strerror or error}") from error
