"""A whole job of the naive loop: ``python -m bench.speedometer.naive_job FILE`` trains what `Preparation` wrote there.

The script imports torch and the naive loop, and nothing that is ours: a user's own script would start as fast.
"""

import gc
import json
import sys
from pathlib import Path
from typing import Any

import torch

from bench.speedometer import naive


def main(path: str) -> None:
    """Train all cells one after the other; prints the mean accuracy of the global models on the test set."""
    gc.freeze()  # as our workers do
    job = torch.load(path)
    data = naive.Data(job["x"], job["y"], loader=False)
    settings = naive.Settings(**job["settings"])
    accuracies = []
    for cell in job["cells"]:
        models = []
        for architecture, weights in cell["nets"]:
            model = naive.build(architecture, job["channels"], job["side"], job["classes"])
            model.load_state_dict(dict(zip(model.state_dict(), weights, strict=True)))
            models.append(model)
        server, *own = models
        loop = naive.FML(server, own, data, settings) if own else naive.FedAvg(server, cell["examples"], data, settings)
        for plans in cell["plans"]:
            loop.round(plans)
        clients = zip(own, cell["held_out_each"], strict=True) if own else [(server, cell["held_out"])]
        for model, rows in clients:
            naive.accuracy(model, job["x"][rows], job["y"][rows])
        accuracies.append(naive.accuracy(loop.model, job["test_x"], job["test_y"]))
    print(json.dumps(sum(accuracies) / len(accuracies)))


class Preparation:
    """Lives in a worker process: writes down what the naive loop needs to do the work of a suite."""

    def __init__(self, workload: dict[str, Any], rounds: int, root: str | None) -> None:
        from bench.speedometer import ours, workloads

        self.work, self.rounds = workloads.workload(workload), rounds
        self.team = ours.Ours(self.work.cells("reference", 0.0, rounds), Path(root) if root else None)

    def write(self, path: str) -> int:
        """Write the file; returns the number of cells."""
        from bench.speedometer.contest import plain_images, plain_layout

        setting = self.team.federations[0].setting
        x, y = plain_images(self.team)
        test_x, test_y = plain_layout(setting.test)
        plans = [self.team.plans(number) for number in range(self.rounds)]
        cells = []
        for place, (federation, (server, clients)) in enumerate(
            zip(self.team.federations, self.team.states(), strict=True)
        ):
            cell, here = federation.cell, federation.setting
            nets = [(cell.shared, server)]
            if cell.algorithm == "fml":
                nets += [(p.architecture, s) for p, s in zip(here.task.personal, clients, strict=True)]
            held_out = [torch.cat([share.validation, share.test]) for share in here.shares]
            cells.append(
                {
                    "nets": [(name, [t for net in state.values() for t in net.values()]) for name, state in nets],
                    "examples": [len(share.train) for share in here.shares],
                    "plans": [of_round[place] for of_round in plans],
                    "held_out": torch.cat(held_out),
                    "held_out_each": held_out,
                }
            )
        shape = setting.task.shape
        settings = {"lr": self.work.lr, "momentum": 0.0, "weight_decay": 0.0}
        job = {"x": x, "y": y, "test_x": test_x, "test_y": test_y, "settings": settings, "cells": cells}
        torch.save({**job, "channels": shape[0], "side": shape[1], "classes": setting.task.classes}, path)
        return len(cells)


if __name__ == "__main__":
    main(sys.argv[1])
