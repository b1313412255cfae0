"""What any process of a run needs to know of its cell, and the check that it has the same cell as the others."""

import functools
import pickle
from dataclasses import dataclass
from pathlib import Path

from bench.declaration.cell import Cell
from bench.declaration.digest import digest
from bench.engines.client import Client
from bench.engines.job import Engine, Trained
from bench.plugin import Algorithm, State
from bench.registry import ALGORITHMS, DATASETS, load_file, loaded_files
from bench.rounds.federation import make_engine
from bench.rounds.group import one_thread
from bench.rounds.local import job, newcomer
from bench.rounds.setting import Setting, prepare
from datasets import split_folder

_FILE = "cell.pickle"


class VersionError(Exception):
    """A node has another version of a plugin than the cell was declared with."""


@dataclass(frozen=True)
class Order:
    """What is to be run, as it lies in a run's folder."""

    cell: Cell
    root: Path | None  # of the data
    plugins: tuple[str, ...]  # files to load
    split_folders: tuple[str, ...] = ()  # as NAME=DIR
    trace: Path | None = None  # an absolute folder for the models of each round

    @classmethod
    def of(cls, cell: Cell, root: Path | None, trace: Path | None = None) -> "Order":
        """What other processes need in order to have what this one has: its plugin files and split folders, too."""
        homes = {name: getattr(DATASETS.get(name), "path", None) for name in cell.data}
        return cls(cell, root, loaded_files(), tuple(f"{name}={home}" for name, home in homes.items() if home), trace)

    def write(self, folder: Path) -> None:
        """Leave it in a folder of ours, which only this user can read."""
        (folder / _FILE).write_bytes(pickle.dumps(self))

    @classmethod
    def read(cls, folder: Path) -> "Order":
        """Take it from that folder."""
        order: Order = pickle.loads((folder / _FILE).read_bytes())
        return order


@dataclass(frozen=True)
class Node:
    """The cell made real in one process."""

    order: Order
    setting: Setting
    algorithm: Algorithm
    engine: Engine

    def newcomer(self, k: int) -> Client:
        """Client k before its first round."""
        with one_thread():
            return newcomer(self.setting, self.algorithm, k)

    def train(self, k: int, number: int, client: Client, down: State) -> Trained:
        """Do the local work of client k in a round (from 0)."""
        with one_thread():
            work = job(self.setting, self.algorithm, client, down, k=k, round=number)
            (trained,) = self.engine.train([work])
        return trained


@functools.lru_cache(maxsize=1)  # a process that serves many messages prepares once
def settle(folder: str) -> Node:
    """Load plugins and data, and make the setting. Raises DataError, RegistryError, VersionError."""
    order = Order.read(Path(folder))
    for path in order.plugins:
        load_file(path)
    for named in order.split_folders:
        split_folder.register(named)
    cell = order.cell
    plugin = ALGORITHMS.get(cell.plugin)
    if (found := digest(plugin)) != cell.digests["algorithm"]:
        raise VersionError(
            f"algorithm '{cell.plugin}': expected the version {cell.digests['algorithm']} that the cell was declared "
            f"with, this node has {found}: install the same files on every node"
        )
    with one_thread():
        setting = prepare(cell, order.root)
        return Node(order, setting, plugin(**cell.params), make_engine(setting))
