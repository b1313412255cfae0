"""Which choices decide, in fixed words, by rule.

A choice *moves* an algorithm where its effect is better or worse by the rule of all verdicts. It *decides* how the
algorithm stands against a yardstick where the verdict with it is another one than without it, and neither is undecided.
"""

from collections.abc import Sequence

from reports.analysis.against import Judged
from reports.analysis.choices import Choices, Effect, FromBase
from reports.sentences import difference
from reports.statistics import ROPE, Verdict
from reports.wording import listed, points

RULE = (
    "Variants of an algorithm that takes part itself, each minus it, paired. A choice decides how the algorithm stands "
    "against another one where the verdict with the change is not that without it, and neither is undecided. The rule "
    "of the words is that of all verdicts."
)
_ORDER: tuple[Verdict, ...] = ("better", "worse", "practically equal", "undecided")


def paragraphs(found: Choices) -> list[str]:
    """The rule, then one paragraph per base."""
    return [RULE, *(paragraph(each) for each in found.bases)]


def paragraph(found: FromBase) -> str:
    """What the single choices of one base do."""
    said = [f"From {found.base} ({_stands(found)}):"]
    if found.singles:
        first = found.singles[0]
        said.append(
            f"the largest effect of one choice is that of {first.change.choice} ({first.change.name}), "
            f"{difference(first.effect.estimate)}, {first.effect.verdict}."
        )
        said += [_decided(found, yardstick) for yardstick in found.against]
        said.append(_sorted(found.singles))
    return " ".join([*said, *_missing([*found.singles, *found.corners])])


def _missing(effects: Sequence[Effect]) -> list[str]:
    """What did not finish, and what it could have changed."""
    return [
        f"{each.change.name} lacks {bounds.missing} of {bounds.pairs} pairs (see how its cells ended): with them its "
        f"effect could have been anything in [{points(bounds.low)}, {points(bounds.high)}] points."
        for each in effects
        if (bounds := each.effect.bounds)
    ]


def _stands(found: FromBase) -> str:
    return "; ".join(_against(judged) for judged in found.against.values()) or "nothing to compare it with finished"


def _against(judged: Judged) -> str:
    words = {"better": "better than", "worse": "worse than", "practically equal": "practically equal to"}
    word = words.get(judged.verdict, "undecided against")
    return f"{word} {judged.pair.second}, {difference(judged.estimate)}"


def _decided(found: FromBase, yardstick: str) -> str:
    if found.against[yardstick].verdict == "undecided":
        return f"Against {yardstick} it is undecided, so no choice can be seen to decide that."
    turned = found.turned(yardstick)
    if not turned:
        return f"No single choice turns the verdict against {yardstick}."
    each = [f"{one.change.choice} ({one.change.name}: {one.against[yardstick].verdict})" for one in turned]
    return f"The verdict against {yardstick} is turned by {listed(each)}."


def _sorted(effects: Sequence[Effect]) -> str:
    groups = {word: [each.change.name for each in effects if each.effect.verdict == word] for word in _ORDER}
    heads = {
        "better": "better",
        "worse": "worse",
        "practically equal": f"no difference (within {points(ROPE)[1:]} points)",
        "undecided": "undecided",
    }
    said = [f"{heads[word]}: {listed(names, 20)}" for word, names in groups.items() if names]
    return f"By the effect alone, {'; '.join(said)}."
