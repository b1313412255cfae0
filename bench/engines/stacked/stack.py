"""One group of jobs side by side, longest first: ``start -> phases -> summarise -> finish`` for all at once."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from bench.engines.client import Client, complete, owned, private_names, retain, withhold
from bench.engines.job import Images, Job, Trained
from bench.engines.stacked.passes import Models
from bench.engines.stacked.repeats import Repeats
from bench.engines.stacked.rows import Rows
from bench.engines.stacked.training import Training
from bench.engines.summary import Numbers, numbers, told
from bench.plugin import Out, State, Tensors


class Stack:
    """Jobs of one architecture per slot and of equally old optimisers; the cells they come from may differ."""

    def __init__(
        self,
        jobs: Sequence[Job],
        models: Models,
        images: Images,
        settings: Mapping[str, object],
        repeats: Repeats,
    ) -> None:
        """`repeats`: how steps that are alike are repeated."""
        self.jobs, self.models, self.images, self.settings = jobs, models, images, settings
        self.repeats = repeats
        self.algorithm = jobs[0].algorithm
        self.at = jobs[0].at
        self.slots = self.algorithm.slots()
        self.downs = [complete(job.down, job.client.kept) for job in jobs]
        self.started = [
            job.algorithm.start(job.client.state, down, job.at) for job, down in zip(jobs, self.downs, strict=True)
        ]
        self.work: dict[str, Tensors] = {slot: self._stacked(slot) for slot in self.at.nets}
        self.others = Rows(self.started)  # tensors of the work state that no net trains
        self.clients, self.down = Rows([job.client.state for job in jobs]), Rows(self.downs)
        self.forms = tuple(_form(states[0]) for states in (self.started, self.downs, [jobs[0].client.state]))
        self.memory: dict[str, list[Tensors]] = {}
        self.anchor = torch.zeros((), requires_grad=True, device=images.x.device)

    def run(self) -> list[Trained]:
        """Do the round; nothing that was given is changed."""
        losses: list[list[Tensor]] = [[] for _ in self.jobs]
        for number, phase in enumerate(self.algorithm.phases()):
            plans = [job.plans[number] for job in self.jobs]
            found = Training(self, phase, plans, replace(self.at, phase=number)).run()
            for row, values in zip(losses, found, strict=True):
                row.append(values)
        told_of = numbers(self.jobs, self.settings)
        return [self._finish(row, torch.cat(values), told_of[row]) for row, values in enumerate(losses)]

    def _stacked(self, slot: str) -> Tensors:
        """A net's tensors side by side, in memory of their own. Raises ValueError where they are not this net's."""
        parts, states = self.at.nets[slot], [state.get(slot, {}) for state in self.started]
        expected = parts.parameters | parts.buffers
        if states[0].keys() != expected:
            odd = ", ".join(sorted(states[0].keys() ^ expected)[:4])
            raise ValueError(f"start() must return the slot '{slot}' with all tensors of its net; it differs in {odd}")
        return {name: torch.stack([state[name] for state in states]) for name in states[0]}

    def _finish(self, row: int, losses: Tensor, of: Numbers) -> Trained:
        job, down = self.jobs[row], self.downs[row]
        trained = {slot: {name: t[row] for name, t in tensors.items()} for slot, tensors in self.work.items()}
        after: State = {**self.started[row], **trained}
        local = told(job, of, self.images, self._evaluate, after)
        state, upload = job.algorithm.finish(after, job.client.state, down, local, job.at)
        private = private_names(job.algorithm, job.at.nets)
        memory = {**job.client.memory, **{slot: rows[row] for slot, rows in self.memory.items()}}
        return Trained(Client(owned(state), owned(retain(after, private)), memory), withhold(upload, private), losses)

    def _evaluate(self, slot: str, tensors: Tensors, x: Tensor) -> Out:
        return self.models.call(self.models.evaluating[self.at.nets[slot].architecture], tensors, x)


def _form(state: State) -> Hashable:
    """What a state consists of, which a plugin may look at: a server, say, that has nothing to send in round 0."""
    return tuple(
        (slot, tuple((name, tensor.shape, tensor.dtype) for name, tensor in tensors.items()))
        for slot, tensors in state.items()
    )
