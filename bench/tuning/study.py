"""What is tuned: every algorithm of a suite on one data set, or on its tasks, and where the trials are kept."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.declaration.cell import Cell
from bench.declaration.suite import Suite
from bench.declaration.trial_clients import size_of_trial_client, with_trial_clients
from bench.declaration.trials import Trial, alone, trials
from bench.execution.forecast import resolved
from bench.records.store import Record
from bench.records.tuning import Tuning
from bench.tuning.choice import NoChoice, choose


@dataclass(frozen=True)
class Study:
    """The tuning of a suite on one data set."""

    suite: Suite
    dataset: str  # as the key of ``[tuned]``: with tasks all of theirs together
    trials: tuple[Trial, ...]
    out: Path

    @classmethod
    def of(cls, suite: Suite, dataset: str, out: Path | None, engine: str | None, device: str) -> "Study":
        """Plan the trials; `engine` None: for each cell the faster one. Raises SuiteError."""
        planned = trials(suite, dataset, device=device)
        ready = tuple(replace(trial, cells=tuple(resolved(trial.cells, engine))) for trial in planned)
        return cls(suite, dataset, ready, out or Path("results") / f"tune-{suite.name}-{dataset}")

    @property
    def cells(self) -> list[Cell]:
        """All cells, replicate by replicate."""
        found = [cell for trial in self.trials for cell in trial.cells]
        return sorted(found, key=lambda cell: cell.replicate)

    def missing(self) -> list[Cell]:
        """The cells without a file."""
        return [cell for cell in self.cells if not (self.out / "cells" / f"{cell.hash}.json").exists()]

    @property
    def declaration(self) -> dict[str, Any]:
        """The suite as the manifest of the trials holds it: under a name that no result folder has."""
        whole = alone(self.suite, self.dataset).model_dump(mode="json")
        return {**whole, "name": f"tune-{self.suite.name}"}

    def of_algorithm(self, name: str) -> list[Trial]:
        """The trials of one algorithm."""
        return [trial for trial in self.trials if trial.algorithm == name]

    def digest(self, name: str) -> str:
        """16 hex digits for all that decides an algorithm's choice: its trials' cells, down to the source code."""
        hashes = [[trial.number, *(cell.hash for cell in trial.cells)] for trial in self.of_algorithm(name)]
        return sha256(json.dumps(hashes, separators=(",", ":")).encode()).hexdigest()[:16]

    def found(self, read: Callable[[str], Record | None], command: str) -> Tuning:
        """The choices, from the records."""
        tune = self.suite.tune
        assert tune is not None  # or there would be no trials
        choices, without = [], {}
        for name in self.suite.algorithms:
            try:
                choices.append(choose(self.of_algorithm(name), tune.axes(name), read, self.digest(name)))
            except NoChoice as reason:
                without[name] = str(reason)
        return Tuning(
            suite=self.suite.name,
            version=self.suite.version,
            dataset=self.dataset,
            command=command,
            trials=tune.budget(self.suite.algorithms),
            replicates=tune.replicates,
            reserved=tune.reserved,
            clients=with_trial_clients(self.suite).training.clients,
            client_size=size_of_trial_client(self.suite),
            choices=choices,
            without=without,
        )
