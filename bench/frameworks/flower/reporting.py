"""What is around the rounds of every ServerApp of ours: it reads its cell, and leaves an outcome whatever happens."""

from collections.abc import Callable
from pathlib import Path

import httpx
from flwr.app import Context
from flwr.serverapp import Grid

from bench.frameworks.flower.news import Outcome, Reporter
from bench.frameworks.flower.node import Node, settle

Rounds = Callable[[Grid, Node, Reporter], Outcome]
_WITHDRAWN = "Flower withdrew the run: its server gave no sign of life for 30 seconds. The machine is too busy"


class Withdrawn(Exception):
    """The SuperLink no longer takes the ServerApp for alive."""


def reported(run: Rounds) -> Callable[[Grid, Context], None]:
    """The main function of a ServerApp: run the cell of this run's folder, and leave its outcome there."""

    def main(grid: Grid, context: Context) -> None:
        folder = Path(str(context.run_config["folder"]))
        with Reporter(folder) as reporter:
            try:
                outcome: Outcome = run(grid, settle(str(folder)), reporter)
            except httpx.HTTPStatusError as error:
                outcome = Withdrawn(_WITHDRAWN) if error.response.status_code == httpx.codes.UNAUTHORIZED else error
            except Exception as error:
                outcome = error
            reporter.outcome(outcome)

    return main
