"""Which room may import which: read from the syntax tree, so that the architecture is what the folders say."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {f"bench.{path.stem}" for path in (ROOT / "bench").glob("*.py") if "__main__" in path.read_text()}

# Room -> what of ours it may import. Longer names win: bench.rounds has rules of its own beside bench.
MAY_IMPORT = {
    "algorithms": {"algorithms", "bench.plugin", "bench.ops"},
    "datasets": {"datasets", "bench.registry", "bench.data", "bench.parameters", "bench.vision"},
    "reports": {"reports", "bench.records", "bench.suites"},  # the last: what [tuned] of a suite calls data sets
    "bench": {"bench"},
    "bench.nets": {"bench.nets", "bench.registry", "bench.plugin", "bench.vision"},
    "bench.operators": set(),  # knows PyTorch only: engines write steps down with it, the gate and the costs count
    "bench.engines": {"bench.engines", "bench.nets", "bench.plugin", "bench.many", "bench.operators"},
    "bench.records": {"bench.records"},
    "bench.host": {"bench.host", "bench.registry"},
    "bench.declaration": {
        *("bench.declaration", "bench.suites", "bench.engines", "bench.nets"),
        *("bench.registry", "bench.seeds", "bench.parameters"),
    },
    "bench.rounds": {
        *("bench.rounds", "bench.engines", "bench.nets", "bench.declaration"),
        *("bench.registry", "bench.seeds", "bench.data", "bench.plugin"),
        *("datasets.split", "datasets.heterogeneity"),  # how a share is split and described is the protocol's
    },
    "bench.execution": {
        *("bench.execution", "bench.rounds", "bench.declaration", "bench.records", "bench.host"),
        *("bench.costs", "bench.frameworks", "bench.registry", "bench.data"),
        "datasets.split_folder",  # a data set that the command line names, so each worker must make it
    },
    "bench.frameworks": {
        *("bench.frameworks", "bench.rounds", "bench.engines", "bench.nets", "bench.declaration"),
        *("bench.registry", "bench.plugin", "bench.host"),
        "datasets.split_folder",  # as for bench.execution: each node must make it, too
    },
    "bench.parity": {
        *("bench.parity", "bench.frameworks", "bench.execution", "bench.declaration", "bench.host", "bench.registry"),
        *("bench.speedometer.results", "bench.speedometer.tables"),  # medians with quartiles, and tables of them
    },
    "bench.gate": {
        *("bench.gate", "bench.execution", "bench.rounds", "bench.engines", "bench.declaration", "bench.records"),
        *("bench.registry", "bench.plugin", "bench.operators"),
        "reports.statistics",  # pure functions of arrays, which import nothing of ours: see ADR 30
    },
    "bench.tuning": {
        *("bench.tuning", "bench.execution", "bench.declaration", "bench.records", "bench.registry"),
    },
    "bench.speedometer": {
        *("bench.speedometer", "bench.rounds", "bench.engines", "bench.declaration", "bench.execution"),
        *("bench.registry", "bench.data", "bench.plugin"),
        *("bench.costs", "bench.nets"),  # it measures what a step on a net costs, for the committed file
        *("datasets.mnist", "reports.style"),  # a plugin file of subsets; figures that look like the report's
    },
}
# Command lines stand on top: only they reach for the report, and the doctor looks at the data.
EXCEPTIONS = {
    **{name: {"reports"} for name in ("bench.report", "bench.compare", "bench.choices")},
    "bench.tune": {"reports.tuning"},
    "bench.doctor": {"datasets"},
    "bench.frameworks.__main__": {"bench.parity", "bench.execution", "bench.data", "bench.arguments", "bench.shadow"},
    "bench.export": {"datasets"},
    "bench.asked": {"datasets.split_folder"},
}
OURS = {"algorithms", "bench", "datasets", "reports", "tests"}
PYTHON = sorted(p for room in ("algorithms", "bench", "datasets", "reports") for p in (ROOT / room).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it; ``from a import b`` is "a.b" where that is a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = (ROOT / inner.replace(".", "/")).with_suffix(".py").exists()
                yield inner if is_module or (ROOT / inner.replace(".", "/")).is_dir() else node.module


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def rule(module: str) -> set[str]:
    room = max((room for room in MAY_IMPORT if within(module, room)), key=len)
    return MAY_IMPORT[room] | EXCEPTIONS.get(module, set())


@pytest.mark.parametrize("path", PYTHON, ids=module_of)
def test_imports_go_one_way(path: Path) -> None:
    module = module_of(path)
    ours = {name for name in imports(path) if name.split(".")[0] in OURS}
    wrong = {name for name in ours if not any(within(name, room) for room in rule(module))}
    assert not wrong, f"{module} may not import {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("path", PYTHON, ids=module_of)
def test_nothing_imports_a_command_line(path: Path) -> None:
    commands = COMMANDS - {"bench.costs"}  # a table of costs that can renew itself
    assert not commands & set(imports(path))


@pytest.mark.parametrize("path", [p for p in PYTHON if "reports" in p.parts], ids=module_of)
def test_reports_need_no_torch(path: Path) -> None:
    assert not {name for name in imports(path) if within(name, "torch")}


def test_the_rules_bite() -> None:
    """A rule that lets everything through would pass all of the above."""
    assert not any(within("bench.rounds.federation", room) for room in rule("algorithms.fml"))
    assert not any(within("algorithms.fml", room) for room in rule("bench.rounds.federation"))
    assert "bench.run" in COMMANDS
    assert len(PYTHON) > 50
