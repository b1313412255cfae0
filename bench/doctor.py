"""``python -m bench.doctor``: what this machine has, and whether the default suite would run here."""

import argparse
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from bench.data import DataError
from bench.host import machine, requirements
from bench.host.provenance import cores, processor
from bench.registry import DATASETS, REGISTRIES, ROOT, RegistryError, explain, load_file
from bench.shadow import shadowed

DEFAULT_SUITE = "noniid"
OLDEST_PYTHON = (3, 11)
INSTALL = "install the pinned set: pip install -c constraints.txt ."
DOWNLOAD = "a run downloads it on first use; --data-root or BENCH_DATA name a folder with a copy"
UNTOLD = "the system does not tell"
State = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at. A "problem" keeps the default suite from running, a "note" does not."""

    topic: str
    state: State
    text: str
    advice: str = ""  # what to do about it


Check = Callable[[Path | None], Iterator[Finding]]


def check_python(root: Path | None) -> Iterator[Finding]:
    """Interpreter and system."""
    fits = sys.version_info[:2] >= OLDEST_PYTHON
    advice = "" if fits else f"use Python {'.'.join(map(str, OLDEST_PYTHON))} or newer"
    yield Finding("python", "ok" if fits else "problem", machine.python(), advice)
    yield Finding("system", "ok", machine.system())


def check_libraries(root: Path | None) -> Iterator[Finding]:
    """Installed versions against the ranges and the tested set."""
    known = requirements.libraries()
    for library in known:
        if not library.usable:
            got = library.installed or "none"
            yield Finding("libraries", "problem", f"{library.name}: expected >= {library.least}, found {got}", INSTALL)
    good = [f"{library.name} {library.installed}" for library in known if library.usable]
    yield Finding("libraries", "ok", ", ".join(good))
    if other := [library for library in known if library.usable and not library.as_tested]:
        text = ", ".join(f"{library.name} {library.installed} (tested: {library.tested})" for library in other)
        yield Finding("libraries", "note", f"other versions than constraints.txt: {text}", INSTALL)


def check_torch(root: Path | None) -> Iterator[Finding]:
    """The torch build, its threads, and whether torchvision gets along with it."""
    import torch

    from bench import vision

    build = f"CUDA {torch.version.cuda} build" if torch.version.cuda else "CPU build"
    threads = f"{torch.get_num_threads()} threads (OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'not set')})"
    capability = torch.backends.cpu.get_cpu_capability()
    yield Finding("torch", "ok", f"{torch.__version__}, {build}, {capability}, {threads}; a run uses one per process")
    try:
        vision.models()
        yield Finding("torchvision", "ok", "imports")
    except Exception as error:
        yield Finding("torchvision", "note", f"does not import: {explain(error)}", f"for image data sets, {INSTALL}")


def check_machine(root: Path | None) -> Iterator[Finding]:
    """Processor, memory, compiler, accelerators."""
    sets = machine.instruction_sets()
    quota = machine.core_quota()
    share = f", of which the container may use {quota:g}" if quota is not None else ""
    yield Finding("processor", "ok", f"{processor()}, {cores()} cores{share}")
    yield Finding("instructions", "ok", f"{', '.join(sets)}; {machine.bf16(sets)}" if sets else UNTOLD)
    memory = machine.memory()
    yield Finding("memory", "ok", f"{memory:.1f} GiB" if memory is not None else UNTOLD)
    found = machine.compiler()
    yield Finding("compiler", "ok" if found else "note", found or "no C++ compiler: programs run uncompiled")
    yield Finding("accelerators", "ok", "; ".join(machine.accelerators()) or "none that torch can use: the CPU does it")


def check_plugins(root: Path | None) -> Iterator[Finding]:
    """Whether our packages are those that Python finds, and every plugin imports."""
    if foreign := shadowed():
        yield Finding("packages", "problem", foreign, f"run from {ROOT}, or uninstall the other one")
    for registry in REGISTRIES:
        for file, why in registry.broken_files().items():
            yield Finding("plugins", "note", f"{file} is broken: {why}", "mend or remove the file")
        working, broken = [], []
        for name in registry.names():
            try:
                registry.get(name)
                working.append(name)
            except RegistryError as error:
                broken.append(str(error))
        yield Finding(f"{registry.kind}s", "ok", ", ".join(working) or "none")
        for text in broken:
            yield Finding(f"{registry.kind}s", "note", text, "mend the plugin, or uninstall it")


def check_data(root: Path | None) -> Iterator[Finding]:
    """Which data sets are here, complete and unchanged; nothing is downloaded."""
    for name in DATASETS.names():
        try:
            data = DATASETS.get(name)().load(root, download=False)
        except RegistryError:
            continue  # a broken plugin, reported as such
        except Exception as error:
            first, *rest = (str(error) or explain(error)).splitlines()
            advice = DOWNLOAD if root is None else " ".join(rest[-1:])
            yield Finding(f"data: {name}", "note", first.removeprefix(f"{name}: "), advice)
        else:
            sizes = f"{len(data.train_y)} training and {len(data.test_y)} test images"
            yield Finding(f"data: {name}", "ok", f"{sizes}, md5 as expected")


def check_suite(root: Path | None) -> Iterator[Finding]:
    """Whether the default suite would run: its declaration, its plugins and its data."""
    from bench.declaration.cell import cells
    from bench.declaration.suite import SuiteError, load

    try:
        suite = load(DEFAULT_SUITE)
        count = len(cells(suite))
        for name in suite.datasets:
            DATASETS.get(name)().load(root, download=False)
    except (SuiteError, RegistryError, DataError) as error:
        yield Finding("default suite", "problem", str(error))
        return
    yield Finding("default suite", "ok", f"{DEFAULT_SUITE}: {count} cells on {', '.join(suite.datasets)} can run")


CHECKS: tuple[Check, ...] = (
    check_python,
    check_libraries,
    check_torch,
    check_machine,
    check_plugins,
    check_data,
    check_suite,
)


def examine(root: Path | None) -> list[Finding]:
    """All findings. A check that fails as a whole is a problem, and the next one goes on."""
    found: list[Finding] = []
    for check in CHECKS:
        try:
            found += check(root)
        except Exception as error:
            topic = check.__name__.removeprefix("check_")
            found.append(Finding(topic, "problem", explain(error), INSTALL if isinstance(error, ImportError) else ""))
    return found


def as_text(found: Sequence[Finding], width: int | None) -> str:
    """For people: a line each, wrapped at `width` (None: a pipe, not wrapped), and a verdict."""
    topics = max(len(finding.topic) for finding in found)
    lines = []
    for finding in found:
        head = f"{'' if finding.state == 'ok' else finding.state:<8} {finding.topic:<{topics}}  "
        first, *rest = finding.text.splitlines() or [""]
        lines += _wrapped(head, first, width)
        for line in [*rest, *([f"To do: {finding.advice}"] if finding.advice else [])]:
            lines += _wrapped(" " * len(head), line, width)
    problems = sum(finding.state == "problem" for finding in found)
    verdict = f"{problems} problem{'s' * (problems > 1)} to solve before" if problems else "Ready:"
    lines += ["", f"{verdict} python -m bench.run --suite {DEFAULT_SUITE}"]
    return "\n".join(lines)


def _wrapped(head: str, text: str, width: int | None) -> list[str]:
    if width is None:
        return [head + text]
    below = " " * len(head)
    return textwrap.wrap(text, width, initial_indent=head, subsequent_indent=below, break_long_words=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where the default suite would run, else 2."""
    parser = argparse.ArgumentParser(prog="python -m bench.doctor", description="What this machine has, and lacks.")
    parser.add_argument("--data-root", type=Path, metavar="DIR", help="look for image data here (else in BENCH_DATA)")
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE", help="examine this plugin file, too")
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args(arguments)
    broken = []
    for path in options.plugin:
        try:
            load_file(path)
        except RegistryError as error:
            broken.append(Finding("plugin", "problem", str(error), "mend the file, or leave --plugin out"))
    found = broken + examine(options.data_root or _from_environment())
    ready = all(finding.state != "problem" for finding in found)
    width = min(shutil.get_terminal_size().columns, 120) if sys.stdout.isatty() else None
    as_json = json.dumps({"ready": ready, "findings": [asdict(finding) for finding in found]}, indent=1)
    print(as_json if options.json else as_text(found, width))
    return 0 if ready else 2


def _from_environment() -> Path | None:
    named = os.environ.get("BENCH_DATA")
    return Path(named) if named else None


if __name__ == "__main__":
    sys.exit(main())
