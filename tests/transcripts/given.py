"""What a transcript is given: data, initial weights, batch order, cohorts and training settings. No training."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import torch
from torch import Tensor, nn

from bench.plugin import Algorithm, Slot
from bench.rounds import plan
from bench.rounds.setting import Setting

Models = dict[str, list[nn.Module]]
"""What a transcript returns: "global" -> [the server's model], "personal" -> each client's own, where it has one."""

ROLES = {
    "shared": Slot(role="shared"),
    "personal": Slot(role="personal"),
    "common head": Slot(role="personal", alike=("head",)),
}
ASKING = cast(Algorithm, SimpleNamespace(slots=lambda: ROLES))  # asks a setting for the weights of all roles


@dataclass(frozen=True)
class Given:
    """The inputs of one run; everything that both sides must have alike, and nothing that a method decides."""

    setting: Setting
    cohort: Callable[[int], list[int]]  # round from 0 -> the clients that take part

    @property
    def training(self) -> dict[str, Any]:
        return self.setting.cell.training

    @property
    def rounds(self) -> range:
        return range(self.training["rounds"])

    @property
    def clients(self) -> range:
        return range(self.setting.cell.clients)

    def examples(self, client: int) -> int:
        """n_k: how many training images a client has."""
        return len(self.setting.shares[client].train)

    def global_model(self) -> nn.Module:
        """The initial global model."""
        return self._model(self.setting.cell.shared, self.setting.fresh(ASKING, None)["shared"])

    def own_model(self, client: int, common_head: bool = False) -> nn.Module:
        """The initial model of a client's own; its head can be everyone's, where all heads have one shape."""
        return self._of_client(client, "common head" if common_head else "personal")

    def shared_model(self, client: int) -> nn.Module:
        """A client's initial copy of the shared model, which has a head of its own size where tasks differ."""
        return self._of_client(client, "shared")

    def _of_client(self, client: int, role: str) -> nn.Module:
        architecture = self.setting.at(ASKING, 0, client).nets[role].architecture
        return self._model(architecture, self.setting.fresh(ASKING, client)[role])

    def _model(self, architecture: str, weights: dict[str, Tensor]) -> nn.Module:
        model = copy.deepcopy(self.setting.nets[architecture])
        model.load_state_dict(weights)
        return model.train()

    def batches(self, client: int, round: int, epochs: int | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches (normalised x, y) of a client's local training in a round, in order.

        `epochs`: of a stage of so many; None: as many epochs or steps as the setting gives to local training.
        """
        rows = self.setting.shares[client].train.numpy()
        drawn = plan.batches(
            rows,
            self.training["batch_size"],
            epochs=epochs or self.training["local_epochs"],
            steps=None if epochs else self.training["local_steps"],
            client=client,
            round=round,
            **self.setting.cell.axes("training"),
        )
        for batch in torch.from_numpy(drawn):
            yield self._images(batch)

    def data(self, client: int) -> tuple[Tensor, Tensor]:
        """All training images of a client (normalised x, y)."""
        return self._images(self.setting.shares[client].train)

    def _images(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        images = self.setting.images
        shift, scale = images.constants(rows)
        return (images.x[rows].to(shift.dtype) - shift) / scale, images.y[rows]

    def lr(self, round: int) -> float:
        """The learning rate of a round: constant, or times gamma after each `every` rounds."""
        schedule, base = self.training["lr_schedule"], self.training["optimizer"]["lr"]
        if schedule["name"] == "constant":
            return base
        assert schedule["name"] == "step"
        return base * schedule["gamma"] ** (round // schedule["every"])

    def sgd(self, model: nn.Module, round: int) -> torch.optim.SGD:
        """A new optimiser, without momentum gathered so far."""
        settings = self.training["optimizer"]
        assert settings["name"] == "sgd"
        return torch.optim.SGD(
            model.parameters(), self.lr(round), momentum=settings["momentum"], weight_decay=settings["weight_decay"]
        )
