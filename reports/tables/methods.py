"""Tables of algorithms: interquartile means and profiles, mean ranks, clients, costs."""

from collections.abc import Sequence

import numpy as np

from reports.analysis import Analysis, Field
from reports.analysis.fields import THRESHOLDS
from reports.statistics import LEVEL
from reports.tables.kinds import COUNT, MIB, NUMBER, PERCENT, ROUNDS, SECONDS, SMALL, TEXT, Value
from reports.tables.table import Column, Group, Row, Table
from reports.wording import counted

SHOWN_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def name_of(field: Field) -> str:
    """The cells of a field, for people."""
    zoos = dict.fromkeys(setting.zoo for setting in field.settings)
    return f"{counted(len(field.settings), 'cell')} (zoo {', '.join(zoos)})"


def robust(analysis: Analysis) -> Table:
    """Interquartile means, and the share of cells above some accuracies; all thresholds are in the profile's CSV."""
    shown = [int(np.flatnonzero(np.isclose(THRESHOLDS, tau))[0]) for tau in SHOWN_THRESHOLDS]
    columns = [
        Column("algorithm", "algorithm", TEXT),
        Column("iqm", "IQM", PERCENT),
        *(Column(f"above_{100 * tau:g}", f"> {100 * tau:g} %", PERCENT) for tau in SHOWN_THRESHOLDS),
    ]
    groups = []
    for field in analysis.fields:
        rows = []
        for name, iqm, profile in zip(field.algorithms, field.iqm, field.profile, strict=True):
            values: dict[str, Value] = {"algorithm": name, "iqm": iqm}
            values |= {f"above_{100 * THRESHOLDS[at]:g}": float(profile.mean[at]) for at in shown}
            rows.append(Row(values))
        groups.append(Group(rows, name_of(field), counted(len(field.replicates), "replicate")))
    caption = (
        f"Interquartile mean of client accuracy over cells (%, {100 * LEVEL:g} % t interval over replicates), and the "
        "share of cells and replicates (%) above each accuracy. Algorithms of one group ran in the same cells."
    )
    return Table("iqm", "Interquartile means and profiles", caption, columns, groups)


PROFILE = (
    Column("cells", "cells", TEXT),
    Column("algorithm", "algorithm", TEXT),
    Column("threshold", "accuracy", PERCENT),
    *(Column(key, key, PERCENT) for key in ("share", "share_low", "share_high")),
)


def profile(analysis: Analysis) -> Table:
    """The whole performance profile: the share of cells above each threshold."""
    rows = []
    for field in analysis.fields:
        for name, band in zip(field.algorithms, field.profile, strict=True):
            for at, threshold in enumerate(THRESHOLDS):
                values: dict[str, Value] = {
                    "cells": name_of(field),
                    "algorithm": name,
                    "threshold": float(threshold),
                    "share": float(band.mean[at]),
                    "share_low": None if band.low is None else float(band.low[at]),
                    "share_high": None if band.high is None else float(band.high[at]),
                }
                rows.append(Row(values))
    return Table("profile", "Performance profile", "Share of cells above each accuracy.", PROFILE, [Group(rows)])


RANKS = (Column("algorithm", "algorithm", TEXT), Column("mean_rank", "mean rank", NUMBER))


def ranks(analysis: Analysis) -> Table:
    """Mean ranks over cells, best first."""
    groups = []
    for field in analysis.fields:
        ranking = field.ranking
        if ranking is not None:
            order = np.argsort(ranking.mean, kind="stable")
            rows = [Row({"algorithm": field.algorithms[i], "mean_rank": float(ranking.mean[i])}) for i in order]
            groups.append(Group(rows, name_of(field), f"critical difference {ranking.width:.2f}"))
    caption = (
        "Mean rank over cells, 1 the best; descriptive. Ranks nearer than the critical difference are not separated."
    )
    return Table("ranks", "Mean ranks", caption, RANKS, groups)


CLIENTS = (
    Column("block", "block", TEXT, shown=False),
    Column("algorithm", "algorithm", TEXT),
    Column("accuracy", "client accuracy", PERCENT),
    Column("worst10", "worst 10 %", PERCENT),
    Column("lowest", "lowest client", PERCENT),
    Column("deviation", "standard deviation", PERCENT),
    Column("gini", "Gini", SMALL),
    Column("below_local", "below local (%)", PERCENT),
)


def clients(analysis: Analysis) -> Table:
    """How clients fare, block by block."""
    groups = []
    for held in analysis.clients:
        rows = []
        for each in held.rows:
            values: dict[str, Value] = {"block": held.block.name, "algorithm": each.algorithm}
            values |= {column.key: getattr(each, column.key) for column in CLIENTS[2:]}
            rows.append(Row(values))
        groups.append(Group(rows, held.block.name, counted(held.draws, "draw")))
    caption = (
        "Clients of a run, mean over draws: accuracy (%), the worst tenth, the lowest, the standard deviation over "
        "clients (points), Gini's coefficient, and the share (%) below their own accuracy when training alone."
    )
    return Table("clients", "Clients", caption, CLIENTS, groups)


COSTS = (
    Column("block", "block", TEXT, shown=False),
    Column("algorithm", "algorithm", TEXT),
    Column("rounds", "rounds to target", ROUNDS),
    Column("reached", "runs that reached it", TEXT),
    Column("sent_until", "MiB until then", MIB),
    Column("up", "MiB up", MIB),
    Column("down", "MiB down", MIB),
    Column("train_seconds", "train seconds", SECONDS),
    Column("seconds", "all seconds", SECONDS),
    Column("shared", "shared", COUNT, shown=False),
)


def costs(analysis: Analysis) -> Table:
    """What runs cost, block by block."""
    groups = []
    for held in analysis.costs:
        rows = []
        for each in held.rows:
            values: dict[str, Value] = {"block": held.block.name, "algorithm": each.algorithm}
            values |= {column.key: getattr(each, column.key) for column in COSTS[4:]}
            values["shared"] = int(each.shared)
            if each.rounds is not None:
                values["rounds"] = each.rounds
                values["reached"] = f"{each.rounds.runs_reached} of {each.rounds.runs}"
            rows.append(Row(values))
        groups.append(Group(rows, held.block.name, counted(held.draws, "draw")))
    return Table("costs", "Costs", _cost_caption(analysis), COSTS, groups)


def _cost_caption(analysis: Analysis) -> str:
    target = next((block.target for block in analysis.blocks if block.target is not None), None)
    until = (
        ""
        if target is None
        else (
            f"Rounds to target: median round at which client accuracy first reached {100 * target:g} %, runs that "
            "never did counted as censored (> R); MiB sent until that round. "
        )
    )
    shared = any(row.shared for held in analysis.costs for row in held.rows)
    share = " Cells ran stacked: their seconds are an equal share of what the stack took." if shared else ""
    return f"{until}MiB, up and down, and wall-clock seconds of a whole run, all clients, mean over draws.{share}"


def machines(analysis: Analysis) -> Sequence[str]:
    """On what the seconds were measured."""
    found = {machine for held in analysis.costs for machine in held.machines}
    return sorted(", ".join(part for part in machine if part) for machine in found)
