"""Clients with tasks of their own: ``[[tasks]]`` of a suite, what is wrong with them, and what a cell holds of them.

Tasks may differ in their classes, in how many there are, and in the data set. See docs/tasks.md and ADR 45.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from bench.declaration.mistakes import Mistake, mistake, mistakes, show
from bench.declaration.names import SMALLEST_SHARE, DataSet
from bench.registry import DATASETS

FEWEST_CLASSES = 2  # of a task: with one there is nothing to tell apart
_NAMED = 4  # tasks that a cell's label names; of more it names the first and counts the rest


class DeclaredTask(BaseModel):
    """One ``[[tasks]]``: some classes of a data set, for some of the clients."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    dataset: DataSet
    classes: tuple[Annotated[int, Field(ge=0)], ...] | None = None  # of the data set, renumbered from 0; None: all
    clients: Annotated[int, Field(ge=1)] | None = None  # None: tasks share the suite's clients evenly
    images: Annotated[int, Field(ge=1)] | None = None  # training images for its clients, drawn anew; None: all

    @field_validator("name")
    @classmethod
    def _is_a_word(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
            raise mistake(f"expected letters, digits and . _ - only (tables and files name it), got {show(value)}")
        return value

    @field_validator("classes")
    @classmethod
    def _are_there(cls, value: tuple[int, ...] | None, info: ValidationInfo) -> tuple[int, ...] | None:
        if value is None or "dataset" not in info.data:
            return value
        name, dataset = info.data.get("name", "?"), info.data["dataset"]
        there = int(DATASETS.get(dataset).classes)
        if strange := sorted({number for number in value if number >= there}):
            raise mistake(
                f"task '{name}': expected classes of {dataset}, which has {there} (0 to {there - 1}), got "
                f"{', '.join(map(str, strange))}"
            )
        if twice := sorted({number for number in value if value.count(number) > 1}):
            raise mistake(f"task '{name}': expected each class once, got {', '.join(map(str, twice))} more than once")
        if len(value) < FEWEST_CLASSES:
            raise mistake(f"task '{name}': expected at least {FEWEST_CLASSES} classes, got {show(value)}")
        return value

    @property
    def numbers(self) -> tuple[int, ...]:
        """The classes by their numbers in the data set; the task's own number of a class is its place here."""
        return self.classes if self.classes is not None else tuple(range(DATASETS.get(self.dataset).classes))


@dataclass(frozen=True)
class ClientTask:
    """One task as a cell holds it, all settled. Clients are numbered through: the first task has the first ones."""

    name: str
    dataset: str
    md5: str  # of the data set's content
    classes: tuple[int, ...]  # numbers in the data set
    clients: int  # how many have this task
    images: int | None = None  # how many of its training images are dealt; None: all


@dataclass(frozen=True)
class Facts:
    """What a cell's images are like, known without loading them; of several tasks, of all together."""

    shape: tuple[int, int, int]
    classes: int  # of the task that has most
    train_size: int
    test_size: int  # that one client's task has, on average


def check_tasks(tasks: Sequence[DeclaredTask], clients: int | None) -> None:
    """Raise a mistake where tasks do not go together, or not with the suite's `clients` (None: not known)."""
    names = [task.name for task in tasks]
    found = []
    if not tasks:
        found.append("expected at least one, or no such key")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        found.append(f"expected a name of its own for each, got {', '.join(map(show, twice))} more than once")
    shapes = {task.dataset: "x".join(map(str, DATASETS.get(task.dataset).shape)) for task in tasks}
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{shape} ({dataset})" for dataset, shape in shapes.items())
        found.append(f"expected data sets with images of one shape, or no net could be shared, got {listed}")
    given = [task.clients for task in tasks if task.clients is not None]
    if given and len(given) < len(tasks):
        without = ", ".join(task.name for task in tasks if task.clients is None)
        found.append(f"expected 'clients' in every task or in none, got none in {without}")
    elif clients is not None and tasks:
        found += _client_mistakes(tasks, clients, given)
    if found:
        raise mistakes([Mistake(("tasks",), text) for text in found])


def _client_mistakes(tasks: Sequence[DeclaredTask], clients: int, given: Sequence[int]) -> list[str]:
    if given and sum(given) != clients:
        return [f"expected 'clients' that add up to the suite's {clients}, got {' + '.join(map(str, given))}"]
    if clients < len(tasks):
        return [f"expected at most as many tasks as the suite has clients ({clients}), got {len(tasks)}"]
    found = []
    for task, count in zip(tasks, shared_out(tasks, clients), strict=True):
        size = task.images or _of_classes(task.dataset, len(task.numbers), "train_size")
        if count * SMALLEST_SHARE > size:
            found.append(
                f"task '{task.name}': expected at most {size // SMALLEST_SHARE} clients (it has about {size} training "
                f"images and a client needs {SMALLEST_SHARE}), got {count}"
            )
    return found


def shared_out(tasks: Sequence[DeclaredTask], clients: int) -> list[int]:
    """How many clients each task has: as declared, or evenly, the first ones one more where it does not divide."""
    if all(task.clients is not None for task in tasks):
        return [int(task.clients or 0) for task in tasks]
    return [clients // len(tasks) + (place < clients % len(tasks)) for place in range(len(tasks))]


def settled(tasks: Sequence[DeclaredTask], clients: int) -> tuple[ClientTask, ...]:
    """The tasks as cells hold them."""
    return tuple(
        ClientTask(task.name, task.dataset, DATASETS.get(task.dataset).md5, task.numbers, count, task.images)
        for task, count in zip(tasks, shared_out(tasks, clients), strict=True)
    )


def label(tasks: Sequence[ClientTask]) -> str:
    """What stands for the data set in tables: the tasks' names.

    >>> label([ClientTask(name, "digits", "", (0, 1), 1) for name in ("low", "high")])
    'low+high'
    """
    names = [task.name for task in tasks]
    return "+".join(names if len(names) <= _NAMED else [names[0], f"{len(names) - 1}-more"])


def with_data_sets(declared: Mapping[str, Any]) -> tuple[dict[str, Any], list[Mistake]]:
    """A declaration with `datasets` filled in from its tasks, and what is wrong with that: they say it already."""
    tasks = declared.get("tasks")
    if not isinstance(tasks, tuple):
        return dict(declared), []
    named = [task.get("dataset") for task in tasks if isinstance(task, dict)]
    found = tuple(dict.fromkeys(name for name in named if isinstance(name, str)))
    text = "expected none beside [[tasks]], each of which names its own, got " + show(declared.get("datasets"))
    wrong = [Mistake(("datasets",), text)] if "datasets" in declared else []
    return {**declared, "datasets": found}, wrong


def facts(dataset: str, tasks: Sequence[ClientTask], share: float = 1.0) -> Facts:
    """What is known of a cell's images: of its data set, or of its tasks where it has any.

    share: of the training images, what there is to deal. A task that asks for so many images has them of any share.
    """
    if not tasks:
        source = DATASETS.get(dataset)
        return Facts(source.shape, source.classes, round(share * source.train_size), source.test_size)
    clients = sum(task.clients for task in tasks)
    return Facts(
        shape=DATASETS.get(tasks[0].dataset).shape,
        classes=max(len(task.classes) for task in tasks),
        train_size=sum(
            task.images or round(share * _of_classes(task.dataset, len(task.classes), "train_size")) for task in tasks
        ),
        test_size=sum(_of_classes(task.dataset, len(task.classes), "test_size") * task.clients for task in tasks)
        // clients,
    )


def _of_classes(dataset: str, classes: int, size: str) -> int:
    """About how many images of a data set belong to so many of its classes."""
    source = DATASETS.get(dataset)
    return int(getattr(source, size) * classes // source.classes)
