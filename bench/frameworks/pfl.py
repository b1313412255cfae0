"""pfl-research's own FedAvg and FedProx on our cells: an implementation by other people, to hold ours against.

Data, partition, initial weights, batch plan and evaluation are ours; the local training loop with its optimiser, the
proximal term, the weighting and summing of updates and the server's step are pfl's. See docs/frameworks/pfl.md.
"""

import asyncio
import contextlib
import copy
import functools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from pfl.aggregate.simulate import SimulatedBackend
from pfl.aggregate.weighting import WeightByDatapoints
from pfl.algorithm.base import NNAlgorithmParams
from pfl.algorithm.federated_averaging import FederatedAveraging
from pfl.algorithm.fedprox import FedProx, FedProxParams
from pfl.callback.base import TrainingProcessCallback
from pfl.data.dataset import Dataset
from pfl.data.federated_dataset import FederatedDataset
from pfl.hyperparam.base import HyperParam, NNEvalHyperParams, NNTrainHyperParams
from pfl.internal.ops import pytorch_ops
from pfl.metrics import Metrics
from pfl.model.pytorch import PyTorchModel
from torch import Tensor, nn

from bench.declaration.cell import Cell
from bench.engines.job import Images, Job, Trained
from bench.nets.net import Net
from bench.plugin import Tensors
from bench.registry import ALGORITHMS
from bench.rounds.federation import Federation
from bench.rounds.group import Skip, one_thread
from bench.rounds.scorer import Diverged
from bench.rounds.setting import prepare

__all__ = ["Diverged", "Skip", "run"]

OWN = ("fedavg", "fedprox")
NOTHING = 0  # the batch size by which our data sets know that pfl wants to evaluate
OPTIMISERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


def run(
    cell: Cell,
    root: Path | None = None,
    on_round: Callable[[int], None] | None = None,
    trace: Path | None = None,
) -> dict[str, Any]:
    """Run a cell by pfl: {"result": ..., "timing": ...} of its record, as `bench.rounds.group.run`.

    Raises Skip where pfl has nothing of its own for the cell, Diverged, DataError.
    """
    if reason := _unserved(cell):
        raise Skip(reason)
    begin = time.perf_counter()
    with one_thread(), _surroundings(cell.device):
        setting = prepare(cell, root)
        algorithm = ALGORITHMS.get(cell.plugin)(**cell.params)
        if reason := algorithm.skip(setting.task):
            raise Skip(reason)
        federation = Federation(setting, algorithm, trace=trace)
        rounds = Rounds(federation, on_round)
        rounds.run()
        result = federation.result()
    timing = {
        "train_seconds": federation.train_seconds,
        "evaluate_seconds": federation.evaluate_seconds,
        "total_seconds": time.perf_counter() - begin,
        "shared": False,
    }
    return {"result": result, "timing": timing}


def _unserved(cell: Cell) -> str | None:
    """Why pfl cannot run a cell, or None."""
    if cell.plugin not in OWN:
        return f"pfl has algorithms of its own here for {' and '.join(OWN)} only"
    if cell.tasks:
        return "pfl's model is one net for all, but clients have tasks of their own here"
    if cell.precision != "fp32":
        return f"pfl's mixed precision is not ours: expected fp32, got {cell.precision}"
    return None


class Rounds(TrainingProcessCallback):
    """All rounds of a cell: what pfl is told before each, and what is written down after it."""

    def __init__(self, federation: Federation, on_round: Callable[[int], None] | None) -> None:
        self.federation, self.on_round, self.cell = federation, on_round, federation.cell
        self.jobs = federation.open_round(0)
        self.waiting = iter(self.jobs)
        self.learner = Learner(federation.setting.nets[self.cell.shared], federation.server["model"])
        self.clock = 0.0

    def run(self) -> None:
        """Train to the end."""
        training = self.cell.training
        settings = dict(training["optimizer"])
        kind, _ = OPTIMISERS[settings.pop("name")], settings.pop("lr")  # pfl hands the optimiser the round's rate
        if kind is torch.optim.Adam:
            del settings["momentum"]
        model = PyTorchModel(
            self.learner,
            local_optimizer_create=functools.partial(kind, **settings),
            central_optimizer=torch.optim.SGD(self.learner.parameters(), lr=1.0),  # w + the mean difference
        )
        images = self.federation.setting.images
        users = FederatedDataset(
            lambda job: Share(images, job, training["local_epochs"] or 1), lambda: next(self.waiting)
        )
        parameters: dict[str, Any] = {
            "central_num_iterations": int(training["rounds"]),
            "evaluation_frequency": int(training["rounds"]),  # pfl's own, see `Share.iter`
            "train_cohort_size": len(self.jobs),
            "val_cohort_size": None,
        }
        if self.cell.plugin == "fedprox":
            algorithm, settled = FedProx(), FedProxParams(**parameters, mu=self.cell.params["mu"])
        else:
            algorithm, settled = FederatedAveraging(), NNAlgorithmParams(**parameters)
        self.clock = time.perf_counter()
        algorithm.run(
            settled,
            SimulatedBackend(users, users, postprocessors=[WeightByDatapoints()]),
            model,
            NNTrainHyperParams(
                local_batch_size=int(training["batch_size"]),
                local_num_epochs=training["local_epochs"],
                local_num_steps=training["local_steps"],
                local_learning_rate=Rate(self),
            ),
            NNEvalHyperParams(local_batch_size=NOTHING),
            callbacks=[self],
            send_metrics_to_platform=False,  # it would print them
        )

    def after_central_iteration(
        self, aggregate_metrics: Metrics, model: PyTorchModel, *, central_iteration: int
    ) -> tuple[bool, Metrics]:
        """Take up a round that pfl has finished, score it, and make the next one's work ready."""
        number, federation = central_iteration, self.federation
        federation.train_seconds += time.perf_counter() - self.clock
        travels = {"model": self.learner.parameters_now()}
        losses = self.learner.take_losses([len(job.plans[0]) for job in self.jobs])
        trained = [Trained(job.client, travels, own) for job, own in zip(self.jobs, losses, strict=True)]
        federation.take_round(number, trained, {"model": self.learner.tensors_now()}, travels)
        federation.evaluate(number)
        if self.on_round:
            self.on_round(number + 1)
        if number + 1 < int(self.cell.training["rounds"]):
            self.jobs = federation.open_round(number + 1)
            self.waiting = iter(self.jobs)
        self.clock = time.perf_counter()
        return False, Metrics()


class Rate(HyperParam[float]):  # pfl asks for its value once a round
    """The learning rate of the round that is about to begin: the suite's schedule."""

    def __init__(self, rounds: Rounds) -> None:
        self.rounds = rounds

    def value(self) -> float:
        """The same for all clients of a round."""
        return self.rounds.jobs[0].lr


class Share(Dataset):
    """One client's round as a pfl data set: `iter` gives the batches of our plan, epoch by epoch."""

    def __init__(self, images: Images, job: Job, epochs: int) -> None:
        """`epochs`: how often pfl will ask for batches in a round."""
        super().__init__(raw_data=())
        self.images, self.examples = images, len(job.rows)
        (plan,) = job.plans
        self.epochs = iter(torch.chunk(plan, epochs))  # whole epochs are equally long

    def __len__(self) -> int:
        """The number of training examples: the client's weight."""
        return self.examples

    def iter(self, batch_size: int | None) -> Iterator[tuple[Tensor, Tensor]]:
        """The next epoch's normalised images [B, C, H, W] and labels [B].

        In its first iteration pfl evaluates before and after training, whatever it is told: it is given nothing to
        look at then, since the models are scored by us.
        """
        if batch_size == NOTHING:
            yield torch.empty(0), torch.empty(0)
            return
        plan = next(self.epochs)
        x, y = self.images.batch(plan.flatten())
        yield from zip(torch.split(x, plan.shape[1]), torch.split(y, plan.shape[1]), strict=True)


class Learner(nn.Module):
    """A net as pfl wants it: with a loss, and with metrics, of which it gets none."""

    def __init__(self, net: Net, tensors: Tensors) -> None:
        super().__init__()
        self.net = copy.deepcopy(net)
        self.net.load_state_dict(tensors)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as our engines hold it
        self.train()
        self._losses: list[Tensor] = []

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """The mean cross-entropy of a batch."""
        loss = F.cross_entropy(self.net(x).logits, y)
        self._losses.append(loss.detach())  # shares its memory: what pfl adds in place, the proximal term, is in it
        return loss

    def metrics(self, x: Tensor, y: Tensor) -> dict[str, Any]:
        """None."""
        return {}

    def take_losses(self, steps: list[int]) -> list[Tensor]:
        """The losses of the round's steps, client by client."""
        losses = torch.stack(self._losses)
        self._losses = []
        return list(torch.split(losses, steps))

    def parameters_now(self) -> Tensors:
        """What pfl exchanges: a copy of the parameters, and no buffers."""
        return {name: tensor.detach().clone() for name, tensor in self.net.named_parameters()}

    def tensors_now(self) -> Tensors:
        """A copy of all tensors of the global model. pfl leaves buffers as the last client had them."""
        return {name: tensor.detach().clone() for name, tensor in self.net.state_dict().items()}


@contextlib.contextmanager
def _surroundings(device: str) -> Iterator[None]:
    """What pfl looks for in its process: the device, no other workers (so no network), and an event loop."""
    names = ("PFL_PYTORCH_DEVICE", "PFL_WORKER_ADDRESSES", "PFL_WORKER_RANK")
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ["PFL_PYTORCH_DEVICE"] = device
    if pytorch_ops.distributed is None:  # pfl makes one in a process called MainProcess only; our workers are spawned
        pytorch_ops.distributed = pytorch_ops.PyTorchDistributedContext()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        os.environ.pop("PFL_PYTORCH_DEVICE", None)
        os.environ.update(before)
