"""`bench.doctor`: what it finds, what it calls a problem, and how it answers."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from bench import doctor, registry, vision
from bench.doctor import Finding
from bench.host import requirements
from bench.host.requirements import Library
from bench.registry import ALGORITHMS, PARTITIONS, REGISTRIES


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten afterwards."""
    for room in REGISTRIES:
        monkeypatch.setattr(room, "_loaded", dict(room._loaded))
    monkeypatch.setattr(registry, "_failed_files", {})


def states(found: Iterator[Finding] | list[Finding]) -> dict[str, str]:
    """Topic -> its worst state."""
    order = ["ok", "note", "problem"]
    worst: dict[str, str] = {}
    for finding in found:
        worst[finding.topic] = max(worst.get(finding.topic, "ok"), finding.state, key=order.index)
    return worst


def test_this_machine_is_ready(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["--json", "--data-root", str(tmp_path)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["ready"] is True
    found = [Finding(**finding) for finding in answer["findings"]]
    seen = states(found)
    assert {
        "python",
        "torch",
        "processor",
        "memory",
        "compiler",
        "accelerators",
        "algorithms",
        "default suite",
    } <= seen.keys()
    assert seen["data: digits"] == "ok"
    assert seen["data: mnist"] == "note"  # an empty folder was named
    assert "problem" not in seen.values()


def test_people_get_text_and_a_verdict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "CHECKS", (doctor.check_python,))
    assert doctor.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "python"
    assert lines[-1] == "Ready: python -m bench.run --suite noniid"


def test_a_problem_ends_with_2_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (9, 9))
    monkeypatch.setattr(doctor, "CHECKS", (doctor.check_python,))
    assert doctor.main([]) == 2
    first, advice, _, _, verdict = capsys.readouterr().out.splitlines()
    assert first.startswith("problem  python")
    assert advice.strip() == "To do: use Python 9.9 or newer"
    assert verdict == "1 problem to solve before python -m bench.run --suite noniid"


def test_lines_fit_the_screen(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def wordy(root: Path | None) -> Iterator[Finding]:
        yield Finding("topic", "note", "first line\n" + "word " * 40, "do " * 40)

    monkeypatch.setattr(doctor, "CHECKS", (wordy,))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    assert doctor.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 6
    assert max(map(len, lines)) <= 80


def test_libraries_that_are_missing_or_old_are_problems_and_other_ones_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    def some() -> list[Library]:
        return [
            Library("good", "1", "1.5", "1.5"),
            Library("newer", "1", "1.5", "1.6"),
            Library("old", "2", "2.1", "1.9"),
            Library("absent", "1", None, None),
        ]

    monkeypatch.setattr(requirements, "libraries", some)
    texts = {finding.text: finding.state for finding in doctor.check_libraries(None)}
    assert texts == {
        "old: expected >= 2, found 1.9": "problem",
        "absent: expected >= 1, found none": "problem",
        "good 1.5, newer 1.6": "ok",
        "other versions than constraints.txt: newer 1.6 (tested: 1.5)": "note",
    }


def test_a_torchvision_that_does_not_import_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> ModuleType:
        raise ImportError("no such thing")

    monkeypatch.setattr(vision, "models", fail)
    assert states(doctor.check_torch(None)) == {"torch": "ok", "torchvision": "note"}


def test_without_torch_the_other_checks_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(doctor, "CHECKS", (doctor.check_torch, doctor.check_python))
    torch, *others = doctor.examine(None)
    assert (torch.topic, torch.state) == ("torch", "problem")
    assert "torch" in torch.text
    assert "pip install -c constraints.txt" in torch.advice
    assert states(others)["python"] == "ok"


def test_a_foreign_package_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "shadowed", lambda: "Python finds the package 'datasets' elsewhere")
    found = {finding.topic: finding for finding in doctor.check_plugins(None)}
    assert found["packages"].state == "problem"
    assert "'datasets' elsewhere" in found["packages"].text
    assert str(registry.ROOT) in found["packages"].advice


def test_broken_plugins_are_named_and_take_no_other_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = tmp_path / "algorithms"
    room.mkdir()
    (room / "syntax.py").write_text("def (:\n", encoding="utf-8")
    (room / "absent.py").write_text("@algorithm('test-absent')\nclass Absent:\n    pass\n", encoding="utf-8")
    monkeypatch.setattr(registry, "ROOT", tmp_path)
    monkeypatch.setattr(ALGORITHMS, "_loaded", {"test-good": (__name__, object)})
    found = list(doctor.check_plugins(None))
    assert [finding.text for finding in found if finding.topic == "plugins"] == [
        "algorithms/syntax.py is broken: SyntaxError: invalid syntax (syntax.py, line 1)"
    ]
    good, broken = [finding for finding in found if finding.topic == "algorithms"]
    assert (good.state, good.text) == ("ok", "test-good")
    assert broken.state == "note"
    assert broken.text.startswith("algorithm 'test-absent' (algorithms/absent.py) cannot be imported: ")


def test_a_plugin_file_is_examined_too(tmp_path: Path, plugins: None, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(
        "from bench.registry import partition\n@partition('test-mine')\nclass Mine:\n    pass\n", encoding="utf-8"
    )
    bad.write_text("import nowhere_at_all\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor, "CHECKS", (doctor.check_plugins,))
        assert doctor.main(["--plugin", str(good)]) == 0
        assert "test-mine" in capsys.readouterr().out
        assert doctor.main(["--plugin", str(bad)]) == 2
    assert "No module named 'nowhere_at_all' (bad.py, line 1)" in capsys.readouterr().out
    assert "test-mine" in PARTITIONS.names()


def test_the_data_root_is_the_option_else_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[Path | None] = []

    def note(root: Path | None) -> Iterator[Finding]:
        asked.append(root)
        yield Finding("root", "ok", str(root))

    monkeypatch.setattr(doctor, "CHECKS", (note,))
    monkeypatch.setenv("BENCH_DATA", "elsewhere")
    doctor.main(["--data-root", str(tmp_path)])
    doctor.main([])
    monkeypatch.delenv("BENCH_DATA")
    doctor.main([])
    assert asked == [tmp_path, Path("elsewhere"), None]


def test_data_that_is_not_here_is_a_note_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for root, advice in ((None, doctor.DOWNLOAD), (tmp_path, "BENCH_DATA")):
        found = {finding.topic: finding for finding in doctor.check_data(root)}
        assert found["data: digits"].state == "ok"
        assert found["data: mnist"].state == "note"
        assert str(tmp_path) in found["data: mnist"].text
        assert advice in found["data: mnist"].advice


def test_a_default_suite_that_would_not_run_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DEFAULT_SUITE", "nonid")
    (finding,) = doctor.check_suite(None)
    assert finding.state == "problem"
    assert "Did you mean 'noniid'?" in finding.text
