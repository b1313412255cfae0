"""The named workloads: what is trained, declared as any suite is. Importing this imports no torch."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.registry import UnknownName, load_file, nearest

if TYPE_CHECKING:
    from bench.declaration.cell import Cell
    from bench.declaration.suite import Suite

SUBSETS = Path(__file__).with_name("subsets.py")
FOREVER = 10_000  # rounds that no measurement reaches, so that nothing is the last


@dataclass(frozen=True)
class Workload:
    """One piece of work to time: the cells of a small suite, all trained for a round at a time."""

    name: str
    title: str  # for people
    dataset: str
    zoo: str
    algorithm: str
    clients: int
    batch: int
    alphas: tuple[float, ...]
    partition: str = "dirichlet"
    replicates: int = 1
    epochs: int = 1
    lr: float = 0.01
    local_steps: int | None = None  # instead of epochs
    precision: str = "fp32"
    floor: float | None = None  # how many times as fast as the naive loop we want to be, on one core

    def declaration(self, momentum: float, rounds: int = FOREVER) -> dict[str, Any]:
        """The suite as its file would say it; only the last round is evaluated."""
        budget = {"local_epochs": self.epochs} if self.local_steps is None else {"local_steps": self.local_steps}
        return {
            "name": f"speed-{self.name}",
            "datasets": [self.dataset],
            "partitions": [self.partition],
            "alphas": list(self.alphas),
            "zoos": [self.zoo],
            "algorithms": [self.algorithm],
            "replicates": self.replicates,
            "reference": self.algorithm,
            "target_accuracy": 0.9,
            "training": {
                "rounds": rounds,
                "clients": self.clients,
                **budget,
                "batch_size": self.batch,
                "optimizer": {"name": "sgd", "lr": self.lr, "momentum": momentum, "weight_decay": 0.0},
                "evaluate_every": rounds,
                "selection": "last",
            },
        }

    def cells(self, engine: str, momentum: float = 0.0, rounds: int = FOREVER) -> "list[Cell]":
        """The cells for an engine; "auto": for the one that a run would take."""
        from bench.declaration.cell import cells
        from bench.execution.forecast import resolved

        declared = cells(suite(self.declaration(momentum, rounds)), precision=self.precision)
        return resolved(declared, None if engine == "auto" else engine)

    def plain(self) -> dict[str, Any]:
        """The fields as JSON types; `workload` reads them."""
        return {**asdict(self), "alphas": list(self.alphas)}


def workload(fields: dict[str, Any]) -> Workload:
    """What `Workload.plain` wrote."""
    return Workload(**{**fields, "alphas": tuple(fields["alphas"])})


def suite(declared: dict[str, Any]) -> "Suite":
    """A declaration, checked."""
    from bench.declaration.suite import Suite

    load_file(SUBSETS)
    return Suite.model_validate(_frozen(declared), context=declared)


def _frozen(value: Any) -> Any:
    """Arrays as tuples, which is what declarations hold."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return {key: _frozen(item) for key, item in value.items()} if isinstance(value, dict) else value


_DIGITS: dict[str, Any] = {
    "dataset": "digits",
    "clients": 10,
    "batch": 32,
    "alphas": (0.1, 0.5, 1.0, 100.0),
    "partition": "dirichlet-capped",
    "lr": 0.05,
    "epochs": 2,
}
_MNIST: dict[str, Any] = {"clients": 20, "batch": 10, "alphas": (0.1,)}

WORKLOADS = (
    Workload(
        "digits-mlp", "digits, MLP 64-64-64-10, FedAvg", floor=5,
        zoo="mlp", algorithm="fedavg", replicates=5, **_DIGITS,
    ),
    Workload(
        "digits-cnn", "digits, CNN 16-32, FedAvg", floor=2,
        zoo="cnn", algorithm="fedavg", replicates=5, **_DIGITS,
    ),
    Workload(
        "mnist-mlp-fedavg", "MNIST, MLP 784-200-200-10, FedAvg", floor=3.5,
        dataset="mnist-12000", zoo="mlp", algorithm="fedavg", **_MNIST,
    ),
    Workload(
        "mnist-mlp-fml", "MNIST, MLP 784-200-200-10, FML", floor=3.5,
        dataset="mnist-6000", zoo="mlp", algorithm="fml", **_MNIST,
    ),
    Workload(
        "mnist-lenet5-fedavg", "MNIST, LeNet5, FedAvg", floor=1.4,
        dataset="mnist-6000", zoo="lenet5", algorithm="fedavg", **_MNIST,
    ),
    Workload(
        "mnist-lenet5-fml", "MNIST, LeNet5, FML", floor=1.4,
        dataset="mnist-3000", zoo="lenet5", algorithm="fml", **_MNIST,
    ),
    Workload(
        "mnist-lenet5-b50", "MNIST, LeNet5, FedAvg",
        dataset="mnist-6000", zoo="lenet5", algorithm="fedavg", **{**_MNIST, "batch": 50},
    ),
    Workload(
        "mnist-cnn", "MNIST, CNN 32-64-512, FedAvg", floor=1.25,
        dataset="mnist-6000", zoo="cnn", algorithm="fedavg", **{**_MNIST, "batch": 50},
    ),
    Workload(
        "mnist-cnn-bf16", "MNIST, CNN 32-64-512, FedAvg, bf16", floor=2.5,
        dataset="mnist-6000", zoo="cnn", algorithm="fedavg", precision="bf16", **{**_MNIST, "batch": 50},
    ),
    Workload(
        "digits-mixed", "digits, four nets and a CNN as meme, FML", zoo="mixed", algorithm="fml", **_DIGITS,
    ),
)  # fmt: skip


def find(names: Iterable[str]) -> list[Workload]:
    """Workloads by name, in the order of the table. Raises UnknownName."""
    known = {workload.name: workload for workload in WORKLOADS}
    wanted = list(names)
    for name in wanted:
        if name not in known:
            raise UnknownName(f"unknown workload '{name}'.{nearest(name, known)}")
    return [workload for workload in WORKLOADS if workload.name in wanted]
