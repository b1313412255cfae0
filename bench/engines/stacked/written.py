"""A step written down once, as the operations it comes to, and done from then on without what led to them.

What a step of a small net costs beside its products is Python: layers, losses and optimisers that find out, each time
anew, which dozen operations to call. `write` notes those operations and puts them down as the source of a function of
one batch. The tensors of a stack have names in it, so that one written step serves all stacks of a kind (`Written`).
Operations, their order and their arguments are those of the step, and so is every bit of what comes out.
"""

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bench.engines.stacked.repeats import Doing, Key
from bench.operators import Watching

Lay = tuple[torch.dtype, torch.Size, tuple[int, ...]]  # how a tensor lies in memory

CONSTANT = {"ones_like", "zeros_like", "full_like", "new_full", "new_ones", "new_zeros", "full", "ones", "zeros"}
"""Operations that look at no number of a tensor, and make the same each time."""


BOUND = {
    "_foreach_add", "_foreach_add_", "_foreach_mul", "_foreach_mul_", "_foreach_sqrt", "_log_softmax", "_softmax",
    "add", "add_", "baddbmm", "baddbmm_", "bmm", "clamp_min", "clamp_min_", "clone", "copy_", "div", "div_", "exp",
    "expand", "gather", "mean", "mul", "mul_", "neg", "neg_", "permute", "scatter_add_", "sub", "sub_", "sum",
    "transpose", "unsqueeze", "view",
}  # fmt: skip
"""Operators whose binding by PyTorch, `torch.add` or `Tensor.add`, takes what the operator takes, in its order.

The way by the binding takes half the time of that by the operator's name, which is for all others.
"""


class Unwritable(Exception):
    """A step that is more than operations on tensors that have names."""


@dataclass(frozen=True)
class Written:
    """A step as source: ``made(*tensors)`` is the step of the stack whose tensors they are."""

    source: str
    made: Callable[..., Doing]
    needs: tuple[tuple[Key, Lay], ...]  # whose tensors, in order, and how they lay when it was written

    def of(self, tensor: Callable[[Key], Tensor]) -> Doing | None:
        """The step of another stack of the kind; None where its tensors lie in another way.

        `tensor`: gives the stack's tensor of a key, or raises what it likes where the stack has none.
        """
        tensors = [tensor(key) for key, _ in self.needs]
        if any(_lay(t) != lay for t, (_, lay) in zip(tensors, self.needs, strict=True)):
            return None
        return self.made(*tensors)


class Operation(NamedTuple):
    """One call of an operator, with all tensors alive, so that each has an identity of its own."""

    function: Any
    args: Any
    kwargs: Mapping[str, Any]
    result: Any

    @property
    def name(self) -> str:
        """The operator's."""
        return _traits(self.function).name

    @property
    def given(self) -> list[Tensor]:
        """The tensors among its arguments."""
        return _tensors((*self.args, *self.kwargs.values()))

    @property
    def made(self) -> list[Tensor]:
        """The tensors that it returned."""
        return _tensors((self.result,))

    @property
    def changes(self) -> list[Tensor]:
        """The tensors that it changes in place."""
        written = _traits(self.function).written
        return _tensors([self.args[i] if i < len(self.args) else self.kwargs.get(name) for i, name in written])


class _Traits(NamedTuple):
    """What an operator does, whatever it is called with."""

    name: str  # for PyTorch's own operators without a namespace
    written: tuple[tuple[int, str], ...]  # arguments that it changes in place, by place and name
    looks: bool  # whether all it does is to look at memory in another way
    random: bool


@functools.cache
def _traits(function: Any) -> _Traits:
    schema = function._schema
    aliases = enumerate(schema.arguments)
    written = tuple((i, a.name) for i, a in aliases if a.alias_info is not None and a.alias_info.is_write)
    returned = [r.alias_info for r in schema.returns]
    looks = bool(returned) and all(alias is not None and not alias.is_write for alias in returned)
    random = torch.Tag.nondeterministic_seeded in function.tags
    return _Traits(str(schema.name).removeprefix("aten::"), written, looks, random)


def note(step: Doing, inputs: Sequence[Tensor]) -> tuple[Tensor, list[Operation]]:
    """Do a step on a batch; returns its output, and the operations that it came to, in order."""
    operations: list[Operation] = []
    with Watching(lambda *of_one: operations.append(Operation(*of_one))):
        output = step(*inputs)
    return output, operations


def write(
    operations: Sequence[Operation], inputs: Sequence[Tensor], output: Tensor, names: Mapping[Key, Tensor]
) -> Written:
    """What was noted of a step, written down.

    `names`: the tensors that differ from one stack to the next, as the step used them. Raises Unwritable where it used
    others, or asked for a number.
    """
    return _Writer(operations, inputs, output, names).written()


class _Writer:
    """Makes source of operations."""

    def __init__(
        self, operations: Sequence[Operation], inputs: Sequence[Tensor], output: Tensor, names: Mapping[Key, Tensor]
    ) -> None:
        self.operations, self.inputs, self.output, self.names = operations, inputs, output, names
        self.keys = {id(tensor): key for key, tensor in names.items()}
        self.words: dict[int, str] = {id(tensor): f"x{i}" for i, tensor in enumerate(inputs)}  # by identity
        self.steady: set[int] = set()  # tensors that are where they are at every step
        self.constant: set[int] = set()  # tensors whose numbers are the same at every step of every stack
        self.scope: dict[str, Any] = {}  # what the source refers to
        self.needs: dict[str, Key] = {}  # parameter -> whose tensor
        self.made = 0  # results
        self.before: list[str] = []  # lines done once for a stack
        self.lines: list[str] = []  # lines of a step

    def written(self) -> Written:
        for operation in self.operations:  # also where nobody looks at it: Python may have
            if isinstance(operation.result, bool | int | float | complex):
                raise Unwritable(f"{operation.name} gives a number")
        changed = {_memory(t) for operation in self.operations for t in operation.changes}
        for operation in self._used():
            self._note(operation, changed)
        result = self._word(self.output)
        parameters, batch = ", ".join(self.needs), ", ".join(f"x{i}" for i in range(len(self.inputs)))
        source = "\n".join([
            f"def made({parameters}):",
            *(f"    {line}" for line in self.before),
            f"    def step({batch}):",
            *(f"        {line}" for line in self.lines),
            f"        return {result}",
            "    return step",
            "",
        ])  # fmt: skip
        exec(compile(source, "<a step, written down>", "exec"), self.scope)
        needs = tuple((key, _lay(self.names[key])) for key in self.needs.values())
        return Written(source, self.scope.pop("made"), needs)  # left there, it would be a circle

    def _used(self) -> list[Operation]:
        """The operations without those whose results nobody looks at."""
        looked_at, used = {id(self.output)}, []
        for operation in reversed(self.operations):
            if operation.changes or any(id(t) in looked_at for t in operation.made):
                used.append(operation)
                looked_at.update(id(t) for t in operation.given)
        return used[::-1]

    def _note(self, operation: Operation, changed: set[int]) -> None:
        given, made = operation.given, operation.made
        if operation.name in ("detach", "alias"):
            self._same(operation.args[0], operation.result)
            return
        folds = operation.name in CONSTANT or (bool(given) and all(id(t) in self.constant for t in given))
        folds = folds and not operation.changes and not _traits(operation.function).random
        if folds and not any(_memory(t) in changed for t in made):
            self.constant.update(id(t) for t in made)
            return
        terms = [self._term(value) for value in operation.args]
        terms += [f"{name}={self._term(value)}" for name, value in operation.kwargs.items()]
        call = f"{self._called(operation)}({', '.join(terms)})"
        if all(id(t) in self.words for t in made):  # it returns what it was given
            self.lines.append(call)
            return
        steady = _traits(operation.function).looks and all(id(t) in self.steady for t in given)
        alone = isinstance(operation.result, Tensor)
        words = [self._new(tensor, steady) for tensor in ([operation.result] if alone else operation.result)]
        (self.before if steady else self.lines).append(f"{', '.join(words)}{'' if alone else ','} = {call}")

    def _new(self, result: Any, steady: bool) -> str:
        """A word for a result; some operators leave one out if asked to."""
        if not isinstance(result, Tensor):
            return "_"
        self.made += 1
        word = self.words[id(result)] = f"t{self.made}"
        self.steady.update([id(result)] if steady else [])
        return word

    def _same(self, tensor: Tensor, as_well: Tensor) -> None:
        """Another object for a tensor."""
        if id(tensor) in self.constant:
            self.constant.add(id(as_well))
            return
        self.words[id(as_well)] = self._word(tensor)
        self.steady.update([id(as_well)] if id(tensor) in self.steady else [])

    def _called(self, operation: Operation) -> str:
        """A name for what does the operation."""
        if operation.name in BOUND:
            word, does = f"do_{operation.name}", getattr(torch, operation.name, None) or getattr(Tensor, operation.name)
        else:
            word, does = f"do_{operation.name}_{operation.function._overloadname}", operation.function._op
            word = word.replace(":", "_").replace(".", "_")
        self.scope[word] = does
        return word

    def _term(self, value: Any) -> str:
        if isinstance(value, Tensor):
            return self._word(value)
        if isinstance(value, list | tuple):
            return f"[{', '.join(self._term(one) for one in value)}]"
        if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            return repr(value)
        return self._in_scope(value)

    def _word(self, tensor: Tensor) -> str:
        """What a tensor is called in the source. Raises Unwritable for one of unknown origin."""
        if id(tensor) not in self.words:
            if id(tensor) in self.constant:
                self.words[id(tensor)] = self._in_scope(tensor)
            elif (key := self.keys.get(id(tensor))) is not None:
                word = f"p{len(self.needs)}"
                self.needs[word], self.words[id(tensor)] = key, word
                self.steady.add(id(tensor))
            else:
                raise Unwritable(f"a tensor {list(tensor.shape)} of unknown origin")
        return self.words[id(tensor)]

    def _in_scope(self, value: Any) -> str:
        word = f"c{len(self.scope)}"
        self.scope[word] = value
        return word


def _tensors(values: Iterable[Any]) -> list[Tensor]:
    """The tensors among values and in lists of them: operators have no deeper ones."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += [one for one in value if isinstance(one, Tensor)]
    return found


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _lay(tensor: Tensor) -> Lay:
    """Strides of an axis of one entry mean nothing."""
    strides = zip(tensor.shape, tensor.stride(), strict=True)
    return tensor.dtype, tensor.shape, tuple(0 if n == 1 else stride for n, stride in strides)
