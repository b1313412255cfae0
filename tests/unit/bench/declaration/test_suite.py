"""Suite files: what loads, what is refused and in which words."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import suites
from bench.declaration import studies
from bench.declaration.gate import Band
from bench.declaration.mistakes import LINES
from bench.declaration.suite import Suite, SuiteError, load
from bench.parameters import check_fields, number
from bench.registry import ALGORITHMS, PARTITIONS, ZOOS, Registry
from tests.unit.bench.declarations import refusal, write

Register = Callable[[Registry, str, Any], None]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Make a plugin known for one test."""

    def keep(registry: Registry, name: str, plugin: Any) -> None:
        monkeypatch.setitem(registry._loaded, name, (__name__, plugin))

    return keep


def test_the_documented_example_loads_as_it_is(tmp_path: Path) -> None:
    suite = load(write(tmp_path))
    assert suite.alphas == (0.1, 0.5, 1.0, 100.0)
    assert suite.training.optimizer.momentum == 0.9
    assert suite.params == {"fedprox": {"mu": 0.01}, "fml": {"alpha": 0.5, "beta": 0.5}}
    assert suite.time_limit == 7200


@pytest.mark.parametrize("name", suites.names())
def test_built_in_suites_load_and_are_named_like_their_files(name: str) -> None:
    expected = {"fml-audit": "local", "frameworks": "fedavg", "niid-bench": "fedavg", "pfedes": "local"}.get(
        name, "fml"
    )
    for suite in studies.load(name).suites:
        assert suite.name == name
        assert suite.reference in {expected, "local"} if name == "paper" else suite.reference == expected
    assert suites.summary(suites.find(name))


def test_a_suite_is_frozen() -> None:
    suite = load("smoke")
    with pytest.raises(ValueError, match="frozen"):
        suite.replicates = 3  # type: ignore[misc]


def test_importing_the_file_format_needs_no_torch() -> None:
    code = "import sys, bench.declaration.suite; sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_three_mistakes_are_shown_as_three(tmp_path: Path) -> None:
    path = write(tmp_path, ("lr = 0.05", "lr = -1"), ('"fedavg"', '"fedagv"'), ("evaluate_every", "evaluate_evry"))
    with pytest.raises(SuiteError) as caught:
        load(path)
    assert str(caught.value).splitlines() == [
        f"suite {path} cannot run, 3 mistakes:",
        "- algorithms: unknown algorithm 'fedagv'. Did you mean 'fedavg'?",
        "- training.optimizer.lr: expected a number > 0, got -1",
        "- training.evaluate_evry: unknown key. Did you mean 'evaluate_every'?",
    ]


def test_a_long_list_is_cut_at_fifteen_lines(tmp_path: Path) -> None:
    path = write(tmp_path, ("replicates", "\n".join(f"extra{k} = 1" for k in range(40)) + "\nreplicates"))
    lines = refusal(path)
    assert len(lines) == LINES - 1
    assert lines[-1] == "and 27 more"


MISTAKES = {
    "text for number": ("rounds = 30", 'rounds = "30"', "training.rounds: expected a whole number >= 1, got '30'"),
    "fraction for whole": ("rounds = 30", "rounds = 1.5", "training.rounds: expected a whole number >= 1, got 1.5"),
    "boolean for number": (
        "clients = 10",
        "clients = true",
        "training.clients: expected a whole number >= 1, got true",
    ),
    "no clients": ("clients = 10", "clients = 0", "training.clients: expected a whole number >= 1, got 0"),
    "clients without images": (
        "clients = 10",
        "clients = 480",
        "training.clients: expected at most 479 (digits has 1437 training images and a client needs 3), got 480",
    ),
    "alpha 0": ("[0.1,", "[0,", "alphas: expected a number > 0, got 0"),
    "alpha not finite": ("[0.1,", "[nan,", "alphas: expected a number > 0, got nan"),
    "alphas twice": ("0.5, 1.0", "1, 1.0", "alphas: expected each value once, got 1.0 more than once"),
    "no alphas": (
        "[0.1, 0.5, 1.0, 100.0]",
        "[]",
        "alphas: expected at least one number > 0, which dirichlet-capped needs, got none",
    ),
    "no list": ('["digits"]', '"digits"', "datasets: expected a list of texts, at least one, got 'digits'"),
    "empty list": ('["digits"]', "[]", "datasets: expected a list of texts, at least one, got []"),
    "number for name": ('["digits"]', "[1]", "datasets: expected a text, got 1"),
    "no table": (
        "[params.fedprox]\nmu = 0.01",
        "[params]\nfedprox = 1",
        "params.fedprox: expected a table of parameters, got 1",
    ),
    "unknown data set": ('"digits"', '"digit"', "datasets: unknown dataset 'digit'. Did you mean 'digits'?"),
    "unknown partition": (
        '"dirichlet-capped"',
        '"dirichlet-caped"',
        "partitions: unknown partition 'dirichlet-caped'. Did you mean 'dirichlet-capped'?",
    ),
    "unknown zoo": ('"mixed"', '"mixd"', "zoos: unknown zoo 'mixd'. Did you mean 'mixed'?"),
    "algorithm twice": ('"fedavg"', '"fml"', "algorithms: expected each value once, got 'fml' more than once"),
    "reference elsewhere": (
        'reference = "fml"',
        'reference = "fm"',
        "reference: expected one of the suite's algorithms, got 'fm'. Did you mean 'fml'?",
    ),
    "share above one": (
        "participation = 1.0",
        "participation = 1.5",
        "training.participation: expected a number > 0 and <= 1, got 1.5",
    ),
    "per cent": ("= 0.8", "= 80", "target_accuracy: expected a number > 0 and <= 1, got 80"),
    "missing": ("batch_size = 32", "", "training.batch_size: missing, expected a whole number >= 1"),
    "both budgets": (
        "local_epochs = 2",
        "local_epochs = 2\nlocal_steps = 9",
        "training: expected one of local_epochs and local_steps, got both",
    ),
    "no budget": ("local_epochs = 2", "", "training: expected one of local_epochs and local_steps, got neither"),
    "unknown option": (
        '{name = "sgd"',
        '{name = "sdg"',
        "training.optimizer.name: expected one of sgd, adam, got 'sdg'. Did you mean 'sgd'?",
    ),
    "adam with momentum": (
        '{name = "sgd"',
        '{name = "adam"',
        "training.optimizer.momentum: expected 0 or no such key with adam, which has its own momentum, got 0.9",
    ),
    "step without every": (
        '{name = "constant"}',
        '{name = "step"}',
        "training.lr_schedule.every: missing, expected a whole number of rounds >= 1 with the schedule 'step'",
    ),
    "gamma without step": (
        '{name = "constant"}',
        '{name = "cosine", gamma = 0.5}',
        "training.lr_schedule.gamma: expected no such key with the schedule 'cosine', got 0.5",
    ),
    "parameter out of range": ("mu = 0.01", "mu = -0.5", "params.fedprox.mu: expected a number >= 0, got -0.5"),
    "parameter of another type": ("mu = 0.01", 'mu = "big"', "params.fedprox.mu: expected a number, got 'big'"),
    "parameter that is a list": (
        "mu = 0.01",
        "mu = [0.01, 0.1]",
        "params.fedprox.mu: expected a single value, got [0.01, 0.1]",
    ),
    "unknown parameter": (
        "beta = 0.5",
        "betta = 0.5",
        "params.fml.betta: unknown parameter of fml. Did you mean 'beta'?",
    ),
    "parameter of none": ("[params.fedprox]", "[params.fedavg]", "params.fedavg.mu: fedavg has no parameters"),
    "parameters of no one": (
        "[params.fedprox]",
        "[params.fedporx]",
        "params.fedporx: no algorithm or partition of this suite. Did you mean 'fedprox'?",
    ),
    "name that is no folder": (
        'name = "noniid"',
        'name = "../noniid"',
        "name: expected letters, digits and . _ - only (it names a folder), got '../noniid'",
    ),
    "version": ('"1.0"', '"one"', "version: expected a version such as '1.0' or '1.0.2', got 'one'"),
    "unknown key": ("replicates", "replicate", "replicate: unknown key. Did you mean 'replicates'?"),
}


@pytest.mark.parametrize(("old", "new", "line"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_named_with_what_was_expected_and_what_came(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert refusal(write(tmp_path, (old, new))) == [f"- {line}"]


def test_a_mistake_does_not_hide_those_that_depend_on_its_place(tmp_path: Path) -> None:
    """Too many clients, a missing reference and wrong parameters show although their tables have other mistakes."""
    path = write(
        tmp_path,
        ('"local"]', '"lokal"]'),
        ('reference = "fml"', 'reference = "fedsgd"'),
        ("rounds = 30", "rounds = 0"),
        ("clients = 10", "clients = 1000"),
        ("mu = 0.01", "mu = -1"),
    )
    assert [line.split(":")[0] for line in refusal(path)] == [
        "- algorithms",
        "- reference",
        "- training.rounds",
        "- training.clients",
        "- params.fedprox.mu",
    ]


def test_a_partition_without_alpha_needs_no_alphas(tmp_path: Path) -> None:
    suite = load(write(tmp_path, ("dirichlet-capped", "iid"), ("alphas = [0.1, 0.5, 1.0, 100.0]", "")))
    assert suite.alphas == ()


def test_whole_numbers_stand_for_numbers_but_not_the_reverse(tmp_path: Path) -> None:
    suite = load(write(tmp_path, ("lr = 0.05", "lr = 1"), ("[0.1,", "[2,")))
    assert suite.training.optimizer.lr == 1.0
    assert [type(alpha) for alpha in suite.alphas] == [float] * 4


# Files that are no suites


def test_unknown_suite_names_the_nearest() -> None:
    with pytest.raises(SuiteError, match=r"unknown suite 'nonid'\. Did you mean 'noniid'\?"):
        load("nonid")


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"expected a suite file at .*none\.toml, found nothing there"):
        load(tmp_path / "none.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(SuiteError, match="found a folder there"):
        load(tmp_path / "folder.toml")


def test_a_syntax_error_tells_file_and_line(tmp_path: Path) -> None:
    path = write(tmp_path, ("replicates = 5", "replicates = "))
    with pytest.raises(SuiteError, match=r"suite\.toml is not TOML: Invalid value \(at line 9"):
        load(path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "suite.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SuiteError, match="is not TOML"):
        load(tmp_path / "suite.toml")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path)

    def deny(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", deny)
    with pytest.raises(SuiteError, match=r"suite file .* cannot be read: Permission denied"):
        load(path)


# Plugins


def test_a_contradiction_among_parameters_is_laid_at_the_tables_door(tmp_path: Path, register: Register) -> None:
    @dataclasses.dataclass(frozen=True)
    class Between:
        """Two parameters that must be in order."""

        low: float = number(0.0)
        high: float = number(1.0)

        def __post_init__(self) -> None:
            check_fields(self)
            if self.low > self.high:
                raise ValueError(f"expected low <= high, got {self.low} and {self.high}")

    register(ALGORITHMS, "test-between", Between)
    change = ('"fedavg"', '"test-between"')
    good = write(tmp_path, change, more="[params.test-between]\nlow = 5\nhigh = 6\n")
    assert load(good).params["test-between"] == {"low": 5, "high": 6}
    bad = write(tmp_path, change, more="[params.test-between]\nlow = 0.9\nhigh = 0.8\n")
    assert refusal(bad) == ["- params.test-between: expected low <= high, got 0.9 and 0.8"]


def test_plugins_that_do_not_keep_the_contract_are_named(tmp_path: Path, register: Register) -> None:
    class Bare:
        """No dataclass."""

    @dataclasses.dataclass(frozen=True)
    class Failing:
        """Fails whatever it is given."""

        def __post_init__(self) -> None:
            raise RuntimeError("out of\norder")

    def homeless() -> None:
        """A zoo that is none."""

    register(ALGORITHMS, "test-bare", Bare)
    register(ALGORITHMS, "test-failing", Failing)
    register(PARTITIONS, "test-silent", dataclasses.make_dataclass("Silent", []))
    register(ZOOS, "test-homeless", homeless)
    path = write(
        tmp_path,
        ('"fedavg"', '"test-bare", "test-failing"'),
        ('"dirichlet-capped"', '"test-silent"'),
        ('"mixed"', '"test-homeless"'),
    )
    partition, zoo, bare, failing = refusal(path)
    assert partition == "- partitions: partition 'test-silent' must declare uses_alpha as class attributes"
    assert zoo.startswith("- zoos: zoo 'test-homeless' cannot be used: TypeError: ")
    assert bare == "- algorithms: algorithm 'test-bare' must be a dataclass: its fields are its parameters"
    assert failing.startswith("- algorithms: RuntimeError: out of order (test_suite.py, line ")


def test_every_model_of_the_format_refuses_unknown_keys() -> None:
    models = [
        Suite,
        Band,
        *(f.annotation for f in Suite.model_fields.values() if hasattr(f.annotation, "model_config")),
    ]
    assert len(models) == 5
    assert all(model.model_config["extra"] == "forbid" and model.model_config["frozen"] for model in models)
