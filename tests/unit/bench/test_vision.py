"""The one place that imports torchvision."""

import ast
import importlib
from pathlib import Path
from types import ModuleType

import pytest

from bench import vision

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("bench", "algorithms", "datasets", "reports", "tests")


def imported(tree: ast.AST) -> set[str]:
    """The modules that a file imports, by statement or by a name given to an import function."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
        elif isinstance(node, ast.Call) and node.args:
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function in {"import_module", "__import__", "importorskip"}:
                first = node.args[0]
                first = first.values[0] if isinstance(first, ast.JoinedStr) else first
                names.add(str(getattr(first, "value", "")))
    return names


def importers() -> set[str]:
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return {
        path.relative_to(ROOT).as_posix()
        for path in files
        if any(name.split(".")[0] == "torchvision" for name in imported(ast.parse(path.read_text(encoding="utf-8"))))
    }


def test_no_other_file_imports_torchvision():
    assert importers() == {"bench/vision.py"}


@pytest.mark.parametrize(
    "code",
    [
        "import torchvision",
        "import torchvision.models as m",
        "from torchvision import models",
        "from torchvision.models import resnet18",
        "def f():\n    import torchvision",
        "importlib.import_module('torchvision')",
        "import_module(f'torchvision.{name}')",
    ],
)
def test_every_way_to_import_it_is_seen(code):
    assert any(name.split(".")[0] == "torchvision" for name in imported(ast.parse(code)))


def test_data_sets_and_models_are_there():
    assert vision.datasets().MNIST.__name__ == "MNIST"
    assert callable(vision.models().resnet18)
    assert vision.models() is vision.models()


def test_missing_operators_are_declared_and_the_import_repeated(monkeypatch):
    module, calls, declared = ModuleType("torchvision.models"), [], []

    def import_module(name):
        calls.append(name)
        if len(calls) == 1:
            raise RuntimeError("operator torchvision::nms does not exist")
        return module

    monkeypatch.setattr(importlib, "import_module", import_module)
    monkeypatch.setattr(vision, "_declare_operators", lambda: declared.append(True))
    assert vision._submodule.__wrapped__("models") is module
    assert (calls, declared) == (["torchvision.models"] * 2, [True])


def test_the_declaration_is_kept_and_has_both_operators(monkeypatch):
    import torch

    made = []

    class Library:
        def __init__(self, *where):
            made.append([*where])

        def define(self, schema):
            made[-1].append(schema)

    monkeypatch.setattr(torch.library, "Library", Library)
    monkeypatch.setattr(vision, "_declared", [])
    vision._declare_operators()
    arguments = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    assert made == [["torchvision", "FRAGMENT", f"nms{arguments}", f"qnms{arguments}"]]
    assert len(vision._declared) == 1


def test_another_failure_is_not_hidden(monkeypatch):
    def import_module(name):
        raise RuntimeError("something else")

    monkeypatch.setattr(importlib, "import_module", import_module)
    with pytest.raises(RuntimeError, match="something else"):
        vision._submodule.__wrapped__("models")
