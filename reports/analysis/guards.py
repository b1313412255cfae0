"""What keeps a report from saying more than its data: each guard looks, and says what it saw."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from reports.analysis import tuned
from reports.analysis.against import Judged
from reports.analysis.costs import CostTable
from reports.analysis.matrix import Matrix
from reports.blocks import Block, Level
from reports.results import Results, Score
from reports.statistics import FEW, ROPE
from reports.wording import at_level, counted, listed, percent

CLAIMS = 10  # replicates that a claim should rest on
CEILING = 0.99
"""Two algorithms above this differ by less than one point, whatever their difference were on harder data."""
UNCONVERGED = 0.5
"""The share of cells whose best validation round is their last, above which more rounds may change the order."""


@dataclass(frozen=True)
class Guard:
    """One threat to what a reader may conclude."""

    name: str
    fired: bool
    text: str


def guards(
    results: Results, blocks: Sequence[Block], verdicts: Sequence[Judged], matrix: Matrix | None,
    costs: Sequence[CostTable],
) -> list[Guard]:  # fmt: skip
    """Every guard, those that fired first."""
    found = [
        _replicates(blocks, verdicts),
        *([_rank_tests(matrix)] if matrix else []),
        _data_sets(results),
        _partitions(results),
        _missing(blocks, verdicts),
        _skipped(blocks),
        _ceiling(blocks),
        _floor(blocks),
        _convergence(results, blocks),
        _sampling(results),
        _draws(results, blocks),
        _tuning(results),
        _origin(results),
        _seconds(costs),
        _clients(results),
    ]
    return sorted(found, key=lambda guard: not guard.fired)


def _replicates(blocks: Sequence[Block], verdicts: Sequence[Judged]) -> Guard:
    sizes = [len(level.replicates) for block in blocks for level in block.levels if level.replicates]
    sizes += [judged.estimate.n for judged in verdicts]
    least = min(sizes, default=0)
    if least == 0:
        return Guard("Replicates", True, "No replicate was finished by all algorithms of any block.")
    if least < FEW:
        alone = " A single replicate has no interval (n = 1)." if least == 1 else ""
        text = (
            f"Descriptive only: some means rest on {counted(least, 'replicate')}, fewer than {FEW}; such numbers "
            f"describe these runs and support no general claim.{alone}"
        )
        return Guard("Replicates", True, text)
    more = "" if least >= CLAIMS else f"; {CLAIMS} are advised for claims"
    return Guard("Replicates", False, f"Every mean rests on {counted(least, 'replicate')} or more{more}.")


def _rank_tests(matrix: Matrix) -> Guard:
    untested = [
        f"{each.pair.first} and {each.pair.second} ({len(each.pair.kept_settings)})" for each in matrix.untested
    ]
    pairs = counted(len(matrix.entries), "pair")
    if untested:
        text = (
            f"Too few cells: among {pairs} a signed-rank test needs {matrix.needed} cells to be able to reach "
            f"p <= 0.05 after Holm's correction. Not tested (cells): {listed(untested)}."
        )
        return Guard("Rank tests", True, text)
    return Guard("Rank tests", False, f"All {pairs} have the {matrix.needed} cells that a signed-rank test needs.")


def _data_sets(results: Results) -> Guard:
    names = results.axis("dataset")
    if len(names) < 2:
        text = f"One data set only ({listed(names)}): nothing here holds in general, however small its p-value."
        return Guard("Data sets", True, text)
    return Guard("Data sets", False, f"{counted(len(names), 'data set')}: {listed(names)}.")


def _partitions(results: Results) -> Guard:
    names, alphas = results.axis("partition"), [alpha for alpha in results.axis("alpha") if alpha is not None]
    said = f"partition {listed(names)}" + (f" at alpha {listed([f'{a:g}' for a in alphas])}" if alphas else "")
    if len(names) == 1:
        text = f"One kind of heterogeneity only ({said}): other ways to deal data to clients may change the order."
        return Guard("Partitions", True, text)
    return Guard("Partitions", False, f"{counted(len(names), 'kind')} of heterogeneity: {said}.")


def _missing(blocks: Sequence[Block], verdicts: Sequence[Judged]) -> Guard:
    gaps = sum(len(block.gaps) for block in blocks)
    bounded = [f"{each.pair.first} ({each.bounds.missing} of {each.bounds.pairs})" for each in verdicts if each.bounds]
    if not gaps and not bounded:
        return Guard("Missing pairs", False, "No finished cell lacks its partner.")
    text = (
        f"{counted(gaps, 'cell')} missing beside finished ones, listed under the tables; what one algorithm lacks "
        "counts for none of those compared, and who fails on hard draws would otherwise look good."
    )
    if bounded:
        text += f" Beyond 5 % of the pairs are missing, and bounds stand beside the verdict: {listed(bounded)}."
    return Guard("Missing pairs", True, text)


def _skipped(blocks: Sequence[Block]) -> Guard:
    absent = [(name, block.name) for block in blocks for name, _ in block.absent]
    if not absent:
        return Guard("Same cells for all", False, "Every algorithm has numbers in every block.")
    ordered = sorted(absent)
    each = [f"{name} in {counted(len(list(of)), 'block')}" for name, of in groupby(ordered, key=lambda pair: pair[0])]
    text = (
        f"Without numbers: {listed(each)}. Statements about different pairs are over different cells: compare an "
        "algorithm's differences, never its means across blocks."
    )
    return Guard("Same cells for all", True, text)


def _places(blocks: Sequence[Block]) -> Iterator[tuple[str, Level]]:
    """Every level with something finished by all, and its name."""
    for block in blocks:
        for level in block.levels:
            if level.replicates:
                yield " ".join([block.name, at_level(level.alpha)]).strip(), level


def _ceiling(blocks: Sequence[Block]) -> Guard:
    high = [
        place
        for place, level in _places(blocks)
        if sum(np.mean([s.accuracy for s in level.scores(name)]) >= CEILING for name in level.done) >= 2
    ]
    if high:
        text = (
            f"Ceiling: two algorithms or more are above {percent(CEILING)} % in {listed(high, 5)}. "
            "There, equal may only mean too easy."
        )
        return Guard("Ceiling", True, text)
    return Guard("Ceiling", False, f"No two algorithms are above {percent(CEILING)} % in one cell.")


def _floor(blocks: Sequence[Block]) -> Guard:
    low, free = [], []
    for place, level in _places(blocks):
        floor = level.floor or 0.0
        best = max(float(np.mean([s.accuracy for s in level.scores(name)])) for name in level.done)
        target = next((block.target for block in blocks), None)
        low += [place] if best <= floor + ROPE else []
        free += [place] if target is not None and floor >= target else []
    said = []
    if low:
        said.append(f"No algorithm is above the majority floor in {listed(low, 5)}: nothing was learnt there.")
    if free:
        said.append(f"The majority floor is above the target accuracy in {listed(free, 5)}: rounds to it mean little.")
    if said:
        return Guard("Floor", True, " ".join(said))
    return Guard("Floor", False, "In every cell some algorithm is above the majority floor.")


def _convergence(results: Results, blocks: Sequence[Block]) -> Guard:
    if (results.suite.get("training") or {}).get("selection") == "last":
        return Guard("Rounds", False, "The headline round is the last by declaration: nothing says that it is enough.")
    last: dict[str, list[bool]] = {}
    for _, level in _places(blocks):
        for name in level.done:
            for score in level.scores(name):
                if len(score.rounds) > 1:
                    last.setdefault(name, []).append(score.round == score.rounds[-1])
    still = [
        f"{name} ({sum(ends)} of {counted(len(ends), 'cell')})"
        for name, ends in last.items()
        if np.mean(ends) > UNCONVERGED
    ]
    if still:
        text = f"The headline round is the last one for {listed(still)}: with more rounds the order may change."
        return Guard("Rounds", True, text)
    return Guard("Rounds", False, "For every algorithm most cells have their headline round before the last one.")


def _sampling(results: Results) -> Guard:
    starved = [run.score.never_sampled for run in results.runs if run.score and run.score.never_sampled]
    if starved:
        text = (
            f"In {counted(len(starved), 'cell')} some clients were never sampled (up to {max(starved)} of "
            f"{max(run.clients for run in results.runs)}): they count with their initial model."
        )
        return Guard("Sampling", True, text)
    return Guard("Sampling", False, "Every client took part in some round.")


def _draws(results: Results, blocks: Sequence[Block]) -> Guard:
    """Whether pairs met one draw, and replicates different ones."""
    unlike, fixed = 0, 0
    for _, level in _places(blocks):
        drawn: list[set[str]] = []
        for replicate in level.replicates:
            scores: list[Score] = [level.done[name][replicate] for name in level.done]
            drawn.append({score.partition_hash for score in scores})
        unlike += sum(len(hashes) > 1 for hashes in drawn)
        fixed += len(drawn) > 1 and len(set().union(*drawn)) == 1
    said = []
    if unlike:
        said.append(f"In {counted(unlike, 'draw')} the algorithms did not meet the same partition: pairing is broken.")
    seeds = results.suite.get("seeds") or {}
    named = [kind for kind in ("partition", "training") if seeds.get(kind) is not None]
    if named:
        said.append(f"The suite fixes the {' and the '.join(named)} seed: replicates do not redraw what it decides.")
    elif fixed:
        said.append(f"In {counted(fixed, 'cell')} all replicates have one partition: claims are about this one.")
    if said:
        return Guard("Draws", True, " ".join(said))
    return Guard("Draws", False, "Compared algorithms met the same partitions; every replicate drew its own.")


def _tuning(results: Results) -> Guard:
    said = list(tuned.threats(results))
    if said:
        return Guard("Tuning", True, " ".join(said))
    budget = next(int(origin.source["trials"]) for origin in tuned.origins(results))
    text = f"Every algorithm had {budget} settings to choose from, on draws and rows that no client is tested on."
    return Guard("Tuning", False, text)


def _origin(results: Results) -> Guard:
    done = [run for run in results.runs if run.score]
    kinds = [
        (len(results.commits), "versions of the code"),
        *(
            (len({str(run.identity.get(key)) for run in done}), f"{key}s")
            for key in ("engine", "device", "precision", "framework")
        ),
        (len({run.processor for run in done}), "kinds of processor"),
    ]
    mixed = [f"{number} {what}" for number, what in kinds if number > 1]
    dirty = " The code had uncommitted changes." if results.provenance.get("dirty") else ""
    if mixed or dirty:
        text = f"The cells come from {listed(mixed)} (see provenance)." if mixed else ""
        return Guard("Origin", True, (text + dirty).strip())
    return Guard("Origin", False, "All cells come from one version of the code, one engine and one kind of processor.")


def _seconds(costs: Sequence[CostTable]) -> Guard:
    said = []
    if any(row.shared for table in costs for row in table.rows):
        said.append("Some cells ran stacked: their seconds are an equal share of what the stack took.")
    if any(len(table.machines) > 1 for table in costs):
        said.append("The cells of a block ran on different machines or engines: their seconds are not of one kind.")
    if said:
        return Guard("Seconds", True, " ".join(said))
    return Guard("Seconds", False, "Seconds are wall-clock on one kind of machine, beside whatever else it did.")


def _clients(results: Results) -> Guard:
    text = "Clients of a run share its draw and are never counted as replicates: every n here counts redraws or cells."
    return Guard("Clients", False, text)
