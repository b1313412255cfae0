"""Effects of choices: what each declared variant of an algorithm changes, and what it does to the verdict.

A suite's variant (``[variants.NAME]``) is a *change* of its *base*, the algorithm or preset that it is of, where that
takes part too. One that changes one choice is a one-at-a-time change; one that changes several is a corner of a
factorial. *Yardsticks* are the suite's reference and the reference's own variants (training alone at half the learning
rate): each base and each variant is compared with all of them.

Unit, pairing and interval are those of all verdicts (`reports.analysis.against`). The intervals of one base's list hold
together; so do those of the verdicts against one yardstick within it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Any

import numpy as np

from reports.analysis.against import CellDifference, Judged, cell_differences, judge
from reports.analysis.pairs import Index, Pair, pair
from reports.results import Setting

LR = "learning rate"


@dataclass(frozen=True)
class Change:
    """One variant, as declared."""

    name: str
    base: str
    choice: str  # what is chosen otherwise: a parameter's name, or what the suite calls it
    values: str  # the new values, for people
    parts: frozenset[str]  # the choices that differ from the base: one, or several for a corner

    @property
    def single(self) -> bool:
        """Whether one choice differs."""
        return len(self.parts) == 1


@dataclass(frozen=True)
class Effect:
    """What a change does."""

    change: Change
    effect: Judged  # variant minus base
    against: Mapping[str, Judged]  # yardstick -> variant minus yardstick

    @property
    def begun(self) -> int:
        """Pairs of the effect that either side began."""
        return int(self.effect.pair.begun.sum())

    @property
    def counting(self) -> int:
        """Pairs of the effect that count."""
        return self.effect.pair.counted()[0].size


@dataclass(frozen=True)
class FromBase:
    """One base with all its changes."""

    base: str
    against: Mapping[str, Judged]  # yardstick -> base minus yardstick
    singles: Sequence[Effect]  # one choice at a time, the largest effect first
    corners: Sequence[Effect]  # several at once, in the suite's order
    factorial: Sequence[Judged]  # main effects and interactions of choices, where all corners are there
    cells: Sequence[CellDifference]  # of the single changes

    def turned(self, yardstick: str) -> list[Effect]:
        """The single changes under which the verdict against a yardstick is another one, and no "undecided"."""
        before = self.against[yardstick].verdict
        return [
            each
            for each in self.singles
            if yardstick in each.against and each.against[yardstick].verdict not in (before, "undecided")
        ]


@dataclass(frozen=True)
class Choices:
    """The effects of all choices of a suite."""

    yardsticks: Sequence[str]  # the reference first
    unchanged: Mapping[str, Sequence[Judged]]  # yardstick -> every algorithm that is no variant, minus it
    bases: Sequence[FromBase]


def choices(suite: Mapping[str, Any], runs: Index, settings: Sequence[Setting]) -> Choices | None:
    """The effects; None where the suite declares no variant whose base takes part, or none of them has numbers."""
    reference, listed = str(suite.get("reference", "")), list(suite.get("algorithms", ()))
    declared = [each for each in changes(suite) if each.name in listed and each.base in listed]
    yardsticks = [reference, *(each.name for each in declared if each.base == reference)]
    bases = [name for name in listed if name != reference and any(each.base == name for each in declared)]
    found = [_from(base, declared, yardsticks, runs, settings) for base in bases]
    held = [each for each in found if each.singles or each.corners]
    names = {each.name for each in changes(suite)}
    plain = [name for name in listed if name not in names and name != reference]
    unchanged = {
        yardstick: judge([each for name in plain if (each := pair(name, yardstick, runs, settings)).any])
        for yardstick in yardsticks
    }
    return Choices(yardsticks, unchanged, held) if held else None


def changes(suite: Mapping[str, Any]) -> list[Change]:
    """The variants that a suite declares, in its order."""
    made = []
    for name, table in (suite.get("variants") or {}).items():
        params, factor = table.get("params") or {}, float(table.get("lr_factor", 1.0))
        called = str(table.get("choice") or "")
        parts = [called] if called else list(params)
        values = [f"{key} = {_written(value)}" for key, value in params.items()]
        if factor != 1:
            parts.append(LR)
            values.append(f"{LR} x {factor:g}")
        made.append(Change(name, str(table["algorithm"]), " and ".join(parts), ", ".join(values), frozenset(parts)))
    order = {name: place for place, name in enumerate(suite.get("algorithms", ()))}
    return sorted(made, key=lambda change: order.get(change.name, len(order)))


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _from(
    base: str, declared: Sequence[Change], yardsticks: Sequence[str], runs: Index, settings: Sequence[Setting]
) -> FromBase:
    mine = [change for change in declared if change.base == base]
    held = {change.name: pair(change.name, base, runs, settings) for change in mine}
    mine = [change for change in mine if held[change.name].any]
    singles, corners = ([each for each in mine if each.single is wanted] for wanted in (True, False))
    effects = {
        change.name: judged
        for part in (singles, corners)
        for change, judged in zip(part, judge([held[change.name] for change in part]), strict=True)
    }
    against: dict[str, dict[str, Judged]] = {}
    for yardstick in yardsticks:
        pairs = [pair(name, yardstick, runs, settings) for name in (base, *(change.name for change in mine))]
        there = [each for each in pairs if each.any]
        against[yardstick] = {judged.pair.first: judged for judged in judge(there)}

    def effect(change: Change) -> Effect:
        compared = {yardstick: of[change.name] for yardstick, of in against.items() if change.name in of}
        return Effect(change, effects[change.name], compared)

    return FromBase(
        base=base,
        against={yardstick: of[base] for yardstick, of in against.items() if base in of},
        singles=sorted(map(effect, singles), key=lambda each: -abs(each.effect.estimate.mean)),
        corners=[effect(change) for change in corners],
        factorial=judge(_contrasts(base, mine, runs, settings)),
        cells=cell_differences([held[change.name] for change in singles]),
    )


def _contrasts(base: str, mine: Sequence[Change], runs: Index, settings: Sequence[Setting]) -> list[Pair]:
    """Main effects and two-way interactions of the choices of which every combination is there; else none.

    A main effect is the mean difference that a choice makes, over all combinations of the others; an interaction is
    half the difference between a choice's effects with and without the other (Yates 1937; Box, Hunter and Hunter,
    "Statistics for Experimenters", chapter 5).
    """
    factors = sorted({part for change in mine if not change.single for part in change.parts})
    levels = [frozenset[str](), *(change.parts for change in mine)]
    names = dict(zip(levels, [base, *(change.name for change in mine)], strict=True))
    corners = [
        frozenset(factor for factor, on in zip(factors, bits, strict=True) if on)
        for bits in product((False, True), repeat=len(factors))
    ]
    if len(factors) < 2 or any(levels.count(corner) != 1 for corner in corners):
        return []  # a corner is missing, or a choice has more than two levels
    sides = {corner: pair(names[corner], base, runs, settings) for corner in corners}
    if len({(tuple(each.settings), tuple(each.replicates)) for each in sides.values()}) > 1:
        return []
    found = []
    for some in [(factor,) for factor in factors] + list(combinations(factors, 2)):
        high, low = (
            np.mean([sides[corner].a for corner in corners if len(corner & set(some)) % 2 == odd], axis=0)
            for odd in (len(some) % 2, 1 - len(some) % 2)
        )
        begun = np.any([side.begun for side in sides.values()], axis=0)
        found.append(replace(sides[frozenset()], first=" x ".join(some), second=base, a=high, b=low, begun=begun))
    return [each for each in found if each.any]
