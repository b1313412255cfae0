"""What the results say, before it is printed: blocks, verdicts, matrix, tests, costs and the guards that fired.

Pure: from `Results` to frozen values, without files, figures or markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from reports.analysis import against
from reports.analysis.against import Bayes, CellDifference, Judged
from reports.analysis.architectures import ArchitectureTable, Company, architecture_tables, companies
from reports.analysis.choices import Choices, choices
from reports.analysis.clients import ClientTable, client_tables
from reports.analysis.costs import CostTable, cost_tables
from reports.analysis.fields import Field, fields
from reports.analysis.guards import Guard, guards
from reports.analysis.matrix import Matrix, matrix
from reports.analysis.pairs import Pair, global_accuracy, index
from reports.analysis.tasks import TaskTable, task_tables, task_verdicts
from reports.blocks import Block, blocks
from reports.results import Results, Setting

__all__ = [
    "Analysis",
    "ArchitectureTable",
    "Bayes",
    "Block",
    "CellDifference",
    "Choices",
    "ClientTable",
    "Company",
    "CostTable",
    "Field",
    "Guard",
    "Judged",
    "Matrix",
    "Pair",
    "TaskTable",
    "analyse",
]


@dataclass(frozen=True)
class Analysis:
    """Everything that a report prints. Differences are other minus reference, in fractions."""

    results: Results
    reference: str  # as the suite names it
    blocks: Sequence[Block]
    pairs: Sequence[Pair]  # with the reference; none where it finished nothing
    verdicts: Sequence[Judged]  # one per pair, over all its cells
    block_verdicts: Sequence[Judged]  # the same within each block, where there are several
    general: Sequence[Judged]  # the verdicts on global accuracy: secondary
    cells: Sequence[CellDifference]
    matrix: Matrix | None
    bayes: Sequence[Bayes]
    fields: Sequence[Field]
    clients: Sequence[ClientTable]
    architectures: Sequence[ArchitectureTable]
    companies: Sequence[Company]
    costs: Sequence[CostTable]
    guards: Sequence[Guard]
    choices: Choices | None  # None: the suite declares no variants of what takes part
    tasks: Sequence[TaskTable] = ()  # where clients have tasks of their own
    task_verdicts: Sequence[Judged] = ()  # the verdicts on each of them: secondary

    @cached_property
    def finished(self) -> bool:
        """Whether any cell has."""
        return any(run.score for run in self.results.runs)

    @property
    def numbered(self) -> list[Block]:
        """The blocks with numbers."""
        return [block for block in self.blocks if block.groups]


def analyse(results: Results) -> Analysis:
    """The analysis of a result folder."""
    found = blocks(results)
    runs = index(results.runs)
    algorithms = results.axis("algorithm")
    settings = [block.setting(level) for block in found for level in block.levels]
    reference = str(results.suite.get("reference", ""))
    pairs = against.pairs(reference, algorithms, runs, settings)
    verdicts = against.judge(pairs)
    all_against_all = matrix(algorithms, runs, settings)
    costs = cost_tables(found)
    return Analysis(
        results=results,
        reference=reference,
        blocks=found,
        pairs=pairs,
        verdicts=verdicts,
        block_verdicts=against.by_block(pairs, _by_block(found)) if len(found) > 1 else [],
        general=against.judge(against.pairs(reference, algorithms, runs, settings, global_accuracy)),
        cells=against.cell_differences(pairs),
        matrix=all_against_all,
        bayes=against.bayes(pairs),
        fields=fields(found),
        clients=client_tables(found),
        architectures=architecture_tables(found),
        companies=companies(found),
        costs=costs,
        guards=guards(results, found, verdicts, all_against_all, costs),
        choices=choices(results.suite, runs, settings),
        tasks=task_tables(found),
        task_verdicts=task_verdicts(reference, algorithms, runs, settings, found),
    )


def _by_block(found: Sequence[Block]) -> dict[str, list[Setting]]:
    return {block.name: [block.setting(level) for level in block.levels] for block in found}
