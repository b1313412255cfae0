"""The headline table of a block: what each algorithm reached, what it took, and what may be the best."""

from collections.abc import Mapping

from reports.blocks import LOCAL, MEASURES, Block, Group
from reports.blocks import Row as Line
from reports.results import Setting
from reports.statistics import LEVEL
from reports.tables import table
from reports.tables.kinds import COUNT, MIB, PERCENT, POINTS, ROUNDS, SECONDS, TEXT, Value
from reports.tables.table import Column, Table
from reports.wording import level, slug

MEAN = "mean"
"""What stands for alpha in the rows that average over several."""
COLUMNS = (
    Column("alpha", "alpha", TEXT, shown=False),
    Column("algorithm", "algorithm", TEXT),
    Column("replicates", "replicates", COUNT, shown=False),
    Column("accuracy", "client accuracy", PERCENT),
    Column("worst10", "worst 10 %", PERCENT),
    Column("global_accuracy", "global accuracy", PERCENT),
    Column("personal_global", "personal on global", PERCENT),
    Column("to_local", "minus local", POINTS),
    Column("rounds", "rounds to target", ROUNDS),
    Column("sent", "MiB sent", MIB),
    Column("seconds", "train seconds", SECONDS),
    Column("floor", "majority floor", PERCENT, shown=False),
)


def headline(block: Block, ids: Mapping[Setting, str]) -> Table:
    """One group per alpha, then the mean over them; per cent, points, MiB and seconds of a whole run."""
    compared = any(row.to_local for group in block.groups for row in group.rows)
    reached = any(row.rounds for group in block.groups for row in group.rows)
    hidden = {*(() if compared else ("to_local",)), *(() if reached else ("rounds",))}
    hidden |= {"global_accuracy"} if block.tasks else set()  # no model is everyone's
    places = {level.alpha: ids[block.setting(level)] for level in block.levels}
    return Table(
        stem=slug("headline", block.dataset, block.partition, block.zoo),
        title=block.name,
        caption=caption(block),
        columns=[column for column in COLUMNS if column.key not in hidden],
        groups=[_group(block, group, places) for group in block.groups],
    )


def level_of(group: Group) -> str:
    """What a group of the table is about, as CSV has it."""
    return level(group.alphas[0]) if len(group.alphas) == 1 else MEAN


def caption(block: Block) -> str:
    """What the table shows, for print."""
    sizes = sorted({len(group.replicates) for group in block.groups if group.replicates})
    if not sizes:
        over = "nothing to compare"
    elif sizes == [1]:
        over = "one replicate, hence no intervals"
    else:
        count = f"{sizes[0]} to {sizes[-1]}" if len(sizes) > 1 else f"{sizes[0]}"
        over = f"mean over {count} replicates with {100 * LEVEL:g} % t intervals"
    own = " Heads are private; personal on global: on the test images of the client's task." if block.tasks else ""
    target = "" if block.target is None else f" Rounds: median until {100 * block.target:g} % client accuracy."
    return (
        f"Accuracy (%) on {block.dataset}, partition {block.partition}, zoo {block.zoo}: {over}. Bold: the best and "
        f"all that is not separable from it.{own}{target} MiB and seconds: of a whole run, all clients."
    )


def _group(block: Block, group: Group, places: Mapping[float | None, str]) -> table.Group:
    if len(group.alphas) > 1:
        label = f"mean over alpha {', '.join(level(alpha) for alpha in group.alphas)}"
    else:
        label = block.partition if group.alphas[0] is None else f"alpha {level(group.alphas[0])}"
    count = len(group.replicates)
    rows = [_row(group, line) for line in group.rows]
    if group.floor is not None:
        values: dict[str, Value] = {"alpha": level_of(group), "algorithm": "majority floor", "accuracy": group.floor}
        rows.append(table.Row(values, muted=True))
    return table.Group(
        rows=rows,
        label=label,
        aside=f"{count} replicate{'' if count == 1 else 's'}",
        cells=places[group.alphas[0]] if len(group.alphas) == 1 else "",
    )


def _row(group: Group, line: Line) -> table.Row:
    counted: dict[str, Value] = {
        "alpha": level_of(group),
        "algorithm": line.algorithm,
        "replicates": len(group.replicates) if line.accuracy else 0,
        "floor": group.floor,
    }
    if line.note:
        return table.Row(counted, note=line.note)
    numbers: dict[str, Value] = {key: getattr(line, key) for key in (*MEASURES, "rounds", "sent", "seconds")}
    if line.algorithm != LOCAL:
        numbers["to_local"] = line.to_local
    return table.Row(counted | numbers, bold=line.best)
