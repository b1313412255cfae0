"""What clients may share whose tasks differ: bodies of nets, never a head, and nothing that depends on classes."""

from bench.plugin import Algorithm, State, Task


class Skip(Exception):
    """The algorithm cannot serve this cell; the text is its reason."""


def check(algorithm: Algorithm, travels: State, task: Task) -> None:
    """Raise Skip where what an algorithm sends, in either direction, cannot be shared by clients of different tasks.

    `travels`: without private parts, as it is sent. An algorithm that sends nothing shares nothing on purpose.
    """
    if task.common:
        return
    if alike := sorted(name for name, slot in algorithm.slots().items() if "head" in slot.alike):
        raise Skip(f"shares the head of {', '.join(alike)}, which stays private where tasks differ")
    others = sorted(travels.keys() - algorithm.slots().keys())
    if others and not algorithm.class_free:
        raise Skip(
            f"shares {', '.join(others)} beside nets, which is not known to mean the same for all tasks' classes"
        )
    if bare := sorted(slot for slot, tensors in travels.items() if not tensors):
        raise Skip(
            f"shares nothing of {', '.join(bare)}: expected tensors outside of the head, which stays private where "
            f"tasks differ, got none (net '{task.shared.net}')"
        )


def heads_kept(algorithm: Algorithm, task: Task) -> list[str]:
    """The shared nets whose heads stay with clients because of their tasks, not because the algorithm says so."""
    if task.common:
        return []
    return [name for name, slot in algorithm.slots().items() if slot.role == "shared" and "head" not in slot.private]
