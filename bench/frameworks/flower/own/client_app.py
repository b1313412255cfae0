"""The ClientApp, as a user of Flower writes it: torch's own loop over the batches, torch.optim, num-examples.

Only the batches and the learning rate are ours, from the cell's declaration: no engine and no plugin trains here.
"""

import copy
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from torch import Tensor, nn

from bench.engines.job import Images
from bench.frameworks.flower.answering import client_app
from bench.frameworks.flower.node import Node
from bench.frameworks.flower.own.names import ARRAYS, CONFIG, EXAMPLES, LOSSES, METRICS, MU, ROUND
from bench.rounds.group import one_thread
from bench.rounds.local import job

_OPTIMISERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


def train(node: Node, k: int, message: Message, context: Context) -> RecordDict:
    """The round of client k, from the arrays that came; nothing waits in the context for the next one."""
    config, cell = message.content.config_records[CONFIG], node.setting.cell
    number = int(str(config[ROUND])) - 1
    with one_thread():
        work = job(node.setting, node.algorithm, node.newcomer(k), {}, k=k, round=number)
        net = copy.deepcopy(node.setting.nets[cell.shared])
        net.load_state_dict(message.content.array_records[ARRAYS].to_torch_state_dict())
        losses = fit(
            net.to(memory_format=torch.channels_last),  # type: ignore[call-overload]  # as our engines hold it
            optimiser(net, cell.training["optimizer"], work.lr),
            batches(node.setting.images, work.plans[0]),
            mu=float(str(config.get(MU, 0.0))),
        )
    return RecordDict(
        {
            ARRAYS: ArrayRecord(net.state_dict()),
            METRICS: MetricRecord({EXAMPLES: len(work.rows), "train_loss": sum(losses) / len(losses)}),
            LOSSES: ConfigRecord({LOSSES: losses}),
        }
    )


def fit(
    net: nn.Module, optimiser: torch.optim.Optimizer, batches: Iterator[tuple[Tensor, Tensor]], mu: float
) -> list[float]:
    """Train a net in place; the loss of each step.

    With `mu`, the loss has FedProx's term in the form of Flower's FedProx baseline: mu / 2 times the sum, over the
    parameters, of the square of the norm of the difference from what came.
    """
    start = [parameter.detach().clone() for parameter in net.parameters()]
    losses = []
    net.train()
    for x, y in batches:
        optimiser.zero_grad()
        loss = F.cross_entropy(net(x).logits, y)
        if mu:
            drifts = [(now - then).norm(2).square() for now, then in zip(net.parameters(), start, strict=True)]
            loss = loss + mu / 2 * sum(drifts)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(loss.item())
    return losses


def optimiser(net: nn.Module, settings: dict[str, object], lr: float) -> torch.optim.Optimizer:
    """The suite's optimiser as torch has it, new in every round."""
    own = {name: value for name, value in settings.items() if name not in ("name", "lr")}
    if settings["name"] == "adam":
        del own["momentum"]  # the suite's one is SGD's
    made: torch.optim.Optimizer = _OPTIMISERS[str(settings["name"])](net.parameters(), lr=lr, **own)
    return made


def batches(images: Images, plan: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Normalised images [B, C, H, W] and labels [B] of each step of a plan [steps, B]."""
    for rows in plan:
        yield images.batch(rows)


app = client_app(train)
