"""A report's chapters: one for each study, or the one of a run without studies. Each is analysed on its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reports import contents, figures, sentences
from reports.analysis import Analysis, analyse
from reports.compared import compared
from reports.drawing import Drawn
from reports.figures import Looks, Plate
from reports.parts import Part, parts
from reports.results import Results
from reports.sections import Section, sections
from reports.sources import anchors, sources, within
from reports.tables.table import Table


@dataclass(frozen=True)
class Chapter:
    """One study's analysis, as sections and figures with anchors and files of their own."""

    part: Part
    analysis: Analysis
    sections: Sequence[Section]
    plates: Sequence[Plate]

    @property
    def name(self) -> str:
        """The study's; "" where there are none."""
        return self.part.name

    @property
    def tables(self) -> list[Table]:
        """Every table, in order."""
        return [shown.table for section in self.sections for shown in section.tables]

    def words(self, drawn: Sequence[Drawn]) -> dict[str, Any]:
        """What the page's templates ask for."""
        results = self.part.results
        return {
            "name": self.name,
            "anchor": within(self.name, "study"),
            "title": self.part.title,
            "about": self.part.about,
            "summary": contents.summary(self.analysis),
            "notices": contents.notices(self.analysis),
            "verdicts": sentences.verdicts(self.analysis),
            "silent": sentences.no_verdicts(self.analysis),
            "sections": self.sections,
            "facts": contents.facts(results),
            "endings": contents.endings(results),
            "sources": sources(self.analysis),
            "anchors": anchors(self.analysis),
            "places": {setting: sentences.place(setting) for setting in anchors(self.analysis)},
            "protocol": contents.protocol(results),
            "figures": by_family(drawn, self.sections),
            "ids": {name: within(self.name, name) for name in ("run", "endings", "cells")},
        }


def chapters(results: Results, look: Looks) -> list[Chapter]:
    """The chapters of a report; files of a study lie in a folder of its name."""
    made = []
    for part in parts(results):
        analysis = analyse(part.results)
        shown = sections(analysis)
        plates = figures.plates(part.results, analysis.blocks, look, compared(analysis))
        if part.name:
            shown = [_in_folder(section, part.name) for section in shown]
            plates = [replace(plate, stem=f"{part.name}/{plate.stem}") for plate in plates]
        made.append(Chapter(part, analysis, shown, plates))
    return made


def _in_folder(section: Section, name: str) -> Section:
    tables = [replace(shown, table=replace(shown.table, stem=f"{name}/{shown.table.stem}")) for shown in section.tables]
    return replace(section, tables=tables)


def by_family(drawn: Sequence[Drawn], made: Sequence[Section]) -> Mapping[str, list[Drawn]]:
    """The figures of each section. Raises ValueError where one has no place, so that none is lost unseen."""
    homes = {family: section.anchor for section in made for family in section.families}
    if homeless := {each.plate.family for each in drawn} - homes.keys():
        raise ValueError(f"figures without a section: {', '.join(sorted(homeless))}")
    found: dict[str, list[Drawn]] = {section.anchor: [] for section in made}
    for each in drawn:
        found[homes[each.plate.family]].append(each)
    return found
