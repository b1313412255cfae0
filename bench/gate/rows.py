"""Comparisons as rows: the present against a baseline, gate by gate."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from bench.declaration.gate import Band, Gate
from bench.gate import counted, fingerprint, runtime
from bench.gate.accuracy import Finding, Judgement, Outcome, judge, looks, table
from bench.gate.baseline import Baseline
from bench.gate.measure import Measured, replicates
from bench.gate.runtime import Level, Pace
from bench.gate.verdict import Row, Verdict
from reports.statistics import Estimate

CHANGED = "the computation changed: explain, then --accept"
OVERALL = "all cells together"


def broken(measured: Measured, gate: str = "accuracy") -> list[Row]:
    """Cells that did not finish."""
    return [
        Row(gate, name, Verdict.FAIL, "done", reason.partition(":")[0], note=reason)
        for name, reason in measured.broken.items()
    ]


def membership(gate: str, expected: Iterable[str], found: Iterable[str]) -> list[Row]:
    """A failure for each name that only one side has: what is renamed must not slip through."""
    expected, found = list(expected), list(found)
    gone = [
        Row(gate, n, Verdict.FAIL, "there", "missing", note=f"no longer measured: {_LOOK}")
        for n in expected
        if n not in found
    ]
    new = [
        Row(gate, n, Verdict.FAIL, "missing", "there", note=f"not in the baseline: {_LOOK}")
        for n in found
        if n not in expected
    ]
    return gone + new


_LOOK = "restore it, or explain and --accept"


def skips(baseline: Mapping[str, str], now: Mapping[str, str]) -> list[Row]:
    """Cells that are skipped, on both sides."""
    return membership("accuracy", (f"skipped: {name}" for name in baseline), (f"skipped: {name}" for name in now))


def judgement(
    baseline: Mapping[str, list[float]], measured: Measured, margin: float, of: int
) -> tuple[list[str], Judgement] | None:
    """The names that both sides have, and the look at them; None where there is none.

    `of`: how many replicates the baseline holds.
    """
    numbers = range(measured.replicates)
    pairs = {
        name: (values[: measured.replicates], now)
        for name, values in baseline.items()
        if (now := replicates(measured.accuracy.get(name, {}), numbers)) is not None
    }
    if not pairs:
        return None
    at = looks(of)
    before, after = (table([pair[side] for pair in pairs.values()]) for side in (0, 1))
    return list(pairs), judge(before, after, margin, len(at), last=measured.replicates >= at[-1])


def accuracy(
    baseline: Mapping[str, list[float]], measured: Measured, gate: Gate, look: tuple[list[str], Judgement] | None
) -> list[Row]:
    """All cells together, then each view of each cell."""
    rows = membership("accuracy", baseline, measured.accuracy)
    n = measured.replicates
    rows += [
        Row("accuracy", name, Verdict.FAIL, note=f"expected {n} replicates, found numbers {sorted(values)}")
        for name, values in measured.accuracy.items()
        if replicates(values, range(n)) is None
    ]
    if look is None:
        return rows
    names, found = look
    means = {name: (fmean(baseline[name][:n]), fmean(measured.accuracy[name][r] for r in range(n))) for name in names}
    together = tuple(fmean(side) for side in zip(*means.values(), strict=True))
    rows.append(_accuracy_row(OVERALL, together, found.overall, gate.margin / 2, found.last))
    rows += [
        _accuracy_row(name, means[name], cell, gate.margin, found.last)
        for name, cell in zip(names, found.cells, strict=True)
    ]
    return rows


def _accuracy_row(name: str, means: Sequence[float], finding: Finding, margin: float, last: bool) -> Row:
    difference, verdict = finding.difference, Verdict.PASS
    note = f"{difference.n} replicates" + (", identical" if finding.identical else "")
    if finding.outcome is Outcome.FAILED:
        verdict, note = Verdict.FAIL, f"accuracy was lost ({note})"
    elif finding.outcome is Outcome.OPEN and not last:
        verdict, note = Verdict.WARN, f"still open when others had failed ({note})"
    elif finding.outcome is Outcome.OPEN:
        advice = "too few replicates to tell: raise the suite's replicates, or find what changed"
        verdict, note = Verdict.FAIL, f"not shown to be as good ({note}): {advice}"
    return Row(
        *("accuracy", name, verdict, _percent(means[0]), _percent(means[1]), f"{100 * difference.mean:+.2f}"),
        interval=_interval(difference),
        margin=f"-{100 * margin:.2f}",
        note=note,
        values={
            **{"baseline": means[0], "now": means[1], "difference": difference.mean, "replicates": difference.n},
            **{"low": difference.low, "high": difference.high, "margin": margin},
        },
    )


def bands(measured: Measured, gate: Gate) -> list[Row]:
    """Ranges that hold whatever the baseline says."""
    rows = []
    for band in gate.bands:
        named = [name for name, cell in measured.cells.items() if band.names(cell) and measured.of_cell(name)]
        rows += [_band_row(band, name, fmean(measured.of_cell(name).values())) for name in named]
        if not named:
            rows.append(
                Row("accuracy", f"band {_describe(band)}", Verdict.FAIL, note="no cell of this kind has finished")
            )
    return rows


def _band_row(band: Band, name: str, mean: float) -> Row:
    inside = band.low <= mean <= band.high
    limits = " and ".join(
        text
        for text in (f">= {100 * band.low:g}" * (band.low > 0), f"<= {100 * band.high:g}" * (band.high < 1))
        if text
    )
    return Row(
        *("accuracy", f"band: {name}", Verdict.PASS if inside else Verdict.FAIL),
        now=_percent(mean),
        margin=limits,
        note="" if inside else "outside of what makes sense, whatever the baseline says",
        values={"now": mean, "low": band.low, "high": band.high},
    )


def _describe(band: Band) -> str:
    return " ".join(
        str(v) for v in (band.algorithm, band.dataset, band.partition, band.alpha, band.zoo) if v is not None
    )


def fingerprints(baseline: Baseline, measured: Measured) -> list[Row]:
    """Every engine against the reference engine's baseline."""
    rows = membership("fingerprint", baseline.engines, measured.witnesses)
    expected = baseline.fingerprints or {}
    for engine, witnesses in measured.witnesses.items():
        rows += membership("fingerprint", (f"{engine} {n}" for n in expected), (f"{engine} {n}" for n in witnesses))
        for name, witness in witnesses.items():
            if name not in expected:
                continue
            before = expected[name]
            allowed = fingerprint.tolerances(engine, before.one_image)
            deviations = fingerprint.compare(before.numbers, witness["numbers"], allowed)
            other = [
                key
                for key in {**before.exact, **witness["exact"]}
                if before.exact.get(key) != witness["exact"].get(key)
            ]
            rows.append(_fingerprint_row(f"{engine} {name}", deviations, other))
    return rows


def _fingerprint_row(name: str, deviations: Sequence[fingerprint.Deviation], other: Sequence[str]) -> Row:
    worst = max(deviations, key=lambda d: d.excess)
    changed = [d.group for d in deviations if not d.excess <= 1]
    verdict = Verdict.FAIL if changed or other else Verdict.PASS
    by_median = worst.median / worst.tolerance.median >= worst.largest / worst.tolerance.largest
    size, limit = (worst.median, worst.tolerance.median) if by_median else (worst.largest, worst.tolerance.largest)
    return Row(
        *("fingerprint", name, verdict),
        difference=f"{size:.1e}",
        margin=f"{limit:.0e}",
        note=f"{CHANGED} ({', '.join([*other, *changed])})" if verdict is Verdict.FAIL else f"{worst.group}",
        values={
            "excess": worst.excess if worst.excess < float("inf") else None,
            "changed": [*other, *changed],
        },
    )


def counts(baseline: Baseline, measured: Measured, operators_of: str) -> list[Row]:
    """Counted work, exactly."""
    expected = baseline.counts or {}
    found = {f"{engine} {n}": w["counts"] for engine, each in measured.witnesses.items() for n, w in each.items()}
    rows = membership("counted", expected, found)
    same_torch = baseline.operators_of == operators_of
    for name, now in found.items():
        if name in expected:
            differs = counted.compare(expected[name], now, same_torch)
            verdict = Verdict.FAIL if differs else Verdict.PASS
            note = "; ".join(differs) if differs else "" if same_torch else _OTHER_TORCH.format(baseline.operators_of)
            before, after = (f"{counts.get('steps', 0)} steps" for counts in (expected[name], now))
            rows.append(
                Row("counted", name, verdict, before, after, margin="exact", note=note, values={"differs": differs})
            )
    return rows


_OTHER_TORCH = "operators not compared: the baseline's are of {}"


def runtimes(baseline: Mapping[str, Level], now: Mapping[str, Sequence[Pace]]) -> list[Row]:
    """CPU time ratios and waits."""
    rows = membership("runtime", baseline, now)
    for name, paces in now.items():
        if name in baseline:
            rows.append(_runtime_row(name, baseline[name], paces))
    return rows


def _runtime_row(name: str, level: Level, paces: Sequence[Pace]) -> Row:
    before, pace = level.pace, runtime.summary(paces)
    times = pace.ratio / before.ratio
    verdict, notes = Verdict.PASS, []
    if times > runtime.FAIL:
        verdict = Verdict.FAIL
        notes.append("slower")
    elif times > runtime.WARN:
        verdict = Verdict.WARN
        notes.append("slower, not yet a failure")
    elif times < 1 / runtime.FAIL and not level.elsewhere:
        notes.append("faster: --accept --gates runtime holds the new level")
    if runtime.more_waits(before, pace):
        verdict = Verdict.FAIL
        notes.append(f"a round waits {pace.waits} times, {before.waits} before: a sleep, a lock, a thread, a file?")
    elif pace.waits is None or before.waits is None:
        verdict = Verdict.WARN if verdict is Verdict.PASS else verdict
        notes.append("waits not compared: this system, or the baseline's, does not count them")
    if verdict is not Verdict.PASS and level.elsewhere:
        notes.append(f"the baseline is of another processor, {level.elsewhere}: {_THIS_PROCESSOR}")
    each = sorted(p.ratio / before.ratio for p in paces)
    return Row(
        *("runtime", name, verdict, f"{before.ratio:.3f}", f"{pace.ratio:.3f}", f"{times:.2f} x"),
        interval=f"{each[0]:.2f} .. {each[-1]:.2f}",
        margin=f"{runtime.FAIL:.2f} x",
        note="; ".join(notes),
        values={
            "baseline": before.ratio,
            "now": pace.ratio,
            "times": times,
            "waits": pace.waits,
            "processes": len(each),
        },
    )


_THIS_PROCESSOR = "where the code is as fast as before, add this one by --accept --gates runtime"


def _percent(accuracy: float) -> str:
    return f"{100 * accuracy:.2f} %"


def _interval(difference: Estimate) -> str:
    if difference.low is None or difference.high is None:
        return ""
    return f"{100 * difference.low:+.2f} .. {100 * difference.high:+.2f}"
