"""FedKD: Wu, Wu, Lyu, Huang, Xie, Nature Communications 13, 2032 (2022), arXiv:2108.13323.

Each client has a large mentor (teacher, t) of its own, which stays, and a copy of the small mentee (student, s), which
all share. Both learn from the labels and from each other, each weighted by how good the two are::

    L_t^c = CE(y_t, y)                                L_s^c = CE(y_s, y)
    L_t^d = KL(y_s, y_t) / (L_t^c + L_s^c)            L_s^d = KL(y_t, y_s) / (L_t^c + L_s^c)
    L_t = L_t^c + L_t^d                               L_s = L_s^c + L_s^d

KL(a, b) has a as the target. The mentor takes its gradient from L_t, the mentee from L_s; the other's output and the
weight 1 / (L_t^c + L_s^c) are constants (1e-8 is added below the line). `strength` multiplies both L^d; 1 is the paper.

Not here: the hidden losses L^h, the compression by singular values, and an exchange at each batch: mentees do the
round's batches and are averaged by sample counts. A mentor's optimiser lives for the whole run, a mentee's for a round.
"""

import copy
from typing import Any

from torch.nn import functional as F

from tests.transcripts.fedavg import average
from tests.transcripts.fml import divergence
from tests.transcripts.given import Given, Models

PARAMS: dict[str, Any] = {"strength": 0.8}  # what the plugin is compared with it at


def fedkd(given: Given, strength: float) -> Models:
    server = given.global_model()
    mentors = [given.own_model(k) for k in given.clients]
    mentor_optimisers = [given.sgd(model, 0) for model in mentors]
    for t in given.rounds:
        mentees, sizes = [], []
        for k in given.cohort(t):
            mentor, mentor_optimiser = mentors[k], mentor_optimisers[k]
            mentor_optimiser.param_groups[0]["lr"] = given.lr(t)
            mentee = copy.deepcopy(server)
            mentee_optimiser = given.sgd(mentee, t)
            for x, y in given.batches(k, t):
                mentor_optimiser.zero_grad()
                mentee_optimiser.zero_grad()
                of_mentor, of_mentee = mentor(x).logits, mentee(x).logits
                c_mentor, c_mentee = F.cross_entropy(of_mentor, y), F.cross_entropy(of_mentee, y)
                weight = strength / (c_mentor.detach() + c_mentee.detach() + 1e-8)
                (c_mentor + weight * divergence(of_mentee, of_mentor)).backward()
                (c_mentee + weight * divergence(of_mentor, of_mentee)).backward()
                mentor_optimiser.step()
                mentee_optimiser.step()
            mentees.append(mentee)
            sizes.append(given.examples(k))
        server = average(mentees, [n / sum(sizes) for n in sizes])
    return {"personal": mentors, "global": [server]}
