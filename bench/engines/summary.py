"""The pass over a client's data after training, the same in every engine."""

import torch

from bench.engines.job import Images, Job
from bench.plugin import Algorithm, Batch, Nets, State, Tensors

ROWS = 8192  # a forward pass: bounds memory


@torch.no_grad()
def summarised(algorithm: Algorithm, images: Images, nets: Nets, work: State, job: Job) -> Tensors:
    """The sum of `summarise` over the client's training rows, each once; {} where the algorithm has no such pass.

    `nets` must run in evaluation mode.
    """
    total: Tensors = {}
    if not algorithm.summarises:
        return total
    for rows in torch.split(job.rows, ROWS):
        x, y = images.batch(rows)
        part = algorithm.summarise(nets, work, Batch(x=x, y=y, rows=rows), job.at)
        total = {name: total[name] + value if total else value for name, value in part.items()}
    return total
