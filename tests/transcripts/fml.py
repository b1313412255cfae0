"""FML: Shen et al., "Federated Mutual Learning", arXiv:2006.16765, with the settings of the authors' code.

Each client has a local model of its own, which stays, and in each round a meme, a copy (fork) of the global model. In
local training both learn from each batch and from each other::

    L_local = alpha CE(local, y) + (1 - alpha) KL(p_meme  || p_local)
    L_meme  = beta  CE(meme,  y) + (1 - beta)  KL(p_local || p_meme)

Both nets see the batch once, before either is updated. p is the softmax at temperature 1; KL is summed over classes
and averaged over the batch ("batchmean"); the p of the teacher (left of the bars) is a constant. The global model
becomes the average of the memes (merge): the plain mean, or weighted by sample counts where `average` says "examples".

The local model's optimiser is made once and lives for the whole run, the meme's is made anew with each fork; the
learning rate of both is that of the round.

alpha and beta may move (our reading of the paper's "dynamic" ones): from their start to their end, linearly over the
rounds; all at once when `step_percent` of the rounds are done; or by the mean probability that the teacher gives to the
batch's labels, a constant. Beyond the authors' code: with participation below 1, only the cohort's
memes are made and merged, and the local models (and optimisers) of the others wait. Not as in the authors' code:
buffers are averaged like parameters (theirs adds the old ones to the sum).
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.transcripts.fedavg import average as weighted_average
from tests.transcripts.given import Given, Models

batchmean = nn.KLDivLoss(reduction="batchmean")  # (log of the student's p, p of the teacher)

PARAMS: dict[str, Any] = {  # what the plugin is compared with it at
    **{"alpha": 0.3, "beta": 0.6, "average": "uniform"},
    **{"alpha_schedule": "linear", "alpha_end": 0.9, "beta_schedule": "teacher", "beta_end": 0.1, "step_percent": 50},
}
CONSTANT: dict[str, Any] = {
    **{"alpha": 0.3, "beta": 0.6, "average": "uniform"},
    **{"alpha_schedule": "constant", "alpha_end": 0.5, "beta_schedule": "constant", "beta_end": 0.5},
    "step_percent": 50,
}


def divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """KL(p_teacher || p_student) of logits, the teacher a constant."""
    return batchmean(F.log_softmax(student, dim=1), F.softmax(teacher, dim=1).detach())


def moved(schedule: str, start: float, end: float, t: int, rounds: int, percent: int, right: Tensor) -> Any:
    """The weight of the labels in round t (from 0); `right` [B]: the teacher's probabilities of the labels."""
    if schedule == "linear":
        return start + (end - start) * t / (rounds - 1)
    if schedule == "step":
        return end if t / rounds >= percent / 100 else start
    return start if schedule == "constant" else start + (end - start) * right.detach().mean()


def fml(
    given: Given, alpha: float, beta: float, average: str, alpha_schedule: str, alpha_end: float, beta_schedule: str,
    beta_end: float, step_percent: int,
) -> Models:  # fmt: skip
    server = given.global_model()
    locals_ = [given.own_model(k) for k in given.clients]
    local_optimisers = [given.sgd(model, 0) for model in locals_]
    for t in given.rounds:
        memes, sizes = [], []
        for k in given.cohort(t):
            local, local_optimiser = locals_[k], local_optimisers[k]
            local_optimiser.param_groups[0]["lr"] = given.lr(t)
            meme = copy.deepcopy(server)
            meme_optimiser = given.sgd(meme, t)
            for x, y in given.batches(k, t):
                local_optimiser.zero_grad()
                meme_optimiser.zero_grad()
                of_local, of_meme = local(x).logits, meme(x).logits
                rows, R = torch.arange(len(y)), len(given.rounds)
                by_local, by_meme = (F.softmax(out, dim=1)[rows, y] for out in (of_local, of_meme))
                a = moved(alpha_schedule, alpha, alpha_end, t, R, step_percent, by_meme)
                b = moved(beta_schedule, beta, beta_end, t, R, step_percent, by_local)
                loss_local = a * F.cross_entropy(of_local, y) + (1 - a) * divergence(of_meme, of_local)
                loss_meme = b * F.cross_entropy(of_meme, y) + (1 - b) * divergence(of_local, of_meme)
                loss_local.backward()
                loss_meme.backward()
                local_optimiser.step()
                meme_optimiser.step()
            memes.append(meme)
            sizes.append(given.examples(k) if average == "examples" else 1)
        server = weighted_average(memes, [n / sum(sizes) for n in sizes])
    return {"personal": locals_, "global": [server]}
