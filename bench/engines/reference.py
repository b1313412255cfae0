"""The reference engine: one client after another, in plain PyTorch. It is the specification of every other engine."""

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.func import functional_call

from bench.engines.batches import ready
from bench.engines.client import Client, complete, private_names, retain, withhold
from bench.engines.job import Images, Job, Trained
from bench.engines.optimiser import Optimiser, clip, make
from bench.engines.phase import trained_names
from bench.engines.precision import autocast, dtype, widened
from bench.engines.summary import Numbers, numbers, told
from bench.nets.net import Net
from bench.plugin import At, Batch, Out, Parts, State, Tensors


class Reference:
    """Trains one client at a time; see `bench.engines.job.Engine`."""

    def __init__(
        self, nets: Mapping[str, Net], images: Images, settings: Mapping[str, object], precision: str = "fp32"
    ):
        """`nets`: one module per architecture, whose weights do not matter; `settings`: the optimiser's."""
        self.images, self.precision = images, precision
        self.settings = settings
        self.nets = nets
        self._pieces: dict[tuple[str, str], Workpiece] = {}

    def train(self, jobs: Sequence[Job]) -> list[Trained]:
        """Do the jobs one after another."""
        batches = ready(self.images, [plan for job in jobs for plan in job.plans])
        routines: dict[tuple[int, ...], Routine] = {}
        done = []
        for job, of in zip(jobs, numbers(jobs, self.settings), strict=True):
            kind = (id(job.algorithm), *map(id, job.at.nets.values()))  # as long as the jobs live
            if kind not in routines:
                routines[kind] = Routine(self, job)
            done.append(ClientRound(self, job, routines[kind], batches, of).run())
        return done

    def piece(self, slot: str, parts: Parts) -> "Workpiece":
        """The module in which a slot is trained, made once per architecture."""
        key = (slot, parts.architecture)
        if key not in self._pieces:
            self._pieces[key] = Workpiece(self.nets[parts.architecture], self.images.x.device)
        return self._pieces[key]


class Routine:
    """What clients with one algorithm and the same nets do alike. A client of few steps need not work it out anew."""

    def __init__(self, engine: Reference, job: Job) -> None:
        """`job`: of any of these clients."""
        nets = job.at.nets
        self.slots = job.algorithm.slots()
        self.stages = [trained_names(phase, nets) for phase in job.algorithm.phases()]
        self.private = private_names(job.algorithm, nets)
        self.pieces = {slot: engine.piece(slot, parts) for slot, parts in nets.items()}
        self.nets = Forward(self.pieces, engine.precision)


class ClientRound:
    """One job: ``start -> phases -> summarise -> finish``."""

    def __init__(self, engine: Reference, job: Job, routine: Routine, batches: Iterator[Batch], of: Numbers) -> None:
        """`batches`: those of the job's phases come next; `of`: what `finish` is told of the job in numbers."""
        self.engine, self.job, self.algorithm = engine, job, job.algorithm
        self.routine, self.batches, self.of = routine, batches, of
        self.slots, self.pieces, self.nets = routine.slots, routine.pieces, routine.nets
        self.down = complete(job.down, job.client.kept)
        self.started = self.algorithm.start(job.client.state, self.down, job.at)
        for slot, piece in self.pieces.items():
            piece.load(slot, self.started.get(slot, {}))
        self.work: State = {**self.started, **{slot: piece.tensors for slot, piece in self.pieces.items()}}
        self.memory = dict(job.client.memory)

    def run(self) -> Trained:
        """Do the round; nothing that was given is changed."""
        job = self.job
        losses: list[Tensor] = []
        for number, (trained, plan) in enumerate(zip(self.routine.stages, job.plans, strict=True)):
            losses += self._phase(trained, len(plan), replace(job.at, phase=number) if number else job.at)
        after: State = {**self.started, **{slot: piece.snapshot() for slot, piece in self.pieces.items()}}
        if self.algorithm.summarises:
            for piece in self.pieces.values():
                piece.prepare(frozenset())  # evaluation mode
        local = told(job, self.of, self.engine.images, self.nets, self.work)
        state, upload = self.algorithm.finish(after, job.client.state, self.down, local, job.at)
        private = self.routine.private
        client = Client(state=state, kept=retain(after, private), memory=self.memory)
        return Trained(client, withhold(upload, private), torch.stack(losses))

    def _phase(self, trained: Mapping[str, frozenset[str]], steps: int, at: At) -> list[Tensor]:
        """Train one stage in place, these tensors of each slot; returns the loss of each step."""
        optimisers = self._optimisers(trained)
        parameters = [p for optimiser in optimisers.values() for p in optimiser.parameters]
        updates = [(o, len(o.parameters), self.slots[slot].clip) for slot, o in optimisers.items()]
        losses = []
        for batch in itertools.islice(self.batches, steps):
            loss = self.algorithm.loss(self.nets, self.work, self.job.client.state, self.down, batch, at)
            gradients = list(torch.autograd.grad(loss, parameters, allow_unused=True))
            for place, gradient in enumerate(gradients):
                if gradient is None:
                    gradients[place] = torch.zeros_like(parameters[place])
            with torch.no_grad():
                for optimiser, count, largest in updates:
                    own, gradients = gradients[:count], gradients[count:]
                    optimiser.step(own if largest is None else clip(own, largest), self.job.lr)
            losses.append(loss.detach())
        for slot, optimiser in optimisers.items():
            if self.slots[slot].keeps:
                # Parts that other phases train keep their own state beside it.
                self.memory[slot] = {**self.memory.get(slot, {}), **optimiser.memory()}
        return losses

    def _optimisers(self, trained: Mapping[str, frozenset[str]]) -> dict[str, Optimiser]:
        """Set what is trainable, and give each slot that trains its optimiser, with the state it kept."""
        settings = self.engine.settings
        optimisers = {}
        for slot, piece in self.pieces.items():
            names = piece.prepare(trained.get(slot, frozenset()))
            if names:
                optimiser = make(self.slots[slot], names, [piece.tensors[name] for name in names], settings)
                optimiser.recall(self.memory.get(slot, {}) if self.slots[slot].keeps else {})
                optimisers[slot] = optimiser
        return optimisers


class Workpiece:
    """A module whose own tensors are trained: a round's start is copied in, so that nothing is bound step by step."""

    def __init__(self, net: Net, device: torch.device) -> None:
        # Channels last is the same function, and 10 to 50 % faster for convolutions on a CPU.
        self.module = copy.deepcopy(net).to(device).train()
        cast(Any, self.module).to(memory_format=torch.channels_last)  # (its type stubs do not know this form)
        self.stand_in = copy.deepcopy(self.module).eval()  # for foreign tensors, in evaluation mode
        parameters, buffers = dict(self.module.named_parameters()), dict(self.module.named_buffers())
        self.tensors: Tensors = {name: (parameters | buffers)[name] for name in self.module.state_dict()}
        self.parameters = [name for name in self.tensors if name in parameters]
        self.trained: frozenset[str] | None = None  # what `prepare` was told last

    @torch.no_grad()
    def load(self, slot: str, tensors: Tensors) -> None:
        """Copy a round's start in. Raises ValueError where the plugin's tensors are not this net's."""
        if tensors.keys() != self.tensors.keys():
            odd = ", ".join(sorted(tensors.keys() ^ self.tensors.keys())[:4])
            raise ValueError(f"start() must return the slot '{slot}' with all tensors of its net; it differs in {odd}")
        # One call, for a small net's round has few steps.
        torch._foreach_copy_(list(self.tensors.values()), [tensors[name] for name in self.tensors])

    def prepare(self, trained: frozenset[str]) -> list[str]:
        """Make exactly these tensors trainable (training mode if there are any); returns the parameters' names."""
        if trained != self.trained:  # for the last client it was the same, mostly: it costs a small net half a step
            self.module.train(bool(trained))
            for name in self.parameters:
                self.tensors[name].requires_grad_(name in trained)
            self.trained = trained
        return [name for name in self.parameters if name in trained]

    @torch.no_grad()
    def snapshot(self) -> Tensors:
        """A copy of the tensors as they are now."""
        return {name: tensor.clone() for name, tensor in self.tensors.items()}


class Forward:
    """The `bench.plugin.Nets` of this engine: a plain module call for tensors in training, else a functional one."""

    def __init__(self, pieces: Mapping[str, Workpiece], precision: str) -> None:
        self.pieces, self.precision = pieces, precision

    def __call__(self, slot: str, tensors: Tensors, x: Tensor) -> Out:
        """Logits and features of images [B, C, H, W]."""
        if dtype(self.precision) is None:  # a context that does nothing costs a small net a fiftieth of its step
            return Out(*self._pass(slot, tensors, x))
        with autocast(self.precision, x.device):
            return widened(self._pass(slot, tensors, x), self.precision)

    def _pass(self, slot: str, tensors: Tensors, x: Tensor) -> Any:
        piece = self.pieces[slot]
        return piece.module(x) if tensors is piece.tensors else functional_call(piece.stand_in, tensors, (x,))
