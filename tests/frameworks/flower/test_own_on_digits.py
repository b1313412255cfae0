"""How far a rounding grows on digits, and that it is one; the table of docs/frameworks/flower-own.md.

When it makes a jump hangs on the last bit of each product, and so on the processor: no test asks for that.
"""

from pathlib import Path

import pytest

from bench.rounds import group
from tests.frameworks.cells import cell
from tests.frameworks.flower.arithmetic import FedAvg32, FedProx32
from tests.frameworks.flower.strategies import flowers, gap, largest, ours

FRAMEWORKS = {"suite": "frameworks", "alphas": "0.5"}
SMOKE = {"suite": "smoke", "clients": "4", "rounds": "5"}


@pytest.mark.parametrize(
    ("algorithm", "zoo", "choices"),
    [
        ("fedavg", "mlp", FRAMEWORKS),
        ("fedprox", "mlp", FRAMEWORKS),
        ("fedavg", "cnn", FRAMEWORKS),
        ("fedprox", "cnn", FRAMEWORKS),
        ("fedavg", "mlp", SMOKE),
        ("fedprox", "mlp", SMOKE),
    ],
)
def test_a_rounding_that_grows_is_gone_with_flowers_lines(
    algorithm: str, zoo: str, choices: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = cell(algorithm, zoo, **choices)
    (outcome, mine), (theirs, other) = ours(declared, tmp_path / "ours"), flowers(declared, tmp_path / "theirs")
    gaps = [gap(mine[number], other[number]) for number in mine]
    accuracies = [100 * each["result"]["at_headline"]["global"]["accuracy"] for each in (outcome, theirs)]
    print(
        algorithm, zoo, choices["suite"], *(f"{each:.1e}" for each in gaps), *(f"{each:.2f} %" for each in accuracies)
    )
    assert len(gaps) == 5
    assert 0 < gaps[0] < 1e-7
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.5)
    explained = {"fedavg": FedAvg32, "fedprox": FedProx32}[algorithm]
    monkeypatch.setattr(group.ALGORITHMS, "get", lambda name: explained)
    assert largest(ours(declared, tmp_path / "explained")[1], other) == 0
