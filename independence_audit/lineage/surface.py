"""What stands between a residual stream and the world: tables and vectors, which may be alike without a shared weight.

A model that imitates another's hidden states learns that model's basis. Every matrix with one side in the residual
stream and the other in something that both models have by themselves (tokens, positions, pixels, classes) is then
determined by what it computes, and so are the gains and biases of the stream; two students of one teacher have them in
common. A matrix whose other side is a model's own units or heads is not: no imitation orders those.
"""

from __future__ import annotations

from collections.abc import Iterable

from independence_audit.anatomy import Axis, is_generic, is_table
from independence_audit.fingerprint import Sample


def is_surface(sample: Sample, *, layered: bool) -> bool:
    """Whether a sample may be alike in models that share no weight: a table, or a vector of the residual stream.

    Args:
        sample: The reference's; the subject's names may call anything a table.
        layered: Whether its component has matrices in layers; a matrix under an unknown name outside of them may then
            be a table of another name.
    """
    if sample.shape[0] == 1:
        return sample.axis in {Axis.RESIDUAL, Axis.HIDDEN}
    return is_table(sample.role) or (layered and sample.layer is None and is_generic(sample.role))


def has_layers(samples: Iterable[Sample]) -> bool:
    """Whether any matrix stands in a layer."""
    return any(sample.layer is not None and sample.shape[0] > 1 for sample in samples)
