"""What `finish` is told of the local work, the same in every engine."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from bench.engines.job import Images, Job
from bench.plugin import Algorithm, Batch, Local, Nets, State, Tensors

ROWS = 8192  # a forward pass: bounds memory
Numbers = tuple[Tensor, Tensor, Tensor]
"""Steps, learning rate and momentum, as `Local` has them."""


def numbers(jobs: Sequence[Job], settings: Mapping[str, object]) -> list[Numbers]:
    """The numbers that `finish` is told of each job; `settings` are the optimiser's.

    Of all jobs at once: made one by one, they take as long as a layer of a small net.
    """
    momentum = float(str(settings.get("momentum", 0.0)))
    # In float64, so that no digit is lost before a plugin divides by it; as scalars they leave float32 tensors float32.
    table = np.array([(sum(map(len, job.plans)), job.lr, momentum) for job in jobs])
    each = torch.from_numpy(table.ravel()).unbind()
    return list(zip(each[::3], each[1::3], each[2::3], strict=True))


def told(job: Job, of: Numbers, images: Images, nets: Nets, work: State) -> Local:
    """The local work of a job, after its phases; `nets` must run in evaluation mode."""
    steps, lr, momentum = of
    summary = summarised(job.algorithm, images, nets, work, job) if job.algorithm.summarises else {}
    return Local(steps=steps, lr=lr, momentum=momentum, summary=summary)


@torch.no_grad()
def summarised(algorithm: Algorithm, images: Images, nets: Nets, work: State, job: Job) -> Tensors:
    """The sum of `summarise` over the client's training rows, each once; `nets` must run in evaluation mode."""
    total: Tensors = {}
    for rows in torch.split(job.rows, ROWS):
        x, y = images.batch(rows)
        part = algorithm.summarise(nets, work, Batch(x=x, y=y, rows=rows), job.at)
        total = {name: total[name] + value if total else value for name, value in part.items()}
    return total
