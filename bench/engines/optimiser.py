"""The optimisers of local training, on lists of tensors, in place.

The arithmetic is that of torch.optim, which the tests hold it against; it stands here because an engine must own the
state: to keep it over rounds, to drop it, to stack it.
"""

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bench.engines.gradient import Gradient, Product, total
from bench.many.words import inner
from bench.plugin import Slot, Tensors


class Optimiser(ABC):
    """Updates a slot's parameters from their gradients; `memory` is its state between steps."""

    uniform = False  # whether each step is the same operations on the same memory: no number in it counts steps

    def __init__(self, names: Sequence[str], parameters: Sequence[Tensor], settings: Mapping[str, object]) -> None:
        self.names = list(names)
        self.parameters = list(parameters)
        self.decay = float(str(settings.get("weight_decay", 0.0)))

    @abstractmethod
    def step(self, gradients: list[Tensor], lr: float) -> None:
        """One update in place; `gradients` in the order of the parameters."""

    def step_parts(self, gradients: Sequence[Sequence[Gradient]], lr: float) -> None:
        """`step` for parameters stacked over clients, whose gradients are sums of parts (none: zero)."""
        self.step([total(parts, p) for parts, p in zip(gradients, self.parameters, strict=True)], lr)

    @abstractmethod
    def memory(self) -> Tensors:
        """The state, by names that `recall` understands; empty before the first step."""

    @abstractmethod
    def recall(self, memory: Tensors) -> None:
        """Go on from a state that `memory` returned; the tensors given are not changed."""

    @abstractmethod
    def spread(self, memories: Sequence[Tensors]) -> None:
        """Go on from the states of K clients, for parameters stacked over them [K, ...]; {} is a client's first time.

        The states must be equally many steps old.
        """

    @abstractmethod
    def narrow(self, rows: int) -> None:
        """Go on with the first rows of the stack only; `parameters` must be set to those rows."""

    @property
    def held(self) -> Sequence[Tensor]:
        """The state of the clients of the stack that still train, as tensors; of a uniform optimiser."""
        return ()

    @abstractmethod
    def memory_of(self, row: int, steps: int) -> Tensors:
        """The state of one client of the stack, which has taken `steps` steps since `spread`."""

    def _side_by_side(self, memories: Sequence[Tensors], kind: str) -> list[Tensor]:
        """One kind of state, stacked over clients; zeros where a client has none."""
        return [
            torch.stack([memory.get(f"{kind}/{name}", torch.zeros_like(p[0])) for memory in memories])
            for name, p in zip(self.names, self.parameters, strict=True)
        ]

    def _decayed(self, gradients: list[Tensor]) -> list[Tensor]:
        """Gradients of the loss plus ``weight_decay / 2 ||w||^2``."""
        return gradients if self.decay == 0 else list(torch._foreach_add(gradients, self.parameters, alpha=self.decay))


class SGD(Optimiser):
    """``v = momentum v + g; w = w - lr v`` with v = 0 at the start: torch.optim.SGD without dampening or Nesterov."""

    uniform = True

    def __init__(self, names: Sequence[str], parameters: Sequence[Tensor], settings: Mapping[str, object]) -> None:
        super().__init__(names, parameters, settings)
        self.momentum = float(str(settings.get("momentum", 0.0)))
        self.velocity: list[Tensor] = []

    def step(self, gradients: list[Tensor], lr: float) -> None:
        """One update in place."""
        gradients = self._decayed(gradients)
        if self.momentum == 0:
            torch._foreach_add_(self.parameters, gradients, alpha=-lr)
            return
        if self.velocity:
            torch._foreach_mul_(self.velocity, self.momentum)
            torch._foreach_add_(self.velocity, gradients)
        else:
            self.velocity = [gradient.clone() for gradient in gradients]
        torch._foreach_add_(self.parameters, self.velocity, alpha=-lr)

    def step_parts(self, gradients: Sequence[Sequence[Gradient]], lr: float) -> None:
        """One update in place. A product is added to velocity or weights as it is multiplied out."""
        plain: list[int] = []
        for i, parts in enumerate(gradients):
            if any(isinstance(part, Product) for part in parts):
                self._fold(i, parts, lr)
            else:
                plain.append(i)
        if plain:
            parameters = [self.parameters[i] for i in plain]
            found = [total(gradients[i], p) for i, p in zip(plain, parameters, strict=True)]
            if self.decay:
                torch._foreach_add_(found, parameters, alpha=self.decay)
            if self.momentum:
                velocity = [self.velocity[i] for i in plain]
                torch._foreach_mul_(velocity, self.momentum)
                torch._foreach_add_(velocity, found)
                found = velocity
            torch._foreach_add_(parameters, found, alpha=-lr)

    def _fold(self, i: int, parts: Sequence[Gradient], lr: float) -> None:
        """The update of one parameter; both forms are linear in the gradient, so its parts can come one by one."""
        weights = self.parameters[i]
        if self.momentum:
            target, beta, alpha = self.velocity[i], self.momentum, 1.0
        else:
            target, beta, alpha = weights, 1 - lr * self.decay, -lr
        for part in sorted(parts, key=lambda part: isinstance(part, Tensor)):  # the first is a product, with the beta
            if isinstance(part, Product):
                part.add_to(target, beta=beta, alpha=alpha)
            else:
                target.add_(part, alpha=alpha)
            beta = 1.0
        if self.momentum:
            if self.decay:
                target.add_(weights, alpha=self.decay)
            weights.add_(target, alpha=-lr)

    def memory(self) -> Tensors:
        """The velocities, by parameter name."""
        return {f"velocity/{name}": tensor.clone() for name, tensor in zip(self.names, self.velocity, strict=False)}

    def recall(self, memory: Tensors) -> None:
        """Take up velocities."""
        known = all(f"velocity/{name}" in memory for name in self.names)
        self.velocity = [memory[f"velocity/{name}"].clone() for name in self.names] if known else []

    def spread(self, memories: Sequence[Tensors]) -> None:
        """Take up the velocities of several clients; a client's first is zero, which gives the same first step."""
        if self.momentum:
            self._whole = self._side_by_side(memories, "velocity")
            self.narrow(len(memories))

    def narrow(self, rows: int) -> None:
        """Velocities of the first rows."""
        if self.momentum:
            self.velocity = [velocity[:rows] for velocity in self._whole]

    @property
    def held(self) -> Sequence[Tensor]:
        """Velocities, in the order of the parameters."""
        return self.velocity

    def memory_of(self, row: int, steps: int) -> Tensors:
        """One client's velocities."""
        if not self.momentum:
            return {}
        return {f"velocity/{name}": v[row].clone() for name, v in zip(self.names, self._whole, strict=True)}


class Adam(Optimiser):
    """Adam (Kingma & Ba 2015, Algorithm 1) with beta 0.9 and 0.999, epsilon 1e-8; decay as L2: torch.optim.Adam."""

    betas = (0.9, 0.999)
    epsilon = 1e-8

    def __init__(self, names: Sequence[str], parameters: Sequence[Tensor], settings: Mapping[str, object]) -> None:
        super().__init__(names, parameters, settings)
        self.steps = 0
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]

    def step(self, gradients: list[Tensor], lr: float) -> None:
        """One update in place."""
        gradients = self._decayed(gradients)
        self.steps += 1
        one, two = self.betas
        torch._foreach_lerp_(self.first, gradients, 1 - one)
        torch._foreach_mul_(self.second, two)
        torch._foreach_addcmul_(self.second, gradients, gradients, value=1 - two)
        root = torch._foreach_sqrt(self.second)
        torch._foreach_div_(root, (1 - two**self.steps) ** 0.5)
        torch._foreach_add_(root, self.epsilon)
        torch._foreach_addcdiv_(self.parameters, self.first, root, value=-lr / (1 - one**self.steps))

    def memory(self) -> Tensors:
        """Both moments by parameter name, and the number of steps."""
        if self.steps == 0:
            return {}
        state = {f"first/{name}": tensor.clone() for name, tensor in zip(self.names, self.first, strict=True)}
        state |= {f"second/{name}": tensor.clone() for name, tensor in zip(self.names, self.second, strict=True)}
        return state | {f"steps/{name}": torch.tensor(self.steps) for name in self.names}

    def recall(self, memory: Tensors) -> None:
        """Take up moments and the number of steps."""
        if all(f"first/{name}" in memory for name in self.names):
            self.steps = int(memory[f"steps/{self.names[0]}"])
            self.first = [memory[f"first/{name}"].clone() for name in self.names]
            self.second = [memory[f"second/{name}"].clone() for name in self.names]

    def spread(self, memories: Sequence[Tensors]) -> None:
        """Take up the moments of several clients, all at the same number of steps."""
        ages = {int(memory.get(f"steps/{self.names[0]}", 0)) for memory in memories}
        if len(ages) > 1:
            raise ValueError(f"expected clients at one number of steps, got {sorted(ages)}")
        self.steps = self._before = ages.pop()
        self._first_moments = self._side_by_side(memories, "first")
        self._second_moments = self._side_by_side(memories, "second")
        self.narrow(len(memories))

    def narrow(self, rows: int) -> None:
        """Moments of the first rows."""
        self.first = [moment[:rows] for moment in self._first_moments]
        self.second = [moment[:rows] for moment in self._second_moments]

    def memory_of(self, row: int, steps: int) -> Tensors:
        """One client's moments and number of steps."""
        first = zip(self.names, self._first_moments, strict=True)
        second = zip(self.names, self._second_moments, strict=True)
        state = {f"first/{name}": moment[row].clone() for name, moment in first}
        state |= {f"second/{name}": moment[row].clone() for name, moment in second}
        return state | {f"steps/{name}": torch.tensor(self._before + steps) for name in self.names}


KINDS: dict[str, type[Optimiser]] = {"sgd": SGD, "adam": Adam}


def make(slot: Slot, names: Sequence[str], parameters: Sequence[Tensor], settings: Mapping[str, object]) -> Optimiser:
    """The optimiser of a slot: the suite's settings, but for what the slot has of its own."""
    own = {"momentum": slot.momentum, "weight_decay": slot.weight_decay}
    settings = {**settings, **{name: value for name, value in own.items() if value is not None}}
    return KINDS[str(settings["name"])](names, parameters, settings)


def clip(gradients: list[Tensor], largest: float) -> list[Tensor]:
    """Gradients scaled down to a joint Euclidean norm of at most `largest` (torch.nn.utils.clip_grad_norm_)."""
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    return list(torch._foreach_mul(gradients, (largest / (norm + 1e-6)).clamp(max=1.0)))


def clip_rows(gradients: list[Tensor], largest: float) -> list[Tensor]:
    """`clip` for gradients stacked over clients [K, ...]: each client by its own norm."""
    squares = functools.reduce(torch.add, (inner(gradient, gradient) for gradient in gradients))
    scale = (largest / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    return [gradient * scale.view(-1, *[1] * (gradient.dim() - 1)) for gradient in gradients]
