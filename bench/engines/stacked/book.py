"""Steps that are written down by one stack and done by all stacks of their kind in a round: for a processor.

A net whose weights fill the processor's cache is trained fastest by few clients side by side, whose weights stay there
from step to step. Python's share of a step, which company would split, is then the larger part of it: unless the step
is written down (`bench.engines.stacked.written`).
"""

from collections import Counter
from collections.abc import Hashable

import torch
from torch import Tensor

from bench.engines.stacked.repeats import Doing, Repeatable
from bench.engines.stacked.written import Unwritable, Written, write

WORTH = 24
"""Steps of a kind that repay writing one down."""
MOST = 256
"""Pages; when there are more, all are thrown away. They are small, but a learning rate may be another in each round."""


class Book:
    """The steps of a run, written down; `bench.engines.stacked.repeats.Repeats`."""

    def __init__(self) -> None:
        self.dated: dict[Hashable, bool] = {}  # by kind: whether its operations may depend on the round
        self.pages: dict[Hashable, Written] = {}  # by kind, and round where it matters
        self.plain: Counter[Hashable] = Counter()  # steps that were not done from a page, likewise
        self.unwritable: set[Hashable] = set()  # families

    def doing(self, step: Repeatable, times: int) -> Doing:
        """The written step where there is one or may be one."""
        if not step.alike:
            self.unwritable.add(step.family)
        return step.step if step.family in self.unwritable else Page(self, step, times)

    def cheap(self, family: Hashable) -> bool:
        """As far as is known: the first step of a family shows if it cannot be written."""
        return family not in self.unwritable

    def page(self, kind: Hashable, number: int) -> Written | None:
        """The step of a kind in a round, if it is written."""
        return self.pages.get(self._key(kind, number))

    def due(self, kind: Hashable, number: int, times: int) -> bool:
        """Whether a step of a kind should be written, of which so many are to come in a round, at least.

        Not the first of its kind: that settles how the loss is run, and shows if it asks for the round.
        """
        key = self._key(kind, number)
        return kind in self.dated and key not in self.pages and max(times, self.plain[key]) >= WORTH

    def note(self, kind: Hashable, number: int, dated: bool) -> None:
        """That a step was run."""
        self.dated[kind] = dated
        self.plain[self._key(kind, number)] += 1

    def enter(self, kind: Hashable, number: int, written: Written) -> None:
        """Keep a written step."""
        if len(self.pages) >= MOST:
            self.pages.clear()
            self.plain.clear()
        self.pages[self._key(kind, number)] = written

    def _key(self, kind: Hashable, number: int) -> Hashable:
        return kind, number if self.dated.get(kind) else None


class Page:
    """A step as its stack calls it: run at first, then written, then done from what is written."""

    def __init__(self, book: Book, step: Repeatable, times: int) -> None:
        self.book, self.step, self.times = book, step, times
        self.kind = step.kind
        written = book.page(self.kind, step.round)
        self.ready = None if written is None else written.of(step.tensor)

    def __call__(self, *inputs: Tensor) -> Tensor:
        """One step."""
        if self.ready is None:
            return self._plainly(*inputs)
        with torch.no_grad():
            return self.ready(*inputs)

    def _plainly(self, *inputs: Tensor) -> Tensor:
        book, step = self.book, self.step
        if step.family in book.unwritable:
            return step.step(*inputs)
        if not book.due(self.kind, step.round, self.times):
            output = step.step(*inputs)
            book.note(self.kind, step.round, step.dated)
            if not step.alike:
                book.unwritable.add(step.family)
            return output
        try:
            output, written = write(step.step, inputs, lambda: step.tensors)
        except Unwritable as reason:
            book.unwritable.add(step.family)
            return reason.output
        book.enter(self.kind, step.round, written)
        self.ready = written.of(step.tensor)
        return output
