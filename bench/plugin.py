"""The contract of an algorithm: named tensors in, named tensors out, no loop over clients.

A client's round is ``start -> [per phase, per batch: gradient of loss -> optimiser] -> summarise -> finish``; the
server's is ``aggregate``. The engine owns optimiser, data order, budget, evaluation and clock, so that equal budgets
are a property of the suite, not of a plugin's good will.

Rules that make one plugin run on every engine (one client at a time, many stacked, over a wire):

* An algorithm is a frozen dataclass; its fields are its hyper-parameters. State lives in what the methods are given
  and return. What `download` returns and `finish` uploads is all that travels, so byte counts are exact.
* Methods are pure: no in-place change of what they are given, no random numbers, no devices, no input or output.
* No Python branch on a tensor or on a float hyper-parameter inside a method (an engine may put a tensor in its place
  to train several settings at once); branching on ints, strings, booleans, and on names and shapes of tensors is
  fine. A loss depends on nothing else: an engine may note its operations once and repeat them.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Self, cast

import torch
from torch import Tensor

from bench.parameters import Contradiction, ParameterError, check_fields, choice, number, whole
from bench.presets import preset
from bench.registry import algorithm

__all__ = [
    "Algorithm",
    "At",
    "Batch",
    "Contradiction",
    "Local",
    "Nets",
    "Out",
    "ParameterError",
    "Parts",
    "Phase",
    "Round",
    "Slot",
    "State",
    "Task",
    "Tensors",
    "algorithm",
    "check_fields",
    "choice",
    "number",
    "preset",
    "whole",
]

Tensors = dict[str, Tensor]
"""Tensor name -> tensor: "body.0.weight" -> [64, 64]."""
State = dict[str, Tensors]
"""Slot name -> its tensors: "model", "meme", "control", ..."""
Part = Literal["head", "body", "norm"]


@dataclass(frozen=True)
class Batch:
    """One batch of one client."""

    x: Tensor  # [B, channels, height, width], normalised float
    y: Tensor  # [B] int64 class numbers
    rows: Tensor  # [B] int64 row numbers in the training split
    w: Tensor | None = None  # [B] float, 0 marks padding that must not count; None: every row counts


class Out(NamedTuple):
    """What a net returns."""

    logits: Tensor  # [B, classes]
    features: Tensor  # [B, features]: the input of the head


class Nets(Protocol):
    """The forward passes: ``nets("model", work["model"], batch.x)`` is an `Out`.

    A slot of which any part is being trained runs in training mode as a whole (BatchNorm uses and updates batch
    statistics); any other tensors, such as a downloaded teacher, run in evaluation mode.
    """

    def __call__(self, slot: str, tensors: Tensors, x: Tensor) -> Out:
        """Logits and features of normalised images [B, channels, height, width]."""
        ...


@dataclass(frozen=True)
class Slot:
    """How an engine treats one net of a client's work state."""

    role: Literal["shared", "personal"] = "shared"  # whose architecture and initial weights: everyone's or the client's
    private: tuple[Part, ...] = ()  # parts that never leave the client; the engine adds and removes them
    alike: tuple[Part, ...] = ()  # parts of a personal net that start alike on all clients, and whose tensors the
    # server's `fresh` holds: they must have one shape in all clients' architectures, which `skip` makes sure of
    keeps: bool = False  # whether optimiser state (momentum) survives rounds
    clip: float | None = None  # largest gradient norm of the slot per step; None: no clipping
    momentum: float | None = None  # of SGD, in place of the suite's; None: the suite's
    weight_decay: float | None = None  # likewise


@dataclass(frozen=True)
class Phase:
    """One local stage: what it trains, for how long."""

    trains: tuple[str, ...] = ("model",)  # slots, or "slot/head", "slot/body", "slot/norm" for a part of one
    epochs: int | None = None  # None: the suite's local epochs or steps


@dataclass(frozen=True)
class Parts:
    """What one net consists of, by tensor name; found from module types and places, never guessed from names."""

    architecture: str
    features: int  # width of the head's input
    parameters: frozenset[str]
    buffers: frozenset[str]
    head: frozenset[str]
    norm: frozenset[str]  # parameters and buffers of normalisation layers
    kept: frozenset[str] = frozenset()  # what stays with its client whatever the algorithm: heads, where tasks differ

    @property
    def net(self) -> str:
        """The zoo's name for it: that of the architecture, without the size of its head ("cnn" of "cnn/5")."""
        return self.architecture.partition("/")[0]

    def named(self, part: Part) -> frozenset[str]:
        """The tensor names of a part; "body" is all that is not the head."""
        if part == "body":
            return (self.parameters | self.buffers) - self.head
        return self.head if part == "head" else self.norm


@dataclass(frozen=True)
class Task:
    """What is to be learned, and by which nets: on a client its own task, on the server what all have in common."""

    classes: int  # 0 on the server where tasks differ: no number of classes is everyone's
    shape: tuple[int, int, int]  # channels, height, width
    shared: Parts  # the net of the role "shared"
    personal: tuple[Parts, ...]  # the nets of the role "personal", one per client
    common: bool = True  # whether all clients tell the same classes apart; if not, every head stays with its client

    @property
    def mixed(self) -> bool:
        """Whether any client's own architecture differs from the shared one (in more than the size of its head)."""
        return any(own.net != self.shared.net for own in self.personal)

    @property
    def unlike_widths(self) -> str | None:
        """The widths of features of the clients' own nets, in words, where they differ: "64 (mlp), 84 (lenet5)"."""
        widths: dict[int, list[str]] = {}
        for own in self.personal:
            names = widths.setdefault(own.features, [])
            names += [own.architecture] * (own.architecture not in names)
        if len(widths) == 1:
            return None
        return ", ".join(f"{width} ({' '.join(names)})" for width, names in sorted(widths.items()))


@dataclass(frozen=True)
class At:
    """Where a method is being called."""

    round: int  # from 0
    rounds: int  # how many there will be
    task: Task
    nets: Mapping[str, Parts]  # slot -> its net, of the client at hand (on the server: the shared slots)
    phase: int = 0

    @property
    def progress(self) -> float:
        """How much of the run lies behind: 0 in the first round, 1 in the last."""
        return self.round / max(1, self.rounds - 1)


@dataclass(frozen=True)
class Local:
    """What an engine tells `finish` of the local work."""

    steps: Tensor  # [] optimiser steps taken in this round, over all phases
    lr: Tensor  # [] learning rate of this round
    momentum: Tensor  # [] of the suite's SGD; 0 for an optimiser without such a setting
    summary: Tensors  # the sum over the client's training batches of what `summarise` returned; {} without it


@dataclass(frozen=True)
class Round:
    """What an engine tells `aggregate`; K clients took part."""

    examples: Tensor  # [K] float: training examples, in the order of the uploads' first axis
    clients: int  # the whole population, of which K took part


class Algorithm(ABC):
    """A federated algorithm: ``@algorithm("name") @dataclass(frozen=True)`` on a subclass; docs/add-an-algorithm.md."""

    source: ClassVar[str]  # paper, section and equation
    class_free: ClassVar[bool] = False
    """Whether what it shares beside nets means the same for any classes: docs/tasks.md."""

    def __post_init__(self) -> None:
        check_fields(self)

    def slots(self) -> Mapping[str, Slot]:
        """The nets of a client's work state."""
        return {"model": Slot()}

    def phases(self) -> tuple[Phase, ...]:
        """The local stages, in order."""
        return (Phase(trains=tuple(self.slots())),)

    @property
    def summarises(self) -> bool:
        """Whether `summarise` runs over the training data after local training; ``summarises = True`` says it, too."""
        return False

    def skip(self, task: Task) -> str | None:
        """Why this algorithm cannot serve the task, or None. The reason appears in the report."""
        return None

    @abstractmethod
    def init_server(self, fresh: State, at: At) -> State:
        """The server's state before round 0; `fresh` holds seeded tensors of shared slots, and of parts that are alike.

        A slot may be empty until somebody has sent something for it.
        """

    def init_client(self, fresh: State, at: At) -> State:
        """A client's state before its first round; `fresh` holds seeded tensors for every slot of this client."""
        return {}

    def download(self, server: State, at: At) -> State:
        """What travels to each client of the cohort."""
        return server

    @abstractmethod
    def start(self, client: State, down: State, at: At) -> State:
        """The work state of a round: the tensors of every slot."""

    @abstractmethod
    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        """A scalar whose gradient trains the slots of the phase ``at.phase``; `client` and `down` as at the start."""

    def summarise(self, nets: Nets, work: State, batch: Batch, at: At) -> Tensors:
        """Called over the training data after local training; the engine sums what it returns.

        Nets run in evaluation mode and without gradients; who needs some says ``with torch.enable_grad()``.
        """
        return {}

    @abstractmethod
    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        """The client's next state and its upload."""

    @abstractmethod
    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        """The server's next state; every upload tensor is stacked over the cohort: [K, ...]."""

    @abstractmethod
    def views(self, client: State, down: State, at: At) -> Mapping[str, tuple[str, Tensors]]:
        """What is evaluated: "personal" and/or "global" -> (slot of the net, its tensors)."""

    def parameters(self) -> dict[str, float | int | str | bool]:
        """The hyper-parameters by name."""
        return {f.name: getattr(self, f.name) for f in fields(cast(Any, self))}

    def with_tensors(self, values: Mapping[str, Tensor]) -> Self:
        """A copy whose float hyper-parameters are scalar tensors, for engines that train several settings at once."""
        twin = copy.copy(self)
        for name, value in values.items():
            if not isinstance(given := getattr(self, name), float):
                raise ParameterError(f"{name}: only a float hyper-parameter can be a tensor, this is {given!r}")
            object.__setattr__(twin, name, value)
        return twin


def floats(tensors: Tensors) -> list[str]:
    """The names of floating-point tensors (a counter buffer is none), in order."""
    return [name for name, tensor in tensors.items() if torch.is_floating_point(tensor)]
