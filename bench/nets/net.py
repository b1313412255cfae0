"""What every net of the zoo is: a body that makes features and a head that makes logits."""

import torch
from torch import Tensor, nn

from bench.plugin import Out, Parts

Shape = tuple[int, int, int]  # channels, height, width


NORM_LAYERS = (
    nn.modules.batchnorm._NormBase,  # all of BatchNorm and InstanceNorm
    nn.GroupNorm,
    nn.LayerNorm,
    nn.RMSNorm,
)


class Net(nn.Module):
    """``features = body(x)``, ``logits = head(features)``; tensor names begin with "body." or "head."."""

    def __init__(self, body: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, x: Tensor) -> Out:
        """Logits [B, classes] and features [B, width] of images [B, channels, height, width]."""
        features = self.body(x)
        return Out(self.head(features), features)


def parts(net: nn.Module, architecture: str) -> Parts:
    """Name the parts of a net. Norm layers are found by type: a name that holds "bn" proves nothing."""
    head = getattr(net, "head", None)
    if not isinstance(head, nn.Linear):
        raise TypeError(f"net '{architecture}': expected a torch.nn.Linear called 'head', got {type(head).__name__}")
    norm = {
        f"{name}.{tensor}"
        for name, module in net.named_modules()
        if isinstance(module, NORM_LAYERS)
        for tensor in module.state_dict()
    }
    return Parts(
        architecture=architecture,
        features=head.in_features,
        parameters=frozenset(name for name, _ in net.named_parameters()),
        buffers=frozenset(name for name, _ in net.named_buffers()),
        head=frozenset(name for name in net.state_dict() if name.startswith("head.")),
        norm=frozenset(norm),
    )


def flat_width(layers: nn.Module, shape: Shape) -> int:
    """How many features `layers` make of one image, found by asking."""
    with torch.no_grad():
        return int(layers(torch.zeros(1, *shape)).flatten(1).shape[1])
