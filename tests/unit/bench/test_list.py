"""`bench.list`: what it shows, in which shape, and what it does not import."""

import importlib.metadata
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import list as listing
from bench import registry, suites
from bench.registry import ALGORITHMS, REGISTRIES

HEAVY = ("torch", "torchvision", "pandas", "scipy", "sklearn", "matplotlib", "pydantic")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin file that a test loads is forgotten afterwards."""
    for room in REGISTRIES:
        monkeypatch.setattr(room, "_loaded", dict(room._loaded))
    monkeypatch.setattr(registry, "_failed_files", {})


@pytest.mark.parametrize("arguments", [[], ["--help"], ["suites", "--json"]], ids=" ".join)
@pytest.mark.parametrize("command", ["list", "doctor"])
def test_nothing_heavy_is_imported(command: str, arguments: list[str]) -> None:
    if command == "doctor":
        arguments = ["--help"]
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['bench.{command}', *{arguments!r}]\n"
        "try:\n"
        f"    runpy.run_module('bench.{command}', run_name='__main__')\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        f"print('heavy:', sorted(set(sys.modules) & set({HEAVY!r})))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_everything_is_listed_with_its_home_and_its_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert listing.main([]) == 0
    text = capsys.readouterr().out
    for room in REGISTRIES:
        for name, entry in room.entries().items():
            assert any(line.split()[:2] == [name, entry.origin.split()[0]] for line in text.splitlines())
    assert "algorithms/fedavg.py" in text
    assert "Federated averaging: local SGD from the global model" in text
    for name in suites.names():
        assert f"bench/suites/{name}.toml" in text
    assert "broken" not in text


def test_one_kind_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert listing.main(["suites"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("suites\n  ci ")
    assert "algorithms" not in text.split()


def test_an_unknown_kind_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        listing.main(["algos"])
    assert caught.value.code == 2
    assert "algorithms" in capsys.readouterr().err


def test_machines_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert listing.main(["--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found.keys() == {*listing.KINDS, "broken"}
    assert found["broken"] == {}
    prox = next(entry for entry in found["algorithms"] if entry["name"] == "fedprox")
    assert prox["origin"] == "algorithms/fedprox.py"
    assert prox["summary"].startswith("FedAvg whose local loss carries the proximal term")


def test_a_pipe_gets_one_line_for_each_entry() -> None:
    found = listing.look(["partitions"])
    assert len(listing.as_text(found, None).splitlines()) == 1 + len(found.entries["partitions"])


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_screen_gets_lines_that_fit(width: int) -> None:
    found = listing.look(list(listing.KINDS))
    deep = "/home/somebody/with/many/folders/and/more/folders/in/the/folders/of/the/folders/my_methods.py"
    far = replace(found.entries["algorithms"][0], name="my-method", origin=deep)
    entries = {**found.entries, "algorithms": [*found.entries["algorithms"], far]}
    text = listing.as_text(replace(found, entries=entries), width)
    assert max(map(len, text.splitlines())) <= width
    assert "my_methods.py" in text


def test_the_width_is_that_of_the_screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "70")
    assert listing.main(["partitions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 60 < max(map(len, lines)) <= 70


def test_a_plugin_file_is_listed(tmp_path: Path, plugins: None, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from bench.registry import partition\n@partition('test-mine')\nclass Mine:\n    '''A way of my own.'''\n",
        encoding="utf-8",
    )
    assert listing.main(["partitions", "--plugin", str(path)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "test-mine" in line)
    assert str(path) in line
    assert "A way of my own." in line


def test_a_plugin_file_that_fails_is_an_error_by_name(
    tmp_path: Path, plugins: None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.py"
    path.write_text("import nowhere_at_all\n", encoding="utf-8")
    assert listing.main(["partitions", "--plugin", str(path), "--plugin", str(tmp_path / "none.py")]) == 2
    text = capsys.readouterr().out
    assert "dirichlet-capped" in text
    assert "mine.py: plugin" in text
    assert "No module named 'nowhere_at_all' (mine.py, line 1)" in text
    assert "expected a Python file, found none there" in text


def test_a_broken_file_is_named_and_takes_no_other_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    room = tmp_path / "algorithms"
    room.mkdir()
    (room / "good.py").write_text("@algorithm('test-good')\nclass Good:\n    'Fine.'\n", encoding="utf-8")
    (room / "bad.py").write_text("def (:\n", encoding="utf-8")
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    monkeypatch.setattr(ALGORITHMS, "_loaded", {})
    assert listing.main(["algorithms"]) == 0
    text = capsys.readouterr().out
    assert "algorithms/good.py  Fine." in text
    assert "broken, and so not usable\n  algorithms/bad.py: SyntaxError: invalid syntax (bad.py, line 1)" in text


def test_two_homes_for_a_name_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    room = tmp_path / "algorithms"
    room.mkdir()
    for stem in ("one", "two"):
        (room / f"{stem}.py").write_text("@algorithm('test-same')\nclass Same:\n    pass\n", encoding="utf-8")
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    monkeypatch.setattr(ALGORITHMS, "_loaded", {})
    assert listing.main(["algorithms"]) == 0
    text = capsys.readouterr().out
    assert "algorithm 'test-same' is registered by both algorithms/one.py and algorithms/two.py" in text


def test_entry_points_are_listed_and_missing_packages_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def points(group: str) -> list[importlib.metadata.EntryPoint]:
        here = importlib.metadata.EntryPoint("test-here", "json.decoder:JSONDecoder", group)
        gone = importlib.metadata.EntryPoint("test-gone", "nowhere_at_all.method:Method", group)
        return [here, gone] if group == "bench.algorithms" else []

    monkeypatch.setattr(importlib.metadata, "entry_points", points)
    assert listing.main(["algorithms"]) == 0
    text = capsys.readouterr().out
    listed, broken = text.split("broken, and so not usable")
    assert "json.decoder:JSONDecoder (entry point)" in listed
    assert "(described when it is loaded)" in listed
    assert "test-gone" not in listed
    assert (
        "algorithm 'test-gone' of nowhere_at_all.method:Method (entry point): there is no module nowhere_at_all.method"
        in broken
    )


def test_a_suite_file_that_is_no_text_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe")
    (tmp_path / "bare.toml").write_text('\nname = "bare"\n# too late\n', encoding="utf-8")
    monkeypatch.setattr(suites, "FOLDER", tmp_path)
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    assert listing.main(["suites"]) == 0
    text = capsys.readouterr().out
    assert "bare.toml  (no description)" in text
    assert "odd.toml: UnicodeDecodeError" in text


def test_it_answers_from_any_folder(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(registry.ROOT)}
    command = [sys.executable, "-m", "bench.list", "nets"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "resnet18" in done.stdout


def test_a_suite_says_for_which_data_sets_it_is_tuned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text("# My suite.\n[tuned.mnist.fml]\nlr = 1.0\n[tuned.digits.local]\nlr = 1.0\n")
    (tmp_path / "other.toml").write_text("# Another.\n")
    (tmp_path / "torn.toml").write_text("# Torn.\n[tuned\n")
    monkeypatch.setattr(suites, "FOLDER", tmp_path)
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    found = listing.look(["suites"])
    assert [(entry.name, entry.summary) for entry in found.entries["suites"]] == [
        ("mine", "My suite. Tuned for digits, mnist."),
        ("other", "Another."),
        ("torn", "Torn."),
    ]
