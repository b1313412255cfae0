"""OUT/report/tuning.md with its figures and tables."""

from collections.abc import Iterator
from pathlib import Path

from bench.records.store import StoreError, save
from bench.records.tuning import Tuning
from reports.figures import files
from reports.figures.plate import Plate
from reports.style import looks
from reports.tables.files import write as write_tables
from reports.tables.table import Table
from reports.tuning import tables
from reports.tuning.sensitivity import plates
from reports.wording import counted, listed, markdown, points

FEW = 3  # tuning replicates below which a choice is mostly chance
SMALL = 0.9  # of a result's client: a trial's that takes clearly fewer steps


def render(out: Path, tuning: Tuning) -> Path:
    """Write the report of a tuning; returns the page's path. Raises StoreError where it cannot be written."""
    report = out / "report"
    drawn = list(plates(tuning, looks(choice.algorithm for choice in tuning.choices)))
    made = [tables.choices(tuning), tables.worth(tuning), tables.trials(tuning)] if tuning.choices else []
    try:
        for folder in ("figures", "tables"):
            (report / folder).mkdir(parents=True, exist_ok=True)
        for plate in drawn:
            files.write(plate, report / "figures")
        write_tables(made, report / "tables")
    except OSError as error:
        raise StoreError(f"cannot write the report in {report}: {error.strerror or error}") from error
    page = report / "tuning.md"
    save(page, "\n\n".join(_blocks(tuning, made, drawn)) + "\n")
    return page


def _blocks(tuning: Tuning, made: list[Table], drawn: list[Plate]) -> Iterator[str]:
    yield f"# Tuning of {markdown(tuning.suite)} {tuning.version} on {markdown(tuning.dataset)}"
    yield f"    {tuning.command}"
    yield _how(tuning)
    for threat in threats(tuning):
        yield f"> {threat}"
    for table in made[:2]:
        yield f"## {table.title}\n\n{table.markdown()}\n{markdown(table.caption)}"
    for plate in drawn:
        yield f"## {plate.title}\n\n![{plate.title}](figures/{plate.stem}.png)\n\n{plate.caption} " + (
            f"[Data](figures/{plate.stem}.csv)"
        )
    for table in made[2:]:
        yield f"## {table.title}\n\n{table.markdown()}\n{markdown(table.caption)}"


def _how(tuning: Tuning) -> str:
    rows = (
        f"on {100 * tuning.reserved:g} % of the training rows, on which no result of the suite tests a client"
        if tuning.reserved
        else "on all training rows, some of which results test clients on"
    )
    rows += f", dealt to {counted(tuning.clients, 'client')}, each {_size(tuning.client_size)} a result's"
    return (
        f"Every algorithm got {counted(tuning.trials, 'setting')} of its grid, each in "
        f"{counted(tuning.replicates, 'tuning replicate')} that no result shares, {rows}; judged by the accuracy of "
        "the model that a client is given on its validation rows, mean over clients, partitions, alphas and zoos."
    )


def _size(ratio: float) -> str:
    """
    >>> _size(1.0), _size(0.5)
    ('as large as', '50 % of')
    """
    return "as large as" if abs(ratio - 1) < 0.005 else f"{100 * ratio:.0f} % of"


def threats(tuning: Tuning) -> list[str]:
    """What to keep in mind, loudest first."""
    found = [f"{markdown(name)}: nothing was chosen, {markdown(why)}." for name, why in tuning.without.items()]
    for choice in tuning.choices:
        if choice.edge:
            value = listed([f"{name} {choice.chosen.setting[name]}" for name in choice.edge])
            found.append(
                f"{markdown(choice.algorithm)}: {markdown(value)} is at the edge of its grid, and a value beyond it "
                "may be better: extend the grid."
            )
        if choice.kept_gain is not None and choice.kept_gain <= 0:
            found.append(
                f"{markdown(choice.algorithm)}: on replicates that had no part in choosing, the choice is worth "
                f"{points(choice.kept_gain)} points over the median setting: it is mostly chance."
            )
    if tuning.replicates < FEW:
        few = counted(tuning.replicates, "tuning replicate")
        found.append(f"{few} only: much of what is chosen is chance; {FEW} or more are advised.")
    if tuning.client_size < SMALL:
        found.append(
            f"A client of a trial had {100 * tuning.client_size:.0f} % of the rows of a result's and took fewer steps: "
            "a learning rate near the end of what is stable in trials can be beyond it in results. Set "
            'tune.clients = "fewer".'
        )
    if not tuning.reserved:
        found.append("No rows were reserved: results test clients on rows that this choice has seen.")
    return found
