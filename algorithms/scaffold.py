"""SCAFFOLD: FedAvg whose clients correct their gradients by what they know of the others'."""

from dataclasses import dataclass

import torch
from torch import Tensor

from algorithms.fedavg import FedAvg
from bench import ops
from bench.plugin import At, Batch, Local, Nets, Round, State, Tensors, algorithm, choice, number


@algorithm("scaffold")
@dataclass(frozen=True)
class Scaffold(FedAvg):
    """Stochastic controlled averaging.

    Karimireddy et al. 2020, "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning", arXiv:1910.06378,
    Algorithm 1. A client steps along ``g_i(y) - c_i + c``, which is the gradient of the local loss plus the linear term
    ``<c - c_i, y>``; so the correction is a term of the loss. After K steps::

        c_i+ = g_i(x)                              option I:  the gradient of all its data at the server's model
        c_i+ = c_i - c + (x - y_i) / (K eta_l)     option II: the mean of the gradients that it met
        x = x + eta_g mean(y_i - x),  c = c + |S| / N mean(c_i+ - c_i)

    Option II and eta_g = 1 are the paper's choice in its experiments, and the defaults. As in the paper the means over
    the cohort are uniform. The paper's clients use plain SGD. Where the suite gives them momentum m (new in each
    round), the corrected gradient goes through it, and option II divides by ``(K - m (1 - m^K) / (1 - m)) / (1 - m)``
    in place of K: how many plain steps would go as far along a constant gradient (||a_i||_1 of Wang et al. 2020,
    arXiv:2007.07481). So a control stays a mean of gradients; with K it would be up to 1 / (1 - m) times too long,
    and training diverges. With m = 0 it is K. BatchNorm statistics have no gradient: they are averaged as they are,
    and option I takes its gradient with the server's.
    """

    source = "arXiv:1910.06378, Algorithm 1"

    option: str = choice("II", ("I", "II"))  # how a client renews its control
    server_lr: float = number(1.0, low=0)  # eta_g; 1 takes the mean of the clients' models

    @property
    def summarises(self) -> bool:
        return self.option == "I"

    def init_server(self, fresh: State, at: At) -> State:
        return {"model": fresh["model"], "control": self._zeros(fresh["model"], at)}

    def init_client(self, fresh: State, at: At) -> State:
        return {"control": self._zeros(fresh["model"], at)}

    def _zeros(self, model: Tensors, at: At) -> Tensors:
        return ops.zeros({name: model[name] for name in sorted(at.nets["model"].parameters)})

    def start(self, client: State, down: State, at: At) -> State:
        x, pull = down["model"], {name: c - client["control"][name] for name, c in down["control"].items()}
        # <pull, y> without <pull, x> has the same gradient, but a training loss that starts anywhere.
        return {"model": x, "x": x, "pull": pull, "offset": {"value": ops.dot(pull, x, pull)}}

    def loss(self, nets: Nets, work: State, client: State, down: State, batch: Batch, at: At) -> Tensor:
        correction = ops.dot(work["pull"], work["model"], at.nets["model"].parameters) - work["offset"]["value"]
        return super().loss(nets, work, client, down, batch, at) + correction

    def summarise(self, nets: Nets, work: State, batch: Batch, at: At) -> Tensors:
        """Option I: the gradient at x of the summed loss, and the number of rows."""
        with torch.enable_grad():
            x = {name: tensor.detach() for name, tensor in work["x"].items()}
            weights = {name: x[name].requires_grad_() for name in sorted(at.nets["model"].parameters)}
            loss = len(batch.y) * ops.cross_entropy(nets("model", x, batch.x), batch)
            gradient = torch.autograd.grad(loss, list(weights.values()))
        return {**dict(zip(weights, gradient, strict=True)), "rows": torch.ones_like(batch.y).sum()}

    def finish(self, work: State, client: State, down: State, local: Local, at: At) -> tuple[State, State]:
        x, y, c, own = down["model"], work["model"], down["control"], client["control"]
        if self.option == "I":
            new = {name: local.summary[name] / local.summary["rows"] for name in own}
        else:
            m, K = local.momentum, local.steps
            reach = local.lr * (K - m * (1 - m**K) / (1 - m)) / (1 - m)
            new = {name: own[name] - c[name] + (x[name] - y[name]) / reach for name in own}
        return {"control": new}, {"model": y, "control": {name: new[name] - own[name] for name in own}}

    def aggregate(self, server: State, uploads: State, round: Round, at: At) -> State:
        equal = torch.ones_like(round.examples)
        x, y, change = server["model"], ops.mean(uploads["model"], equal), ops.mean(uploads["control"], equal)
        moved = {name: (1 - self.server_lr) * x[name] + self.server_lr * y[name] for name in change}
        drawn = len(round.examples) / round.clients
        control = {name: c + drawn * change[name] for name, c in server["control"].items()}
        return {"model": {**y, **moved}, "control": control}
