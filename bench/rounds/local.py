"""A client's side of a round: what it starts from, and the work that its share of the declaration asks of it.

Server and client may be one process or two machines: both make the same work from the same declaration.
"""

import torch

from bench.declaration.optimiser import Schedule
from bench.engines.client import Client, private_names, retain
from bench.engines.job import Job
from bench.plugin import Algorithm, State
from bench.rounds import plan
from bench.rounds.setting import Setting


def newcomer(setting: Setting, algorithm: Algorithm, k: int) -> Client:
    """Client k before its first round."""
    fresh = setting.fresh(algorithm, k)
    at = setting.at(algorithm, 0, k)
    return Client(
        state=algorithm.init_client(fresh, at),
        kept=retain(fresh, private_names(algorithm, at.nets)),
    )


def job(setting: Setting, algorithm: Algorithm, client: Client, down: State, *, k: int, round: int) -> Job:
    """The local work of client k in a round (from 0), which starts from `client` and the download `down`."""
    share, training = setting.shares[k], setting.cell.training
    plans = []
    for phase in algorithm.phases():
        steps = None if phase.epochs else training["local_steps"]
        batches = plan.batches(
            share.drawn,
            int(training["batch_size"]),
            epochs=(phase.epochs or training["local_epochs"]) if steps is None else None,
            steps=steps,
            client=k,
            round=round,
            **setting.cell.axes("training"),
        )
        plans.append(torch.from_numpy(batches).to(setting.device))
    base = float(training["optimizer"]["lr"]) * setting.cell.lr_factor
    lr = Schedule(**training["lr_schedule"]).lr(base, round, int(training["rounds"]))
    return Job(algorithm, client, down, rows=share.train, plans=plans, lr=lr, at=setting.at(algorithm, round, k))
