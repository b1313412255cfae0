"""Where hyper-parameters come from: tuned by `bench.tune`, written by hand, or as the suite declares them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench import suites
from reports.results import Results
from reports.wording import listed


@dataclass(frozen=True)
class Origin:
    """The hyper-parameters of one algorithm on one data set."""

    algorithm: str
    dataset: str  # or the names of the tasks, as everywhere in a report
    values: Mapping[str, Any]  # those that have a table of their own; empty: as declared
    source: Mapping[str, Any]  # of bench.tune: digest, command, trials, replicates, reserved, edge; empty: by hand

    @property
    def tuned(self) -> bool:
        """Whether trials stand behind them."""
        return bool(self.values and self.source)

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.algorithm} on {self.dataset}"


def origins(results: Results) -> list[Origin]:
    """One entry for each algorithm and data set of the results."""
    tables, variants = results.suite.get("tuned") or {}, results.suite.get("variants") or {}
    held = {(run.algorithm, run.dataset) for run in results.runs}
    keys = {run.dataset: suites.together(task["dataset"] for task in run.tasks) or run.dataset for run in results.runs}
    found = []
    for dataset in results.axis("dataset"):
        for name in results.axis("algorithm"):
            if (name, dataset) in held:
                own = tables.get(keys[dataset], {})
                lender = (variants.get(name) or {}).get("algorithm")  # a variant without a table has its algorithm's
                table = own.get(name) or own.get(lender) or {}
                found.append(Origin(name, dataset, table.get("values") or {}, table.get("source") or {}))
    return found


def threats(results: Results) -> Iterator[str]:
    """What may favour one algorithm over another, or over what it would be elsewhere."""
    each = origins(results)
    if not any(origin.values for origin in each):
        yield "No hyper-parameter was tuned: whom the suite's values happen to suit looks better than it is."
        return
    if untuned := [origin.place for origin in each if not origin.tuned]:
        yield f"Not tuned, unlike the others: {listed(untuned)}."
    tuned = [origin for origin in each if origin.tuned]
    budgets = sorted({int(origin.source["trials"]) for origin in tuned})
    if len(budgets) > 1:
        yield f"Unequal budgets: some algorithms got {budgets[0]} settings to choose from, others {budgets[-1]}."
    kept = float((results.suite.get("tune") or {}).get("reserved", 0.0))
    # A smaller share is a part of a larger one: what was tuned on is kept out where the results reserve as much.
    if seen := [origin.place for origin in tuned if not 0 < float(origin.source["reserved"]) <= kept]:
        yield (
            f"The pools overlap: clients are tested on rows that the tuning of {listed(seen)} has seen, if in other "
            "draws. Reserved rows (tune.reserved) would rule it out."
        )
    if ends := [f"{o.place} ({said})" for o in tuned if (said := _written(o, o.source.get("edge") or ()))]:
        yield f"At the edge of what was tried, and perhaps better beyond it: {listed(ends)}."


def facts(results: Results) -> list[tuple[str, str]]:
    """What was tuned, data set by data set, and by which commands."""
    found = []
    for dataset in results.axis("dataset"):
        own = [origin for origin in origins(results) if origin.dataset == dataset and origin.values]
        if own:
            found.append((f"Tuned on {dataset}", "; ".join(map(_said, own))))
    commands = dict.fromkeys(str(o.source["command"]) for o in origins(results) if o.tuned)
    return [*found, *([("Tuned by", "; ".join(commands))] if commands else [])]


def _said(origin: Origin) -> str:
    values = _written(origin, origin.values)
    if not origin.source:
        return f"{origin.algorithm} {values} (by hand)"
    number, digest = origin.source["trials"], origin.source["digest"]
    return f"{origin.algorithm} {values} (the best of {number} settings, trials {digest})"


def _written(origin: Origin, names: Iterable[str]) -> str:
    """Some of its values; what an option of the command line took away is not there."""
    held = [(name, origin.values[name]) for name in names if name in origin.values]
    return ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}" for name, value in held)
