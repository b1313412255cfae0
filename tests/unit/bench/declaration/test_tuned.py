"""``[tuned.DATASET.ALGORITHM]``: what it changes in cells, what goes before it, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from algorithms.fml import FML
from bench.declaration.cell import Cell, cells
from bench.declaration.mistakes import SuiteError
from bench.declaration.suite import load
from bench.declaration.trials import trials
from bench.declaration.tuned import digest
from bench.parameters import ParameterError
from tests.unit.bench.declarations import write

SOURCE = 'source = {digest = "0123456789abcdef", command = "python -m bench.tune x", trials = 4, replicates = 3'
TUNED = f"""
[tuned.digits.fml]
lr = 0.2
alpha = 0.8
{SOURCE}, accuracy = 0.9, edge = ["alpha"]}}
[tuned.digits.local]
lr = 1
[tuned.mnist.fml]
lr = 0.3
beta = 0.1
"""


def found(path: Path, **options: Any) -> dict[tuple[str, str], Cell]:
    return {(cell.dataset, cell.algorithm): cell for cell in cells(load(path, {"replicates": "1", **options}))}


def test_tuned_values_stand_in_the_cells_of_their_data_set_and_algorithm(tmp_path: Path) -> None:
    made = found(write(tmp_path, more=TUNED), dataset="digits,mnist")
    assert {key: (cell.training["optimizer"]["lr"], cell.params) for key, cell in made.items()} == {
        ("digits", "fml"): (0.2, FML(alpha=0.8, beta=0.5).parameters()),
        ("digits", "fedavg"): (0.05, {}),
        ("digits", "fedprox"): (0.05, {"mu": 0.01}),
        ("digits", "local"): (1.0, {}),
        ("mnist", "fml"): (0.3, FML(alpha=0.5, beta=0.1).parameters()),
        ("mnist", "fedavg"): (0.05, {}),
        ("mnist", "fedprox"): (0.05, {"mu": 0.01}),
        ("mnist", "local"): (0.05, {}),
    }


def test_a_cell_is_the_same_whether_its_values_are_tuned_or_declared(tmp_path: Path) -> None:
    tuned = found(write(tmp_path, more=TUNED), algorithms="fml")["digits", "fml"]
    (tmp_path / "other").mkdir()
    declared = write(tmp_path / "other", ("lr = 0.05", "lr = 0.2"), ("alpha = 0.5\n", "alpha = 0.8\n"))
    assert found(declared, algorithms="fml")["digits", "fml"].hash == tuned.hash


def test_what_tuning_adds_to_a_suite_leaves_other_cells_their_names(tmp_path: Path) -> None:
    before = found(write(tmp_path))
    after = found(write(tmp_path, more=TUNED))
    assert [key for key in before if before[key].hash != after[key].hash] == [("digits", "fml"), ("digits", "local")]


def test_reserved_rows_are_part_of_what_a_result_is(tmp_path: Path) -> None:
    grid = "[tune.grid]\nlr = [0.1]\n"
    plain, default = found(write(tmp_path)), found(write(tmp_path, more=grid))
    none = found(write(tmp_path, more=f"[tune]\nreserved = 0.0\n{grid}"))
    assert {cell.reserved for cell in default.values()} == {0.5}
    assert all(cell.hash != default[key].hash for key, cell in plain.items())
    assert {key: cell.hash for key, cell in plain.items()} == {key: cell.hash for key, cell in none.items()}
    assert "reserved" not in plain["digits", "fml"].identity()


def test_the_command_line_goes_before_tuned_values(tmp_path: Path) -> None:
    path = write(tmp_path, more=TUNED)
    made = found(path, set=["fml.alpha=0.1"])["digits", "fml"]
    assert (made.params["alpha"], made.training["optimizer"]["lr"]) == (0.1, 0.2)
    for text in ("training.optimizer.lr=0.7", "training.optimizer={name='sgd', lr=0.7}"):
        made = found(path, set=[text])["digits", "fml"]
        assert (made.params["alpha"], made.training["optimizer"]["lr"]) == (0.8, 0.7)
        assert found(path, set=[text])["digits", "local"].training["optimizer"]["lr"] == 0.7
    made = found(path, set=["training.batch_size=16"])["digits", "fml"]
    assert made.training["optimizer"]["lr"] == 0.2


def test_what_options_leave_out_takes_its_values_along(tmp_path: Path) -> None:
    suite = load(write(tmp_path, more=TUNED), {"algorithms": "local,fedavg"})
    assert suite.tuned is not None
    assert list(suite.tuned["digits"]) == ["local"]


def test_records_are_told_which_trials_their_values_come_from(tmp_path: Path) -> None:
    suite = load(write(tmp_path, more=TUNED))
    assert digest(suite, "digits", "fml") == "0123456789abcdef"
    assert digest(suite, "digits", "local") is None  # by hand
    assert digest(suite, "mnist", "fml") is None
    assert digest(load(write(tmp_path)), "digits", "fml") is None


VARIANTS = """
[variants.half]
algorithm = "fml"
lr_factor = 0.5
[variants.beta]
algorithm = "fml"
params = {beta = 0.3}
"""


def varied(folder: Path, more: str, **options: Any) -> dict[str, tuple[float, float, float]]:
    """Learning rate, alpha and beta of FML and its variants."""
    path = write(folder, ('algorithms = ["fml",', 'algorithms = ["fml", "half", "beta",'), more=VARIANTS + more)
    made = {name: cell for (_, name), cell in found(path, **options).items() if cell.plugin == "fml"}
    return {
        name: (
            cell.training["optimizer"]["lr"] * cell.lr_factor,
            float(cell.params["alpha"]),
            float(cell.params["beta"]),
        )
        for name, cell in made.items()
    }


def test_a_variant_has_the_tuned_values_of_its_algorithm_unless_it_has_a_table_of_its_own(tmp_path: Path) -> None:
    both = "[tuned.digits.fml]\nlr = 0.2\nbeta = 0.9\n"
    assert varied(tmp_path, both) == {"fml": (0.2, 0.5, 0.9), "half": (0.1, 0.5, 0.9), "beta": (0.2, 0.5, 0.3)}
    own = both + "[tuned.digits.half]\nlr = 0.4\nalpha = 0.8\n[tuned.digits.beta]\nbeta = 0.7\n"
    assert varied(tmp_path, own) == {"fml": (0.2, 0.5, 0.9), "half": (0.2, 0.8, 0.5), "beta": (0.05, 0.5, 0.7)}
    assert varied(tmp_path, both, algorithms="half") == {"half": (0.1, 0.5, 0.9)}  # though fml itself does not run


def test_the_values_of_a_variant_are_held_to_its_algorithm(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"tuned.digits.half.alpha: expected a number from 0 to 1, got 2.0"):
        varied(tmp_path, "[tuned.digits.half]\nalpha = 2.0\n")


def test_clients_with_tasks_have_no_data_set_to_tune_for(tmp_path: Path) -> None:
    tasks = '[[tasks]]\nname = "low"\ndataset = "digits"\nclasses = [0, 1]\n'
    for more, key in (("[tuned.digits.fml]\nlr = 0.1\n", "tuned"), ("[tune.grid]\nlr = [0.1]\n", "tune")):
        with pytest.raises(SuiteError, match=rf"{key}: expected no such table beside \[\[tasks\]\]"):
            load(write(tmp_path, ('datasets = ["digits"]\n', ""), more=more + tasks))
    plain = load(write(tmp_path, ('datasets = ["digits"]\n', ""), more=tasks))
    with pytest.raises(SuiteError, match="values are tuned for a data set"):
        trials(plain, "digits")


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("[tuned.digit.fml]\nlr = 0.1", "tuned.digit: unknown dataset 'digit'. Did you mean 'digits'?"),
        ("[tuned.digits.fmll]\nlr = 0.1", "tuned.digits.fmll: no algorithm of this suite. Did you mean 'fml'?"),
        ("[tuned.digits.fml]\nlr = 0.0", "tuned.digits.fml.lr: expected a number > 0, got 0.0"),
        ("[tuned.digits.fml]\nlr = [0.1]", "tuned.digits.fml.lr: expected a single value, got [0.1]"),
        ("[tuned.digits.fml]\nalpha = 2.0", "tuned.digits.fml.alpha: expected a number from 0 to 1, got 2.0"),
        ("[tuned.digits.fml]\nalfa = 0.2", "tuned.digits.fml.alfa: unknown parameter of fml. Did you mean 'alpha'?"),
        ("[tuned.digits]\nfml = 0.2", "tuned.digits.fml: expected a table of values, got 0.2"),
        ("[tuned]\ndigits = 0.2", "tuned.digits: expected a table of algorithms, got 0.2"),
        (f"[tuned.digits.fml]\n{SOURCE}}}", "tuned.digits.fml.source.accuracy: missing, expected a number"),
    ],
)
def test_values_that_make_no_sense_are_named(tmp_path: Path, more: str, line: str) -> None:
    with pytest.raises(SuiteError) as refused:
        load(write(tmp_path, more=more))
    assert f"- {line}" in str(refused.value)


MOVING = ("alpha = 0.5\n", 'alpha = 0.5\nalpha_schedule = "linear"\nalpha_end = 0.7\n')


def test_a_tuned_value_that_contradicts_a_declared_one_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, MOVING, more="[tuned.digits.fml]\nalpha = 0.7\n")
    words = r"tuned.digits.fml: alpha_end: expected another value than alpha with a schedule, got 0.7 for both"
    with pytest.raises(SuiteError, match=words):
        load(path)


def test_a_variant_that_contradicts_the_tuned_values_of_its_algorithm_is_named(tmp_path: Path) -> None:
    moving = '{alpha_schedule = "linear", alpha_end = 0.7}'
    path = write(
        tmp_path,
        ('"fml", "fedavg"', '"fml", "moving", "fedavg"'),
        more=f'[variants.moving]\nalgorithm = "fml"\nparams = {moving}\n[tuned.digits.fml]\nalpha = 0.7\n',
    )
    with pytest.raises(ParameterError, match=r"moving on digits, with its tuned values: alpha_end: expected another"):
        cells(load(path))


def test_tuned_values_that_are_no_tables_survive_options(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text("tuned = 3\ntune = 4\n" + path.read_text())
    with pytest.raises(SuiteError, match=r"tuned: expected tables such as \[tuned.digits.fml\], got 3"):
        load(path, {"algorithms": "fml", "set": ["fml.alpha=0.1"]})
