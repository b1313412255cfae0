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
from bench.engines.stacked.program import Program
from bench.engines.stacked.rows import Side
from bench.many import Many, Unknown
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

    def run(self, slot: str, tensors: Side, program: Program, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and features of stacked images [K, B, C, H, W] by a program."""
        names = self.trained.get(slot, frozenset()) if tensors is self.work.get(slot) else frozenset()
        call = _Call(self, slot, program, tensors.stacks, names)
        logits, features = _Pass.apply(call, x, self.anchor if names else None)  # type: ignore[no-untyped-call]
        return logits, features

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
        logits, features = self.step.run(slot, tensors, program, x.stack)
        return Out(Many(logits), Many(features))  # type: ignore[arg-type]  # they stand for tensors


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
            return Out(*beneath(lambda stack: self.step.run(slot, tensors, program, stack), x))
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


class _Pass(torch.autograd.Function):
    """A program in autograd's graph: gradients of its weights go to the step, that of the images back into the graph.

    Nothing is updated before the whole graph has been walked, so that it does not matter who else reads the weights.
    """

    @staticmethod
    def forward(ctx: Any, call: _Call, x: Tensor, anchor: Tensor | None) -> tuple[Tensor, Tensor]:
        logits, features, tape = call.program.forward(x, call.stacks, dtype(call.step.models.precision))
        ctx.call, ctx.tape = call, tape
        ctx.set_materialize_grads(False)
        # Another name for the features: the tape's own would lead back here in a circle, which keeps all of it alive.
        return logits, features.detach()

    @staticmethod
    def backward(ctx: Any, d_logits: Tensor | None, d_features: Tensor | None) -> Any:
        call = ctx.call
        wanted = Wanted(call.names, below=ctx.needs_input_grad[1])

        def sink(name: str, part: Gradient) -> None:
            call.step.take(call.slot, name, part)

        below = call.program.backward(d_logits, d_features, ctx.tape, call.stacks, wanted, sink)
        return None, below, None
