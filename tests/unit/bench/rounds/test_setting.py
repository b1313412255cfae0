"""Initial weights: from the declaration's own stream, the same for everyone or each client's own."""

import torch

from algorithms.fml import FML
from bench.rounds.nets import build
from bench.seeds import seed
from tests.world import setting


def test_weights_are_those_of_a_net_made_with_the_seed_of_their_stream() -> None:
    there, before = setting(net="cnn"), torch.random.get_rng_state()
    for client, slot in ((None, "meme"), (2, "local")):
        found = there.fresh(FML(), 2)[slot]
        torch.manual_seed(seed("weights", client=client, architecture="cnn", **there.cell.axes("training")))
        expected = build("cnn", there.task.shape, there.task.classes).state_dict()
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)
        torch.random.set_rng_state(before)


def test_nobody_elses_random_numbers_are_drawn() -> None:
    there, before = setting(net="cnn"), torch.random.get_rng_state()
    there.fresh(FML(), 0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_everyone_starts_from_one_meme_and_each_from_a_model_of_its_own() -> None:
    there = setting(net="mlp")
    each = [there.fresh(FML(), k) for k in (0, 1, None)]
    for name, tensor in each[0]["meme"].items():
        assert all(state["meme"][name] is tensor for state in each)  # drawn once, for a net takes a while to make
    each[0]["meme"].clear()  # a dictionary of one client's own
    assert there.fresh(FML(), 1)["meme"]
    assert not torch.equal(each[0]["local"]["head.weight"], each[1]["local"]["head.weight"])
    assert "local" not in each[2]
