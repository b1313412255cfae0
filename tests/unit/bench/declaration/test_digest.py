"""Source digests: what changes them and what does not."""

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bench.declaration.digest import digest, normalised
from bench.registry import ALGORITHMS, RegistryError

SOURCE = '''"""What it is."""
from abc import ABC
class Plugin(ABC):
    """Doc."""
    mu: float = 0.1  # a comment
    def loss(self, x):
        """Doc."""
        return f"{x!r:>4}" + (x * 2)
'''

Write = Callable[..., Any]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write files of a package of this test's own and import one of them; earlier imports are forgotten."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, **sources: str) -> Any:
        for file, source in sources.items():
            path = tmp_path / "digested" / f"{file}.py"
            path.parent.mkdir(exist_ok=True)
            (path.parent / "__init__.py").touch()
            path.write_text(source, encoding="utf-8")
        _forget()
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        try:
            return importlib.import_module(f"digested.{name}")
        finally:
            sys.dont_write_bytecode = before

    yield write
    _forget()


def _forget() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "digested"]:
        del sys.modules[name]


SAME = {
    "comment": ("  # a comment", ""),
    "class docstring": ('    """Doc."""\n    mu', "    mu"),
    "method docstring": ('        """Doc."""\n        return', '        """Other."""\n        return'),
    "module docstring": ('"""What it is."""', ""),
    "blank lines": ("class Plugin", "\n\n\nclass Plugin"),
    "brackets": ("(x * 2)", "x * 2"),
    "quotes": ('f"{x!r:>4}"', "f'{x!r:>4}'"),
}
OTHER = {
    "number": ("0.1", "0.2"),
    "type of a number": ("x * 2", "x * 2.0"),
    "operator": ("x * 2", "x + 2"),
    "format": ("!r:>4", "!r:>5"),
    "decorator": ("    def loss", "    @staticmethod\n    def loss"),
    "statement": ("        return", "        x = x\n        return"),
    "string that is no docstring": ("mu: float = 0.1", 'mu: float = 0.1\n    note = "x"'),
}


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=list(SAME))
def test_looks_do_not_matter(module: Write, old: str, new: str) -> None:
    assert old in SOURCE
    before = digest(module("one", one=SOURCE).Plugin)
    assert digest(module("one", one=SOURCE.replace(old, new)).Plugin) == before


@pytest.mark.parametrize(("old", "new"), OTHER.values(), ids=list(OTHER))
def test_code_matters(module: Write, old: str, new: str) -> None:
    assert old in SOURCE
    before = digest(module("one", one=SOURCE).Plugin)
    assert digest(module("one", one=SOURCE.replace(old, new)).Plugin) != before


def test_a_function_that_holds_a_docstring_alone_is_not_empty_of_meaning() -> None:
    assert normalised(ast.parse("def f():\n    'Doc.'")) != normalised(ast.parse("def g():\n    'Doc.'"))


def test_the_place_of_a_file_does_not_matter(module: Write) -> None:
    assert digest(module("one", one=SOURCE).Plugin) == digest(module("two", two=SOURCE).Plugin)


CHILD = "from digested.base import Base\nclass Child(Base):\n    pass\n"


def test_a_base_class_matters(module: Write) -> None:
    before = digest(module("child", child=CHILD, base="class Base:\n    x = 1\n").Child)
    assert digest(module("child", base="class Base:\n    x = 1  # one\n").Child) == before
    assert digest(module("child", base="class Base:\n    x = 2\n").Child) != before


IMPORTS = {
    "from a module": "from digested.helper import f",
    "from the package": "from digested import helper",
    "plain": "import digested.helper",
    "relative": "from .helper import f",
    "relative, the package": "from . import helper",
    "late": "def late():\n    from digested.helper import f",
    "through another": "import digested.between",
}


@pytest.mark.parametrize("line", IMPORTS.values(), ids=list(IMPORTS))
def test_what_is_imported_from_the_own_package_matters(module: Write, line: str) -> None:
    files = {"one": f"{line}\nclass Plugin:\n    pass\n", "between": "from digested import helper\n"}
    before = digest(module("one", **files, helper="f = 1").Plugin)
    assert digest(module("one", helper="f = 2").Plugin) != before


def test_libraries_and_the_contract_do_not_matter(module: Write) -> None:
    """A digest that followed them would orphan results with every update; their versions are provenance."""
    optional = "try:\n    import digested.absent\nexcept ImportError:\n    pass\n"
    source = f"import torch, json, numpy\nfrom bench import ops, plugin\n{optional}class Plugin:\n    pass\n"
    alone = sha256(normalised(ast.parse(source)).encode()).hexdigest()[:16]
    assert digest(module("one", one=source).Plugin) == alone


def test_functions_have_digests_too(module: Write) -> None:
    before = digest(module("one", one="def net():\n    return 1\n").net)
    assert digest(module("one", one="def net():\n    return 2\n").net) != before


def test_built_in_plugins_differ_and_fedprox_holds_fedavg() -> None:
    digests = {name: digest(ALGORITHMS.get(name)) for name in ("fml", "fedavg", "fedprox", "local")}
    assert len(set(digests.values())) == 4
    assert all(len(value) == 16 for value in digests.values())


def test_source_that_cannot_be_found_is_a_clear_error() -> None:
    homeless = type("Homeless", (), {"__module__": "nowhere_at_all"})
    with pytest.raises(RegistryError, match="the source of nowhere_at_all cannot be found"):
        digest(homeless)


def test_the_normal_form_is_one_for_all_pythons() -> None:
    """Written out by hand: a Python whose syntax tree gains fields must not orphan results."""
    assert normalised(ast.parse("def f(a=1.5): return -a")) == (
        '["Module",{"body":[["FunctionDef",{"name":"\'f\'","args":["arguments",{"args":[["arg",{"arg":"\'a\'"}]],'
        '"defaults":[["Constant",{"value":"1.5"}]]}],"body":[["Return",{"value":["UnaryOp",{"op":["USub",{}],'
        '"operand":["Name",{"id":"\'a\'","ctx":["Load",{}]}]}]}]]}]]}]'
    )
