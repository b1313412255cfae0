"""Tables of the effects of choices: one at a time, several at once, and cell by cell."""

from collections.abc import Sequence

from reports.analysis.choices import Choices, Effect, FromBase
from reports.sentences import place
from reports.statistics import LEVEL, ROPE
from reports.tables.kinds import COUNT, POINTS, TEXT, P, Value
from reports.tables.table import Column, Group, Row, Table
from reports.wording import points, slug

TOGETHER = f"Intervals of one column hold together with {100 * LEVEL:g} %."


def tables(found: Choices) -> list[Table]:
    """What takes part unchanged, then all tables of each base."""
    made = [unchanged(found)]
    for base in found.bases:
        made.append(effects(base, [name for name in found.yardsticks if name in base.against]))
        made += [factorial(base)] if base.factorial else []
        made += [cells(base)] if base.cells else []
    return made


def unchanged(found: Choices) -> Table:
    """Every algorithm that is no variant against each yardstick."""
    columns, lines = [Column("algorithm", "algorithm", TEXT)], dict[str, dict[str, Value]]()
    for yardstick, judged in found.unchanged.items():
        columns += [Column(f"minus {yardstick}", f"minus {yardstick}", POINTS)]
        columns += [Column(f"is to {yardstick}", "verdict", TEXT)]
        for each in judged:
            line = lines.setdefault(each.pair.first, {"algorithm": each.pair.first})
            line |= {f"minus {yardstick}": each.estimate, f"is to {yardstick}": each.verdict}
    caption = f"Algorithms that take part unchanged, client accuracy in points, paired by replicate. {TOGETHER}"
    rows = [Row(line) for line in lines.values()]
    return Table("choices", "Without changes", caption, columns, [Group(rows)])


def effects(found: FromBase, yardsticks: Sequence[str]) -> Table:
    """One row per change: what it does, and how the changed algorithm stands against each yardstick."""
    columns = [
        Column("algorithm", "algorithm", TEXT),
        Column("choice", "choice", TEXT, shown=False),
        Column("values", "changed", TEXT),
        Column("effect", f"minus {found.base}", POINTS),
        Column("verdict", "effect", TEXT),
        Column("pairs", "pairs", TEXT),
        Column("replicates", "replicates", COUNT, shown=False),
    ]
    for name in yardsticks:
        columns += [Column(f"minus {name}", f"minus {name}", POINTS), Column(f"is to {name}", "verdict", TEXT)]
    base: dict[str, Value] = {"algorithm": found.base, "values": "nothing"}
    for name in yardsticks:
        base |= {f"minus {name}": found.against[name].estimate, f"is to {name}": found.against[name].verdict}
    groups = [Group([Row(base)], "base")]
    for label, rows in (("one choice", found.singles), ("several", found.corners)):
        if rows:
            groups.append(Group([Row(_values(each, yardsticks)) for each in rows], label))
    caption = (
        f"Changes of {found.base}, client accuracy in points, paired by replicate, largest effect first. {TOGETHER} "
        "Pairs: how many count of those that were begun; where too few do, see the text above. "
        f"Practically equal: within {points(ROPE)[1:]} points."
    )
    return Table(slug("choices", found.base), f"From {found.base}", caption, columns, groups)


def _values(each: Effect, yardsticks: Sequence[str]) -> dict[str, Value]:
    values: dict[str, Value] = {
        "algorithm": each.change.name,
        "choice": each.change.choice,
        "values": each.change.values,
        "effect": each.effect.estimate,
        "verdict": each.effect.verdict,
        "pairs": f"{each.counting} of {each.begun}",
        "replicates": each.effect.estimate.n,
    }
    for name in yardsticks:
        if judged := each.against.get(name):
            values |= {f"minus {name}": judged.estimate, f"is to {name}": judged.verdict}
    return values


FACTORIAL = (
    Column("effect", "choice", TEXT),
    Column("difference", "effect", POINTS),
    Column("verdict", "verdict", TEXT),
    Column("replicates", "replicates", COUNT),
)


def factorial(found: FromBase) -> Table:
    """Main effects and interactions of the choices that were combined."""
    rows = [
        Row({
            "effect": each.pair.first, "difference": each.estimate, "verdict": each.verdict,
            "replicates": each.estimate.n,
        })
        for each in found.factorial
    ]  # fmt: skip
    caption = (
        f"All combinations of these choices of {found.base}: a main effect is the mean difference that a choice makes "
        "over all combinations of the others; an interaction (x) is half of how much one changes the other's effect. "
        f"{TOGETHER}"
    )
    stem = slug("choices-factorial", found.base)
    return Table(stem, f"Combinations from {found.base}", caption, FACTORIAL, [Group(rows)])


CELLS = (
    Column("algorithm", "algorithm", TEXT),
    Column("cell", "cell", TEXT),
    Column("effect", "effect", POINTS),
    Column("replicates", "replicates", COUNT),
    Column("p", "p", P, shown=False),
    Column("adjusted", "p, adjusted", P),
)


def cells(found: FromBase) -> Table:
    """The effects of single choices in each cell."""
    rows = [
        Row(
            {
                "algorithm": each.algorithm,
                "cell": place(each.setting),
                "effect": each.estimate,
                "replicates": each.estimate.n,
                "p": each.p,
                "adjusted": each.adjusted,
            },
            bold=frozenset({"effect"}) if each.discovered else frozenset(),
        )
        for each in found.cells
    ]
    caption = (
        f"Each change minus {found.base} in each cell, client accuracy in points; every interval for itself. In bold "
        "what Benjamini and Hochberg's procedure keeps at 5 %."
    )
    return Table(slug("choices-cells", found.base), f"Cell by cell from {found.base}", caption, CELLS, [Group(rows)])
