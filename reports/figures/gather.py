"""From the blocks of a report to the data of its figures.

Means and bands are over the same replicates as the headline table's, so figures and tables agree. Accuracies become
per cent here.
"""

from collections.abc import Callable, Sequence

import numpy as np

from reports.blocks import Block, Level
from reports.figures import alphas, clients, costs, partitions, planes, rounds, targets
from reports.results import Picture, Score, common
from reports.statistics import Band, Estimate, Floats, mean_band, mean_interval, rounds_to_target
from reports.wording import at_level, level

MIB = 2.0**20


def held(block: Block) -> list[Level]:
    """The levels of a block that have a replicate which every algorithm finished."""
    return [each for each in block.levels if each.replicates]


def against_rounds(
    block: Block, quantity: str, value: Callable[[Score], Floats | None], floor: bool = False, most: float | None = None
) -> rounds.Rounds | None:
    """`value` of the scores against rounds, one panel per level; without algorithms that have no such value."""
    panels = []
    for each in held(block):
        lines = {name: line for name in each.done if (line := _line(each.scores(name), value)) is not None}
        if lines:
            height = 100 * each.floor if floor and each.floor is not None else None
            panels.append(rounds.Curves(at_level(each.alpha), lines, height))
    names = [name for name in block.algorithms if any(name in panel.lines for panel in panels)]
    return rounds.Rounds(names, quantity, panels, most) if panels else None


def _line(scores: Sequence[Score], value: Callable[[Score], Floats | None]) -> tuple[Floats, Band] | None:
    """Evaluated rounds [T] that all scores have a finite value for, and the band over them."""
    curves = [(score.rounds, found) for score in scores if (found := value(score)) is not None]
    if len(curves) < len(scores):
        return None
    shared = common(x[np.isfinite(y)].tolist() for x, y in curves)
    if not shared:
        return None
    table = np.asarray([y[np.isin(x, shared)] for x, y in curves])
    return np.asarray(shared, dtype=np.float64), mean_band(table)


def against_alpha(found: Sequence[Block]) -> alphas.Alphas | None:
    """The blocks of one data set and partition, one panel per zoo."""
    zoos = []
    for block in found:
        levels = held(block)
        if levels:
            points = {name: [_accuracy(each, name) for each in levels] for name in block.algorithms}
            drawn = {name: each for name, each in points.items() if any(each)}
            floors = [None if each.floor is None else 100 * each.floor for each in levels]
            titles = [level(each.alpha) for each in levels]
            zoos.append(alphas.Zoo(f"zoo {block.zoo}", titles, drawn, floors))
    return alphas.Alphas(_ordered(found), zoos) if zoos else None


def _ordered(found: Sequence[Block]) -> list[str]:
    """The algorithms of several blocks that are drawn, in the order in which they are declared."""
    names = dict.fromkeys(name for block in found for name in block.algorithms)
    return [name for name in names if any(name in each.done for block in found for each in held(block))]


def _accuracy(of: Level, name: str) -> Estimate | None:
    return mean_interval([100 * score.accuracy for score in of.scores(name)]) if name in of.done else None


def over_clients(block: Block) -> clients.Clients | None:
    """Each client's accuracy at the headline round."""
    panels = [
        clients.Spread(at_level(each.alpha), {name: [100 * s.clients for s in each.scores(name)] for name in each.done})
        for each in held(block)
    ]
    return clients.Clients(_ordered([block]), panels) if panels else None


def personal_and_general(block: Block) -> planes.Planes | None:
    """What personal and global models reach, for their clients and for everyone; tasks of clients' own have no all."""
    if block.tasks:
        return None
    panels = []
    for each in held(block):
        models = {name: (_personal(each.scores(name)), _general(each.scores(name))) for name in each.done}
        drawn = {name: pair for name, pair in models.items() if any(pair)}
        if drawn:
            panels.append(planes.Plane(at_level(each.alpha), drawn))
    return planes.Planes(_ordered([block]), panels) if panels else None


def _personal(scores: Sequence[Score]) -> planes.Model | None:
    return _model([score.personal_global for score in scores], [score.accuracy for score in scores])


def _general(scores: Sequence[Score]) -> planes.Model | None:
    return _model([score.global_accuracy for score in scores], [score.general for score in scores])


def _model(everyone: Sequence[float | None], own: Sequence[float | None]) -> planes.Model | None:
    pairs = [(a, b) for a, b in zip(everyone, own, strict=True) if a is not None and b is not None]
    if not pairs or len(pairs) < len(everyone):
        return None
    return planes.Model(mean_interval([100 * a for a, _ in pairs]), mean_interval([100 * b for _, b in pairs]))


def to_target(block: Block, target: float) -> targets.Targets | None:
    """When each run reached the target, a fraction of client accuracy."""
    levels = held(block)
    if not levels:
        return None
    panels = [
        targets.Race(
            at_level(each.alpha),
            {name: [rounds_to_target(s.rounds, s.curve, target) for s in each.scores(name)] for name in each.done},
        )
        for each in levels
    ]
    last = max(int(score.rounds[-1]) for each in levels for name in each.done for score in each.scores(name))
    return targets.Targets(_ordered([block]), 100 * target, last, panels)


def sent(score: Score) -> Floats:
    """MiB that all clients together had sent and got by each evaluated round."""
    return score.sent / MIB


def seconds(score: Score) -> Floats:
    """Seconds of training by each evaluated round; only their sum is recorded, so each round counts the same."""
    return np.asarray(score.train_seconds * score.rounds / score.rounds[-1])


def against_cost(found: Sequence[Block], spent: str, value: Callable[[Score], Floats]) -> costs.Costs | None:
    """Accuracy against `value`, means over the alphas that all algorithms of a block finished; one panel per zoo."""
    panels = []
    for block in found:
        levels = [each for each in held(block) if len(each.done) == len(block.finishers)]
        replicates = common(each.replicates for each in levels)
        if replicates:
            cells = {
                name: [[each.done[name][replicate] for each in levels] for replicate in replicates]
                for name in block.finishers
            }
            panels.append(costs.Cost(f"zoo {block.zoo}", {name: _course(of, value) for name, of in cells.items()}))
    names = [name for name in _ordered(found) if any(name in panel.courses for panel in panels)]
    return costs.Costs(names, spent, panels) if panels else None


def _course(cells: Sequence[Sequence[Score]], value: Callable[[Score], Floats]) -> costs.Course:
    """From the scores of each replicate's cells; a replicate's mean over its cells is the unit."""
    shared = common(score.rounds.tolist() for of_replicate in cells for score in of_replicate)
    accuracy = [np.mean([s.curve[np.isin(s.rounds, shared)] for s in of_replicate], axis=0) for of_replicate in cells]
    spent = [value(s)[np.isin(s.rounds, shared)] for of_replicate in cells for s in of_replicate]
    return costs.Course(np.mean(spent, axis=0), mean_band(100 * np.asarray(accuracy)))


def dealt(pictures: Sequence[Picture]) -> partitions.Partitions | None:
    """The draws of one data set and partition, by alpha."""
    if not any(picture.counts.any() for picture in pictures):
        return None
    ordered = sorted(pictures, key=lambda picture: (picture.alpha is not None, picture.alpha or 0.0))
    return partitions.Partitions([partitions.Draw(at_level(picture.alpha), picture.counts) for picture in ordered])
