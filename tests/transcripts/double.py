"""A setting in double precision, in which a transcript and its plugin can be told apart by what they compute.

In float32 they cannot always: two sums in different order differ by 1e-7, and where two inputs of a max-pooling
window (or a ReLU's input and zero) lie closer than that, the gradient takes another way on each side. FML with the
`cnn` met such a tie within three rounds; its models then differed by 0.8 %, though each step was right.
"""

import copy
from dataclasses import dataclass, fields

from torch import Tensor

from bench.engines.job import Images
from bench.rounds.setting import Setting


@dataclass(frozen=True)
class DoubleImages(Images):
    """Images whose batches are float64."""

    def normalised(self, rows: Tensor) -> Tensor:
        shift, scale = self.constants(rows)
        return (self.x[rows].double() - shift) / scale


@dataclass(frozen=True)
class DoubleSetting(Setting):
    """A setting whose initial weights are float64."""

    def _weights(self, architecture: str, client: int | None) -> dict[str, Tensor]:
        weights = super()._weights(architecture, client)
        return {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}


def in_double(setting: Setting) -> Setting:
    """The same setting with images, nets and weights in double precision."""

    def images(single: Images) -> Images:
        return DoubleImages(single.x, single.y, single.shift.double(), single.scale.double(), single.source)

    as_it_is = {field.name: getattr(setting, field.name) for field in fields(setting) if field.init}
    nets = {name: copy.deepcopy(net).double() for name, net in setting.nets.items()}
    return DoubleSetting(**{**as_it_is, "images": images(setting.images), "test": images(setting.test), "nets": nets})
