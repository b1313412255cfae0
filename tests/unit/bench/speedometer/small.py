"""Small things for the tests of the speedometer: a workload of one cell, a made-up report, objects for workers."""

import dataclasses
import gc
import os
import sys
from typing import Any

from bench.speedometer.results import Growth, Job, Memory, Report, Series
from bench.speedometer.workloads import Workload, find

SAID = "said by a library"


def workload(**changes: Any) -> Workload:
    """digits-mlp with one cell of four clients."""
    (whole,) = find(["digits-mlp"])
    small = {"name": "small", "alphas": (0.5,), "replicates": 1, "clients": 4, "epochs": 1}
    return dataclasses.replace(whole, **{**small, **changes})


def series(name: str = "digits-mlp", momentum: float = 0.0, **changes: Any) -> Series:
    """Three repetitions: the reference engine twice as fast as the naive loop, the vectorised one 4, 5 and 6 times."""
    (of,) = find([name])
    made = Series(
        workload=of.plain(),
        momentum=momentum,
        facts={
            "cells": 20, "steps": 100, "clients": 200, "longest": 9, "matmul_flops": 2000, "convolution_flops": 1000,
            "threads": 1,
        },
        seconds={"naive": [2.0, 2.0, 2.4], "reference": [1.0, 1.0, 1.2], "vectorised": [0.5, 0.4, 0.4]},
        rates=[{"matmul": 2e4, "convolution": 1e4}] * 3,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def origin() -> dict[str, Any]:
    return {
        "commit": "0123456789abcdef", "dirty": False, "processor": "A processor", "cores": 2, "load": 0.1,
        "versions": {"torch": "2.13.0"}, "started": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip


def report() -> Report:
    """All parts."""
    long = {**workload(local_steps=40).plain(), "title": "digits, long rounds"}
    both = {"bare arithmetic": [1.0, 1.0], "reference": [1.1, 1.2]}
    with_forms = series()
    with_forms.seconds["naive, DataLoader"] = [4.0, 4.0]
    return Report(
        comparison=[with_forms, series("mnist-cnn"), series(momentum=0.9)],
        overhead=[series(workload=long, seconds=both)],
        growth=[
            Growth(10, 50, {"naive": [0.1], "reference": [0.08]}),
            Growth(100, 500, {"naive": [1.0], "reference": [0.8]}),
        ],
        memory=[Memory("reference", "LeNet5", peak=1 << 30, imports=1 << 28, early=1 << 29, late=1 << 29)],
        jobs=[
            Job("digits-mlp", "digits", 20, 150, 2, [70.0], [10.0], 0.9, 0.9, 7.0),
            Job("noniid", "the suite", 120, 0, 2, [], [50.0], most=60.0),
        ],
        origins={part: origin() for part in ("comparison", "overhead", "growth", "memory", "jobs")},
    )  # fmt: skip


class Echo:
    """For a worker: says what it was given and where it lives, and misbehaves on request."""

    def __init__(self, word: str) -> None:
        self.word = word
        print(SAID)  # on stdout, where answers go

    def say(self, times: int) -> list[str]:
        print(SAID)
        return [self.word] * times

    def environment(self, name: str) -> str | None:
        return os.environ.get(name)

    def frozen(self) -> int:
        return gc.get_freeze_count()

    def fail(self) -> None:
        raise ValueError("expected something better")

    def die(self) -> None:
        print("the last words", file=sys.stderr, flush=True)
        os._exit(7)
