"""How the time of a round grows with the number of clients, each of whom takes the same number of steps."""

from collections.abc import Iterator, Sequence

from bench.speedometer.comparison import CONTEST, Say
from bench.speedometer.ours import ENGINES
from bench.speedometer.process import Worker
from bench.speedometer.results import NAIVE, Growth
from bench.speedometer.workloads import Workload

CLIENTS = (10, 30, 100, 300, 1000)


def workload(clients: int) -> Workload:
    """The MLP on MNIST: five steps of ten images for each client."""
    return Workload(
        f"mlp-{clients}-clients", "MNIST, MLP 784-200-200-10, FedAvg, batch 10, five steps a client and round",
        dataset="mnist", zoo="mlp", algorithm="fedavg", clients=clients, batch=10, alphas=(0.5,),
        partition="dirichlet-client", local_steps=5,
    )  # fmt: skip


def grow(
    into: list[Growth], repeats: int, root: str | None, *, say: Say, clients: Sequence[int] = CLIENTS
) -> Iterator[Growth]:
    """Rounds with more and more clients. Raises WorkerError."""
    for count in clients:
        say(f"{count} clients")
        names = [NAIVE, *ENGINES]
        with Worker(CONTEST, workload=workload(count).plain(), momentum=0.0, names=names, root=root) as worker:
            steps = worker.call("facts")["steps"]
            seconds: dict[str, list[float]] = {name: [] for name in names}
            for repeat in range(repeats + 1):
                for name in names:
                    taken = worker.call("round", name=name)["cpu"]
                    if repeat:  # the first is the warm-up
                        seconds[name].append(taken)
        into.append(Growth(count, steps, seconds))
        yield into[-1]
