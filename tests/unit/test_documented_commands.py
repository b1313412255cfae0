"""The commands that README and documents give: each is one that can be run here, if it names no file of yours."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import run, suites, tune
from bench.asked import plan

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
ELSEWHERE = {"--plugin", "--split-folder", "--executor", "--framework"}  # files of yours, and what an extra brings


def commands() -> Iterator[str]:
    """Every command line of `bench.run` and `bench.tune` in a block of code, for a suite that comes with us."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in re.findall(r"^ *(?:\S+ && )*\S*python -m (bench\.(?:run|tune) .*)$", text, re.MULTILINE):
            words = shlex.split(line, comments=True)
            if set(suites.names()) & set(words) and not ELSEWHERE & set(words) and "`" not in line:
                yield shlex.join(words)


FOUND = sorted(set(commands()))


@pytest.mark.parametrize("command", FOUND)
def test_a_documented_command_can_be_run(command: str) -> None:
    module, *arguments = shlex.split(command)
    if module == "bench.run":
        assert plan(run.parser().parse_args([*arguments, "--dry-run"])).everything
    else:
        assert all(study.cells for study in tune._studies(tune.parser().parse_args(arguments)))


def test_there_are_commands_to_look_at() -> None:
    assert len(FOUND) >= 20
