"""What is wrong with a declaration, in the reader's words: one line a mistake, all mistakes at once.

Pydantic finds types and ranges; our own validators report names and contradictions through `mistake`. Either way the
reader gets ``path: expected ..., got ...`` with the path as it was written.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from reprlib import Repr
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from bench.registry import nearest

Path = tuple[str | int, ...]
LINES = 15  # of one message
_LONGEST = 300  # characters of one line: a plugin's own error may be an essay
_NOUNS = {int: ("a whole number", "whole numbers"), float: ("a number", "numbers"), str: ("a text", "texts")}
_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


class SuiteError(Exception):
    """A suite that cannot be used; the message lists every mistake."""


@dataclass(frozen=True)
class Mistake:
    """One mistake: where, and what was expected and what came."""

    path: Path
    text: str


def mistake(text: str) -> PydanticCustomError:
    """For a validator to raise: the text as the reader will see it, at the place being validated."""
    return PydanticCustomError("mistakes", "{text}", {"text": text, "found": None})


def mistakes(found: Sequence[Mistake]) -> PydanticCustomError:
    """For a validator to raise: several mistakes, each with its own place."""
    text = "; ".join(one.text for one in found)
    return PydanticCustomError("mistakes", "{text}", {"text": text, "found": list(found)})


def from_pydantic(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """The mistakes that a validation of `model` found."""
    found: list[Mistake] = []
    for one in error.errors(include_url=False):
        place, kind = one["loc"], one["type"]
        if kind == "mistakes":
            found += one["ctx"]["found"] or [Mistake(place, one["ctx"]["text"])]
        elif kind == "too_short" and one["input"]:
            continue  # items with mistakes of their own, which are reported, do not count as items
        elif kind == "extra_forbidden":
            fields, _ = _bare(_at(model, place[:-1]))
            known = fields.model_fields if isinstance(fields, type) and issubclass(fields, BaseModel) else ()
            found.append(Mistake(place, f"unknown key.{nearest(str(place[-1]), known)}"))
        else:
            got = "" if kind == "missing" else f", got {show(one['input'])}"
            missing = "missing, " if kind == "missing" else ""
            hint = _hint(_at(model, place), one["input"]) if not missing else ""
            found.append(Mistake(place, f"{missing}expected {expected(_at(model, place))}{got}{hint}"))
    return found


def message(title: str, found: Iterable[Mistake], origins: Mapping[Path, str]) -> str:
    """The whole message, at most 15 lines; `origins` says which places an option of the command line filled in.

    >>> print(message("suite mine", [Mistake(("training", "rounds"), "expected a whole number >= 1, got 0")], {}))
    suite mine cannot run, one mistake:
    - training.rounds: expected a whole number >= 1, got 0
    """
    lines = list(dict.fromkeys(f"- {_written(one.path, origins)}: {one.text}" for one in found))
    count = "one mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    if len(lines) > LINES - 1:
        hidden = len(lines) - (LINES - 2)
        lines = [*lines[: LINES - 2], f"and {hidden} more"]
    return "\n".join([f"{title} cannot run, {count}:", *(_one_line(line) for line in lines)])


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def _written(path: Path, origins: Mapping[Path, str]) -> str:
    """A place as the user wrote it: a key of the file or an option; positions in lists are left to the value shown."""
    for length in range(len(path), 0, -1):
        if label := origins.get(path[:length]):
            return ".".join([label, *(part for part in path[length:] if isinstance(part, str))])
    if len(path) == 2 and path[0] == "params":  # a table as a whole: an option that filled it tells more than its name
        for place, label in origins.items():
            if place[:2] == path:
                return label
    return ".".join(part for part in path if isinstance(part, str)) or "the file"


_short = Repr()
_short.maxstring = _short.maxother = 60
_short.maxlist = _short.maxtuple = _short.maxdict = 6


def show(value: object) -> str:
    """A value as TOML would have it, cut where it is long.

    >>> show(True), show((1, "a")), show({"name": "sgd"})
    ('true', "[1, 'a']", "{name = 'sgd'}")
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(show(item) for item in value[:6])}{', ...' if len(value) > 6 else ''}]"
    if isinstance(value, dict):
        items = [f"{key} = {show(item)}" for key, item in list(value.items())[:6]]
        return f"{{{', '.join(items)}{', ...' if len(value) > 6 else ''}}}"
    return _short.repr(value)


def expected(annotation: Any) -> str:
    """What a type with its bounds asks for, in words.

    >>> from pydantic import Field
    >>> expected(Annotated[float, Field(gt=0, le=1)])
    'a number > 0 and <= 1'
    >>> expected(tuple[int, ...])
    'a list of whole numbers'
    """
    return _words(annotation, plural=False)


def _words(annotation: Any, plural: bool) -> str:
    kind, bounds = _bare(annotation)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if get_origin(kind) is tuple:
        least = ", at least one" if any(getattr(bound, "min_length", 0) for bound in bounds) else ""
        return f"a list of {_words(get_args(kind)[0], plural=True)}{least}"
    if kind in _NOUNS:
        limits = [
            f"{sign} {limit:g}"
            for bound in bounds
            for attribute, sign in _SIGNS.items()
            if (limit := getattr(bound, attribute, None)) is not None
        ]
        return " ".join([_NOUNS[kind][plural], " and ".join(limits)]).strip()
    return "tables" if plural else "a table"


def _hint(annotation: Any, value: object) -> str:
    """The nearest option, where there are options."""
    kind, _ = _bare(annotation)
    if get_origin(kind) is not Literal or not isinstance(value, str):
        return ""
    close = nearest(value, get_args(kind))
    return f".{close}" if "Did you mean" in close else ""


def _bare(annotation: Any) -> tuple[Any, list[Any]]:
    """A type without "or None" and Annotated, and the bounds that Annotated held."""
    bounds: list[Any] = []
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *extra = get_args(annotation)
            for item in extra:
                bounds += getattr(item, "metadata", [item])
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(part for part in get_args(annotation) if part is not NoneType)
        else:
            return annotation, bounds


def _at(annotation: Any, place: Path) -> Any:
    """The declared type at a place of a model; a key that the model does not have gives None."""
    if not place:
        return annotation
    kind, _ = _bare(annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(place[0]))
        if field is None:
            return None
        metadata = tuple(field.metadata)
        return _at(Annotated[(field.annotation, *metadata)] if metadata else field.annotation, place[1:])
    inside = get_args(kind)
    if get_origin(kind) is dict:
        return _at(inside[1], place[1:])
    return _at(inside[0], place[1:]) if get_origin(kind) is tuple else None
