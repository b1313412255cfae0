"""Inside a worker process: one object, whose methods are called by JSON lines and answer in JSON lines.

A process of its own, so that threads, memory settings, garbage collector and imports are what the measurement says,
and nothing else.
"""

import gc
import importlib
import json
import os
import sys
from typing import Any


def serve(target: str, arguments: dict[str, Any]) -> None:
    """Make the object "module:Class", then answer calls ``[method, arguments]`` with ``{"value"}`` or ``{"error"}``."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not look like an answer
    made: Any = None

    def call(method: str | None, arguments: dict[str, Any]) -> Any:
        nonlocal made
        if method is None:
            module, _, name = target.partition(":")
            target_class = getattr(importlib.import_module(module), name)
            gc.freeze()  # as our own workers do, see bench.execution.worker; naive loops have it too
            made = target_class(**arguments)
            return None
        return getattr(made, method)(**arguments)

    request: tuple[str | None, dict[str, Any]] = (None, arguments)
    while True:
        try:
            answer = {"value": call(*request)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        line = sys.stdin.readline()
        if not line:
            return
        request = json.loads(line)


if __name__ == "__main__":
    serve(sys.argv[1], json.loads(sys.argv[2]))
