"""Models held in memory, with weights that lie here, far away, or nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from independence_audit.core.progress import NoProgress
from independence_audit.errors import ReadError
from independence_audit.fingerprint import Model, WeightsAccess, sampler_of
from independence_audit.fingerprint.build import fingerprint_of
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.lineage.searches import Models
from tests.checkpoint.memory_source import MemorySource
from tests.fingerprint.small_checkpoints import checkpoint_of

SAMPLER = sampler_of("default", None)


class Asked(MemorySource):
    """Counts what this process asks of it; what another process asks is not seen here."""

    times = 0

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Count it."""
        self.times += 1
        super().read(name, start, into)


class Gone(MemorySource):
    """Lists its files and gives no byte of them."""

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Refuse."""
        raise ReadError("The connection is gone.", "Try again.")


def model_of(weights: Mapping[str, np.ndarray], name: str) -> Model:
    """A model whose weights are at hand on this machine."""
    checkpoint = checkpoint_of(weights, name=name)
    anatomy, fingerprint = fingerprint_of(checkpoint, SAMPLER)
    return Model(fingerprint, WeightsAccess(checkpoint, anatomy))


def behind(model: Model, kind: type[MemorySource], *, near: bool = True) -> tuple[Model, MemorySource]:
    """The same model with its bytes behind another source, and that source."""
    assert model.weights is not None
    checkpoint = model.weights.checkpoint
    assert isinstance(checkpoint.source, MemorySource)
    source = kind(checkpoint.source.content, model.name, near=near)
    return replace(model, weights=WeightsAccess(replace(checkpoint, source=source), model.weights.anatomy)), source


def in_place(mine: Model, theirs: Model) -> Comparisons:
    """A model compared with another in place."""
    compared = compare_fingerprints(mine.fingerprint, theirs.fingerprint)
    return Comparisons(mine.fingerprint, 1e-6, tuple(compared))


def sides(mine: Model, theirs: Model) -> Models:
    """Both as searches read them."""
    return Models(mine, {theirs.name: theirs}, NoProgress())
