"""The naive loop is frozen, and does the reference engine's work: else no ratio means anything."""

import ast
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.declaration.digest import normalised
from bench.rounds.nets import build
from bench.speedometer import naive
from bench.speedometer.comparison import FURTHEST
from bench.speedometer.contest import Contest
from tests.unit.bench.speedometer.small import workload

FROZEN = "cef65966724f9ab9"


def test_the_file_is_frozen() -> None:
    """Another digest means another yardstick: every ratio that was ever published would have to be measured anew."""
    tree = ast.parse(Path(naive.__file__).read_text(encoding="utf-8"))
    assert sha256(normalised(tree).encode()).hexdigest()[:16] == FROZEN


def test_it_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(naive.__file__).read_text(encoding="utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert {str(name).split(".")[0] for name in modules} == {"collections", "copy", "torch"}


@pytest.mark.parametrize("side", [8, 28])
@pytest.mark.parametrize("net", ["mlp", "lenet5", "cnn", "cnn1", "cnn2"])
def test_its_nets_are_the_same_functions(net: str, side: int) -> None:
    ours, theirs = build(net, (1, side, side), 10), naive.build(net, 1, side, 10)
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    x = torch.randn(5, 1, side, side)
    torch.testing.assert_close(theirs(x), ours(x)[0])


def test_it_knows_no_other_net() -> None:
    with pytest.raises(ValueError, match="expected mlp, lenet5, cnn, cnn1 or cnn2, got resnet18"):
        naive.build("resnet18", 3, 32, 10)


CASES: dict[str, dict[str, Any]] = {
    "fedavg": {},
    "fedavg-cnn": {"zoo": "cnn"},
    "fml": {"algorithm": "fml"},
    "fml-mixed": {"algorithm": "fml", "zoo": "mixed"},
}


def distances(names: list[str], momentum: float, changes: dict[str, Any], rounds: int = 2) -> dict[str, float]:
    contest = Contest(workload(**changes).plain(), momentum, names)
    for _ in range(rounds):
        for name in names:
            contest.round(name)
    return contest.distances("naive")


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("case", CASES)
def test_it_does_the_reference_engines_work(case: str, momentum: float) -> None:
    """Two rounds: in the second, it shows which momentum survives."""
    apart = distances(["naive", "reference", "naive, DataLoader"], momentum, CASES[case])
    assert apart["reference"] < FURTHEST["fp32"]
    assert apart["naive, DataLoader"] == 0.0


def without_momentum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naive.Settings, "optimiser", lambda self, model: naive.SGD(model.parameters(), lr=self.lr))


def equal_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    mean = naive.mean
    monkeypatch.setattr(naive, "mean", lambda states, weights: mean(states, [1] * len(states)))


def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """FML's local models start each round with a new optimiser."""
    round_ = naive.FML.round

    def forget(self: naive.FML, plans: Any) -> None:
        self.optimizers = [self.settings.optimiser(local) for local in self.locals]
        round_(self, plans)

    monkeypatch.setattr(naive.FML, "round", forget)


def unteachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """FML without mutual learning."""
    monkeypatch.setattr(naive, "kl", lambda student, teacher: 0.0 * student.sum())


@pytest.mark.parametrize(
    ("mutant", "case"),
    [(without_momentum, "fedavg"), (equal_weights, "fedavg"), (forgetful, "fml"), (unteachable, "fml")],
)
def test_other_work_is_found_out(
    mutant: Callable[[pytest.MonkeyPatch], None], case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    assert distances(["naive", "reference"], 0.9, CASES[case])["reference"] > 2 * FURTHEST["fp32"]


def test_bf16_is_told_from_fp32() -> None:
    apart = distances(["naive", "reference", "naive, bf16"], 0.0, {"zoo": "cnn"})
    assert apart["reference"] < 0.001 < apart["naive, bf16"] < FURTHEST["bf16"]


def test_its_images_lie_as_torchvision_gives_them() -> None:
    contest = Contest(workload().plain(), 0.0, ["naive"])
    (cell,) = contest.contestants["naive"].cells  # type: ignore[attr-defined]
    assert cell.data.x.stride() == (64, 64, 8, 1)  # channels last would be (64, 1, 8, 1)


def test_accuracy_is_the_share_of_right_answers() -> None:
    x = torch.eye(4).repeat(3, 1)
    assert naive.accuracy(torch.nn.Identity(), x, torch.tensor([0, 1, 2, 0] * 3), batch=5) == pytest.approx(0.75)
