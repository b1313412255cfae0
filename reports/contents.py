"""The words of a report, before they become a page: what was run, how it ended, what to keep in mind."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.analysis import Analysis, tuned
from reports.analysis.choices import changes
from reports.blocks import Block
from reports.results import Results, Run
from reports.statistics import ROPE
from reports.tables.kinds import PROSE, TEXT
from reports.tables.table import Column, Group, Row, Table
from reports.wording import counted, duration, level, listed

Facts = list[tuple[str, str]]  # name, value


@dataclass(frozen=True)
class Ending:
    """Cells of one algorithm in one block that did not finish, of one status."""

    status: str
    algorithm: str
    where: str
    cells: int
    reasons: Sequence[tuple[str, int]]  # reason, cells; the most frequent first, at most `REASONS`
    more: int  # further reasons


REASONS = 5


def title(results: Results) -> str:
    """The headline of the page."""
    return f"{results.name} on {listed(results.suite.get('datasets', ()))}"


def summary(analysis: Analysis) -> str:
    """One line under the title."""
    results = analysis.results
    ended = ", ".join(f"{number} {status}" for status, number in results.counts.items() if number)
    return (
        f"{listed(results.axis('algorithm'))}: {ended or 'no cell was run'}; {counted(results.replicates, 'replicate')}"
    )


def of_studies(results: Results) -> str:
    """One line under the title of a run of several studies."""
    ended = ", ".join(f"{number} {status}" for status, number in results.counts.items() if number)
    return f"{counted(len(results.studies), 'study').replace('studys', 'studies')}: {ended or 'no cell was run'}"


def facts(results: Results) -> Facts:
    """What was run."""
    suite, counts = results.suite, results.counts
    seconds = sum(run.score.seconds for run in results.runs if run.score)
    ended = [f"{number} {status}" for status, number in counts.items() if number or status in ("done", "failed")]
    if results.waiting:
        ended.append(f"{results.waiting} not run yet")
    alphas = [level(alpha) for alpha in results.axis("alpha") if alpha is not None]
    return [
        ("Suite", f"{results.name}, version {suite.get('version', '?')}"),
        ("Data", listed(results.axis("dataset"))),
        *_tasks(results),
        ("Partition", listed(results.axis("partition"))),
        *([("Alpha", listed(alphas))] if alphas else []),
        ("Zoos", listed(results.axis("zoo"))),
        ("Algorithms", "; ".join(_with_parameters(results, name) for name in results.axis("algorithm"))),
        ("Replicates", f"{results.replicates} with finished cells, {suite.get('replicates', '?')} declared"),
        ("Cells", ", ".join(ended)),
        ("Training", training(suite.get("training") or {}) + _unless_tuned(results)),
        *tuned.facts(results),
        ("Time", f"{duration(seconds)} of computing, all finished cells together"),
    ]


def _tasks(results: Results) -> Facts:
    """What clients with tasks of their own are to learn, and what that does to the algorithms."""
    tasks = next((run.tasks for run in results.runs if run.tasks), ())
    if not tasks:
        return []
    told = []
    for task in tasks:
        some = f", {task['images']} images" if task.get("images") else ""
        what = f"{len(task['classes'])} classes of {task['dataset']}{some}"
        told.append(f"{task['name']}: {what} on {counted(task['clients'], 'client')}")
    kept = {run.algorithm: listed(run.score.private_heads) for run in results.runs if run.score}
    heads = [f"{name} (of {nets})" for name in results.axis("algorithm") if (nets := kept.get(name))]
    return [
        ("Tasks", "; ".join(told)),
        *([("Heads kept private", f"{listed(heads)}, because tasks differ; bodies are shared")] if heads else []),
    ]


def _with_parameters(results: Results, name: str) -> str:
    """An algorithm with its hyper-parameters, data set by data set where they differ; a variant with its change."""
    for change in changes(results.suite):
        if change.name == name:
            return f"{name} ({change.base}, {change.values})"
    written = {
        run.dataset: ", ".join(f"{key} {_short(value)}" for key, value in sorted(run.params.items()))
        for run in results.runs
        if run.algorithm == name
    }
    alike = len(set(written.values())) == 1
    inside = next(iter(written.values())) if alike else "; ".join(f"{where}: {own}" for where, own in written.items())
    return f"{name} ({inside})" if inside else name


def _unless_tuned(results: Results) -> str:
    rates = any("lr" in origin.values for origin in tuned.origins(results))
    return "; other learning rates where tuned" if rates else ""


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def training(settings: Mapping[str, Any]) -> str:
    """The training settings in one line; what is not known is left out."""
    share = settings.get("participation", 1.0)
    epochs, steps = settings.get("local_epochs"), settings.get("local_steps")
    optimizer, schedule = settings.get("optimizer") or {}, settings.get("lr_schedule") or {}
    parts = [
        counted(settings["rounds"], "round") if "rounds" in settings else "",
        counted(settings["clients"], "client") if "clients" in settings else "",
        "all in every round" if share == 1 else f"{100 * share:g} % of them in a round",
        counted(epochs, "local epoch") if epochs else counted(steps, "local step") if steps else "",
        f"batches of {settings['batch_size']}" if "batch_size" in settings else "",
        _settings(optimizer),
        f"{_settings(schedule)} learning rate" if schedule else "",
    ]
    return ", ".join(part for part in parts if part)


def _settings(table: Mapping[str, Any]) -> str:
    values = [
        f"{key.replace('_', ' ')} {_short(value)}"
        for key, value in table.items()
        if key != "name" and value is not None
    ]
    return " ".join([str(table.get("name", "")), *values]).strip()


def notices(analysis: Analysis) -> list[str]:
    """What a reader must know before believing a number."""
    results = analysis.results
    found = []
    if not analysis.finished:
        found.append("No cell of this run has finished: there is nothing to report but how the cells ended.")
    else:
        found += [guard.text for guard in analysis.guards if guard.fired and guard.name in LOUD]
    return found + of_the_folder(results)


def of_the_folder(results: Results) -> list[str]:
    """What a reader must know of the files behind a report."""
    found = []
    if results.joined:
        names = listed([str(each.get("folder")) for each in results.joined], 20)
        found.append(f"Joined from {counted(len(results.joined), 'folder')}: {names}.")
    if results.waiting:
        found.append(f"{counted(results.waiting, 'declared cell')} not run yet: the same command resumes.")
    if results.others:
        found.append(
            f"The folder holds {counted(results.others, 'other cell')}, of earlier declarations; this report is about "
            "the latest one."
        )
    return found + [str(notice) for notice in results.notices]


LOUD = ("Replicates", "Missing pairs", "Draws")
"""The guards that stand at the top of the page when they fire: without them a reader would be misled at once."""


def threats(analysis: Analysis) -> Table:
    """Every guard and what it saw."""
    columns = (Column("guard", "guard", TEXT), Column("fired", "fired", TEXT), Column("text", "what it saw", PROSE))
    rows = [
        Row({"guard": guard.name, "fired": "yes" if guard.fired else "no", "text": guard.text}, muted=not guard.fired)
        for guard in analysis.guards
    ]
    return Table("threats", "Threats", "What each guard saw.", columns, [Group(rows)])


def endings(results: Results) -> list[Ending]:
    """The cells that did not finish, by status, algorithm and block."""
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in results.runs:
        if run.score is None:
            where = f"{run.dataset}, {run.partition}, zoo {run.zoo}"
            groups.setdefault((run.status, run.algorithm, where), []).append(run)
    found = []
    for (status, algorithm, where), runs in groups.items():
        alphas = sorted({run.alpha for run in runs if run.alpha is not None})
        replicates = sorted({run.replicate for run in runs})
        reasons = Counter(run.reason or "no reason given" for run in runs).most_common()
        place = f"{where}; {_place(alphas, replicates)}"
        found.append(Ending(status, algorithm, place, len(runs), reasons[:REASONS], len(reasons[REASONS:])))
    return found


def gaps(block: Block) -> list[str]:
    """The missing pairs of a block, one line for all alphas at which an algorithm lacks the same replicates."""
    missing: dict[tuple[str, str, float | None], list[int]] = {}
    for gap in block.gaps:
        missing.setdefault((gap.algorithm, gap.status, gap.alpha), []).append(gap.replicate)
    alike: dict[tuple[str, str, tuple[int, ...]], list[float | None]] = {}
    for (algorithm, status, alpha), replicates in missing.items():
        alike.setdefault((algorithm, status, tuple(replicates)), []).append(alpha)
    return [
        f"{algorithm} {status} at {_place(alphas, replicates)}"
        for (algorithm, status, replicates), alphas in alike.items()
    ]


def _place(alphas: Sequence[float | None], replicates: Sequence[int]) -> str:
    """Where in a block: "alpha 0.1, 0.5, replicate 3"."""
    known = [level(alpha) for alpha in alphas if alpha is not None]
    noun = "replicate" if len(replicates) == 1 else "replicates"
    return ", ".join([*([f"alpha {listed(known)}"] if known else []), f"{noun} {listed(replicates)}"])


def protocol(results: Results) -> list[tuple[str, str]]:
    """How the numbers came about: term, explanation."""
    settings = results.suite.get("training") or {}
    seeds = results.suite.get("seeds") or {}
    last = settings.get("selection") == "last"
    fixed = [kind for kind in ("partition", "training") if seeds.get(kind) is not None]
    redraws = "Draws its own partition, splits, initial weights, batch order and client sampling"
    if fixed:
        redraws += f", except what the suite's fixed {' and '.join(fixed)} seed decides"
    return [
        (
            "Client accuracy",
            "The model an algorithm gives a client (its personal one, else the global one) on that client's own test "
            "split; mean over clients, not weighted by size. Worst 10 %: the same over the worst tenth of clients.",
        ),
        (
            "Global accuracy",
            "There is none: every head is private, so no model is everyone's, and what an algorithm shares is scored "
            "under each client's own head, as its personal model. Personal on global: each client's model on the data "
            "set's own test split, as far as it is of the client's task, mean over clients."
            if results.suite.get("tasks")
            else "The global model on the data set's own test split. Personal on global: each client's personal model "
            "on that same split, mean over clients.",
        ),
        (
            "Headline round",
            "One per cell: the last round. The best round on test data is never used."
            if last
            else "One per cell, chosen on validation data: the round of the highest mean validation accuracy over "
            "clients, the earliest at a tie. The best round on test data is never used.",
        ),
        (
            "Majority floor",
            "What a constant guess of each client's most frequent training class reaches on its test split. An "
            "accuracy means little without it: unequal clients have a high floor.",
        ),
        (
            "Rounds to target",
            "The first evaluated round at which a run's client accuracy on test data reached the suite's target, "
            "median over runs; runs that never got there are censored, not left out.",
        ),
        (
            "Splits",
            "Each client's rows are divided 70/10/20 into training, validation and test, at random."
            + _kept_out(results),
        ),
        ("Replicate", f"{redraws}. All algorithms meet the same draws, so differences are paired."),
        (
            "Means and intervals",
            "Means are over the replicates that every algorithm of the block finished at that alpha; intervals are "
            "95 % t intervals over replicates, never over clients. Those of the verdicts and of the comparison hold "
            "together; all others are for one number alone and may reach beyond 100 %.",
        ),
        (
            "Pairs",
            "Two algorithms in the same data set, partition, alpha, zoo and replicate. A comparison is over the cells "
            "and replicates that both finished: where something is missing, whichever of cell and replicate costs "
            f"fewer pairs is left out, and named. Practically equal is what differs by at most {100 * ROPE:g} points.",
        ),
    ]


def _kept_out(results: Results) -> str:
    """What tuning leaves to the clients' tests."""
    reserved = float((results.suite.get("tune") or {}).get("reserved", 0.0))
    if not reserved:
        return ""
    return (
        f" A fixed {100 * reserved:g} % of each data set's training rows is reserved for tuning: clients train and "
        "validate on such rows, and are tested on the others alone."
    )


def commands(results: Results) -> list[str]:
    """The commands that computed the cells, as they can be typed again."""
    origins = [each.get("provenance") or {} for each in results.joined] or [results.provenance]
    return [shlex.join(["python", "-m", "bench.run", *map(str, origin.get("argv") or ())]) for origin in origins]


def provenance(results: Results) -> Facts:
    """Code, machine and libraries."""
    origin = results.provenance
    versions = origin.get("versions") or {}
    dirty = " with uncommitted changes" if origin.get("dirty") else ""
    done = [run for run in results.runs if run.score]
    kinds = ("engine", "device", "precision")
    engines = sorted({", ".join(str(run.identity.get(kind, "")) for kind in kinds) for run in done})
    processors = sorted({run.processor for run in done if run.processor})
    rows = [
        ("Joined from", listed([str(each.get("folder")) for each in results.joined], 20)),
        ("Commit", f"{origin.get('commit') or 'not in a checkout'}{dirty}"),
        ("Commits of the cells", listed(results.commits, 5) if len(results.commits) > 1 else ""),
        ("Engine", "; ".join(engines)),
        ("Data (md5)", ", ".join(f"{name} {md5}" for name, md5 in (results.setup.get("data") or {}).items())),
        ("Started", str(origin.get("started") or "")),
        ("Processor", "; ".join(processors) or str(origin.get("processor") or "")),
        ("Threads per cell", str(origin.get("threads") or "")),
        ("Platform", str(origin.get("platform") or "")),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version)),
    ]
    return [(name, value) for name, value in rows if value]
