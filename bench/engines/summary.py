"""What `finish` is told of the local work, the same in every engine."""

from collections.abc import Mapping

import numpy as np
import torch

from bench.engines.job import Images, Job
from bench.plugin import Algorithm, Batch, Local, Nets, State, Tensors

ROWS = 8192  # a forward pass: bounds memory


def told(job: Job, steps: int, settings: Mapping[str, object], images: Images, nets: Nets, work: State) -> Local:
    """The local work of a job, after its phases; `settings` are the optimiser's, `nets` must run in evaluation mode."""
    # In float64, so that no digit is lost before a plugin divides by it; as scalars they leave float32 tensors float32.
    # By NumPy, since torch.tensor takes as long for three numbers as a small layer.
    numbers = np.array([steps, job.lr, float(str(settings.get("momentum", 0.0)))])
    taken, lr, momentum = torch.from_numpy(numbers).unbind()
    summary = summarised(job.algorithm, images, nets, work, job) if job.algorithm.summarises else {}
    return Local(steps=taken, lr=lr, momentum=momentum, summary=summary)


@torch.no_grad()
def summarised(algorithm: Algorithm, images: Images, nets: Nets, work: State, job: Job) -> Tensors:
    """The sum of `summarise` over the client's training rows, each once; `nets` must run in evaluation mode."""
    total: Tensors = {}
    for rows in torch.split(job.rows, ROWS):
        x, y = images.batch(rows)
        part = algorithm.summarise(nets, work, Batch(x=x, y=y, rows=rows), job.at)
        total = {name: total[name] + value if total else value for name, value in part.items()}
    return total
