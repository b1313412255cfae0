"""``python -m bench.list``: what can stand in a suite, and where each of it comes from. Imports no plugin, no torch."""

import argparse
import importlib.util
import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from bench import registry, suites
from bench.registry import ALGORITHMS, DATASETS, NETS, PARTITIONS, ZOOS, Entry, Registry, RegistryError

KINDS: dict[str, Registry | None] = {
    "algorithms": ALGORITHMS,
    "datasets": DATASETS,
    "partitions": PARTITIONS,
    "zoos": ZOOS,
    "nets": NETS,
    "suites": None,  # files of their own kind, see bench.suites
}
NOTES = {"zoos": "Each net is a zoo as well, in which every client has that net."}
WIDEST = 120  # columns; longer lines of prose are hard to read


@dataclass
class Found:
    """What there is of each kind, and what there would be if it were not broken."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)  # kind -> entries by name
    broken: dict[str, str] = field(default_factory=dict)  # file, package or kind -> why it cannot be used


def look(kinds: Sequence[str]) -> Found:
    """Everything of these kinds that can be named without importing it."""
    found = Found()
    for kind in kinds:
        found.entries[kind] = []
        room = KINDS[kind]
        if room is None:
            found.entries[kind] = _suites(found.broken)
            continue
        found.broken |= room.broken_files()
        try:
            entries = list(room.entries().values())
        except RegistryError as error:  # two homes for a name: nothing of this kind can be told apart
            found.broken[kind] = str(error)
            continue
        for entry in entries:
            if _is_there(entry.module):
                found.entries[kind].append(entry)
            else:
                found.broken[f"{room.kind} '{entry.name}' of {entry.origin}"] = f"there is no module {entry.module}"
    return found


def _suites(broken: dict[str, str]) -> list[Entry]:
    entries = []
    for name in suites.names():
        path = suites.find(name)
        origin = path.relative_to(registry.ROOT).as_posix()
        try:
            held = suites.tuned(path)
            more = f" Tuned for {', '.join(held)}." if held else ""
            entries.append(Entry(name, "", None, origin, suites.summary(path) + more))
        except (OSError, UnicodeDecodeError) as error:
            broken[origin] = registry.explain(error)
    return entries


def _is_there(module: str) -> bool:
    """Whether the package of a module exists; looking further would import it."""
    top = module.partition(".")[0]
    return top in sys.modules or importlib.util.find_spec(top) is not None


def as_text(found: Found, width: int | None) -> str:
    """For people: a table for each kind, wrapped at `width`; None (a pipe) keeps each entry on one line."""
    blocks = []
    names = [entry.name for entries in found.entries.values() for entry in entries]
    origins = [entry.origin for entries in found.entries.values() for entry in entries]
    columns = (max(map(len, names), default=0), min(40, max(map(len, origins), default=0)))
    for kind, entries in found.entries.items():
        rows = [_row(entry, columns, width) for entry in entries] or ["  none"]
        note = textwrap.wrap(NOTES.get(kind, ""), width or WIDEST, initial_indent="  ", subsequent_indent="  ")
        blocks.append("\n".join([kind, *rows, *note]))
    if found.broken:
        rows = [f"  {name}: {why}" for name, why in sorted(found.broken.items())]
        blocks.append("\n".join(["broken, and so not usable", *rows]))
    return "\n\n".join(blocks)


def _row(entry: Entry, columns: tuple[int, int], width: int | None) -> str:
    """Name, origin, summary; on a narrow screen the summary goes below."""
    name, origin = columns
    summary = entry.summary or ("(described when it is loaded)" if entry.attribute else "(no description)")
    where, room = entry.origin, (width or WIDEST) - name - 4
    if width is not None and len(where) > room:  # a plugin file deep in somebody's folders
        where = f"...{where[3 - room :]}"
    head = f"  {entry.name:<{name}}  {where:<{origin}}"
    if width is None:
        return f"{head}  {summary}"
    beside = width - len(head) - 2
    if beside >= len(summary):
        return f"{head}  {summary}"
    indent = " " * (name + 4)
    return "\n".join([head.rstrip(), *textwrap.wrap(summary, width, initial_indent=indent, subsequent_indent=indent)])


def as_json(found: Found) -> str:
    """For machines: kind -> [{"name", "module", "attribute", "origin", "summary"}], and "broken"."""
    entries = {kind: [asdict(entry) for entry in entries] for kind, entries in found.entries.items()}
    return json.dumps({**entries, "broken": found.broken}, indent=1)


def main(arguments: Sequence[str] | None = None) -> int:
    """0; 2 where a plugin file that was asked for does not load."""
    parser = argparse.ArgumentParser(prog="python -m bench.list", description="What a suite can name.")
    parser.add_argument("kind", nargs="?", choices=KINDS, metavar="KIND", help=f"one of {', '.join(KINDS)}; else all")
    parser.add_argument("--plugin", action="append", default=[], metavar="FILE", help="load this plugin file first")
    parser.add_argument("--json", action="store_true", help="for machines")
    options = parser.parse_args(arguments)
    failed = {}
    for path in options.plugin:
        try:
            registry.load_file(path)
        except RegistryError as error:
            failed[path] = str(error)
    found = look([options.kind] if options.kind else list(KINDS))
    found.broken |= failed
    width = min(shutil.get_terminal_size().columns, WIDEST) if sys.stdout.isatty() else None
    print(as_json(found) if options.json else as_text(found, width))
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
