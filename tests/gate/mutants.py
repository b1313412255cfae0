"""Regressions, each a small change of the source as it happens in real projects."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mutant:
    """A regression: in one file some texts become others."""

    title: str
    file: str
    changes: tuple[tuple[str, str], ...]

    def seed(self, root: Path) -> None:
        """Put the regression into a copy of the project. Raises ValueError where its text is not there exactly once."""
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        for old, new in self.changes:
            if text.count(old) != 1:
                raise ValueError(
                    f"'{self.title}' no longer fits {self.file}: expected {old!r} once, got {text.count(old)}"
                )
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


_LOOP = "        for batch in itertools.islice(self.batches, steps):\n"
_NOTED = "            losses.append(loss.detach())\n"
_TIMED = (_LOOP, f"{_LOOP}            begin = time.perf_counter()\n")
_IMPORT = ("import copy\n", "import copy\nimport time\n")

MUTANTS = {
    "fml-teacher-not-detached": Mutant(
        "FML's teacher is not detached",
        "bench/ops.py",
        (("teacher.logits.detach().log_softmax(1)", "teacher.logits.log_softmax(1)"),),
    ),
    "kl-mean": Mutant(
        "KL by `mean` instead of `batchmean`",
        "bench/ops.py",
        (("return mean_rows(terms.sum(1), batch.w)", "return mean_rows(terms.mean(1), batch.w)"),),
    ),
    "mu-ignored": Mutant(
        "FedProx ignores mu", "algorithms/fedprox.py", (("self.mu / 2 * drift", "0.0 * self.mu * drift"),)
    ),
    "average-unweighted": Mutant(
        "FedAvg averages without weights",
        "algorithms/fedavg.py",
        (('uploads["model"], round.examples)', 'uploads["model"], round.examples * 0 + 1)'),),
    ),
    "lr-halved": Mutant(
        "half the learning rate",
        "bench/declaration/optimiser.py",
        (('        if self.name == "cosine":\n', '        base = base / 2\n        if self.name == "cosine":\n'),),
    ),
    "momentum-lost": Mutant(
        "SGD forgets its momentum",
        "bench/engines/optimiser.py",
        (("torch._foreach_mul_(self.velocity, self.momentum)", "torch._foreach_mul_(self.velocity, 0.0)"),),
    ),
    "one-epoch-fewer": Mutant(
        "one local epoch fewer",
        "bench/rounds/plan.py",
        (("needed = epochs if epochs is not None", "needed = max(1, epochs - 1) if epochs is not None"),),
    ),
    "scored-on-train-data": Mutant(
        "clients are scored on their training data",
        "bench/rounds/scorer.py",
        (("torch.cat([share.validation, share.test])", "torch.cat([share.validation, share.train])"),),
    ),
    "sleep": Mutant(
        "a step sleeps for half of its time",
        "bench/engines/reference.py",
        (_IMPORT, _TIMED, (_NOTED, f"{_NOTED}            time.sleep((time.perf_counter() - begin) / 2)\n")),
    ),
    "doubled-forward": Mutant(
        "every forward pass is done twice",
        "bench/engines/reference.py",
        (
            (
                "        piece = self.pieces[slot]\n        return piece.module(x) if",
                "        piece = self.pieces[slot]\n        piece.module(x)\n        return piece.module(x) if",
            ),
        ),
    ),
    "copy-per-step": Mutant(
        "a copy of the batch in every step",
        "bench/engines/batches.py",
        (("yield Batch(x=bx, y=by, rows=own)", "yield Batch(x=bx.clone(), y=by, rows=own)"),),
    ),
    "busy-wait": Mutant(
        "a step computes in vain for half of its time",
        "bench/engines/reference.py",
        (
            _IMPORT,
            _TIMED,
            (
                _NOTED,
                f"{_NOTED}            end = time.perf_counter() * 1.5 - begin / 2\n"
                "            while time.perf_counter() < end:\n                pass\n",
            ),
        ),
    ),
    "headline-by-test": Mutant(
        "the headline round is the best on test data",
        "bench/rounds/scorer.py",
        (('validation[view] = held_out["accuracy"]', 'validation[view] = figures["accuracy"]'),),
    ),
    "vectorised-momentum-lost": Mutant(
        "the vectorised engine forgets what clients kept",
        "bench/engines/stacked/training.py",
        (
            (
                "memories = [job.client.memory.get(slot, {}) if stack.slots[slot].keeps else {} for job in stack.jobs]",
                "memories: list[Tensors] = [{} for job in stack.jobs]",
            ),
        ),
    ),
}
"""The first eleven are the ones that the gate was asked to catch; the others were added by its makers."""
