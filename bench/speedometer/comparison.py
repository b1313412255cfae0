"""The comparison: every workload, all contestants in turn, again and again, on one core."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from bench.speedometer.contest import BARE
from bench.speedometer.ours import ENGINES
from bench.speedometer.process import Worker, WorkerError, surroundings
from bench.speedometer.results import NAIVE, Series
from bench.speedometer.workloads import Workload

LOADER, NAIVE_BF16, PLAIN_MALLOC = "naive, DataLoader", "naive, bf16", "naive, malloc unset"
WARM_UP = 2  # rounds; the models are compared after them: the second one shows what momentum survives a round
EXTRA_REPEATS = 2  # of what is reported once
FURTHEST = {"fp32": 0.01, "bf16": 0.2}
"""How far models may be apart, in units of the way gone. One ReLU that flips on a rounding error is a thousandth."""
SAME = 0.001  # a bf16 engine that is as close as this to the naive loop in fp32 has not computed in bf16

Say = Callable[[str], None]


def compare(
    into: list[Series],
    workloads: Sequence[Workload],
    momenta: Sequence[float],
    repeats: int,
    root: str | None,
    *,
    extras: bool,
    say: Say,
) -> Iterator[Series]:
    """One series after the other, as soon as it is measured. The first momentum is the main one, with all repeats.

    A series that fails has a `problem`. Each is in `into` from its start: an interrupt loses no full repetition.
    """
    for place, momentum in enumerate(momenta):
        count = repeats if place == 0 else (repeats + 1) // 2
        for workload in workloads:
            names = contestants(workload, extras=extras and place == 0)
            warm_up = WARM_UP if momentum or extras else 1
            yield measure(into, workload, momentum, count, root, warm_up=warm_up, names=names, say=say)


def measure(
    into: list[Series],
    workload: Workload,
    momentum: float,
    repeats: int,
    root: str | None,
    *,
    warm_up: int,
    names: Sequence[str],
    say: Say,
) -> Series:
    """One series."""
    series = Series(workload.plain(), momentum, facts={})
    into.append(series)
    what = {"workload": workload.plain(), "momentum": momentum, "root": root}
    title = f"{workload.name}, momentum {momentum:g}"
    say(f"{title}: getting ready")
    try:
        with Contestants([name for name in names if name != PLAIN_MALLOC], PLAIN_MALLOC in names, what) as racing:
            series.facts = racing.main.call("facts")
            if (threads := series.facts["threads"]) != 1:
                series.problem = f"expected one thread, got {threads}"
            for _ in range(warm_up):
                for name in names:
                    racing.round(name)
            if NAIVE in names and not series.problem:
                series.distances = racing.main.call("distances", to=NAIVE)
                of_bf16 = racing.main.call("distances", to=NAIVE_BF16) if NAIVE_BF16 in names else {}
                series.problem = disagreement(workload.precision, series.distances, of_bf16)
            for repeat in range(0 if series.problem else repeats):
                say(f"{title}: repetition {repeat + 1} of {repeats}")
                taken = {name: racing.round(name) for name in names if repeat < EXTRA_REPEATS or not _extra(name)}
                rates = racing.main.call("rates", precision=workload.precision)
                series.rates.append(rates)
                for name, seconds in taken.items():
                    series.seconds.setdefault(name, []).append(seconds)
    except WorkerError as error:
        series.problem = str(error)
    return series


class Contestants:
    """The processes of one series: one for all, and one for the naive loop in memory as glibc handles it by itself."""

    def __init__(self, names: Sequence[str], plain_malloc: bool, what: dict[str, Any]) -> None:
        self.main = Worker(CONTEST, names=list(names), **what)
        self.plain: Worker | None = None
        if plain_malloc:
            try:
                self.plain = Worker(CONTEST, surroundings(malloc=False), names=[NAIVE], **what)
            except BaseException:
                self.main.end()
                raise

    def round(self, name: str) -> float:
        """CPU seconds of one more round of a contestant."""
        if name == PLAIN_MALLOC and self.plain:
            return float(self.plain.call("round", name=NAIVE)["cpu"])
        return float(self.main.call("round", name=name)["cpu"])

    def __enter__(self) -> "Contestants":
        return self

    def __exit__(self, *_: object) -> None:
        self.main.end()
        if self.plain:
            self.plain.end()


CONTEST = "bench.speedometer.contest:Contest"


def contestants(workload: Workload, *, extras: bool) -> list[str]:
    """Who takes part, in order."""
    names = [NAIVE, *ENGINES]
    if workload.precision == "bf16":
        names.append(NAIVE_BF16)
    return [*names, LOADER, PLAIN_MALLOC] if extras else names


def disagreement(precision: str, from_naive: dict[str, float], from_bf16: dict[str, float]) -> str | None:
    """Why these contestants did not do the same work, or None: distances from the naive loop, and from it in bf16."""
    if LOADER in from_naive and from_naive[LOADER] > FURTHEST["fp32"]:
        return f"{_apart(LOADER, from_naive[LOADER])}, expected at most {FURTHEST['fp32']}"
    for engine in (name for name in from_naive if name in ENGINES):
        apart = from_bf16[engine] if precision == "bf16" else from_naive[engine]
        if not apart <= FURTHEST[precision]:
            return f"{_apart(engine, apart)}, expected at most {FURTHEST[precision]}: they do not do the same work"
        if precision == "bf16" and from_naive[engine] < SAME:
            return f"{_apart(engine, from_naive[engine])} in fp32: it does not compute in bf16"
    return None


def _apart(name: str, distance: float) -> str:
    return f"the models of '{name}' and of the naive loop differ by {distance:.2g} of the way gone"


def _extra(name: str) -> bool:
    return name in (LOADER, PLAIN_MALLOC)


OVERHEAD = ("mnist-lenet5-b50", "digits-mlp")
MANY_STEPS = 40


def overhead(
    into: list[Series], workloads: Sequence[Workload], repeats: int, root: str | None, *, say: Say
) -> Iterator[Series]:
    """The reference engine beside forward, backward and update alone: rounds as they are, and with many steps each."""
    longer = [replace(w, name=f"{w.name}-{MANY_STEPS}-steps", local_steps=MANY_STEPS) for w in workloads]
    for workload in (*workloads, *longer):
        yield measure(into, workload, 0.0, repeats, root, warm_up=1, names=(BARE, "reference"), say=say)
