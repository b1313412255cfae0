"""A step that is recorded once and then replayed without Python: for a GPU, where launching a step's hundred small
kernels one by one takes longer than they do.

A recording is of addresses: replaying it reads and writes the memory that the recorded step did. A stack's step is made
for that. Weights, velocities and scratch memory stay where they are until clients leave the stack, which ends the
recording; a batch is copied to where the recorded step found its batch.
"""

import warnings
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from bench.engines.stacked.repeats import Doing, Repeatable

WARM = 2  # steps before a recording: they settle how the loss is run and which memory is used
WORTH = 8  # steps from which a recording repays itself: to record takes as long as two or three steps


class Recorder(Protocol):
    """A way to record."""

    def run(self, step: Doing, inputs: Sequence[Tensor]) -> Tensor:
        """One plain step, in a way that later steps can be recorded after it."""
        ...

    def record(self, step: Doing, inputs: Sequence[Tensor]) -> Callable[[], Tensor]:
        """Record `step` on `inputs` without doing it; what is returned does it. Raises RuntimeError."""
        ...


class Graphs:
    """CUDA graphs.

    Warm-up and recording share a stream of their own, as PyTorch asks for: a recording must not depend on work that
    another stream has under way.
    """

    def __init__(self, device: torch.device) -> None:
        self.stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def run(self, step: Doing, inputs: Sequence[Tensor]) -> Tensor:
        """One step on the recorder's stream."""
        self.stream.wait_stream(torch.cuda.current_stream(self.stream.device))
        with torch.cuda.stream(self.stream):
            output = step(*inputs)
        torch.cuda.current_stream(self.stream.device).wait_stream(self.stream)
        return output

    def record(self, step: Doing, inputs: Sequence[Tensor]) -> Callable[[], Tensor]:
        """A graph of the step; its temporary memory lives as long as what is returned."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self.stream):
            output = step(*inputs)

        def replay() -> Tensor:
            graph.replay()
            return output

        return replay


def recorder(device: torch.device) -> Recorder | None:
    """The way to record on a device; None where a step is no sooner replayed than run."""
    return Graphs(device) if device.type == "cuda" else None


class Replayed:
    """A step, called as the plain one is: run for the first times, then recorded and replayed.

    What a call returns is overwritten by the next one.
    """

    def __init__(self, step: Doing, recorder: Recorder, worthy: Callable[[], bool] = lambda: True) -> None:
        """`worthy` is asked after the first steps, which may show that this step is better not recorded."""
        self.step, self.recorder, self.worthy = step, recorder, worthy
        self.done = 0
        self.inputs: list[Tensor] = []
        self.replay: Callable[[], Tensor] | None = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """One step."""
        self.done += 1
        if self.done == WARM + 1 and self.worthy():
            self._record(inputs)
        if self.replay is None:
            return self.recorder.run(self.step, inputs)
        for mine, theirs in zip(self.inputs, inputs, strict=True):
            mine.copy_(theirs)
        return self.replay()

    def _record(self, inputs: Sequence[Tensor]) -> None:
        self.inputs = [tensor.clone() for tensor in inputs]
        try:
            self.replay = self.recorder.record(self.step, self.inputs)
        except RuntimeError as error:  # a loss that waits for the device, say: slower, not wrong
            warnings.warn(f"steps cannot be recorded, so they are launched one by one: {error}", stacklevel=4)


class Replays:
    """Repeats steps by recordings; `bench.engines.stacked.repeats.Repeats`."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def doing(self, step: Repeatable, times: int) -> Doing:
        """A recording, where it repays itself."""
        if times < WORTH or not step.alike:
            return step.step
        return Replayed(step.step, self.recorder, worthy=lambda: step.alike)

    def cheap(self, family: Hashable) -> bool:
        """A GPU has no cache that weights would stay in, and many multiprocessors to fill."""
        return False
