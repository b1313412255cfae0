"""Tables of clients by the net they own."""

from collections.abc import Sequence

from reports.analysis import Analysis
from reports.analysis.architectures import Company
from reports.statistics import LEVEL
from reports.tables.kinds import COUNT, PERCENT, POINTS, TEXT, Value
from reports.tables.table import Column, Group, Row, Table
from reports.wording import counted, listed

ARCHITECTURES = (
    Column("block", "block", TEXT, shown=False),
    Column("algorithm", "algorithm", TEXT),
    Column("architecture", "net", TEXT),
    Column("clients", "clients", COUNT),
    Column("accuracy", "client accuracy", PERCENT),
    Column("to_local", "minus local", POINTS),
)


def architectures(analysis: Analysis) -> Table:
    """Accuracy of each net's clients, block by block."""
    groups = []
    for held in analysis.architectures:
        rows = []
        for each in held.rows:
            values: dict[str, Value] = {"block": held.block.name}
            values |= {column.key: getattr(each, column.key) for column in ARCHITECTURES[1:-1]}
            if each.to_local is not None:
                values["to_local"] = each.to_local
            rows.append(Row(values))
        groups.append(Group(rows, held.block.name, counted(held.draws, "draw")))
    caption = (
        "Client accuracy (%) by the net that a client owns, whichever model it is given: mean over its clients, and "
        f"the difference to training alone (points), with {100 * LEVEL:g} % t intervals over replicates."
    )
    return Table("architectures", "By architecture", caption, ARCHITECTURES, groups)


CHECK = (
    "The clients that own the same net in both zoos, on the same draws: what the others' nets do to them, in points. "
    "Training alone is the check: nothing reaches it, so it cannot differ."
)
"""What stands below the table of companies."""
COMPANY = (
    Column("zoo", "zoo", TEXT, shown=False),
    Column("beside", "beside", TEXT, shown=False),
    Column("algorithm", "algorithm", TEXT),
    Column("architecture", "net", TEXT),
    Column("clients", "clients", COUNT),
    Column("verdict", "verdict", TEXT),
    Column("difference", "difference", POINTS),
    Column("replicates", "replicates", COUNT),
)


def company(found: Sequence[Company]) -> Table:
    """Clients with the same net in two zoos of the same draws, one minus the other."""
    groups: dict[str, list[Row]] = {}
    for each in found:
        values: dict[str, Value] = {
            "zoo": each.block.zoo,
            "beside": each.beside.zoo,
            "algorithm": each.algorithm,
            "architecture": each.architecture,
            "clients": each.clients,
            "verdict": each.verdict,
            "difference": each.estimate,
            "replicates": each.estimate.n,
        }
        changed = f"{counted(len(each.others), 'client')} with {listed(sorted(set(each.others)))} instead"
        place = f"{each.block.dataset}, {each.block.partition}: zoo {each.block.zoo} minus zoo {each.beside.zoo}"
        groups.setdefault(f"{place} ({changed})", []).append(Row(values))
    caption = (
        "Clients that own the same net in both zoos: their accuracy in the one minus that in the other, in points, "
        f"paired by replicate; the intervals hold together with {100 * LEVEL:g} %."
    )
    return Table("company", "In other company", caption, COMPANY, [Group(rows, name) for name, rows in groups.items()])
