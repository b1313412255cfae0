"""What a round has made is gone when the round is over, without Python having to look for circles of references.

A circle that holds a stack lives until Python's next search for circles, which can be hundreds of rounds away. (Circles
without tensors are torch's own, of its recursive functions.)
"""

import gc

import pytest
import torch

from algorithms.fedproto import FedProto
from algorithms.fedprox import FedProx
from algorithms.fml import FML
from algorithms.scaffold import Scaffold
from bench.plugin import Algorithm
from bench.rounds.federation import Federation
from bench.rounds.group import Group
from tests import nets  # noqa: F401 - registers the net with BatchNorm
from tests.contract.plugins import KeptInPhases
from tests.world import setting


@pytest.mark.parametrize("engine", ["reference", "vectorised"])
@pytest.mark.parametrize("net", ["mlp", "cnn", "test-batchnorm"])  # written down; by a program; under vmap
@pytest.mark.parametrize(
    "algorithm", [FML(), FedProx(), Scaffold(), FedProto(), KeptInPhases()], ids=lambda a: type(a).__name__
)
def test_a_round_leaves_no_circles(algorithm: Algorithm, net: str, engine: str) -> None:
    group = Group([Federation(setting(net=net, engine=engine, rounds=3, local_epochs=1), algorithm)])
    group.round(0)  # what is made once
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        group.round(1)
        gc.collect()
        assert [thing for thing in gc.garbage if isinstance(thing, torch.Tensor)] == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("engine", ["reference", "vectorised"])
@pytest.mark.parametrize("net", ["mlp", "cnn", "test-batchnorm"])
@pytest.mark.parametrize("algorithm", [FML(), Scaffold(), KeptInPhases()], ids=lambda a: type(a).__name__)
def test_what_waits_on_a_client_holds_no_more_memory_than_it_says(algorithm: Algorithm, net: str, engine: str) -> None:
    """A view of one client's row would keep the whole stack of its last round alive."""
    federation = Federation(setting(net=net, engine=engine, rounds=3, local_epochs=1), algorithm)
    Group([federation]).round(0)
    waiting = [
        tensor
        for client in federation.clients
        for state in (client.state, client.kept, client.memory)
        for tensors in state.values()
        for tensor in tensors.values()
    ]
    assert waiting
    assert [t.shape for t in waiting if t.untyped_storage().nbytes() > t.numel() * t.element_size()] == []
