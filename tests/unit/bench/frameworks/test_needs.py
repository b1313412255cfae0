import pytest

from bench import frameworks
from bench.execution.bundles import bundles
from bench.execution.forecast import resolved
from bench.frameworks import FUNCTIONS, NAMES, NEEDS, needs
from bench.run import main
from tests.frameworks.cells import cell


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(frameworks.NEEDS, "flower", (("flwr_that_nobody_has", "ray_neither"), "flower"))


def test_names_say_what_they_need_and_where_they_are():
    assert NAMES == ("native", "flower", "flower-grpc", "flower-own", "pfl")
    assert NEEDS.keys() == FUNCTIONS.keys()


def test_what_is_missing_is_told_in_one_line(absent: None, capsys: pytest.CaptureFixture[str], tmp_path):
    assert main(["--suite", "smoke", "--framework", "flower", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said == (
        "--framework flower needs flwr_that_nobody_has and ray_neither: pip install -c constraints/flower.txt "
        "'.[flower]' in an environment of its own\n"
    )
    assert not (tmp_path / "out").exists()


def test_other_systems_and_devices_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(frameworks.NEEDS, "flower", ((), "flower"))
    needs.check("flower")
    with pytest.raises(needs.Unusable, match="expected --device cpu, got cuda"):
        needs.check("flower", device="cuda")
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(needs.Unusable, match="expected Linux"):
        needs.check("flower")
    needs.check("native", device="cuda")


def test_a_framework_is_part_of_a_cells_identity():
    native, flower = cell("fedavg"), cell("fedavg", framework="flower")
    assert native.hash != flower.hash
    assert native.axes("training") == flower.axes("training")


def test_cells_of_a_framework_run_on_the_reference_and_alone():
    made = [cell("fedavg", framework="flower", alphas="0.1"), cell("fedavg", framework="flower", alphas="100")]
    assert {each.engine for each in resolved(made, None)} == {"reference"}
    assert [each.engine for each in resolved(made, "vectorised")] == ["vectorised"] * 2
    assert [len(bundle) for bundle in bundles(resolved(made, "vectorised"), lambda _: 1.0, jobs=1)] == [1, 1]
