"""The table of clients' tasks, each by itself."""

from reports.analysis import Analysis
from reports.analysis.tasks import TaskRow
from reports.statistics import LEVEL
from reports.tables.kinds import PERCENT, POINTS, TEXT, Value
from reports.tables.table import Column, Group, Row, Table
from reports.wording import counted

COLUMNS = (
    Column("block", "block", TEXT, shown=False),
    Column("task", "task", TEXT, shown=False),
    Column("algorithm", "algorithm", TEXT),
    Column("accuracy", "client accuracy", PERCENT),
    Column("to_local", "minus local", POINTS),
)


def by_task(analysis: Analysis) -> Table:
    """Every algorithm on every task, block by block and task by task."""
    groups = []
    for held in analysis.tasks:
        for task in held.block.tasks:
            rows = [_row(held.block.name, each) for each in held.rows if each.task == task]
            groups.append(Group(rows, f"task {task} of {held.block.name}", counted(held.replicates, "replicate")))
    caption = (
        "Client accuracy (%) of each task: mean over the clients that have it, each with its own head, then over "
        f"alphas; with {100 * LEVEL:g} % t intervals over replicates. Minus local: in points, paired. Tasks differ in "
        "how many classes there are to tell apart: accuracies of different tasks do not compare."
    )
    return Table("tasks", "By task", caption, COLUMNS, groups)


def _row(block: str, held: TaskRow) -> Row:
    values: dict[str, Value] = {"block": block, "task": held.task, "algorithm": held.algorithm}
    return Row(values | {"accuracy": held.accuracy, "to_local": held.to_local})
