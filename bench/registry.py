"""Where plugins are found: algorithms, data sets, partitions, nets and zoos, by name and lazily.

A name comes from one of three places:

* a file of ours: the room's files are *read*, not run, for ``@algorithm("name")`` and its like, so that listing
  them imports neither torch nor a plugin;
* an installed package, through an entry point of the group ``bench.algorithms`` (``bench.datasets``, ...);
* a single file given with ``--plugin path.py`` (`load_file`), which is run at once.

Nothing is imported until `Registry.get` asks for it, so a broken plugin harms only those who name it.
"""

import ast
import importlib
import importlib.metadata
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
FROM_FILE = "bench_plugin_"
"""What the modules of plugin files are called, and then the file's name."""


class RegistryError(Exception):
    """A name or a plugin that cannot be used; the message says what was expected and what came."""


class UnknownName(RegistryError):
    """No plugin has this name."""


class BrokenPlugin(RegistryError):
    """A plugin exists under this name but cannot be imported."""


@dataclass(frozen=True)
class Entry:
    """One plugin that could be loaded: what `bench.list` shows of it."""

    name: str
    module: str
    attribute: str | None  # None: importing the module registers the name
    origin: str  # for people: a path inside the project, "package 1.2 (entry point)", or the file given
    summary: str  # the first line of its docstring; "" where only an import could tell


def nearest(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the closest known name, or the whole list where nothing is close.

    >>> nearest("fedporx", ["fml", "fedprox"])
    " Did you mean 'fedprox'?"
    >>> nearest("zzz", ["fml", "fedprox"])
    ' Known: fedprox, fml.'
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else f" Known: {', '.join(names) or 'none'}."


def first_line(text: str | None) -> str:
    """The first line of a docstring, or nothing."""
    return (text or "").strip().split("\n", 1)[0]


class Registry:
    """All plugins of one kind. `register` is the decorator, `get` loads, `entries` lists without loading."""

    def __init__(self, kind: str, folder: str) -> None:
        """`folder`: the package of ours that holds the built-in ones, dotted ("bench.nets")."""
        self.kind = kind
        self.folder = folder
        self.group = f"bench.{kind}s"  # of entry points
        self._loaded: dict[str, tuple[str, Any]] = {}  # name -> (module that registered it, object)

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: makes the object available under `name`; an occupied name is an error that names both homes."""

        def keep(plugin: T) -> T:
            module = getattr(plugin, "__module__", "")
            taken = self._loaded.get(name)
            home = taken[0] if taken else self._scan().get(name, Entry(name, module, None, "", "")).module
            if home != module:
                raise RegistryError(
                    f"{self.kind} '{name}' is registered by both {home} and {module}: give one of them another name"
                )
            self._loaded[name] = (module, plugin)
            return plugin

        return keep

    def entries(self) -> dict[str, Entry]:
        """Every known name, without importing any plugin. Raises RegistryError on a name with two homes."""
        found = self._scan()
        for point in importlib.metadata.entry_points(group=self.group):
            if point.name in found:
                raise RegistryError(
                    f"{self.kind} '{point.name}' is registered by both {found[point.name].origin} and the entry point "
                    f"{point.value}: give one of them another name"
                )
            package = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
            found[point.name] = Entry(point.name, point.module, point.attr, f"{package} (entry point)", "")
        for name, (module, plugin) in self._loaded.items():
            if name not in found:
                origin = getattr(sys.modules.get(module), "__file__", None) or module
                found[name] = Entry(name, module, None, origin, first_line(getattr(plugin, "__doc__", "")))
        return dict(sorted(found.items()))

    def names(self) -> list[str]:
        """Every known name, sorted, without importing any plugin."""
        return list(self.entries())

    def from_files(self) -> list[Any]:
        """The plugins that came from files given with ``--plugin``."""
        return [plugin for module, plugin in self._loaded.values() if module.startswith(FROM_FILE)]

    def get(self, name: str) -> Any:
        """The plugin itself. Raises UnknownName (with the nearest name) or BrokenPlugin (with the reason)."""
        if name in self._loaded:
            return self._loaded[name][1]
        entries = self.entries()
        if name not in entries:
            if name in self._presets_of(name):  # of a package, whose presets nobody knew before it was loaded
                return self._loaded[name][1]
            failed = "".join(f" {Path(path).name} did not load: {why}." for path, why in _failed_files.items())
            raise UnknownName(f"{self._unknown(name)}{failed}")
        entry = entries[name]
        try:
            module = importlib.import_module(entry.module)
            plugin = getattr(module, entry.attribute) if entry.attribute else None
        except Exception as error:
            raise BrokenPlugin(f"{self.kind} '{name}' ({entry.origin}) cannot be imported: {explain(error)}") from error
        if name not in self._loaded:
            if plugin is None:
                raise BrokenPlugin(f"{self.kind} '{name}': {entry.origin} no longer registers that name")
            self._loaded[name] = (entry.module, plugin)
        return self._loaded[name][1]

    def _scan(self) -> dict[str, Entry]:
        """The names that the files of our own room declare, read from their syntax."""
        found: dict[str, Entry] = {}
        folder = ROOT / self.folder.replace(".", "/")
        for path in sorted(folder.glob("*.py")):
            try:
                tree = ast.parse(path.read_text(encoding="utf-8"))
            except SyntaxError:
                continue  # its names are unknown; `broken_files` reports it
            for node in tree.body:
                for name in _declared(node, self.kind):
                    module = f"{self.folder}.{path.stem}"
                    origin = path.relative_to(ROOT).as_posix()
                    if name in found:
                        raise RegistryError(
                            f"{self.kind} '{name}' is registered by both {found[name].origin} and {origin}: "
                            "give one of them another name"
                        )
                    found[name] = Entry(name, module, None, origin, _summary(node, name))
        return found

    def _presets_of(self, name: str) -> list[str]:
        """The presets of the family that a name such as "family:preset" is about, loaded if need be; see `presets`."""
        family, colon, _ = name.partition(":")
        if colon and family in self.entries():
            self.get(family)
        return [known for known in self.entries() if known.startswith(f"{family}:")] if colon else []

    def _unknown(self, name: str) -> str:
        """What to say of a name that nobody has."""
        family, colon, preset = name.partition(":")
        presets = [known.partition(":")[2] for known in self._presets_of(name)]
        if presets:
            return f"unknown preset '{preset}' of {family}.{nearest(preset, presets)}"
        if colon and family in self.entries():
            return f"unknown {self.kind} '{name}': {family} has no presets"
        plain = [known for known in self.entries() if ":" not in known]  # presets would hide the rest of a message
        return f"unknown {self.kind} '{name}'.{nearest(name, plain)}"

    def broken_files(self) -> dict[str, str]:
        """Files of our own room that are not Python, with the reason; `bench.list` and `bench.doctor` show them."""
        bad = {}
        for path in sorted((ROOT / self.folder.replace(".", "/")).glob("*.py")):
            try:
                ast.parse(path.read_text(encoding="utf-8"), filename=path.name)
            except SyntaxError as error:
                bad[path.relative_to(ROOT).as_posix()] = explain(error)
        return bad


def _declared(node: ast.AST, kind: str) -> list[str]:
    """Names in the decorators ``@kind("name")`` of one definition; an algorithm's presets too."""
    words = {kind, "preset"} if kind == "algorithm" else {kind}
    return [texts[0] for word, texts in _decorators(node) if word in words and texts]


def _summary(node: ast.AST, name: str) -> str:
    """What a definition says of a name that it declares: a preset's own words, else its docstring's first line."""
    for word, texts in _decorators(node):
        if word == "preset" and texts[:1] == [name]:
            return texts[1] if len(texts) > 1 else ""
    text = ast.get_docstring(node) if isinstance(node, ast.ClassDef | ast.FunctionDef) else ""
    return first_line(text)


def _decorators(node: ast.AST) -> list[tuple[str, list[str]]]:
    """The decorators ``@word("text", "text", ...)`` of a definition, with those texts."""
    found = []
    for call in getattr(node, "decorator_list", []):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            values = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
            found.append((call.func.id, [value for value in values if isinstance(value, str)]))
    return found


def explain(error: BaseException) -> str:
    """One line for people: the error, and the line of the plugin's own file that it came from."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "importlib" not in f.filename]
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    if isinstance(error, SyntaxError) and error.filename:
        where = f" ({Path(error.filename).name}, line {error.lineno})"
        return f"{type(error).__name__}: {error.msg}{where}"
    return f"{type(error).__name__}: {error}{where}"


_failed_files: dict[str, str] = {}


def load_file(path: str | Path) -> None:
    """Run a plugin file; its decorators register what it holds. Idempotent.

    Raises BrokenPlugin with the reason, which `Registry.get` repeats to whoever asks for a name that is not there;
    RegistryError where there is no such file.
    """
    file = Path(path).resolve()
    module_name = f"{FROM_FILE}{file.stem}_{sha256(str(file).encode()).hexdigest()[:8]}"
    if module_name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise RegistryError(f"plugin {path}: expected a Python file, found none there")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # dataclasses look their module up while it is being run
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        if isinstance(error, RegistryError):  # a name that is taken: going on would run another method under it
            raise
        _failed_files[str(path)] = explain(error)
        raise BrokenPlugin(f"plugin {path} cannot be imported: {explain(error)}") from error


def loaded_files() -> tuple[str, ...]:
    """The plugin files that `load_file` has run in this process, for others that must run the same."""
    return tuple(
        str(module.__file__) for name, module in sorted(sys.modules.items()) if name.startswith("bench_plugin_")
    )


ALGORITHMS = Registry("algorithm", "algorithms")
DATASETS = Registry("dataset", "datasets")
PARTITIONS = Registry("partition", "datasets")
NETS = Registry("net", "bench.nets")
ZOOS = Registry("zoo", "bench.nets")
REGISTRIES = (ALGORITHMS, DATASETS, PARTITIONS, ZOOS, NETS)

algorithm = ALGORITHMS.register
dataset = DATASETS.register
partition = PARTITIONS.register
net = NETS.register
zoo = ZOOS.register
