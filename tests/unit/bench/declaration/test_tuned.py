"""``[tuned.DATASET.ALGORITHM]``: what it changes in cells, what goes before it, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from algorithms.fml import FML
from bench.declaration.cell import Cell, cells
from bench.declaration.mistakes import SuiteError
from bench.declaration.suite import load
from bench.declaration.trials import trials
from bench.declaration.tuned import digest, key, keys
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


LOW = '[[tasks]]\nname = "low"\ndataset = "digits"\nclasses = [0, 1, 2]\n'
HIGH = '[[tasks]]\nname = "high"\ndataset = "digits"\nclasses = [9, 8]\n'
CLOTHES = '[[tasks]]\nname = "clothes"\ndataset = "fashion-mnist"\n'
NUMBERS = '[[tasks]]\nname = "numbers"\ndataset = "mnist"\n'


def with_tasks(folder: Path, more: str) -> Path:
    return write(folder, ('datasets = ["digits"]\n', ""), more=more)


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        (LOW + HIGH, "digits"),
        (NUMBERS + CLOTHES + NUMBERS.replace('"numbers"', '"others"'), "fashion-mnist+mnist"),
        (CLOTHES + NUMBERS, "fashion-mnist+mnist"),  # whichever the file names first
    ],
)
def test_values_for_tasks_are_for_all_their_data_sets_together(tmp_path: Path, tasks: str, expected: str) -> None:
    suite = load(with_tasks(tmp_path, tasks))
    assert keys(suite) == (expected,)
    assert key(suite, cells(suite)[0].dataset) == expected


def test_without_tasks_values_are_for_each_data_set(tmp_path: Path) -> None:
    suite = load(write(tmp_path), {"dataset": "digits,mnist"})
    assert keys(suite) == ("digits", "mnist")
    assert key(suite, "mnist") == "mnist"


def test_tuned_values_reach_the_cells_of_tasks(tmp_path: Path) -> None:
    one = with_tasks(tmp_path, TUNED + LOW + HIGH)
    made = found(one)
    fml = made["low+high", "fml"]
    assert (fml.training["optimizer"]["lr"], fml.params) == (0.2, FML(alpha=0.8, beta=0.5).parameters())
    assert made["low+high", "local"].training["optimizer"]["lr"] == 1.0
    assert digest(load(one), "low+high", "fml") == "0123456789abcdef"
    assert found(one, set=["fml.alpha=0.1"])["low+high", "fml"].params["alpha"] == 0.1
    both = TUNED.replace("tuned.digits", 'tuned."fashion-mnist+mnist"') + '[tuned."fashion-mnist".fedavg]\nlr = 0.7\n'
    two = found(with_tasks(tmp_path, both + NUMBERS + CLOTHES))
    assert two["numbers+clothes", "fml"].training["optimizer"]["lr"] == 0.2  # and not 0.3, which is for mnist alone
    assert two["numbers+clothes", "fedavg"].training["optimizer"]["lr"] == 0.05


def test_tasks_that_go_to_another_data_set_leave_their_values_behind(tmp_path: Path) -> None:
    path = with_tasks(tmp_path, TUNED.split("[tuned.mnist")[0] + LOW + HIGH)
    assert found(path)["low+high", "fml"].training["optimizer"]["lr"] == 0.2
    moved = found(path, dataset="mnist")["low+high", "fml"]
    assert (moved.training["optimizer"]["lr"], moved.params["alpha"]) == (0.05, 0.5)
    back = found(with_tasks(tmp_path, TUNED + LOW + HIGH), dataset="mnist")["low+high", "fml"]
    assert back.training["optimizer"]["lr"] == 0.3


def test_trials_of_tasks_are_of_all_tasks_together(tmp_path: Path) -> None:
    suite = load(with_tasks(tmp_path, "[tune.grid]\nlr = [0.1, 0.2]\n" + TUNED + LOW + HIGH), {"alphas": "1"})
    drawn = trials(suite, "digits")
    assert [(trial.algorithm, trial.setting) for trial in drawn[:2]] == [("fml", {"lr": 0.1}), ("fml", {"lr": 0.2})]
    for trial in drawn:
        assert [cell.replicate for cell in trial.cells] == [0, 0, 1, 1, 2, 2]  # two zoos
        for cell in trial.cells:
            assert cell.tuning
            assert cell.reserved == 0.5
            assert [task.name for task in cell.tasks] == ["low", "high"]
            assert cell.params.get("alpha") in (None, 0.5)  # as declared: what was tuned before has no say
    assert {cell.reserved for cell in cells(suite)} == {0.5}


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("[tuned.digit.fml]\nlr = 0.1", "tuned.digit: unknown dataset 'digit'. Did you mean 'digits'?"),
        ('[tuned."mnits+digits".fml]\nlr = 0.1', "tuned.mnits+digits: unknown dataset 'mnits'. Did you mean 'mnist'?"),
        ('[tuned."digits+".fml]\nlr = 0.1', "tuned.digits+: unknown dataset ''."),
        (
            '[tuned."mnist+fashion-mnist".fml]\nlr = 0.1',
            "tuned.mnist+fashion-mnist: expected data sets each once and by the alphabet, 'fashion-mnist+mnist', or no",
        ),
        ('[tuned."digits+digits".fml]\nlr = 0.1', "tuned.digits+digits: expected data sets each once"),
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
