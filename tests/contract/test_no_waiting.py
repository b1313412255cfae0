"""A client's round waits for no number and mixes no devices: on a GPU, nothing would stand still for the host.

PyTorch's device "meta" has shapes and no numbers: whatever asks for one raises, and so does work on tensors of two
devices. So what runs here from beginning to end needs no synchronisation.
"""

from typing import Any

import pytest
import torch

from algorithms.fedavg import FedAvg
from bench import engines
from bench.plugin import Algorithm
from bench.rounds.federation import Federation
from tests.contract.test_algorithms import EVERY, MIXED, decline, names
from tests.contract.test_engines import DECAY
from tests.world import setting

WORLDS: dict[str, dict[str, Any]] = {
    "very unequal clients": {"net": "mlp", "alpha": 0.2, "optimizer": DECAY},
    "mixed": {**MIXED, "local_epochs": 1},
}


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
@pytest.mark.parametrize("algorithm", EVERY, ids=names)
@pytest.mark.parametrize("engine", engines.NAMES)
def test_local_training_waits_for_no_number(engine: str, algorithm: Algorithm, world: dict[str, Any]) -> None:
    made = setting(**world, engine=engine, device="meta")
    decline(algorithm, made)
    federation = Federation(made, algorithm)
    trained = federation.engine.train(federation.open_round(0))
    uploaded = [tensor for one in trained for slot in one.upload.values() for tensor in slot.values()]
    # A single number may be the host's: what the referee tells of the local work is.
    assert all(tensor.device.type == "meta" or tensor.dim() == 0 for tensor in uploaded)


@pytest.mark.parametrize("engine", engines.NAMES)
def test_a_loss_that_waits_is_found(engine: str) -> None:
    class Waiting(FedAvg):
        """Looks at its loss."""

        def loss(self, nets: Any, work: Any, client: Any, down: Any, batch: Any, at: Any) -> Any:
            value = super().loss(nets, work, client, down, batch, at)
            return value if float(torch.as_tensor(getattr(value, "stack", value)).sum()) > 0 else 2 * value

    federation = Federation(setting(net="mlp", engine=engine, device="meta"), Waiting())
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        federation.engine.train(federation.open_round(0))
