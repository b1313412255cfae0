"""What is written down of the models: round by round, and in full at the headline round."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from bench.plugin import Tensors
from bench.rounds.evaluation import Score, on_clients, predict, score, summary
from bench.rounds.setting import Setting
from bench.rounds.trace import Trace

Model = tuple[nn.Module, Tensors]
Models = Mapping[str, Sequence[Model]]  # view -> each client's model
Own = Sequence[tuple[Score, Score]]  # of each client's model on the client's own validation and test rows


class Diverged(Exception):
    """A loss that is not finite; the text says where."""


@dataclass(frozen=True)
class Moment:
    """The models of one round and their scores, kept for the headline.

    States are never changed in place, so keeping them is free; to score them a second time is not.
    """

    round: int  # finished rounds
    models: Models
    own: Mapping[str, Own]  # by view
    general: Score | None  # of the global view's model on the global test set; personal ones, which are many, wait
    validation: float  # mean over clients of the headline view's validation accuracy


@dataclass
class Scorer:
    """Scores the models of a cell's rounds and picks the headline round."""

    setting: Setting
    views: dict[str, dict[str, list[Any]]] = field(default_factory=dict)  # view -> figure -> one value per evaluation
    best: Moment | None = None
    trace: Trace | None = None  # keeps what is scored

    def note(self, round: int, models: Models) -> None:
        """Score every view after `round` finished rounds: on clients' own rows, and the global view on the global test.

        Raises Diverged where a mean loss is not finite.
        """
        if self.trace:
            self.trace.note(round, models)
        own = {view: self._own(each) for view, each in models.items()}
        general = self._general(models["global"][0], 0) if "global" in models else None
        validation = {}
        for view, scores in own.items():
            held_out = summary([v for v, _ in scores])
            figures: dict[str, Any] = {"rounds": round, **summary([t for _, t in scores])}
            figures |= {"validation_accuracy": held_out["accuracy"], "validation_loss": held_out["loss"]}
            here = general if view == "global" else None
            figures |= {"global_accuracy": here and here.accuracy, "global_loss": here and here.loss}
            if not math.isfinite(figures["loss"] + held_out["loss"]):
                raise Diverged(f"the loss of the {view} view is not finite after round {round}")
            for name, value in figures.items():
                self.views.setdefault(view, {}).setdefault(name, []).append(value)
            validation[view] = held_out["accuracy"]
        moment = Moment(round, models, own, general, validation[headline_view(models)])
        last = self.setting.cell.training["selection"] == "last"
        if self.best is None or last or moment.validation > self.best.validation:  # the earliest wins a tie
            self.best = moment

    def headline(self) -> dict[str, Any]:
        """The headline round and all views at it, down to each client. Fills in what is scored at that round only."""
        if self.best is None:
            raise RuntimeError("no round was scored")
        return {
            "headline": {
                "view": headline_view(self.best.models),
                "round": self.best.round,
                "rule": self.setting.cell.training["selection"],
            },
            "at_headline": {view: self._in_full(view, self.best) for view in self.best.models},
            "views": self.views,
        }

    def _in_full(self, view: str, moment: Moment) -> dict[str, Any]:
        own = [test for _, test in moment.own[view]]
        personal = view == "personal"
        if personal:
            general = [self._general(model, k) for k, model in enumerate(moment.models[view])]
        else:
            assert moment.general is not None  # it was scored with its round
            general = [moment.general]
        overall = summary(general)
        columns = self.views[view]
        index = columns["rounds"].index(moment.round)
        columns["global_accuracy"][index], columns["global_loss"][index] = overall["accuracy"], overall["loss"]
        return {
            "round": moment.round,
            **summary(own),
            "global_accuracy": overall["accuracy"],
            "global_loss": overall["loss"],
            "clients": {
                "accuracy": [s.accuracy for s in own],
                "loss": [s.loss for s in own],
                "global_accuracy": [s.accuracy for s in general] if personal else None,
            },
        }

    def _own(self, each: Sequence[Model]) -> Own:
        """Each client's model on its own validation and test rows."""
        shares = self.setting.shares
        rows = [torch.cat([share.validation, share.test]) for share in shares]
        found = []
        for share, (right, losses) in zip(shares, on_clients(each, self.setting.images, rows), strict=True):
            v = len(share.validation)
            found.append((score(right[:v], losses[:v]), score(right[v:], losses[v:])))
        return found

    def _general(self, model: Model, client: int) -> Score:
        """A model on the whole global test set, as far as it is of this client's task."""
        return score(*predict(*model, self.setting.test, self.setting.general(client)))


def headline_view(views: Mapping[str, Any]) -> str:
    """The view that counts for a client: its personal model where the algorithm gives one, else the global."""
    return "personal" if "personal" in views else "global"
