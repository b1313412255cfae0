"""Many clients' values in the place of one client's, as opaque objects.

A plugin's loss is written for one client. An engine that computes K clients at once can hand it `Many` objects instead
of tensors, as long as the plugin only does with them what is known here to mean the same for each of K: pass them to
nets and to the words of `bench.ops`, and add, subtract, multiply and divide the scalars that come out. Whatever else it
does raises `Unknown`, and the engine turns to ``torch.vmap``, which knows everything but costs more.

`values` has the objects and their arithmetic, `words` what `bench.ops` does with them, `trail` the way back from a loss
to the gradients of what it was made of.
"""

from bench.many.trail import Back, walk_back
from bench.many.values import Many, Unknown, made

__all__ = ["Back", "Many", "Unknown", "made", "walk_back"]
