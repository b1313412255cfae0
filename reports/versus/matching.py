"""Which cell of one run belongs to which of the other, and in what they differ."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reports.results import Results, Run

HOW = frozenset({"engine", "device", "precision", "framework", "numerics", "digests"})
"""What of an identity says how a cell was computed: it may differ, for that is what is compared."""
ACROSS = ("params", "training", "partition_params", "architectures", "shared", "data_md5", "tasks")
"""What says which experiment it is: it must be the same, unless the comparison is to be across it."""
_OF_THE_DRAW = frozenset({"replicate", "partition_seed", "training_seed"})


class NotComparable(Exception):
    """The two runs do not fit together; the message says why."""


@dataclass(frozen=True)
class Match:
    """One cell in both runs, of whatever status."""

    first: Run
    second: Run

    @property
    def done(self) -> bool:
        """Whether both finished."""
        return self.first.score is not None and self.second.score is not None


@dataclass(frozen=True)
class Matched:
    """All cells of two runs."""

    matches: Sequence[Match]  # both renumbered: a replicate's number names the same draw in both
    only_first: Sequence[Run]
    only_second: Sequence[Run]
    refused: Mapping[str, int]  # field that must not differ -> cells that differ in it
    differing: Mapping[str, Sequence[tuple[str, str]]]  # what differs between matches -> (first's, second's) values


def match(first: Results, second: Results, across: Sequence[str] = ()) -> Matched:
    """Match the cells of two runs by algorithm, data set, partition, alpha, zoo, clients and seeds.

    Cells that differ in what they are, not only in how they were computed, are no pair unless `across` names the
    field. Raises NotComparable for two suites, two of their versions, or where no cell has a partner.
    """
    _check_suites(first, second)
    ours, theirs = _keyed(first.runs), _keyed(second.runs)
    numbers = {draw: place for place, draw in enumerate(sorted({key[-1] for key in [*ours, *theirs]}))}
    matches, refused = [], Counter[str]()
    lonely = {key: run for key, run in theirs.items() if key not in ours}
    only_first = [run for key, run in ours.items() if key not in theirs]
    for key, run in ours.items():
        if (other := theirs.get(key)) is None:
            continue
        if faults := [name for name in _differences(run, other) if name not in HOW and name not in across]:
            refused.update(faults)
            continue
        number = numbers[key[-1]]
        matches.append(Match(replace(run, replicate=number), replace(other, replicate=number)))
    if not matches:
        raise NotComparable(_nothing(refused, len(ours), len(theirs)))
    return Matched(matches, only_first, list(lonely.values()), dict(refused), _differing(matches))


def _check_suites(first: Results, second: Results) -> None:
    for what, of in (("suite", _name), ("version", _version)):
        if of(first) != of(second):
            raise NotComparable(f"expected two runs of one suite, got {what} {of(first)} and {what} {of(second)}")


def _name(results: Results) -> str:
    return results.name


def _version(results: Results) -> str:
    """Major and minor: results compare within them."""
    return ".".join(str(results.suite.get("version", "1.0")).split(".")[:2])


def _keyed(runs: Sequence[Run]) -> dict[tuple[Any, ...], Run]:
    """The runs by place and draw. Replicates whose seeds are all fixed are told apart by their order."""
    seen: dict[tuple[Any, ...], list[int]] = {}
    keyed = {}
    for run in sorted(runs, key=lambda run: run.replicate):
        seeds = (run.identity.get("partition_seed", run.replicate), run.identity.get("training_seed", run.replicate))
        place = (run.algorithm, run.setting, run.clients)
        numbers = seen.setdefault((*place, seeds), [])
        keyed[(*place, (*seeds, len(numbers)))] = run
        numbers.append(run.replicate)
    return keyed


def _differences(first: Run, second: Run) -> list[str]:
    """The fields of the identities that differ, apart from the draw, which is matched on its own."""
    names = (first.identity.keys() | second.identity.keys()) - _OF_THE_DRAW
    return sorted(name for name in names if first.identity.get(name) != second.identity.get(name))


def _nothing(refused: Mapping[str, int], ours: int, theirs: int) -> str:
    if not refused:
        return (
            f"no cell of the first run ({ours}) is one of the second ({theirs}): expected the same algorithms, data "
            "sets, partitions, alphas, zoos, clients and seeds"
        )
    named = ", ".join(f"'{name}' ({count} cells)" for name, count in sorted(refused.items()))
    possible = [name for name in refused if name in ACROSS]
    advice = f"; to compare across it: {' '.join(f'--across {name}' for name in possible)}" if possible else ""
    return f"no cell has a partner that is the same experiment: they differ in {named}{advice}"


def _differing(matches: Sequence[Match]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, dict[tuple[str, str], None]] = {}
    for each in matches:
        for name in _differences(each.first, each.second):
            for part, values in _values(name, each):
                found.setdefault(part, {})[values] = None
        for part, pair in (
            ("commit", (each.first.commit, each.second.commit)),
            ("processor", (each.first.processor, each.second.processor)),
        ):
            if pair[0] != pair[1]:
                found.setdefault(part, {})[pair] = None
    return {name: list(values) for name, values in sorted(found.items())}


def _values(name: str, each: Match) -> list[tuple[str, tuple[str, str]]]:
    """What differs, by its name: a digest's with whose it is."""
    ours, theirs = each.first.identity.get(name), each.second.identity.get(name)
    if not isinstance(ours, Mapping) or not isinstance(theirs, Mapping):
        return [(name, (_text(ours), _text(theirs)))]
    parts = [part for part in sorted(ours.keys() | theirs.keys()) if ours.get(part) != theirs.get(part)]
    owners = {"algorithm": each.first.algorithm, "partition": each.first.partition, "dataset": each.first.dataset}
    return [
        (
            f"source of {part} {owners.get(part, each.first.zoo)}" if name == "digests" else f"{name}.{part}",
            (_text(ours.get(part)), _text(theirs.get(part))),
        )
        for part in parts
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
