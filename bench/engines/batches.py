"""Batches for one client after another, made ready many at a time."""

import itertools
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from bench.engines.job import Images
from bench.plugin import Batch


def ready(images: Images, plans: Sequence[Tensor]) -> Iterator[Batch]:
    """The batches of all plans [steps, B], in order: gathered and normalised as they are needed, see `Images.at_once`.

    Across clients: one that takes six steps on a small net spends a tenth of its time on a gather of its own.
    """
    for size, alike in itertools.groupby(plans, lambda plan: plan.shape[1]):
        for rows in torch.split(torch.cat(list(alike)), max(1, images.at_once // size)):
            x, y = images.batch(rows.flatten())
            # `split` keeps the strides, which say how to convolve; a view in other dimensions would make its own.
            for bx, by, own in zip(torch.split(x, size), torch.split(y, size), rows.unbind(), strict=True):
                yield Batch(x=bx, y=by, rows=own)
