"""The frameworks that can run a cell, by name. Nothing is imported here: a framework may not be installed.

Each name stands for "module:function", a function of the signature of `bench.rounds.group.run`, in a module that has
its exceptions `Skip` and `Diverged`; see `bench.execution.worker.Job`.
"""

FUNCTIONS = {
    "native": "bench.rounds.group:run",
    "flower": "bench.frameworks.flower.simulation:run",
    "flower-grpc": "bench.frameworks.flower.deployment:run",
    "flower-own": "bench.frameworks.flower.own.simulation:run",
    "pfl": "bench.frameworks.pfl:run",
}
NAMES = tuple(FUNCTIONS)
NEEDS = {  # what must be installed: top-level modules, and the extra that brings them
    "native": ((), ""),
    "flower": (("flwr", "ray"), "flower"),
    "flower-grpc": (("flwr",), "flower"),
    "flower-own": (("flwr", "ray"), "flower"),
    "pfl": (("pfl",), "pfl"),
}
