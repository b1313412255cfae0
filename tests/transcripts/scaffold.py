"""SCAFFOLD: Karimireddy, Kale, Mohri, Reddi, Stich, Suresh, ICML 2020, arXiv:1910.06378, Algorithm 1.

Server, in each round with the cohort S out of N clients, with the global step size eta_g::

    send (x, c) to the clients of S
    (dx, dc) = 1 / |S|  sum_{i in S} (dy_i, dc_i)
    x = x + eta_g dx          c = c + |S| / N  dc

Client i, with its own control c_i (which, like c, starts at zero)::

    y = x;  K times, with the gradient g of a batch:  y = y - eta_l (g - c_i + c)
    c_i+ = (option I) the gradient of its loss at x,  or (option II)  c_i - c + (x - y) / (K eta_l)
    dy_i = y - x;  dc_i = c_i+ - c_i;  c_i = c_i+

Beyond the paper: y's step is SGD with momentum and weight decay, new in each round, on the corrected gradient. A run
of K such steps goes further than K plain ones; K is then the number of plain steps that would carry a weight as far if
its gradient stayed the same, found here by letting a weight go. Buffers (BatchNorm's running statistics) are the plain
mean of the clients'; option I takes its gradient in evaluation mode.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.transcripts.fedavg import average
from tests.transcripts.given import Given, Models

PARAMS: dict[str, Any] = {"option": "II", "server_lr": 0.7}  # what the plugin is compared with it at

Control = dict[str, Tensor]


def scaffold(given: Given, option: str, server_lr: float) -> Models:
    x = given.global_model()
    c = zeros(x)
    controls = {i: zeros(x) for i in given.clients}
    for t in given.rounds:
        models, changes = [], []
        for i in given.cohort(t):
            y = copy.deepcopy(x)
            optimiser = given.sgd(y, t)
            steps = 0
            for images, labels in given.batches(i, t):
                optimiser.zero_grad()
                F.cross_entropy(y(images).logits, labels).backward()
                for name, w in y.named_parameters():
                    w.grad += c[name] - controls[i][name]
                optimiser.step()
                steps += 1
            if option == "I":
                new = gradient(x, *given.data(i))
            else:
                K, eta = plain_steps(given, t, steps), given.lr(t)
                after, before = dict(y.named_parameters()), dict(x.named_parameters())
                new = {
                    name: controls[i][name] - c[name] + (before[name] - after[name]).detach() / (K * eta) for name in c
                }
            models.append(y)
            changes.append({name: new[name] - controls[i][name] for name in c})
            controls[i] = new
        x = towards(x, average(models, [1 / len(models)] * len(models)), server_lr)
        c = {name: c[name] + sum(change[name] for change in changes) / len(given.clients) for name in c}
    return {"global": [x]}


def zeros(model: nn.Module) -> Control:
    return {name: torch.zeros_like(w) for name, w in model.named_parameters()}


def gradient(model: nn.Module, images: Tensor, labels: Tensor) -> Control:
    """Of the mean loss over all these images."""
    model = copy.deepcopy(model).eval()
    F.cross_entropy(model(images).logits, labels).backward()
    return {name: w.grad for name, w in model.named_parameters()}


def plain_steps(given: Given, round: int, steps: int) -> float:
    """How far `steps` steps carry a weight whose gradient is always 1, in learning rates."""
    weight = nn.Parameter(torch.zeros((), dtype=torch.float64))
    optimiser = given.sgd(nn.ParameterList([weight]), round)
    optimiser.param_groups[0]["weight_decay"] = 0.0
    for _ in range(steps):
        weight.grad = torch.ones_like(weight)
        optimiser.step()
    return -weight.item() / given.lr(round)


@torch.no_grad()
def towards(x: nn.Module, mean: nn.Module, server_lr: float) -> nn.Module:
    """Parameters x + server_lr (mean - x); buffers are the mean's."""
    moved = copy.deepcopy(mean)
    for w, before in zip(moved.parameters(), x.parameters(), strict=True):
        w.copy_(before + server_lr * (w - before))
    return moved
