"""One local stage of a stack: its optimisers, and the clients that still train."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from bench.engines.gradient import Gradient, total
from bench.engines.optimiser import Optimiser, clip_rows, make
from bench.engines.phase import trained_names
from bench.engines.stacked.beneath import beneath
from bench.engines.stacked.kinds import Kind, Same, Watched
from bench.engines.stacked.passes import ManyNets, Step, VmapNets
from bench.engines.stacked.repeats import Key, family
from bench.engines.stacked.rows import Form, sides
from bench.many import Back, Many, Unknown, walk_back
from bench.plugin import Algorithm, At, Batch, Phase, State, Tensors

if TYPE_CHECKING:
    from bench.engines.job import Job
    from bench.engines.stacked.stack import Stack


def stretches(steps: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """From one client's last step to the next one's: first step, end, and how many clients still train.

    >>> list(stretches([5, 3, 3]))
    [(0, 3, 3), (3, 5, 1)]
    """
    begin = 0
    for end in sorted(set(steps)):
        yield begin, end, sum(n >= end for n in steps)
        begin = end


class Training:
    """Trains what a phase trains, for all clients of a stack; `bench.engines.stacked.repeats.Repeatable`."""

    def __init__(self, stack: "Stack", phase: Phase, plans: Sequence[Tensor], at: At) -> None:
        self.stack, self.plans, self.at = stack, plans, Watched(**vars(at))
        self.trained = {slot: names for slot, names in trained_names(phase, at.nets).items() if names}
        self.optimisers = {slot: self._optimiser(slot, names) for slot, names in self.trained.items()}
        self.differing = _differing(stack.jobs)
        self.alive = 0
        self.tensors: dict[Key, Tensor] = {}  # of the clients that still train, as they were asked for
        self.leaves: dict[str, Tensors] = {}  # slot -> what is trained, of the clients that still train
        self.words = True  # whether the loss can be run once for all clients

    def run(self) -> list[Tensor]:
        """Train in place; returns each client's loss at each of its steps."""
        stack, steps = self.stack, [len(plan) for plan in self.plans]
        losses = torch.zeros(max(steps), len(steps), device=stack.images.x.device)
        for begin, end, alive in stretches(steps):
            self._narrow(alive)
            rows = torch.stack([plan[begin:end] for plan in self.plans[:alive]], dim=1)  # [steps, K, B]
            step = stack.repeats.doing(self, end - begin)
            for number, batch in enumerate(self._batches(rows), begin):
                losses[number, :alive] = step(*batch)
        del self.prepared, self.nets  # they lead back here: such a circle lives until Python looks for circles
        for slot, optimiser in self.optimisers.items():
            if stack.slots[slot].keeps:
                kept = stack.memory.get(slot) or [job.client.memory.get(slot, {}) for job in stack.jobs]
                stack.memory[slot] = [{**kept[row], **optimiser.memory_of(row, n)} for row, n in enumerate(steps)]
        return [losses[:n, row] for row, n in enumerate(steps)]

    @property
    def alike(self) -> bool:
        """Only a loss in words is, and only with optimisers whose step is the same operation each time."""
        return self.words and all(optimiser.uniform for optimiser in self.optimisers.values())

    @property
    def family(self) -> Hashable:
        """The algorithm and its nets."""
        return family(self.stack.algorithm, self.stack.at)

    @property
    def dated(self) -> bool:
        """Whether the loss has asked how far the run is."""
        return self.at.asked

    @property
    def round(self) -> int:
        """Which round it is."""
        return self.stack.at.round

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
        self.leaves, self.tensors = {}, {}
        for slot, optimiser in self.optimisers.items():
            rows = [self.stack.work[slot][name][:alive] for name in optimiser.names]
            self.leaves[slot] = {
                name: row.detach().requires_grad_() for name, row in zip(optimiser.names, rows, strict=True)
            }
            optimiser.parameters = rows
            optimiser.narrow(alive)
            self.tensors |= {("work", slot, name): leaf for name, leaf in self.leaves[slot].items()}
            self.tensors |= {("updated", slot, name): row for name, row in zip(optimiser.names, rows, strict=True)}
            self.tensors |= {("optimiser", slot, str(i)): held for i, held in enumerate(optimiser.held)}
        self.inputs = [(slot, name) for slot, leaves in self.leaves.items() for name in leaves]
        self.kind = self._kind()
        self.prepared = self._prepared(self._in_many)
        self.nets = ManyNets(self.prepared[0])

    def _kind(self) -> Kind:
        """The same for two steps only if they are the same operations, in one round."""
        job, at = self.stack.jobs[0], self.stack.at
        return Kind(
            family=self.family,
            numbers=tuple(item for item in job.algorithm.parameters().items() if item[0] not in self.differing),
            alive=self.alive,
            batch=self.plans[0].shape[1],
            phase=self.at.phase,
            lr=job.lr,
            rounds=at.rounds,
            task=Same(at.task),
            forms=self.stack.forms,
        )

    def tensor(self, key: Key) -> Tensor:
        """A tensor [K, ...] of the clients that still train, the same object each time.

        Keys: ("work" | "client" | "down", slot, name) as a plugin sees them; ("hyper", "", name); and an optimiser's:
        ("updated", slot, name) and ("optimiser", slot, place).
        """
        if key not in self.tensors:
            self.tensors[key] = self._whole(*key)[: self.alive]
        return self.tensors[key]

    def _whole(self, what: str, slot: str, name: str) -> Tensor:
        """A tensor of all clients of the stack."""
        stack = self.stack
        if what == "hyper":
            return self.differing[name]
        if what == "work" and slot in stack.work:
            return stack.work[slot][name]
        return {"work": stack.others, "client": stack.clients, "down": stack.down}[what](slot, name)

    def step(self, x: Tensor, y: Tensor, rows: Tensor) -> Tensor:
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
        value: Any = self._algorithm(Many).loss(self.nets, work, client, down, batch, self.at)
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
            value = self._algorithm(lifted).loss(nets, work, client, down, Batch(x, y, rows), self.at)
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

    def _algorithm(self, form: Any) -> Algorithm:
        """The jobs' algorithm; hyper-parameters that differ between them are one number per client, in a given form."""
        rows = {name: form(self.tensor(("hyper", "", name))) for name in self.differing}
        return self.stack.algorithm.with_tensors(rows) if rows else self.stack.algorithm

    def _in_many(self, slot: str, name: str, stack: Tensor) -> Many:
        """Tensors of a state for a loss in words; what is trained gives its gradient to the step."""
        if stack is not self.leaves.get(slot, {}).get(name):
            return Many(stack)
        step = self.prepared[0]
        return Many(stack, Back([], lambda gradient: step.take(slot, name, gradient)))

    def _prepared(self, form: Form) -> tuple[Step, dict[str, Any], dict[str, Any], dict[str, Any]]:
        """The step, and the states as the plugin is to see them."""
        stack = self.stack
        names = {**stack.others.names, **{slot: list(tensors) for slot, tensors in stack.work.items()}}
        work = sides(names, lambda slot, name: self.tensor(("work", slot, name)), form)
        client = sides(stack.clients.names, lambda slot, name: self.tensor(("client", slot, name)), form)
        down = sides(stack.down.names, lambda slot, name: self.tensor(("down", slot, name)), form)
        step = Step(stack.models, self.at, work, self.trained, stack.anchor)
        return step, cast(Any, work), cast(Any, client), cast(Any, down)


def _differing(jobs: Sequence["Job"]) -> Tensors:
    """The float hyper-parameters that differ between jobs, as one number per client [K]."""
    first = jobs[0].algorithm
    floats = [f.name for f in fields(cast(Any, first)) if isinstance(getattr(first, f.name), float)]
    values = {name: [getattr(job.algorithm, name) for job in jobs] for name in floats}
    device = jobs[0].rows.device
    return {name: torch.tensor(each, device=device) for name, each in values.items() if len(set(each)) > 1}
