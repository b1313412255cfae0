"""The sections of a report in the order in which a reader asks: what is so, by how much, where, and why not more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reports import contents, deciding, sentences
from reports.analysis import Analysis, Block
from reports.results import Setting
from reports.sentences import Said
from reports.sources import anchors, within
from reports.statistics import LEVEL
from reports.tables import architectures, choices, comparisons, methods, tasks
from reports.tables.headline import headline
from reports.tables.table import Table
from reports.wording import distinct


@dataclass(frozen=True)
class Shown:
    """A table in its section."""

    table: Table
    heading: bool = True
    folded: bool = False
    notes: Sequence[str] = ()  # below it
    only_files: bool = False  # too long for the page


@dataclass(frozen=True)
class Section:
    """One section: words, verdicts, tables, then the figures of some families."""

    anchor: str
    title: str
    lead: Sequence[str] = ()
    verdicts: Sequence[Said] = ()
    tables: Sequence[Shown] = ()
    families: Sequence[str] = ()


def sections(analysis: Analysis) -> list[Section]:
    """Every section that has something to say."""
    ids = anchors(analysis)
    made = [
        _verdicts(analysis),
        *_choices(analysis),
        _headline(analysis, ids),
        *([_tasks(analysis)] if analysis.tasks else []),
        _comparison(analysis),
        _cells(analysis, ids),
        _bayes(analysis),
        _robust(analysis),
        _ranks(analysis),
        _clients(analysis),
        _architectures(analysis),
        _costs(analysis),
        _threats(analysis),
        Section("curves", "Over rounds", families=["accuracy-rounds", "loss-rounds", "global-rounds"]),
        Section("data", "Who holds what", families=["partition"]),
    ]
    return [replace(section, anchor=within(analysis.results.study, section.anchor)) for section in made]


def _verdicts(analysis: Analysis) -> Section:
    absent = sentences.no_verdicts(analysis)
    if absent:
        return Section("verdicts", "Verdicts", [absent])
    lead = [
        f"Each algorithm against {analysis.reference}, the suite's reference, in client accuracy: mean difference over "
        f"replicates of their means over cells. The intervals hold together with {100 * LEVEL:g} %. {sentences.RULE}"
    ]
    tables = [
        Shown(comparisons.verdicts("verdicts", "The same as a table", analysis.verdicts), folded=True),
    ]
    if analysis.block_verdicts:
        table = comparisons.verdicts("verdicts-blocks", "Block by block", analysis.block_verdicts)
        tables.append(Shown(table, notes=["These intervals hold together too, over all rows of this table."]))
    if analysis.general:
        table = comparisons.verdicts(
            "verdicts-global",
            "The global models",
            analysis.general,
            "accuracy of the global model on the global test set",
        )
        note = "Secondary: its intervals hold together among themselves, not together with those above."
        tables.append(Shown(table, notes=[note, *_without_global(analysis)]))
    return Section("verdicts", "Verdicts", lead, sentences.verdicts(analysis), tables)


def _choices(analysis: Analysis) -> list[Section]:
    """What each choice of a variant changes; nothing where no variants are declared."""
    found = analysis.choices
    if found is None:
        return []
    tables = [Shown(table, folded=table.stem.startswith("choices-cells")) for table in choices.tables(found)]
    return [Section("choices", "Effects of choices", deciding.paragraphs(found), tables=tables)]


def _without_global(analysis: Analysis) -> list[str]:
    without = [each.first for each in analysis.pairs if each.first not in {j.pair.first for j in analysis.general}]
    return [f"Without a global model on both sides: {', '.join(without)}."] if without else []


def _headline(analysis: Analysis, ids: Mapping[Setting, str]) -> Section:
    if not analysis.numbered:
        return Section("headline", "Headline", ["No block has numbers."])
    lead = [
        f"Accuracies in per cent at the headline round, in brackets the {100 * LEVEL:g} % t interval over replicates, "
        "means over what all algorithms of the block finished. In bold the best and everything that is not separable "
        f"from it: with {100 * LEVEL:g} % the truly best one is among these. Differences: in points, paired."
    ]
    made = [headline(block, ids) for block in analysis.numbered]
    stems = distinct([table.stem for table in made])
    tables = [
        Shown(replace(table, stem=stem), notes=_block_notes(block))
        for block, table, stem in zip(analysis.numbered, made, stems, strict=True)
    ]
    return Section("headline", "Headline", lead, tables=tables, families=["planes"])


def _block_notes(block: Block) -> list[str]:
    notes = [f"Without numbers here: {name}, {outcome}." for name, outcome in block.absent]
    gaps = contents.gaps(block)
    if gaps:
        notes.append(
            f"Missing pairs: {'; '.join(gaps)}. What one of the compared algorithms lacks counts for none of them."
        )
    return notes


def _tasks(analysis: Analysis) -> Section:
    lead = [
        "Clients have tasks of their own, and every head is private: a client's model is scored on its own task's "
        "classes, and no model is everyone's."
    ]
    tables = [Shown(tasks.by_task(analysis), heading=False)]
    if analysis.task_verdicts:
        judged = comparisons.verdicts(
            "verdicts-tasks", f"Task by task against {analysis.reference}", analysis.task_verdicts,
            "client accuracy on the task",
        )  # fmt: skip
        note = "Secondary: these intervals hold together among themselves, not together with those of the verdicts."
        tables.append(Shown(judged, notes=[note]))
    return Section("tasks", "By task", lead, tables=tables)


def _comparison(analysis: Analysis) -> Section:
    if analysis.matrix is None:
        return Section("comparison", "All against all", ["No two algorithms finished the same cell."])
    return Section(
        "comparison",
        "All against all",
        tables=[Shown(comparisons.matrix(analysis), heading=False)],
        families=["matrix"],
    )


def _cells(analysis: Analysis, ids: Mapping[Setting, str]) -> Section:
    families = ["differences", "accuracy-alpha", "accuracy-algorithm"]
    if not analysis.cells:
        return Section("differences", "Cell by cell", ["No cell was finished by two algorithms."], families=families)
    table = Shown(comparisons.cells(analysis, ids), heading=False, folded=True)
    return Section("differences", "Cell by cell", tables=[table], families=families)


def _bayes(analysis: Analysis) -> Section:
    lead = [
        "The p-values above cannot speak for equality; these probabilities can. They are over cells, and too sure of "
        "few: with 5 cells and no difference the test is beyond .975 in 13 % of cases, with 20 in 5 %."
    ]
    if not analysis.bayes:
        return Section("bayes", "Probabilities", ["No pair has more than one cell: there is nothing to judge."])
    return Section("bayes", "Probabilities", lead, tables=[Shown(comparisons.bayes(analysis), heading=False)])


def _robust(analysis: Analysis) -> Section:
    if not analysis.fields:
        return Section("robust", "Interquartile means", ["No two algorithms ran in the same cells."])
    lead = ["A mean hangs on a few cells; the mean of the middle half does not, and a profile shows the whole spread."]
    tables = [
        Shown(methods.robust(analysis), heading=False),
        Shown(methods.profile(analysis), heading=False, only_files=True),
    ]
    return Section("robust", "Interquartile means", lead, tables=tables)


def _ranks(analysis: Analysis) -> Section:
    lead = [
        *(sentences.ranking(field) for field in analysis.fields),
        "Ranks are descriptive: whether two algorithms differ in rank depends on which others take part.",
    ]
    ranked = any(field.ranking for field in analysis.fields)
    tables = [Shown(methods.ranks(analysis), heading=False)] if ranked else []
    return Section("ranks", "Mean ranks", lead, tables=tables, families=["ranks"])


def _clients(analysis: Analysis) -> Section:
    if not analysis.clients:
        return Section("clients", "Clients", ["No draw was finished by all algorithms of a block."])
    return Section("clients", "Clients", tables=[Shown(methods.clients(analysis), heading=False)], families=["clients"])


def _architectures(analysis: Analysis) -> Section:
    tables = [Shown(architectures.architectures(analysis), heading=False)] if analysis.architectures else []
    if analysis.companies:
        tables.append(Shown(architectures.company(analysis.companies), notes=[architectures.CHECK]))
    return Section("architectures", "By architecture", tables=tables)


def _costs(analysis: Analysis) -> Section:
    if not analysis.costs:
        return Section("costs", "Cost", ["No draw was finished by all algorithms of a block."])
    machines = methods.machines(analysis)
    lead = [f"Seconds were measured on: {'; '.join(machines)}."] if machines else []
    return Section(
        "costs", "Cost", lead, tables=[Shown(methods.costs(analysis), heading=False)],
        families=["target", "accuracy-bytes", "accuracy-time"],
    )  # fmt: skip


def _threats(analysis: Analysis) -> Section:
    tables = [Shown(contents.threats(analysis), heading=False)]
    missing = comparisons.missing(analysis)
    if missing.rows:
        tables.append(Shown(missing, folded=True))
    return Section("threats", "Threats", ["What each guard saw; those that fired come first."], tables=tables)
