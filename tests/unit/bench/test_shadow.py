"""A foreign package named `datasets`: behind us in a checkout, reported where it comes first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import shadow

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def stand_in(tmp_path):
    """A folder of installed packages with someone else's `datasets`."""
    package = tmp_path / "site" / "datasets"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('the foreign package was imported')\n")
    return package.parent


def python(code: str, path: list[Path], *flags: str, cwd: Path = ROOT) -> str:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    environment.pop("PYTHONSAFEPATH", None)
    done = subprocess.run(
        [sys.executable, *flags, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_ours_come_first_in_a_checkout_and_in_its_workers(stand_in):
    code = (
        "import multiprocessing as mp\n"
        "from bench import shadow\n"
        "if __name__ == '__main__':\n"
        "    import datasets.split\n"
        "    print(datasets.split.__file__, shadow.shadowed())\n"
        "    with mp.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.apply(shadow.location, ('datasets',)), pool.apply(shadow.shadowed))\n"
    )
    here, worker = python(code, [stand_in]).splitlines()
    assert here == f"{ROOT / 'datasets/split.py'} None"
    assert worker == f"{ROOT / 'datasets'} None"


def test_a_foreign_package_that_comes_first_is_reported(stand_in, tmp_path):
    text = python("from bench import shadow; print(shadow.shadowed())", [stand_in, ROOT], "-P", cwd=tmp_path)
    assert f"Python finds the package 'datasets' at {stand_in / 'datasets'}, expected it at {ROOT / 'datasets'}" in text
    assert f"cd {ROOT}" in text
    assert "an environment of its own" in text
    assert len(text.splitlines()) == 1


def test_nothing_is_shadowed_here():
    assert shadow.shadowed() is None


def test_a_room_that_is_nowhere(monkeypatch):
    monkeypatch.setattr(shadow, "ROOMS", ("no_such_package_anywhere",))
    assert "finds the package 'no_such_package_anywhere' at no place at all" in str(shadow.shadowed())


def test_a_module_is_no_folder():
    assert shadow.location("this") is None
