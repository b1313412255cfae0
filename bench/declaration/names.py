"""Types for the names in a suite: each is checked against its registry as it is read."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator

from bench.declaration.mistakes import mistake
from bench.registry import ALGORITHMS, DATASETS, NETS, PARTITIONS, ZOOS, Registry, RegistryError, explain

SMALLEST_SHARE = 3  # images of a client: one each to train, validate and test on
_FACTS = ("shape", "classes", "train_size", "test_size", "md5")  # that a data set must tell without being loaded


def _registered(registry: Registry, facts: Iterable[str] = ()) -> AfterValidator:
    """A name that `registry` can load, of a plugin that has these attributes."""

    def check(name: str) -> str:
        try:
            plugin = registry.get(name)
        except RegistryError as error:
            raise mistake(str(error)) from None
        if missing := [fact for fact in facts if not hasattr(plugin, fact)]:
            raise mistake(f"{registry.kind} '{name}' must declare {', '.join(missing)} as class attributes")
        return name

    return AfterValidator(check)


Algorithm = Annotated[str, _registered(ALGORITHMS)]
DataSet = Annotated[str, _registered(DATASETS, _FACTS)]
Partition = Annotated[str, _registered(PARTITIONS, ("uses_alpha",))]
Net = Annotated[str, _registered(NETS)]


def check_zoo(name: str, inline: Iterable[str]) -> str | None:
    """What is wrong with a zoo of this name, where the suite itself defines the zoos `inline`; None: nothing."""
    from bench.nets.zoos import resolve

    if name in inline:
        taken = name in ZOOS.names() or name in NETS.names()
        return f"'{name}' is a built-in zoo or net: give the suite's own zoo another name" if taken else None
    try:
        zoo = resolve(name)
        for net in {*zoo.clients, zoo.shared}:
            NETS.get(net)
    except RegistryError as error:
        return str(error)
    except Exception as error:  # a zoo of someone else's may fail in any way
        return f"zoo '{name}' cannot be used: {explain(error)}"
    return None


def needs_alpha(partitions: Iterable[str]) -> list[str]:
    """Those of the partitions for which alpha is an axis."""
    return [name for name in partitions if getattr(_plugin(PARTITIONS, name), "uses_alpha", False)]


def room_for_clients(clients: int, datasets: Iterable[str]) -> None:
    """Raise a mistake where a data set has too few training images for so many clients."""
    for name in datasets:
        size = getattr(_plugin(DATASETS, name), "train_size", None)
        if isinstance(size, int) and clients * SMALLEST_SHARE > size:
            raise mistake(
                f"expected at most {size // SMALLEST_SHARE} ({name} has {size} training images and a client needs "
                f"{SMALLEST_SHARE}), got {clients}"
            )


def _plugin(registry: Registry, name: str) -> Any:
    """The plugin, or None where it does not load, which is reported where it is named."""
    try:
        return registry.get(name)
    except RegistryError:
        return None
