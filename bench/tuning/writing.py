"""Chosen values into a suite file: under ``[tuned.DATASET.ALGORITHM]``, and not a letter of the rest is touched."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from bench.declaration.mistakes import SuiteError
from bench.declaration.suite import load
from bench.declaration.tuned import SOURCE
from bench.records.store import save
from bench.records.tuning import Choice, Tuning

DIGITS = 4  # of the accuracy that is written beside the values


def write(path: Path, tunings: Sequence[Tuning]) -> None:
    """Put the choices into a suite file, in place of earlier ones of the same data set and algorithm.

    Raises SuiteError where the file is not TOML, or would not load with them; then it is left as it was. StoreError
    where it cannot be written.
    """
    try:
        before = path.read_text(encoding="utf-8")
        text = changed(before, tunings)
    except OSError as error:
        raise SuiteError(f"suite file {path} cannot be read: {error.strerror or error}") from None
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise SuiteError(f"suite file {path} is not TOML: {error}") from None
    _check(path, text)
    save(path, text)


def changed(text: str, tunings: Sequence[Tuning]) -> str:
    """A suite file's text with these choices.

    >>> from bench.records.tuning import Tuning
    >>> changed("name = 'a'  # mine", [Tuning("a", "1.0", "digits", "", 1, 1, 0.5, 5, 1.0, [], {})])
    "name = 'a'  # mine"
    """
    document = tomlkit.parse(text)
    for tuning in tunings:
        for choice in tuning.choices:
            _table(_table(document, "tuned"), tuning.dataset)[choice.algorithm] = _values(tuning, choice)
    return tomlkit.dumps(document)


def snippet(tunings: Sequence[Tuning]) -> str:
    """The choices alone, as a suite file has them."""
    return changed("", tunings).strip()


def _table(parent: Any, name: str) -> Any:
    """The table of this name, made if need be; one that holds only tables gets no line of its own."""
    if name not in parent:
        parent[name] = tomlkit.table(is_super_table=True)
    return parent[name]


def _values(tuning: Tuning, choice: Choice) -> Any:
    table = tomlkit.table()
    for name, value in choice.chosen.setting.items():
        table[name] = value
    source = tomlkit.inline_table()
    source.update(
        {
            "digest": choice.digest,
            "command": tuning.command,
            "trials": len(choice.tried),
            "replicates": tuning.replicates,
            "reserved": tuning.reserved,
            "accuracy": round(choice.chosen.accuracy, DIGITS),
            **({"edge": list(choice.edge)} if choice.edge else {}),
        }
    )
    table[SOURCE] = source
    return table


def _check(path: Path, text: str) -> None:
    """Raise SuiteError where the new file would not load."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / path.name
        trial.write_text(text, encoding="utf-8")
        try:
            load(trial)
        except SuiteError as error:
            told = str(error).replace(str(trial), str(path))
            raise SuiteError(f"the values cannot stand in {path}, which is left as it was: {told}") from None
