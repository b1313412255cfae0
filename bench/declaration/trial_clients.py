"""The clients of a trial of tuning: all of a suite's, each smaller than in a result, or fewer that are as large."""

import math
from collections.abc import Iterator

from bench.declaration.mistakes import Mistake, SuiteError, message
from bench.declaration.suite import Suite
from bench.declaration.tasks import DeclaredTask, shared_out
from bench.nets.zoos import resolve

_ALL = 'Use a larger tune.reserved, or clients = "all"'


def with_trial_clients(suite: Suite) -> Suite:
    """The suite with the clients of its trials, which deal the reserved rows alone. Raises SuiteError.

    With ``clients = "fewer"`` they go to the reserved share of the clients, rounded down, so that each is at least as
    large as a result's, takes as many steps a round and diverges at the same learning rates. Of tasks each keeps its
    share; one that says how many `images` it has keeps its clients, who are as large as in a result anyway. Where the
    rest would be another kind of federation, "fewer" is refused: with less than two clients, a task without any, a zoo
    that is not met as a whole, or nobody to average with.
    """
    tune = suite.tune
    if tune is None or tune.clients == "all" or not tune.reserved:
        return suite
    before = suite.training.clients
    if suite.tasks:
        counts = shared_out(suite.tasks, before)
        tasks = tuple(_smaller(task, count, tune.reserved) for task, count in zip(suite.tasks, counts, strict=True))
        clients = sum(task.clients or 0 for task in tasks)
    else:
        tasks, clients = None, _share(tune.reserved, before)
    training = suite.training.model_copy(update={"clients": clients})
    small = suite.model_copy(update={"training": training, "tasks": tasks})
    if found := list(_faults(suite, small)):
        raise SuiteError(message(f"suite {suite.name}", [Mistake(("tune", "clients"), text) for text in found], {}))
    return small


def size_of_trial_client(suite: Suite) -> float:
    """Rows of a trial's client over those of a result's; where tasks differ in it, the least."""
    tune, small = suite.tune, with_trial_clients(suite)
    share = tune.reserved if tune and tune.reserved else 1.0
    if not suite.tasks or not small.tasks:
        return share * suite.training.clients / small.training.clients
    before = shared_out(suite.tasks, suite.training.clients)
    after = shared_out(small.tasks, small.training.clients)
    each = zip(suite.tasks, before, after, strict=True)
    return min(1.0 if task.images else share * clients / fewer for task, clients, fewer in each)


def _smaller(task: DeclaredTask, clients: int, share: float) -> DeclaredTask:
    return task.model_copy(update={"clients": clients if task.images else _share(share, clients)})


def _share(share: float, clients: int) -> int:
    """
    >>> _share(0.5, 10), _share(0.5, 5), _share(0.3, 10), _share(0.1, 4)
    (5, 2, 3, 0)
    """
    return math.floor(share * clients + 1e-9)


def _faults(suite: Suite, small: Suite) -> Iterator[str]:
    before, after = suite.training.clients, small.training.clients
    if after < min(2, before):
        yield f'"fewer" leaves {after} of {before} clients for trials, expected at least 2. {_ALL}'
        return
    for task in small.tasks or ():
        if not task.clients:
            yield f"\"fewer\" leaves no client of task '{task.name}' for trials. {_ALL}"
    for zoo in suite.zoos:
        nets = (suite.zoo.get(zoo) or resolve(zoo)).clients
        if missed := sorted({*nets[:before]} - {*nets[:after]}):  # dealt in turn
            yield f"\"fewer\" leaves {after} clients for trials, and zoo '{zoo}' without {', '.join(missed)}. {_ALL}"
    cohorts = [max(1, round(each * suite.training.participation)) for each in (before, after)]
    if cohorts[0] > 1 >= cohorts[1]:
        yield f'"fewer" leaves cohorts of {cohorts[1]} in place of {cohorts[0]}, which average nothing. {_ALL}'
