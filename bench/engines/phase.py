"""Which tensors a local stage trains."""

from collections.abc import Mapping
from typing import cast

from bench.plugin import Part, Parts, Phase


def trained_names(phase: Phase, nets: Mapping[str, Parts]) -> dict[str, frozenset[str]]:
    """Which tensors a phase trains, by slot: "slot" is all of it, "slot/head" a part. Raises ValueError."""
    names: dict[str, frozenset[str]] = {}
    for target in phase.trains:
        slot, _, part = target.partition("/")
        if slot not in nets or part not in ("", "head", "body", "norm"):
            raise ValueError(
                f"a phase trains '{target}': expected a slot of {sorted(nets)}, or slot/head, /body, /norm"
            )
        whole = nets[slot].parameters
        chosen = whole if not part else whole & nets[slot].named(cast(Part, part))
        names[slot] = names.get(slot, frozenset()) | chosen
    return names
