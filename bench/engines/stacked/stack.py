"""One group of jobs side by side, longest first: ``start -> phases -> summarise -> finish`` for all at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, cast

import torch
from torch import Tensor

from bench.engines.client import Client, complete, owned, private_names, retain, withhold
from bench.engines.gradient import Gradient, total
from bench.engines.job import Images, Job, Trained
from bench.engines.optimiser import Optimiser, clip_rows, make
from bench.engines.phase import trained_names
from bench.engines.stacked.beneath import beneath
from bench.engines.stacked.passes import ManyNets, Models, Step, VmapNets
from bench.engines.stacked.replay import WORTH, Doing, Recorder, Replayed
from bench.engines.stacked.rows import Form, Rows, sides
from bench.engines.summary import told
from bench.many import Back, Many, Unknown, walk_back
from bench.plugin import Algorithm, At, Batch, Out, Phase, State, Tensors


class Stack:
    """Jobs of one architecture per slot and of equally old optimisers; the cells they come from may differ."""

    def __init__(
        self,
        jobs: Sequence[Job],
        models: Models,
        images: Images,
        settings: Mapping[str, object],
        recorder: Recorder | None = None,
    ) -> None:
        """`recorder`: with what to record steps where many are alike; None: each is run."""
        self.jobs, self.models, self.images, self.settings = jobs, models, images, settings
        self.recorder = recorder
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
        self.memory: dict[str, list[Tensors]] = {}
        self.anchor = torch.zeros((), requires_grad=True, device=images.x.device)

    def run(self) -> list[Trained]:
        """Do the round; nothing that was given is changed."""
        losses: list[list[Tensor]] = [[] for _ in self.jobs]
        for number, phase in enumerate(self.algorithm.phases()):
            plans = [job.plans[number] for job in self.jobs]
            found = _PhaseRun(self, phase, plans, replace(self.at, phase=number)).run()
            for row, values in zip(losses, found, strict=True):
                row.append(values)
        return [self._finish(row, torch.cat(values)) for row, values in enumerate(losses)]

    def _stacked(self, slot: str) -> Tensors:
        """A net's tensors side by side, in memory of their own. Raises ValueError where they are not this net's."""
        parts, states = self.at.nets[slot], [state.get(slot, {}) for state in self.started]
        expected = parts.parameters | parts.buffers
        if states[0].keys() != expected:
            odd = ", ".join(sorted(states[0].keys() ^ expected)[:4])
            raise ValueError(f"start() must return the slot '{slot}' with all tensors of its net; it differs in {odd}")
        return {name: torch.stack([state[name] for state in states]) for name in states[0]}

    def _finish(self, row: int, losses: Tensor) -> Trained:
        job, down = self.jobs[row], self.downs[row]
        trained = {slot: {name: t[row] for name, t in tensors.items()} for slot, tensors in self.work.items()}
        after: State = {**self.started[row], **trained}
        local = told(job, len(losses), self.settings, self.images, self._evaluate, after)
        state, upload = job.algorithm.finish(after, job.client.state, down, local, job.at)
        private = private_names(job.algorithm, job.at.nets)
        memory = {**job.client.memory, **{slot: rows[row] for slot, rows in self.memory.items()}}
        return Trained(Client(owned(state), owned(retain(after, private)), memory), withhold(upload, private), losses)

    def _evaluate(self, slot: str, tensors: Tensors, x: Tensor) -> Out:
        return self.models.call(self.models.evaluating[self.at.nets[slot].architecture], tensors, x)


class _PhaseRun:
    """One local stage of a stack: its optimisers, and the clients that still train."""

    def __init__(self, stack: Stack, phase: Phase, plans: Sequence[Tensor], at: At) -> None:
        self.stack, self.plans, self.at = stack, plans, at
        self.trained = {slot: names for slot, names in trained_names(phase, at.nets).items() if names}
        self.optimisers = {slot: self._optimiser(slot, names) for slot, names in self.trained.items()}
        self.algorithm = _with_rows(stack.jobs)
        self.alive = 0
        self.leaves: dict[str, Tensors] = {}  # slot -> what is trained, of the clients that still train
        self.words = True  # whether the loss can be run once for all clients

    def run(self) -> list[Tensor]:
        """Train in place; returns each client's loss at each of its steps."""
        stack, steps = self.stack, [len(plan) for plan in self.plans]
        losses = torch.zeros(max(steps), len(steps), device=stack.images.x.device)
        begin = 0
        for end in sorted(set(steps)):  # from one client's last step to the next one's
            alive = sum(n >= end for n in steps)
            self._narrow(alive)
            rows = torch.stack([plan[begin:end] for plan in self.plans[:alive]], dim=1)  # [steps, K, B]
            step = self._doing(end - begin)
            for number, batch in enumerate(self._batches(rows), begin):
                losses[number, :alive] = step(*batch)
            begin = end
        del self.prepared, self.nets  # they lead back here: such a circle lives until Python looks for circles
        for slot, optimiser in self.optimisers.items():
            if stack.slots[slot].keeps:
                kept = stack.memory.get(slot) or [job.client.memory.get(slot, {}) for job in stack.jobs]
                stack.memory[slot] = [{**kept[row], **optimiser.memory_of(row, n)} for row, n in enumerate(steps)]
        return [losses[:n, row] for row, n in enumerate(steps)]

    def _doing(self, steps: int) -> Doing:
        """How to do a number of steps with the clients at hand: one by one, or recorded where that repays itself.

        Only a loss in words is recorded, and only optimisers whose step is the same operation each time.
        """
        recorder = self.stack.recorder
        if recorder is None or steps < WORTH or not self.words:
            return self._step
        uniform = all(optimiser.uniform for optimiser in self.optimisers.values())
        return Replayed(self._step, recorder, worthy=lambda: self.words) if uniform else self._step

    def _batches(self, rows: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Images [K, B, C, H, W], labels and rows [K, B] of each step of `rows` [steps, K, B], many steps at a time."""
        (_, alive, size), images = rows.shape, self.stack.images
        for some in torch.split(rows, max(1, images.at_once // (alive * size))):
            x = images.normalised(some.flatten())
            yield from zip(x.view(*some.shape, *x.shape[1:]), images.y[some], some, strict=True)

    def _optimiser(self, slot: str, names: frozenset[str]) -> Optimiser:
        """The optimiser of a slot, over the whole stack, with what each client kept; zeros where it has nothing yet."""
        stack = self.stack
        ordered = [name for name in stack.work[slot] if name in names]
        optimiser = make(stack.slots[slot], ordered, [stack.work[slot][name] for name in ordered], stack.settings)
        memories = [job.client.memory.get(slot, {}) if stack.slots[slot].keeps else {} for job in stack.jobs]
        if slot in stack.memory:  # an earlier phase of this round trained it
            memories = stack.memory[slot]
        optimiser.spread(memories)
        return optimiser

    def _narrow(self, alive: int) -> None:
        """Go on with the first clients: views, nothing is copied."""
        self.alive = alive
        self.leaves = {}
        for slot, optimiser in self.optimisers.items():
            rows = [self.stack.work[slot][name][:alive] for name in optimiser.names]
            self.leaves[slot] = {
                name: row.detach().requires_grad_() for name, row in zip(optimiser.names, rows, strict=True)
            }
            optimiser.parameters = rows
            optimiser.narrow(alive)
        self.inputs = [(slot, name) for slot, leaves in self.leaves.items() for name in leaves]
        self.prepared = self._prepared(self._in_many)
        self.nets = ManyNets(self.prepared[0])

    def _work(self, slot: str, name: str) -> Tensor:
        trained = self.leaves.get(slot, {}).get(name)
        if trained is not None:
            return trained
        tensors = self.stack.work.get(slot)
        return (self.stack.others(slot, name) if tensors is None else tensors[name])[: self.alive]

    def _step(self, x: Tensor, y: Tensor, rows: Tensor) -> Tensor:
        """One step of every client that still trains, on a batch [K, B, ...]; returns the losses [K]."""
        self.prepared[0].parts.clear()  # a step that could not be recorded leaves some
        losses, step, buffers = self._losses(x, y, rows)
        with torch.no_grad():
            for slot, optimiser in self.optimisers.items():
                of_slot = step.parts.get(slot, {})
                self._update(slot, optimiser, [of_slot.get(name, []) for name in optimiser.names])
            step.parts.clear()
            for slot, updated in buffers.items():
                for name, value in updated.items():
                    self.stack.work[slot][name][: self.alive].copy_(value)
        return losses

    def _update(self, slot: str, optimiser: Optimiser, parts: list[list[Gradient]]) -> None:
        largest, lr = self.stack.slots[slot].clip, self.stack.jobs[0].lr
        if largest is None:
            optimiser.step_parts(parts, lr)
        else:  # the norm needs the gradients multiplied out
            whole = [total(of_one, p) for of_one, p in zip(parts, optimiser.parameters, strict=True)]
            optimiser.step(clip_rows(whole, largest), lr)

    def _losses(self, x: Tensor, y: Tensor, rows: Tensor) -> tuple[Tensor, Step, State]:
        """The losses [K], the step with the parts of their gradients, and new buffers."""
        if self.words:
            try:
                return self._in_words(x, y, rows)
            except Unknown:
                self.words = False
        return self._under_vmap(x, y, rows)

    @torch.no_grad()
    def _in_words(self, x: Tensor, y: Tensor, rows: Tensor) -> tuple[Tensor, Step, State]:
        step, work, client, down = self.prepared
        batch = Batch(*(cast(Any, Many(tensor)) for tensor in (x, y, rows)))
        value: Any = self.algorithm(Many, self.alive).loss(self.nets, work, client, down, batch, self.at)
        if not isinstance(value, Many) or value.stack.dim() != 1:
            raise Unknown("a loss that is not one number per client")
        if value.back is not None:
            walk_back(value.back, torch.ones_like(value.stack))
        return value.stack, step, {}

    def _under_vmap(self, x: Tensor, y: Tensor, rows: Tensor) -> tuple[Tensor, Step, State]:
        step: Step | None = None

        def loss(token: Tensor, x: Tensor, y: Tensor, rows: Tensor) -> tuple[Tensor, State]:
            nonlocal step

            def lifted(stack: Tensor) -> Tensor:
                one: Tensor = beneath(lambda _: stack, token)
                return one

            step, work, client, down = self._prepared(lambda slot, name, stack: lifted(stack))
            nets = VmapNets(step)
            value = self.algorithm(lifted, self.alive).loss(nets, work, client, down, Batch(x, y, rows), self.at)
            return value, {slot: {n: t.detach() for n, t in b.items()} for slot, b in nets.buffers.items()}

        values, buffers = torch.vmap(loss)(x.new_zeros(len(x)), x, y, rows)
        assert step is not None  # vmap has called the loss
        self._by_autograd(values, step)
        return values.detach(), step, buffers

    def _by_autograd(self, losses: Tensor, step: Step) -> None:
        """Note the parts of the gradients that do not come from programs' passes."""
        if not losses.requires_grad:
            return
        leaves = [self.leaves[slot][name] for slot, name in self.inputs]
        found = torch.autograd.grad(losses.sum(), [*leaves, self.stack.anchor], allow_unused=True)[:-1]
        # What the graph holds beside the programs' passes does not change from one step to the next.
        reached = [(key, part) for key, part in zip(self.inputs, found, strict=True) if part is not None]
        self.inputs = [key for key, _ in reached]
        for (slot, name), part in reached:
            step.take(slot, name, part)

    def _in_many(self, slot: str, name: str, stack: Tensor) -> Many:
        """Tensors of a state for a loss in words; what is trained gives its gradient to the step."""
        if stack is not self.leaves.get(slot, {}).get(name):
            return Many(stack)
        step = self.prepared[0]
        return Many(stack, Back([], lambda gradient: step.take(slot, name, gradient)))

    def _prepared(self, form: Form) -> tuple[Step, dict[str, Any], dict[str, Any], dict[str, Any]]:
        """The step, and the states as the plugin is to see them."""
        stack, alive = self.stack, self.alive
        names = {**stack.others.names, **{slot: list(tensors) for slot, tensors in stack.work.items()}}
        work = sides(names, self._work, form)
        client = sides(stack.clients.names, lambda slot, name: stack.clients(slot, name)[:alive], form)
        down = sides(stack.down.names, lambda slot, name: stack.down(slot, name)[:alive], form)
        step = Step(stack.models, self.at, work, self.trained, stack.anchor)
        return step, cast(Any, work), cast(Any, client), cast(Any, down)


def _with_rows(jobs: Sequence[Job]) -> Any:
    """The jobs' algorithm with hyper-parameters that differ between jobs as one number per client, in a given form."""
    first = jobs[0].algorithm
    floats = [f.name for f in fields(cast(Any, first)) if isinstance(getattr(first, f.name), float)]
    values = {name: [getattr(job.algorithm, name) for job in jobs] for name in floats}
    device = jobs[0].rows.device
    differing = {name: torch.tensor(each, device=device) for name, each in values.items() if len(set(each)) > 1}

    def formed(form: Any, alive: int) -> Algorithm:
        rows = {name: form(each[:alive]) for name, each in differing.items()}
        return first.with_tensors(rows) if rows else first

    return formed
