"""Which figures a report has, in its order: their names, what to read from each, and the data behind it.

A figure for which there are no data is left out; none has an empty panel.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate

import numpy as np

from reports.blocks import Block
from reports.figures import (
    alphas,
    clients,
    costs,
    critical_difference,
    forest,
    gather,
    matrix,
    partitions,
    planes,
    rounds,
    targets,
)
from reports.figures.critical_difference import Ranks
from reports.figures.forest import Forest
from reports.figures.matrix import Matrix
from reports.figures.plate import Looks, Plate
from reports.results import Picture, Results, Score
from reports.statistics import Floats
from reports.wording import distinct, slug

INTERVALS = "95 % t intervals over replicates"
BANDS = f"the bands are their pointwise {INTERVALS}"


@dataclass(frozen=True)
class Compared:
    """Comparisons between algorithms, as the analysis of the report made them."""

    forests: Sequence[Forest] = ()
    matrices: Sequence[Matrix] = ()
    ranks: Sequence[Ranks] = ()


def plates(results: Results, blocks: Sequence[Block], looks: Looks, compared: Compared | None = None) -> list[Plate]:
    """Every figure that the results allow. `looks` holds every algorithm of them."""
    made = list(_all(results, blocks, looks, compared or Compared()))
    stems = distinct([plate.stem for plate in made])
    return [replace(plate, stem=stem) for plate, stem in zip(made, stems, strict=True)]


def _all(results: Results, blocks: Sequence[Block], looks: Looks, compared: Compared) -> Iterator[Plate]:
    """From what decides to what explains: accuracy, comparisons, models, learning, clients, cost, data."""
    places: dict[tuple[str, str], list[Block]] = {}
    for block in blocks:
        places.setdefault((block.dataset, block.partition), []).append(block)
    for found in places.values():
        yield from _against_alpha(found, looks)
    yield from (_forest(each, looks) for each in compared.forests if each.cells and each.against)
    yield from (_matrix(each) for each in compared.matrices if len(each.algorithms) > 1)
    yield from (_ranks(each, looks) for each in compared.ranks if len(each.algorithms) > 2)
    for block in blocks:
        yield from _planes(block, looks)
        yield from _rounds(block, looks)
        yield from _clients(block, looks)
        yield from _targets(block, looks, results.suite.get("target_accuracy"))
    for found in places.values():
        yield from _costs(found, looks)
    for dataset, partition in places:
        yield from _partitions([p for p in results.pictures if (p.dataset, p.partition) == (dataset, partition)])


def _against_alpha(found: Sequence[Block], looks: Looks) -> Iterator[Plate]:
    data = gather.against_alpha(found)
    if data:
        place = (found[0].dataset, found[0].partition)
        family = "accuracy-alpha" if data.lines else "accuracy-algorithm"
        yield Plate(
            stem=slug(family, *place),
            family=family,
            title=f"Client accuracy {'against alpha' if data.lines else 'by algorithm'}: {', '.join(place)}",
            caption="How well each algorithm serves its clients, and how far above the majority floor (what a constant "
            "guess of each client's most frequent class reaches) and above training alone (local). Means over "
            f"replicates at the headline round; the bars are their {INTERVALS}.",
            table=alphas.table(data),
            draw=partial(alphas.figure, data, looks),
            titles=[zoo.title for zoo in data.zoos],
            key=alphas.key(data, looks),
        )


def _forest(data: Forest, looks: Looks) -> Plate:
    return Plate(
        stem=slug("differences", data.scope),
        family="differences",
        title=f"Cell by cell against {data.reference}: {data.scope}",
        caption=f"Where each algorithm is ahead of {data.reference} (right of 0) or behind, by how much: a filled mark "
        "is a difference that the Benjamini-Hochberg procedure keeps at a false discovery rate of 5 %, and the grey "
        f"strip is practical equivalence (within {100 * data.rope:g} points). The bars are {INTERVALS}, of differences "
        "paired by replicate.",
        table=forest.table(data),
        draw=partial(forest.figure, data, looks),
        titles=list(data.against),
        key=forest.key(data),
    )


def _matrix(data: Matrix) -> Plate:
    return Plate(
        stem=slug("matrix", data.scope),
        family="matrix",
        title=f"Every algorithm against every other: {data.scope}",
        caption="Row minus column, mean over cells in points, blue where the row is ahead; below it the cells won, "
        "tied and lost, and where there is room P, the chance that the row is ahead in a replicate, and p, of "
        "Wilcoxon's test over cells, adjusted by Holm. A bold number has p of at most 0.05; without p there are too "
        "few cells for the test.",
        table=matrix.table(data),
        draw=partial(matrix.figure, data),
        titles=[""],
        wide=len(data.algorithms) > 3,
    )


def _ranks(data: Ranks, looks: Looks) -> Plate:
    return Plate(
        stem=slug("ranks", data.scope),
        family="ranks",
        title=f"Mean ranks: {data.scope}",
        caption="Who stands where on average over cells, 1 the best; a thick bar joins algorithms whose mean ranks lie "
        "closer than Nemenyi's critical difference. Descriptive: ranks depend on which algorithms take part.",
        table=critical_difference.table(data),
        draw=partial(critical_difference.figure, data, looks),
        titles=[""],
        wide=len(data.algorithms) > critical_difference.CROWD,
    )


def _planes(block: Block, looks: Looks) -> Iterator[Plate]:
    data = gather.personal_and_general(block)
    if data:
        yield Plate(
            stem=slug("planes", *_place(block)),
            family="planes",
            title=f"Personal against general: {_named(block)}",
            caption="Whether an algorithm ends with a general model (right), with models good for their own clients "
            "(up), or with both: a line joins the personal models (filled) and the global model (open) of one "
            f"algorithm. Means over replicates at the headline round; the bars are their {INTERVALS}.",
            table=planes.table(data),
            draw=partial(planes.figure, data, looks),
            titles=[panel.title for panel in data.panels],
            key=planes.key(data, looks),
        )


QUANTITIES: tuple[tuple[str, str, str, Callable[[Score], Floats | None], str], ...] = (
    (
        "accuracy-rounds",
        "Client accuracy against round",
        "client accuracy (%)",
        lambda score: 100 * score.curve,
        "How fast and how far the models that clients are given learn; none of these rounds is picked for being the "
        "best on test data.",
    ),
    (
        "loss-rounds",
        "Client loss against round",
        "client loss (nats)",
        lambda score: score.loss,
        "Whether the models that clients are given grow overconfident: a loss that rises while accuracy stands still. "
        "Bands that leave the axis are cut.",
    ),
    (
        "global-rounds",
        "Accuracy of the global model against round",
        "global accuracy (%)",
        lambda score: None if score.general_curve is None else 100 * score.general_curve,
        "How fast and how far the global model learns everyone's data; algorithms without one are not drawn.",
    ),
)
"""Family, title, axis, value and what to read, of what is drawn against rounds."""


def _rounds(block: Block, looks: Looks) -> Iterator[Plate]:
    for family, title, quantity, value, reading in QUANTITIES:
        own = family == "accuracy-rounds"
        most = None if family == "loss-rounds" else 100.0
        data = gather.against_rounds(block, quantity, value, floor=own, most=most)
        if data:
            yield Plate(
                stem=slug(family, *_place(block)),
                family=family,
                title=f"{title}: {_named(block)}",
                caption=f"{reading} Means over replicates; {BANDS}.",
                table=rounds.table(data),
                draw=partial(rounds.figure, data, looks),
                titles=[panel.title for panel in data.panels],
                key=rounds.key(data, looks),
            )


def _clients(block: Block, looks: Looks) -> Iterator[Plate]:
    data = gather.over_clients(block)
    if data:
        yield Plate(
            stem=slug("clients", *_place(block)),
            family="clients",
            title=f"From client to client: {_named(block)}",
            caption="How unequally an algorithm serves its clients: the box spans the middle half of all clients of "
            "all replicates around their median, the thin line all of them, and the triangle is the mean of the worst "
            "10 %. Descriptive: clients share a run and are no replicates.",
            table=clients.table(data),
            draw=partial(clients.figure, data, looks),
            titles=[panel.title for panel in data.panels],
            key=clients.key(data),
        )


def _targets(block: Block, looks: Looks, target: object) -> Iterator[Plate]:
    data = gather.to_target(block, float(target)) if isinstance(target, int | float) else None
    if data:
        yield Plate(
            stem=slug("target", *_place(block)),
            family="target",
            title=f"Rounds to {data.target:g} % client accuracy: {_named(block)}",
            caption=f"How many rounds each run took to a client accuracy of {data.target:g} %, a mark per replicate; "
            f"runs that did not get there stand in the grey strip, > {data.rounds}, and count in the median, the "
            "upright line.",
            table=targets.table(data),
            draw=partial(targets.figure, data, looks),
            titles=[panel.title for panel in data.panels],
            key=targets.key(data),
        )


def _costs(found: Sequence[Block], looks: Looks) -> Iterator[Plate]:
    place = (found[0].dataset, found[0].partition)
    for family, title, spent, value, note in (
        ("accuracy-bytes", "traffic", "MiB sent, all clients together", gather.sent, "up and down"),
        (
            "accuracy-time", "time", "seconds of training", gather.seconds,
            "one cell's wall-clock time on the machine of the run, spread evenly over its rounds",
        ),
    ):  # fmt: skip
        data = gather.against_cost(found, spent, value)
        if data and any(np.any(course.spent > 0) for panel in data.panels for course in panel.courses.values()):
            yield Plate(
                stem=slug(family, *place),
                family=family,
                title=f"Client accuracy against {title}: {', '.join(place)}",
                caption=f"What an accuracy costs in {title} ({note}). Means over the alphas that all algorithms of the "
                f"zoo finished; {BANDS}; one that costs nothing is a level line at its last accuracy.",
                table=costs.table(data),
                draw=partial(costs.figure, data, looks),
                titles=[panel.title for panel in data.panels],
                key=costs.key(data, looks),
            )


def _partitions(pictures: Sequence[Picture]) -> Iterator[Plate]:
    data = gather.dealt(pictures)
    if data:
        place = (pictures[0].dataset, pictures[0].partition)
        yield Plate(
            stem=slug("partition", *place),
            family="partition",
            title=f"Who holds what: {', '.join(place)}",
            caption=f"How unequal the clients are: images of each class on each client, training, validation and test "
            f"together{', at the right their sum' if data.summed else ''}. {_numbered(pictures[0].tasks)}One draw of "
            f"each ({_which(pictures)}); each replicate draws anew.",
            table=partitions.table(data),
            draw=partial(partitions.figure, data),
            titles=[draw.title for draw in data.draws],
            most=data.most,
        )


def _numbered(tasks: Sequence[tuple[str, int]]) -> str:
    """Which task a class of the figure belongs to; nothing where all clients have the data set's classes.

    >>> _numbered([("low", 5), ("high", 3)])
    'Classes are numbered task by task: low has 0 to 4, high has 5 to 7. '
    """
    ends = [*accumulate(classes for _, classes in tasks)]
    told = [f"{name} has {end - classes} to {end - 1}" for (name, classes), end in zip(tasks, ends, strict=True)]
    return f"Classes are numbered task by task: {', '.join(told)}. " if told else ""


def _which(pictures: Sequence[Picture]) -> str:
    draws = {(picture.replicate, picture.zoo) for picture in pictures}
    if len(draws) > 1:
        return "the first that finished"
    replicate, zoo = draws.pop()
    return f"replicate {replicate}, zoo {zoo}"


def _place(block: Block) -> tuple[str, str, str]:
    return block.dataset, block.partition, block.zoo


def _named(block: Block) -> str:
    return f"{block.dataset}, {block.partition}, zoo {block.zoo}"
