import json
import subprocess
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import pytest

from bench.host import provenance as module
from bench.host.provenance import FRAMEWORKS, processor, provenance


def test_all_that_may_matter_is_told_as_json():
    found = json.loads(json.dumps(provenance(["--suite", "smoke"])))
    assert found.keys() == {
        *("commit", "dirty", "versions", "processor", "cores", "threads", "platform", "started", "argv")
    }
    libraries = {"python", "torch", "torchvision", "numpy", "scipy", "scikit-learn", "pandas"}
    frameworks = {name for name in FRAMEWORKS if find_spec(name)}
    assert found["versions"].keys() == libraries | frameworks
    assert found["argv"] == ["--suite", "smoke"]
    assert found["cores"] >= found["threads"] == 1
    assert datetime.fromisoformat(found["started"]).tzinfo is not None
    assert processor() != ""


def test_a_checkout_tells_its_commit_and_whether_files_differ(tmp_path: Path):
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *identity, "-C", str(tmp_path), *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    git("init", "--quiet")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "--quiet", "--message", "one")
    assert module._checkout(tmp_path) == (git("rev-parse", "HEAD"), False)
    (tmp_path / "file").write_text("two")
    assert module._checkout(tmp_path) == (git("rev-parse", "HEAD"), True)


def test_an_installed_copy_has_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert module._checkout(tmp_path) == (None, None)
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", "")
    assert module._checkout(tmp_path) == (None, None)


def test_the_processor_is_named_on_every_system(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr(module, "_output", lambda *command: "Apple M9" if command[0] == "sysctl" else None)
    assert processor() == "Apple M9"
    monkeypatch.setattr(module, "_output", lambda *command: None)
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert processor() == "arm64"
