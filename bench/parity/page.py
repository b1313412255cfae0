"""What came out: tables for a terminal, a page, and all numbers as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.parity.costs import Cost, costs
from bench.parity.gaps import TOLERANCE, Gap, gaps
from bench.parity.runs import Run, read_all
from bench.speedometer.results import Spread
from bench.speedometer.tables import Table

MIB = 1 << 20
NOTHING = "-"


@dataclass(frozen=True)
class Findings:
    """All that a folder of runs tells."""

    runs: Sequence[Run]
    gaps: Sequence[Gap]
    costs: Sequence[Cost]

    @classmethod
    def of(cls, out: Path) -> "Findings":
        """Read from the runs of a folder, whoever wrote them there. Raises ValueError."""
        runs = list(read_all(out))
        return cls(runs, gaps(runs, out), costs(runs))

    def tables(self) -> list[Table]:
        """Parity and cost, where there is something to show."""
        return [table for table in (_parity(self.gaps), _cost(self.costs)) if table.rows]

    def notes(self) -> list[str]:
        """What a reader must know of the numbers, one line each."""
        found = [
            f"{run.framework}, {run.identity['algorithm']}, {run.identity['zoo']}, {run.kind}: failed: {run.reason}"
            for run in self.runs
            if run.status == "failed"
        ]
        skipped = dict.fromkeys((run.framework, run.reason) for run in self.runs if run.status == "skipped")
        found += [f"skipped by {framework}: {reason}" for framework, reason in skipped]
        apart = sorted({cost.framework for cost in self.costs if not cost.interleaved})
        if apart:
            found.append(f"not interleaved with the native runs, so that ratios are rough: {', '.join(apart)}")
        busy = max((run.provenance.get("load", 0.0) for run in self.runs), default=0.0)
        found.append(f"load of the machine while measuring: up to {busy:.1f}")
        return found

    def write(self, out: Path) -> list[Path]:
        """OUT/frameworks.json and OUT/frameworks.md."""
        told = {
            "tolerance": TOLERANCE,
            "parity": [{**asdict(gap), "verdict": gap.verdict} for gap in self.gaps],
            "cost": [asdict(cost) for cost in self.costs],
            "origins": {run.framework: dict(run.provenance) for run in self.runs if run.provenance},
            "tables": [asdict(table) for table in self.tables()],  # as the report shows them
            "notes": self.notes(),
        }
        paths = [out / "frameworks.json", out / "frameworks.md"]
        paths[0].write_text(json.dumps(told, indent=1), encoding="utf-8")
        paths[1].write_text(self.markdown(), encoding="utf-8")
        return paths

    def markdown(self) -> str:
        """The page."""
        parts = ["# One experiment, several frameworks"]
        for table in self.tables():
            parts += [f"## {table.title}", table.markdown()]
        parts += ["## Notes", "\n".join(f"- {note}" for note in self.notes()), _origins(self.runs)]
        return "\n\n".join(part for part in parts if part) + "\n"


def _parity(found: Sequence[Gap]) -> Table:
    columns = [
        "cell",
        "framework",
        "after round 1",
        "after the last",
        "largest",
        "accuracy native",
        "theirs",
        "verdict",
    ]
    rows = []
    for gap in sorted(found, key=lambda gap: (gap.zoo, gap.algorithm, gap.framework)):
        first, last = (f"{gap.rounds[place]:.1e}" if gap.rounds else NOTHING for place in (0, -1))
        most = NOTHING if gap.largest is None else f"{gap.largest:.1e}"
        right = [f"{100 * a:.2f} %" for a in gap.accuracies] if gap.accuracies else [NOTHING, NOTHING]
        rows.append([_name(gap), gap.framework, first, last, most, *right, gap.verdict])
    return Table("Parity: the largest difference of any value of any model from the native one", columns, rows)


def _cost(found: Sequence[Cost]) -> Table:
    columns = [
        *("cell", "framework", "CPU s/round", "x native", "wall s/round", "start-up, s", "peak, MiB"),
        *("counted up, MiB", "down, MiB", "on the wire up, MiB", "down, MiB"),
    ]
    rows = []
    for cost in sorted(found, key=lambda cost: (cost.zoo, cost.algorithm, cost.framework)):
        ratio = NOTHING if cost.ratio is None else f"{cost.ratio:.2f}"
        wire = [f"{value / MIB:.3f}" for value in cost.wire] if cost.wire else [NOTHING, NOTHING]
        counted = [f"{value / MIB:.3f}" for value in cost.counted]
        start, peak = f"{cost.start.median:.1f}", f"{cost.peak / MIB:.0f}"
        seconds = [_spread(cost.cpu), ratio, _spread(cost.wall), start, peak]
        rows.append([_name(cost), cost.framework, *seconds, *counted, *wire])
    return Table("Cost: a round of training without the scoring of models", columns, rows)


def _name(row: Gap | Cost) -> str:
    return f"{row.algorithm}, {row.zoo}, {row.dataset}" + (f", replicate {row.replicate}" if row.replicate else "")


def _spread(spread: Spread) -> str:
    return f"{spread.median:.3f} ({spread.low:.3f}-{spread.high:.3f})"


def _origins(runs: Sequence[Run]) -> str:
    """On what machine, with which versions."""
    lines = {}
    for run in runs:
        if run.provenance:
            versions = ", ".join(f"{name} {v}" for name, v in run.provenance["versions"].items() if v)
            lines[run.framework] = f"- {run.framework}: {run.provenance['processor']}; {versions}"
    return "\n".join(lines.values())
