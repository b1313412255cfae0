"""Running one cell: rounds of local training and aggregation, and what is written down of them."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.declaration.cell import Cell
from bench.declaration.suite import Schedule
from bench.engines import engine
from bench.engines.client import Client, complete, private_names, retain, size, withhold
from bench.engines.job import Engine, Job, Trained
from bench.plugin import Algorithm, Round, State
from bench.registry import ALGORITHMS
from bench.rounds import plan
from bench.rounds.scorer import Diverged, Model, Models, Scorer
from bench.rounds.setting import Setting, prepare
from bench.seeds import stream

__all__ = ["Diverged", "Federation", "Skip", "run"]


class Skip(Exception):
    """The algorithm cannot serve this cell; the text is its reason."""


def run(cell: Cell, root: Path | None = None, on_round: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Run a cell: {"result": ..., "timing": ...} of its record. A pure function of the declaration, but for the timing.

    `on_round` is told of each finished round, from 1: the progress display listens. Raises Skip, Diverged, DataError,
    or whatever a plugin raises.
    """
    begin = time.perf_counter()
    with one_thread():
        setting = prepare(cell, root)
        algorithm: Algorithm = ALGORITHMS.get(cell.algorithm)(**cell.params)
        if reason := algorithm.skip(setting.task):
            raise Skip(reason)
        federation = Federation(setting, algorithm)
        result = federation.result(on_round)
    timing = {
        "train_seconds": federation.train_seconds,
        "evaluate_seconds": federation.evaluate_seconds,
        "total_seconds": time.perf_counter() - begin,
        "shared": False,
    }
    return {"result": result, "timing": timing}


@contextmanager
def one_thread() -> Iterator[None]:
    """Results must not depend on how many threads split a sum."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass
class Journal:
    """What rounds cost and did."""

    training_loss: list[float] = field(default_factory=list)  # per round: mean over the cohort and its steps
    bytes_up: list[int] = field(default_factory=list)
    bytes_down: list[int] = field(default_factory=list)
    steps: int = 0
    filled_batches: int = 0  # batches that repeat rows to be full
    first_drawn: dict[int, int] = field(default_factory=dict)  # client -> the round (from 1) that first drew it


class Federation:
    """One server, its clients, and the rounds between them."""

    def __init__(self, setting: Setting, algorithm: Algorithm) -> None:
        self.setting, self.algorithm, self.cell = setting, algorithm, setting.cell
        self.training = self.cell.training
        build = engine(self.cell.engine)
        self.engine: Engine = build(setting.nets, setting.images, self.training["optimizer"])
        self.journal = Journal()
        self.train_seconds = self.evaluate_seconds = 0.0
        at = setting.at(algorithm, 0, None)
        self.server = withhold(
            algorithm.init_server(setting.fresh(algorithm, None), at), private_names(algorithm, at.nets)
        )
        self.clients = [self._newcomer(k) for k in range(self.cell.clients)]

    def _newcomer(self, k: int) -> Client:
        fresh = self.setting.fresh(self.algorithm, k)
        at = self.setting.at(self.algorithm, 0, k)
        return Client(
            state=self.algorithm.init_client(fresh, at),
            kept=retain(fresh, private_names(self.algorithm, at.nets)),
        )

    def result(self, on_round: Callable[[int], None] | None = None) -> dict[str, Any]:
        """Run all rounds; returns the deterministic part of the record."""
        rounds, every = int(self.training["rounds"]), int(self.training["evaluate_every"])
        scorer, journal = Scorer(self.setting), self.journal
        clock = time.perf_counter
        for number in range(rounds):
            begin = clock()
            self._round(number)
            self.train_seconds += clock() - begin
            if (number + 1) % every == 0 or number + 1 == rounds:
                begin = clock()
                scorer.note(number + 1, self.models(number))
                self.evaluate_seconds += clock() - begin
            if on_round:
                on_round(number + 1)
        begin = clock()
        headline = scorer.headline()
        at = headline["headline"]["round"]  # a client first drawn later counts there with its initial model
        self.evaluate_seconds += clock() - begin
        return {
            "partition": dict(self.setting.partition),
            **headline,
            "training_loss": journal.training_loss,
            "bytes_up": journal.bytes_up,
            "bytes_down": journal.bytes_down,
            "steps": journal.steps,
            "filled_batches": journal.filled_batches,
            "never_sampled": self.cell.clients - sum(r <= at for r in journal.first_drawn.values()),
        }

    def cohort(self, number: int) -> list[int]:
        """Who takes part in a round: the same clients for every algorithm."""
        count = max(1, round(self.cell.clients * float(self.training["participation"])))
        if count == self.cell.clients:
            return list(range(count))
        rng = stream("cohort", round=number, **self.cell.axes("training"))
        return sorted(rng.choice(self.cell.clients, count, replace=False).tolist())

    def _round(self, number: int) -> None:
        cohort = self.cohort(number)
        at = self.setting.at(self.algorithm, number, None)
        down = withhold(self.algorithm.download(self.server, at), private_names(self.algorithm, at.nets))
        trained = self.engine.train([self._job(k, number, down) for k in cohort])
        self._check(trained, cohort, number)
        for k, outcome in zip(cohort, trained, strict=True):
            self.clients[k] = outcome.client
        examples = [float(len(self.setting.shares[k].train)) for k in cohort]
        facts = Round(examples=torch.tensor(examples, device=self.setting.device), clients=self.cell.clients)
        self.server = self.algorithm.aggregate(self.server, stack([t.upload for t in trained]), facts, at)
        self._note(number, cohort, down, trained)

    def _job(self, k: int, number: int, down: State) -> Job:
        share, training = self.setting.shares[k], self.training
        plans = []
        for phase in self.algorithm.phases():
            steps = None if phase.epochs else training["local_steps"]
            batches = plan.batches(
                share.train.numpy(force=True),
                int(training["batch_size"]),
                epochs=(phase.epochs or training["local_epochs"]) if steps is None else None,
                steps=steps,
                client=k,
                round=number,
                **self.cell.axes("training"),
            )
            plans.append(torch.from_numpy(batches).to(self.setting.device))
        lr = Schedule(**training["lr_schedule"]).lr(float(training["optimizer"]["lr"]), number, int(training["rounds"]))
        at = self.setting.at(self.algorithm, number, k)
        return Job(self.algorithm, self.clients[k], down, rows=share.train, plans=plans, lr=lr, at=at)

    def _check(self, trained: Sequence[Trained], cohort: Sequence[int], number: int) -> None:
        losses = torch.stack([outcome.losses.sum() for outcome in trained])
        if not torch.isfinite(losses).all():
            k = cohort[int((~torch.isfinite(losses)).nonzero()[0])]
            raise Diverged(f"the training loss of client {k} is not finite in round {number + 1}")

    def _note(self, number: int, cohort: Sequence[int], down: State, trained: Sequence[Trained]) -> None:
        journal, batch_size = self.journal, int(self.training["batch_size"])
        journal.training_loss.append(float(torch.stack([t.losses.double().mean() for t in trained]).mean()))
        journal.bytes_down.append(size(down) * len(cohort))
        journal.bytes_up.append(sum(size(t.upload) for t in trained))
        journal.steps += sum(len(t.losses) for t in trained)
        for k in cohort:
            journal.first_drawn.setdefault(k, number + 1)
        for k, outcome in zip(cohort, trained, strict=True):
            n = len(self.setting.shares[k].train)
            if plan.filled(n, batch_size):
                journal.filled_batches += len(outcome.losses) // math.ceil(n / batch_size)

    def models(self, number: int) -> Models:
        """Every client's model in each view, after a round."""
        at = self.setting.at(self.algorithm, number, None)
        down = withhold(self.algorithm.download(self.server, at), private_names(self.algorithm, at.nets))
        found: dict[str, list[Model]] = {}
        for k, client in enumerate(self.clients):
            here = self.setting.at(self.algorithm, number, k)
            views = self.algorithm.views(client.state, complete(down, client.kept), here)
            for view, (slot, tensors) in views.items():
                if view == "global" and self.algorithm.slots()[slot].private:
                    if "personal" in views:
                        continue
                    view = "personal"  # a global model with a part of the client's own is this client's model
                net = self.setting.nets[here.nets[slot].architecture]
                found.setdefault(view, []).append((net, tensors))
        return found


def stack(states: Sequence[State]) -> State:
    """Uploads side by side: each tensor [K, ...]. Raises ValueError where their shapes differ."""
    stacked: State = {}
    for slot, tensors in states[0].items():
        stacked[slot] = {}
        for name in tensors:
            each: list[Tensor] = [state[slot][name] for state in states]
            if len({tensor.shape for tensor in each}) > 1:
                shapes = sorted({str(tuple(tensor.shape)) for tensor in each})
                raise ValueError(f"uploads of one shape expected for {slot}/{name}, got {', '.join(shapes)}")
            stacked[slot][name] = torch.stack(each)
    return stacked
