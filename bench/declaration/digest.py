"""Digests of plugins' source: a result says which code it came from, and a comment is no other code.

The digest covers the module of a class or function, the modules of its bases, and what these import from their own
room (``algorithms``, ``datasets``, ``bench.nets``, or the same installed package). It does not cover the contract
(`bench.plugin`, `bench.data`), the referee (whose numerics have a version of their own) or libraries (whose versions
are provenance). A file's name and place do not matter, so a plugin file may move.
"""

import ast
import importlib.util
import inspect
import json
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.registry import RegistryError

_FOREIGN = sys.stdlib_module_names | {"torch", "torchvision", "numpy", "scipy", "sklearn", "pydantic"}
_OUR_ROOMS = ("bench.nets",)  # of `bench`, only these hold plugins


@cache
def digest(plugin: Any) -> str:
    """The first 16 hex digits of the sha256 of a plugin's normalised source (a class or a function).

    Raises RegistryError where the source cannot be read.
    """
    pending = [home for home in _homes(plugin) if _counts(home)]
    seen: dict[str, str] = {}
    while pending:
        module = pending.pop()
        if module not in seen:
            tree = _parsed(module)
            seen[module] = normalised(tree)
            pending += _imports(tree, module)
    return sha256("\n".join(sorted(seen.values())).encode()).hexdigest()[:16]


def normalised(tree: ast.AST) -> str:
    """A text that is equal for sources that differ in comments, docstrings and formatting only.

    Written from the tree, not with ``ast.unparse``, whose words change from one Python to the next.

    >>> normalised(ast.parse("x = 1  # one")) == normalised(ast.parse("'Doc.'\\nx = (1)"))
    True
    """
    return json.dumps(_canonical(tree), separators=(",", ":"))


def _canonical(node: object) -> object:
    if isinstance(node, ast.AST):
        fields = {name: value for name, value in ast.iter_fields(node) if value is not None and name != "kind"}
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            fields["body"] = _without_docstring(node.body)
        if isinstance(node, ast.ClassDef):
            # A preset is a name for values, which a cell's identity holds: a new one changes no result.
            fields["decorator_list"] = [d for d in node.decorator_list if not _is_preset(d)]
        return [type(node).__name__, {name: _canonical(value) for name, value in fields.items() if value != []}]
    if isinstance(node, list):
        return [_canonical(item) for item in node]
    return repr(node)


def _is_preset(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "preset"


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:]
    return body


def _homes(plugin: Any) -> list[str]:
    """The modules of a class and its bases, or of a function."""
    return [base.__module__ for base in inspect.getmro(plugin)] if inspect.isclass(plugin) else [plugin.__module__]


def _room(module: str) -> str:
    """The package whose modules belong together."""
    room = next((room for room in _OUR_ROOMS if module == room or module.startswith(f"{room}.")), None)
    return room or module.partition(".")[0]


def _counts(module: str) -> bool:
    return _room(module) not in _FOREIGN | {"bench"}


def _parsed(module: str) -> ast.Module:
    source = _file(module)
    if source is None:
        raise RegistryError(f"the source of {module} cannot be found, but a result's identity needs it")
    return ast.parse(source.read_text(encoding="utf-8"))


def _file(module: str) -> Path | None:
    loaded = sys.modules.get(module)
    if loaded is not None:
        name = getattr(loaded, "__file__", None)
    else:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError):
            spec = None
        name = spec.origin if spec else None
    path = Path(name) if name else None
    return path if path and path.suffix == ".py" and path.is_file() else None


def _imports(tree: ast.AST, module: str) -> Iterator[str]:
    """The modules that a module imports, anywhere in it; names that are no modules of their own are left out."""
    loaded = sys.modules.get(module)
    package = getattr(loaded, "__package__", None) or module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            up = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(part for part in (up, node.module) if part)
            candidates = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in candidates if _counts(name) and _follows(name, module))


def _follows(name: str, module: str) -> bool:
    """Whether an import leads to code of the plugin's own: its room, another of ours, or a file beside it."""
    file = _file(name)
    return file is not None and (_room(name) == _room(module) or "site-packages" not in file.parts)
