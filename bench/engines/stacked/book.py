"""Steps that are written down by one stack and done by all stacks of their kind, for a processor.

A net whose weights fill the processor's cache is trained fastest by few clients side by side, whose weights stay there
from step to step. Python's share of a step, which company would split, is then the larger part of it: unless the step
is written down (`bench.engines.stacked.written`).
"""

from collections import Counter
from collections.abc import Hashable

import torch
from torch import Tensor

from bench.engines.stacked.repeats import Doing, Repeatable
from bench.engines.stacked.written import Unwritable, Written, note, write

WORTH = 24
"""Steps of a kind that repay writing one down."""
MOST = 256
"""Written steps; when there are more, all are thrown away. They are small, but a learning rate may be another in each
round."""


class Book:
    """The steps of an engine's life, written down; `bench.engines.stacked.repeats.Repeats`."""

    def __init__(self) -> None:
        self.dated: set[Hashable] = set()  # kinds whose operations may depend on the round
        self.pages: dict[Hashable, list[Written]] = {}  # by kind, and round where it matters: one for each layout
        self.plain: Counter[Hashable] = Counter()  # steps that were run, likewise
        self.unwritable: set[Hashable] = set()  # families

    def doing(self, step: Repeatable, times: int) -> Doing:
        """The written step where there is one or may be one."""
        if not step.alike:
            self.unwritable.add(step.family)
        return step.step if step.family in self.unwritable else Repeated(self, step, times)

    def cheap(self, family: Hashable) -> bool:
        """As far as is known: the first step of a family shows if it cannot be written."""
        return family not in self.unwritable

    def find(self, step: Repeatable) -> Doing | None:
        """The step with its own tensors, if one of its kind is written that fits them."""
        fitting = (written.of(step.tensor) for written in self.pages.get(self._key(step), ()))
        return next((ready for ready in fitting if ready is not None), None)

    def due(self, step: Repeatable, times: int) -> bool:
        """Whether a step should be written, of whose kind so many are to come, or have been run.

        Not the first of its kind (and round, where it matters): that settles how the loss is run, and shows if it asks
        for the round.
        """
        run = self.plain[self._key(step)]
        return run > 0 and max(times, run) >= WORTH

    def noted(self, step: Repeatable) -> None:
        """A step was run; what it is can be told from now on."""
        if not step.alike:
            self.unwritable.add(step.family)
        if step.dated:
            self.dated.add(step.kind)
        self.plain[self._key(step)] += 1

    def enter(self, step: Repeatable, written: Written) -> None:
        """Keep what was written of a step."""
        if len(self.pages) >= MOST:
            self.pages.clear()
            self.plain.clear()
            self.dated.clear()
            self.noted(step)
        self.pages.setdefault(self._key(step), []).append(written)

    def _key(self, step: Repeatable) -> Hashable:
        kind = step.kind
        return kind, step.round if kind in self.dated else None


class Repeated:
    """A step as its stack calls it: run at first, then written, then done from what is written."""

    def __init__(self, book: Book, step: Repeatable, times: int) -> None:
        self.book, self.step, self.times = book, step, times
        self.ready = book.find(step)

    def __call__(self, *inputs: Tensor) -> Tensor:
        """One step: images [K, B, C, H, W], labels and rows [K, B] in, losses [K] out."""
        if self.ready is None:
            return self._run(*inputs)
        with torch.inference_mode():
            return self.ready(*inputs)

    def _run(self, *inputs: Tensor) -> Tensor:
        book, step = self.book, self.step
        if step.family in book.unwritable:
            return step.step(*inputs)
        if not book.due(step, self.times):
            output = step.step(*inputs)
            book.noted(step)
            return output
        output, operations = note(step.step, inputs)
        book.noted(step)
        if step.alike:  # the loss may have come to something that is not in words
            try:
                book.enter(step, write(operations, inputs, output, step.tensors))
            except Unwritable:
                book.unwritable.add(step.family)
            self.ready = book.find(step)
        return output
