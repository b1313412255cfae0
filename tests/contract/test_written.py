"""A step that is written down and done from what is written gives what a step that is run gives, to the bit.

Everything that operations depend on must be in the key of a page: what is missing there would make one stack do
another's step.
"""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from algorithms.fd import FD
from algorithms.fedavg import FedAvg
from algorithms.fedprox import FedProx
from algorithms.fml import FML
from bench import ops
from bench.engines import vectorised
from bench.engines.stacked import book
from bench.engines.stacked.book import Book, Repeated
from bench.engines.stacked.kinds import Kind
from bench.engines.stacked.repeats import Doing, Repeatable
from bench.engines.stacked.training import Training
from bench.engines.vectorised import Vectorised
from bench.plugin import Algorithm, At, State
from bench.rounds.federation import Federation
from bench.rounds.group import Group
from tests.contract.test_algorithms import EVERY, names
from tests.contract.test_engines import ADAM, DECAY, PLAIN, apart, run
from tests.world import setting

UNEQUAL = {"net": "mlp", "alpha": 0.2, "local_epochs": 3, "rounds": 3}
WORLDS: dict[str, dict[str, Any]] = {
    "plain": {**UNEQUAL, "optimizer": PLAIN},
    "momentum and decay": {**UNEQUAL, "optimizer": DECAY},
    "bfloat16": {**UNEQUAL, "optimizer": PLAIN, "precision": "bf16"},
    "half a cohort": {**UNEQUAL, "optimizer": DECAY, "participation": 0.5},
    "another rate in each round": {**UNEQUAL, "optimizer": DECAY, "lr_schedule": "thirds"},
}
UNWRITABLE = {"DynamicFML"}  # makes a tensor of a number: nobody can say what it would be another time
THIRDS = {"name": "step", "every": 1, "gamma": 0.1}


class Unwritten(Book):
    """Runs each step."""

    def doing(self, step: Repeatable, times: int) -> Doing:
        return step.step


def trained(algorithm: Algorithm, world: dict[str, Any], made: type[Book], narrow: bool = False) -> Federation:
    """The algorithm's run with this book; `narrow`: two clients side by side at most."""
    world = {name: value for name, value in world.items() if name != "engine"}
    world = {**world, "lr_schedule": THIRDS} if world.get("lr_schedule") == "thirds" else world
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vectorised, "Book", made)
        patch.setattr(book, "WORTH", 4)  # the smallest clients take few steps
        patch.setattr(vectorised, "CACHE", 1 if narrow else 1 << 60)
        return run(algorithm, "vectorised", world, double=False)


def the_book(federation: Federation) -> Book:
    assert isinstance(federation.engine, Vectorised)
    assert isinstance(federation.engine.repeats, Book)
    return federation.engine.repeats


def kinds(federation: Federation) -> set[Kind]:
    """What is written."""
    return {kind for kind, _ in the_book(federation).pages}  # type: ignore[misc] - keys are opaque


@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
@pytest.mark.parametrize("algorithm", EVERY, ids=names)
def test_written_steps_equal_run_ones(algorithm: Algorithm, world: dict[str, Any]) -> None:
    plain = trained(algorithm, world, Unwritten)
    for narrow in (False, True):
        written = trained(algorithm, world, Book, narrow)
        assert apart(written, plain) == 0
        assert written.outcome == plain.outcome  # type: ignore[attr-defined] - run() notes it
        assert bool(the_book(written).unwritable) == (type(algorithm).__name__ in UNWRITABLE)
        left = [written.server, *(client.state for client in written.clients)]
        tensors = [tensor for state in left for slot in state.values() for tensor in slot.values()]
        assert not any(tensor.is_inference() for tensor in tensors)  # autograd would refuse them
        if type(algorithm).__name__ not in UNWRITABLE:
            assert max(kind.alive for kind in kinds(written)) == (2 if narrow else 4 * world.get("participation", 1))


@pytest.mark.parametrize("algorithm", [FML(), FD(), FedProx(mu=0.3)], ids=names)
def test_one_page_serves_all_stacks_and_rounds(algorithm: Algorithm, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[bool] = []
    before = Repeated.__init__

    def noted(self: Repeated, *args: Any) -> None:
        before(self, *args)
        served.append(self.ready is not None)

    monkeypatch.setattr(Repeated, "__init__", noted)
    federation = trained(algorithm, {**WORLDS["plain"], "rounds": 6, "clients": 8}, Book, narrow=True)
    assert len(the_book(federation).pages) <= 4  # one or two clients that still train; FD teaches from round 1 on
    assert sum(served) > len(served) / 2


@pytest.mark.parametrize("schedule", ["linear", "step"])
def test_a_page_is_for_its_round_where_the_loss_asks_for_it(schedule: str) -> None:
    algorithm = FML(alpha=0.2, alpha_schedule=schedule, alpha_end=0.9)
    plain, written = (trained(algorithm, WORLDS["plain"], made) for made in (Unwritten, Book))
    assert apart(written, plain) == 0
    assert {number for _, number in the_book(written).pages} == {0, 1, 2}  # type: ignore[misc] - keys are opaque
    with pytest.MonkeyPatch.context() as forgetful:
        forgetful.setattr(Training, "dated", False)
        assert apart(trained(algorithm, WORLDS["plain"], Book), plain) > 1e-4


@pytest.mark.parametrize(
    ("algorithm", "world", "part"),
    [
        (FD(), "plain", "forms"),
        (FedAvg(), "another rate in each round", "lr"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_without_a_part_of_the_kind_it_would_be_wrong(
    algorithm: Algorithm, world: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers and round: in tests of their own. Of another phase or size, tensors are others."""
    plain = trained(algorithm, WORLDS[world], Unwritten)
    kind = Training._kind
    monkeypatch.setattr(Training, "_kind", lambda self: replace(kind(self), **{part: None}))
    assert apart(trained(algorithm, WORLDS[world], Book), plain) > 1e-4


@dataclass(frozen=True)
class Marked(FedAvg):
    """A download in which a slot without tensors says something."""

    def download(self, server: State, at: At) -> State:
        return {**server, "late": {}} if at.round else server

    def loss(self, nets: Any, work: State, client: State, down: State, batch: Any, at: At) -> Any:
        return super().loss(nets, work, client, down, batch, at) * (0.1 if "late" in down else 1.0)


@dataclass(frozen=True)
class LateTurn(FedAvg):
    """A loss that leaves the words of `bench.ops` when steps of its kind have been written."""

    def loss(self, nets: Any, work: State, client: State, down: State, batch: Any, at: At) -> Any:
        out = nets("model", work["model"], batch.x)
        loss = ops.cross_entropy(out, batch)
        return loss if at.round < 2 else loss + out.features.abs().mean()


@pytest.mark.parametrize("algorithm", [Marked(), LateTurn()], ids=names)
def test_turns_that_a_plugin_may_take(algorithm: Algorithm) -> None:
    plain, written = (trained(algorithm, {**WORLDS["plain"], "rounds": 4}, made) for made in (Unwritten, Book))
    assert the_book(written).pages
    assert apart(written, plain) == 0
    assert bool(the_book(written).unwritable) == isinstance(algorithm, LateTurn)


def test_tensors_that_lie_in_another_way_have_a_page_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients of one cell share a download, which then lies in memory once; clients of two cells do not."""
    monkeypatch.setattr(vectorised, "CACHE", 1)
    monkeypatch.setattr(book, "WORTH", 4)
    world = {**WORLDS["plain"], "clients": 6, "engine": "vectorised"}
    first = Federation(setting(**world), FedProx(mu=0.3))
    other = replace(setting(**world, partition_seed=1), task=first.setting.task)  # clients of other sizes
    Group([first, Federation(other, FedProx(mu=0.3), first.engine)]).run()
    assert 2 in {len(layouts) for layouts in the_book(first).pages.values()}
    assert apart(first, trained(FedProx(mu=0.3), world, Unwritten)) == 0


def test_stacks_of_cells_with_other_settings_have_pages_of_their_own() -> None:
    """A hyper-parameter that differs within a stack is a tensor, one that does not is a number in the operations."""

    def both(made: type[Book], strengths: tuple[float, ...]) -> list[Federation]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vectorised, "Book", made)
            patch.setattr(vectorised, "CACHE", vectorised.CACHE // 1000)
            first = Federation(setting(**WORLDS["plain"], engine="vectorised"), FedProx(mu=strengths[0]))
            rest = [Federation(first.setting, FedProx(mu=mu), first.engine) for mu in strengths[1:]]
            Group([first, *rest]).run()
            return [first, *rest]

    for strengths, numbers in [((0.1, 0.1, 0.9), {0.1, None}), ((0.1, 0.1, 0.9, 0.9), {0.1, 0.9})]:
        together = both(Book, strengths)
        assert {dict(kind.numbers).get("mu") for kind in kinds(together[0])} == numbers
        for federation, mu in zip(together, strengths, strict=True):
            (alone,) = both(Unwritten, (mu,))
            assert apart(federation, alone) == 0
        assert apart(together[0], together[-1]) > 1e-4


@pytest.mark.parametrize("world", [{"net": "cnn"}, {"net": "mlp", "optimizer": ADAM}], ids=["convolutions", "adam"])
def test_what_cannot_be_written_is_run(world: dict[str, Any]) -> None:
    """Convolutions use scratch memory, which no stack has a name for; Adam counts its steps."""
    plain, tried = (trained(FedAvg(), {"rounds": 2, **world}, made) for made in (Unwritten, Book))
    assert apart(tried, plain) == 0
    assert the_book(tried).unwritable
    assert not the_book(tried).pages


def test_few_steps_are_not_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def pages(steps: int, rounds: int) -> int:
        world = {"net": "mlp", "local_epochs": None, "local_steps": steps, "rounds": rounds}
        return len(the_book(run(FedAvg(), "vectorised", world, double=False)).pages)

    assert pages(book.WORTH - 1, 1) == 0
    assert pages(book.WORTH, 1) == 1
    assert pages(book.WORTH // 2, 4) == 1  # few in a round, but not in a run


def test_a_full_book_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    world = {**WORLDS["another rate in each round"], "rounds": 4}
    plain = trained(FedAvg(), world, Unwritten)
    monkeypatch.setattr(book, "MOST", 2)
    written = trained(FedAvg(), world, Book)
    assert apart(written, plain) == 0
    assert 1 <= len(the_book(written).pages) <= 2
    assert len(the_book(written).plain) <= 2
