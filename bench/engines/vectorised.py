"""The vectorised engine: clients of one architecture side by side in one tensor program.

Each tensor of a slot is stacked over clients, [K, ...], and `torch.func.vmap` runs the plugin's own `loss` over the
first axis: no line of a plugin knows of it. Clients have unequal work, so they are stacked in the order of their steps,
longest first: at every step those that still train are a prefix of the stack, and a prefix is a view. Nobody computes
for a client that is done, and nothing is copied to make that so.

Results equal the reference engine's up to the order of float operations. They depend on the cohort of a cell and on
nothing else that runs.
"""

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap

from bench.engines.client import Client, complete, private_names, retain, withhold
from bench.engines.job import Images, Job, Trained
from bench.engines.optimiser import KINDS, Optimiser, clip_rows
from bench.engines.reference import trained_names
from bench.engines.summary import summarised
from bench.nets.net import Net
from bench.plugin import Algorithm, At, Batch, Local, Out, Phase, State, Tensors


class Vectorised:
    """Trains the clients of a cohort side by side, one group per architecture; see `bench.engines.job.Engine`."""

    def __init__(self, algorithm: Algorithm, nets: Mapping[str, Net], images: Images, settings: Mapping[str, object]):
        """`nets`: one module per architecture, whose weights do not matter; `settings`: the optimiser's."""
        self.algorithm = algorithm
        self.images = images
        self.settings = settings
        device = images.x.device
        self.training = {name: copy.deepcopy(net).to(device).train() for name, net in nets.items()}
        self.evaluating = {name: copy.deepcopy(net).to(device).eval() for name, net in nets.items()}

    def train(self, jobs: Sequence[Job]) -> list[Trained]:
        """Do the jobs; results in their order."""
        groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for index, job in enumerate(jobs):
            groups[self._alike(job)].append(index)
        done: dict[int, Trained] = {}
        for indices in groups.values():
            # Every phase orders clients alike: by how many rows they have.
            indices.sort(key=lambda i: [-len(plan) for plan in jobs[i].plans])
            stack = Stack(self, [jobs[i] for i in indices])
            done |= zip(indices, stack.run(), strict=True)
        return [done[index] for index in range(len(jobs))]

    def _alike(self, job: Job) -> tuple[object, ...]:
        """What jobs must share to be stacked: architectures, step size, and how far their optimisers are."""
        nets = tuple(sorted((slot, parts.architecture) for slot, parts in job.at.nets.items()))
        steps = tuple(
            (slot, name, int(age))
            for slot, memory in sorted(job.client.memory.items())
            for name, age in sorted(memory.items())
            if name.startswith("steps/")
        )
        return nets, job.lr, steps, job.at.round, job.at.rounds


class Stack:
    """One group of jobs, longest first: ``start -> phases -> summarise -> finish`` for all at once."""

    def __init__(self, engine: Vectorised, jobs: Sequence[Job]) -> None:
        self.engine, self.jobs, self.algorithm = engine, jobs, engine.algorithm
        self.at = jobs[0].at
        self.slots = self.algorithm.slots()
        self.downs = [complete(job.down, job.client.kept) for job in jobs]
        self.started = [
            self.algorithm.start(job.client.state, down, job.at) for job, down in zip(jobs, self.downs, strict=True)
        ]
        self.work = _stacked(self.started)
        self.clients = _stacked([job.client.state for job in jobs])
        self.shares_down = not any(job.client.kept for job in jobs)
        self.down = self.downs[0] if self.shares_down else _stacked(self.downs)
        self.memory: dict[str, list[Tensors]] = {}

    def run(self) -> list[Trained]:
        """Do all rounds; nothing that was given is changed."""
        losses: list[list[Tensor]] = [[] for _ in self.jobs]
        for number, phase in enumerate(self.algorithm.phases()):
            plans = [job.plans[number] for job in self.jobs]
            for row, values in zip(losses, self._phase(phase, plans, replace(self.at, phase=number)), strict=True):
                row.append(values)
        return [self._finish(row, torch.cat(values)) for row, values in enumerate(losses)]

    def _phase(self, phase: Phase, plans: Sequence[Tensor], at: At) -> list[Tensor]:
        """Train one stage in place; returns each client's loss at each of its steps."""
        trained = trained_names(phase, at.nets)
        optimisers = {slot: self._optimiser(slot, names) for slot, names in trained.items() if names}
        gradient = self._gradient(trained, at)
        steps = [len(plan) for plan in plans]
        losses = torch.zeros(max(steps), len(plans), device=plans[0].device)
        alive = 0
        for step in range(max(steps)):
            if (left := sum(step < n for n in steps)) != alive:
                alive = left
                work, clients, down = self._first(alive)
                for slot, optimiser in optimisers.items():
                    optimiser.parameters = [work[slot][name] for name in optimiser.names]
                    optimiser.narrow(alive)
            rows = torch.stack([plan[step] for plan in plans[:alive]])
            x, y = self.engine.images.batch(rows.flatten())
            train = {slot: {name: work[slot][name] for name in opt.names} for slot, opt in optimisers.items()}
            x = x.contiguous().view(*rows.shape, *x.shape[1:])
            found, (loss, buffers) = gradient(train, work, clients, down, x, y.view_as(rows), rows)
            for slot, optimiser in optimisers.items():
                own = [found[slot][name] for name in optimiser.names]
                largest = self.slots[slot].clip
                optimiser.step(own if largest is None else clip_rows(own, largest), self.jobs[0].lr)
            for slot, updated in buffers.items():
                for name, value in updated.items():
                    work[slot][name].copy_(value)
            losses[step, :alive] = loss
        for slot, optimiser in optimisers.items():
            if self.slots[slot].keeps:
                kept = self.memory.get(slot) or [job.client.memory.get(slot, {}) for job in self.jobs]
                self.memory[slot] = [{**kept[row], **optimiser.memory_of(row, n)} for row, n in enumerate(steps)]
        return [losses[:n, row] for row, n in enumerate(steps)]

    def _optimiser(self, slot: str, names: frozenset[str]) -> Optimiser:
        """The optimiser of a slot, over the whole stack, with what each client kept; zeros where it has nothing yet."""
        ordered = [name for name in self.work[slot] if name in names]
        optimiser = KINDS[str(self.engine.settings["name"])](
            ordered, [self.work[slot][name] for name in ordered], self.engine.settings
        )
        memories = [job.client.memory.get(slot, {}) if self.slots[slot].keeps else {} for job in self.jobs]
        if slot in self.memory:  # an earlier phase of this round trained it
            memories = self.memory[slot]
        optimiser.spread(memories)
        return optimiser

    def _gradient(self, trained: Mapping[str, frozenset[str]], at: At) -> Callable[..., Any]:
        """The plugin's loss as a function of what is trained: gradients, losses and new buffers of all rows."""
        algorithm, engine = self.algorithm, self.engine

        def loss(
            train: State, work: State, client: State, down: State, x: Tensor, y: Tensor, rows: Tensor
        ) -> tuple[Tensor, tuple[Tensor, State]]:
            whole = {slot: {**tensors, **train.get(slot, {})} for slot, tensors in work.items()}
            nets = Forward(engine, at, whole, {slot for slot, names in trained.items() if names})
            value = algorithm.loss(nets, whole, client, down, Batch(x=x, y=y, rows=rows), at)
            return value, (value.detach(), nets.buffers)

        down = None if self.shares_down else 0
        stacked_clients = 0 if any(self.clients.values()) else None
        in_dims = (0, 0, stacked_clients, down if any(self.down.values()) else None, 0, 0, 0)
        return vmap(grad(loss, has_aux=True), in_dims=in_dims)

    def _first(self, count: int) -> tuple[State, State, State]:
        """Views of the first rows of everything that is stacked."""

        def first(state: State) -> State:
            return {slot: {name: tensor[:count] for name, tensor in tensors.items()} for slot, tensors in state.items()}

        return first(self.work), first(self.clients), self.down if self.shares_down else first(self.down)

    def _finish(self, row: int, losses: Tensor) -> Trained:
        job, down = self.jobs[row], self.downs[row]
        # Copies: a client that waits for its next round must not keep the whole stack alive.
        after = {
            slot: {name: tensor[row].clone() for name, tensor in tensors.items()} for slot, tensors in self.work.items()
        }
        nets = Forward(self.engine, job.at, after, set())
        local = Local(
            steps=torch.tensor(float(len(losses))),
            lr=torch.tensor(job.lr),
            summary=summarised(self.algorithm, self.engine.images, nets, after, job),
        )
        state, upload = self.algorithm.finish(after, job.client.state, down, local, job.at)
        private = private_names(self.algorithm, job.at.nets)
        memory = {**job.client.memory, **{slot: rows[row] for slot, rows in self.memory.items()}}
        return Trained(Client(state, retain(after, private), memory), withhold(upload, private), losses)


class Forward:
    """The `bench.plugin.Nets` of this engine: pure passes that note the buffers a pass in training mode made."""

    def __init__(self, engine: Vectorised, at: At, work: State, trained: set[str]) -> None:
        self.engine, self.at, self.work, self.trained = engine, at, work, trained
        self.buffers: State = {}

    def __call__(self, slot: str, tensors: Tensors, x: Tensor) -> Out:
        """Logits and features of images [B, C, H, W]."""
        parts = self.at.nets[slot]
        if slot not in self.trained or tensors is not self.work[slot]:
            return Out(*functional_call(self.engine.evaluating[parts.architecture], tensors, (x,)))
        # A second pass in one loss goes on from the first one's statistics, as a module would.
        before = self.buffers.get(slot) or {name: tensors[name] for name in parts.buffers}
        buffers = {name: tensor.clone() for name, tensor in before.items()}
        out = functional_call(self.engine.training[parts.architecture], {**tensors, **buffers}, (x,))
        if buffers:
            self.buffers[slot] = buffers
        return Out(*out)


def _stacked(states: Sequence[State]) -> State:
    """States side by side: each tensor [K, ...], memory of its own."""
    return {
        slot: {name: torch.stack([state[slot][name] for state in states]) for name in tensors}
        for slot, tensors in states[0].items()
    }
