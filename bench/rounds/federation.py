"""One cell's server and clients, the rounds between them, and what is written down of them."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench.engines import engine
from bench.engines.client import complete, private_names, size, withhold
from bench.engines.job import Engine, Job, Trained
from bench.plugin import Algorithm, Round, State
from bench.rounds import plan, sharing
from bench.rounds.local import job, newcomer
from bench.rounds.scorer import Diverged, Model, Models, Scorer
from bench.rounds.setting import Setting
from bench.rounds.trace import Trace
from bench.seeds import stream


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
    """One server, its clients, and the rounds between them; local training is left to an engine.

    A round is `open_round`, whose jobs an engine does (beside those of other federations, if it likes), then
    `close_round`; `bench.rounds.group` drives it.
    """

    def __init__(
        self, setting: Setting, algorithm: Algorithm, engine: Engine | None = None, trace: Path | None = None
    ) -> None:
        """`engine`: one that is shared with other federations; None: one of its own. `trace`: a folder for one.

        Raises Skip where clients have different tasks and cannot share what the algorithm shares.
        """
        self.setting, self.algorithm, self.cell = setting, algorithm, setting.cell
        self.training = self.cell.training
        self.engine = engine or make_engine(setting)
        self.journal, self.scorer = Journal(), Scorer(setting, trace=Trace(trace, self.cell) if trace else None)
        self.train_seconds = self.evaluate_seconds = 0.0
        at = setting.at(algorithm, 0, None)
        self.server = withhold(
            algorithm.init_server(setting.fresh(algorithm, None), at), private_names(algorithm, at.nets)
        )
        self.clients = [newcomer(setting, algorithm, k) for k in range(self.cell.clients)]
        self._down: State = {}  # what has travelled to the cohort of the round under way
        sharing.check(algorithm, self._download(0), setting.task)

    def evaluate(self, number: int) -> None:
        """Score the models after a round, where the declaration says so. Raises Diverged."""
        every = int(self.training["evaluate_every"])
        if (number + 1) % every == 0 or number + 1 == int(self.training["rounds"]):
            begin = time.perf_counter()
            self.scorer.note(number + 1, self.models(number))
            self.evaluate_seconds += time.perf_counter() - begin

    def result(self) -> dict[str, Any]:
        """The deterministic part of the record, after all rounds."""
        begin, journal, setting = time.perf_counter(), self.journal, self.setting
        headline = self.scorer.headline()
        at = headline["headline"]["round"]  # a client first drawn later counts there with its initial model
        self.evaluate_seconds += time.perf_counter() - begin
        kept = sharing.heads_kept(self.algorithm, setting.task)
        return {
            "partition": dict(setting.partition),
            **({"tasks": {"of_clients": list(setting.task_places), "private_heads": kept}} if setting.tasks else {}),
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

    def open_round(self, number: int) -> list[Job]:
        """The local work of a round's cohort."""
        self._down = self._download(number)
        return [self._job(k, number, self._down) for k in self.cohort(number)]

    def _download(self, number: int) -> State:
        """What travels to clients in a round."""
        at = self.setting.at(self.algorithm, number, None)
        return withhold(self.algorithm.download(self.server, at), private_names(self.algorithm, at.nets))

    def close_round(self, number: int, trained: Sequence[Trained]) -> None:
        """Take up what the cohort's work gave. Raises Diverged where a client's loss is not finite, Skip as above."""
        cohort, at = self.cohort(number), self.setting.at(self.algorithm, number, None)
        self._check(trained, cohort, number)
        sharing.check(self.algorithm, trained[0].upload, self.setting.task)
        examples = [float(len(self.setting.shares[k].drawn)) for k in cohort]
        facts = Round(examples=torch.tensor(examples, device=self.setting.device), clients=self.cell.clients)
        server = self.algorithm.aggregate(self.server, stack([t.upload for t in trained]), facts, at)
        self._take(number, trained, server, self._down)

    def take_round(self, number: int, trained: Sequence[Trained], server: State, down: State) -> None:
        """Take up a round that was trained and averaged elsewhere: by a framework with an algorithm of its own.

        `server` is its new global model, `down` what each client would have received. Raises Diverged as `close_round`.
        """
        self._check(trained, self.cohort(number), number)
        self._take(number, trained, server, down)

    def _take(self, number: int, trained: Sequence[Trained], server: State, down: State) -> None:
        cohort = self.cohort(number)
        for k, outcome in zip(cohort, trained, strict=True):
            self.clients[k] = outcome.client
        self.server = server
        self._note(number, cohort, down, trained)

    def _job(self, k: int, number: int, down: State) -> Job:
        return job(self.setting, self.algorithm, self.clients[k], down, k=k, round=number)

    def _check(self, trained: Sequence[Trained], cohort: Sequence[int], number: int) -> None:
        if not torch.isfinite(torch.cat([outcome.losses for outcome in trained])).all():
            k = next(k for k, each in zip(cohort, trained, strict=True) if not torch.isfinite(each.losses).all())
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
            n = len(self.setting.shares[k].drawn)
            if plan.filled(n, batch_size):
                journal.filled_batches += len(outcome.losses) // math.ceil(n / batch_size)

    def models(self, number: int) -> Models:
        """Every client's model in each view, after a round."""
        down = self._download(number)
        found: dict[str, list[Model]] = {}
        for k, client in enumerate(self.clients):
            here = self.setting.at(self.algorithm, number, k)
            views = self.algorithm.views(client.state, complete(down, client.kept), here)
            for view, (slot, tensors) in views.items():
                if view == "global" and (self.algorithm.slots()[slot].private or here.nets[slot].kept):
                    if "personal" in views:
                        continue
                    view = "personal"  # a global model with a part of the client's own is this client's model
                net = self.setting.nets[here.nets[slot].architecture]
                found.setdefault(view, []).append((net, tensors))
        return found


def make_engine(setting: Setting) -> Engine:
    """The engine of a setting's cell."""
    build = engine(setting.cell.engine)
    made: Engine = build(setting.nets, setting.images, setting.cell.training["optimizer"], setting.cell.precision)
    return made


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
