"""The `bench.plugin.Nets` of the vectorised engine, in its two forms.

`ManyNets` serves a loss that is run once for all clients (see `bench.many`); `VmapNets` one that ``torch.vmap`` runs.
Both send tensors that they know to a net's program; `VmapNets` has PyTorch's own functional call for all others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bench.engines.gradient import Gradient
from bench.engines.precision import autocast, dtype, widened
from bench.engines.stacked.beneath import beneath
from bench.engines.stacked.layers import Wanted
from bench.engines.stacked.program import Program, Tape
from bench.engines.stacked.rows import Side
from bench.many import Back, Many, Unknown
from bench.plugin import At, Out, State, Tensors


@dataclass(frozen=True)
class Models:
    """The nets of an engine: by architecture, as modules in both modes, and as programs where there is one."""

    programs: Mapping[str, Program | None]
    training: Mapping[str, nn.Module]
    evaluating: Mapping[str, nn.Module]
    precision: str = "fp32"

    def call(self, module: nn.Module, tensors: Tensors, x: Tensor) -> Out:
        """A module's own pass with these tensors. Under vmap a convolution is computed before autocast sees it."""
        with autocast(self.precision, x.device):
            return widened(functional_call(module, tensors, (x,)), self.precision)


@dataclass
class Step:
    """One step's passes: what is trained, and the parts of its gradients as they come in."""

    models: Models
    at: At
    work: Mapping[str, Side]  # by slot
    trained: Mapping[str, frozenset[str]]  # slot -> names
    anchor: Tensor  # a scalar that requires a gradient: ties passes into the graph without their weights
    parts: dict[str, dict[str, list[Gradient]]] = field(default_factory=dict)  # slot -> name -> parts

    def call(self, slot: str, tensors: Side, program: Program) -> "_Call":
        """A pass of a net's program with these tensors."""
        names = self.trained.get(slot, frozenset()) if tensors is self.work.get(slot) else frozenset()
        return _Call(self, slot, program, tensors.stacks, names)

    def take(self, slot: str, name: str, part: Gradient) -> None:
        """Note a part of a gradient."""
        self.parts.setdefault(slot, {}).setdefault(name, []).append(part)


class ManyNets:
    """Passes for a loss that is run once for all clients."""

    def __init__(self, step: Step) -> None:
        self.step = step

    def __call__(self, slot: str, tensors: Any, x: Any) -> Out:
        """`Many` logits and features; raises Unknown for tensors or images of the plugin's own making."""
        program = self.step.models.programs[self.step.at.nets[slot].architecture]
        if program is None or not isinstance(tensors, Side) or not isinstance(x, Many):
            raise Unknown(f"nets('{slot}', ...)")
        if not set(program.names) <= set(tensors):
            raise Unknown(f"nets('{slot}', ...) with a part of its tensors")
        logits, features = _passed(self.step.call(slot, tensors, program), x)
        return Out(logits, features)  # type: ignore[arg-type]  # they stand for tensors


class VmapNets:
    """Passes for a loss under vmap; notes the buffers that a pass in training mode made."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.buffers: State = {}

    def __call__(self, slot: str, tensors: Any, x: Tensor) -> Out:
        """Logits and features of images [B, C, H, W]."""
        parts, models = self.step.at.nets[slot], self.step.models
        program = models.programs[parts.architecture]
        if program is not None and isinstance(tensors, Side) and set(program.names) <= set(tensors):
            return Out(*beneath(self.step.call(slot, tensors, program).in_autograd, x))
        if not isinstance(tensors, Side) or tensors is not self.step.work.get(slot) or not self.step.trained.get(slot):
            return models.call(models.evaluating[parts.architecture], dict(tensors), x)
        # A second pass in one loss goes on from the first one's statistics, as a module would.
        before = self.buffers.get(slot) or {name: tensors[name] for name in parts.buffers}
        buffers = {name: tensor.clone() for name, tensor in before.items()}
        out = models.call(models.training[parts.architecture], {**tensors, **buffers}, x)
        if buffers:
            self.buffers[slot] = buffers
        return out


@dataclass(frozen=True)
class _Call:
    """One pass: which net with which stacks, and what its backward pass is to find."""

    step: Step
    slot: str
    program: Program
    stacks: Tensors
    names: frozenset[str]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tape]:
        """Logits and features of images [K, B, C, H, W], and the tape."""
        return self.program.forward(x, self.stacks, dtype(self.step.models.precision))

    def backward(self, d_logits: Tensor | None, d_features: Tensor | None, tape: Tape, below: bool) -> Tensor | None:
        """The images' gradient, where wanted below; those of the weights go to the step.

        Nothing is updated before the whole loss has been walked, so that it does not matter who else reads the weights.
        """

        def sink(name: str, part: Gradient) -> None:
            self.step.take(self.slot, name, part)

        return self.program.backward(d_logits, d_features, tape, Wanted(self.names, below), sink)

    def in_autograd(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and features, in autograd's graph."""
        anchor = self.step.anchor if self.names else None
        logits, features = _Pass.apply(self, x, anchor)  # type: ignore[no-untyped-call]
        return logits, features


def _passed(call: _Call, x: Many) -> tuple[Many, Many]:
    """A pass of many clients' images, with its way back."""
    logits, features, tape = call.forward(x.stack)
    if not call.names and x.back is None:
        return Many(logits), Many(features)
    found: list[Tensor | None] = [None, None]  # the gradients of logits and features

    def through(_: object) -> None:
        below = call.backward(found[0], found[1], tape, x.back is not None)
        if x.back is not None and below is not None:
            x.back.receive(below)

    whole = Back([] if x.back is None else [x.back], through)

    def output(place: int, stack: Tensor) -> Many:
        def reached(gradient: Tensor) -> None:
            found[place] = whole.gradient = gradient  # of the pass only that there is one: the parts are in `found`

        return Many(stack, Back([whole], reached))

    return output(0, logits), output(1, features)


class _Pass(torch.autograd.Function):
    """A program in autograd's graph: gradients of weights go to the step, that of the images back into the graph."""

    @staticmethod
    def forward(ctx: Any, call: _Call, x: Tensor, anchor: Tensor | None) -> tuple[Tensor, Tensor]:
        logits, features, tape = call.forward(x)
        ctx.call, ctx.tape = call, tape
        ctx.set_materialize_grads(False)
        # Another name for the features: the tape's own would lead back here in a circle, which keeps all of it alive.
        return logits, features.detach()

    @staticmethod
    def backward(ctx: Any, d_logits: Tensor | None, d_features: Tensor | None) -> Any:
        return None, ctx.call.backward(d_logits, d_features, ctx.tape, ctx.needs_input_grad[1]), None
