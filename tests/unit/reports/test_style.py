"""One look per algorithm, whatever else is in the report."""

from reports.style import COLOURS, KNOWN, extent, fitted, label, looks

STRANGERS = ["ditto", "scaffold", "fedbn", "my method", "méthode"]


def test_ours_have_fixed_looks() -> None:
    assert looks(["local", "fml"]) == {"fml": KNOWN["fml"], "local": KNOWN["local"]}


def test_neither_order_nor_ours_change_a_strangers_look() -> None:
    assert looks(STRANGERS) == looks(reversed(STRANGERS))
    alone = looks(["ditto"])["ditto"]
    assert looks(["ditto", "fml", "fedavg", "fedprox", "local"])["ditto"] == alone


def test_no_two_look_alike_even_in_grey() -> None:
    chosen = looks([*KNOWN, *STRANGERS])
    assert len({(look.marker, look.dash) for look in chosen.values()}) == len(chosen)
    few = looks([*KNOWN, *STRANGERS[:3]])
    assert len({look.colour for look in few.values()}) == len(few) == len(COLOURS)


def test_any_number_of_strangers_gets_a_look() -> None:
    names = [f"method {number}" for number in range(70)]
    assert set(looks(names)) == set(names)


def test_labels_are_plain_text() -> None:
    assert label("$x_%$") == "$x_%$"
    assert label("_hidden") == " _hidden"
    assert label("名前 a") == "?? a"


def test_a_name_is_cut_to_the_room_it_has() -> None:
    long = "federated averaging with a very long name"
    cut = fitted(long, 7.0, 1.0)
    assert cut.endswith("…")
    assert extent(cut, 7.0) <= 1.0 < extent(long, 7.0)
    assert fitted("fml", 7.0, 1.0) == "fml"
    assert fitted("fml", 7.0, 0.01) == "f…"  # never nothing at all
