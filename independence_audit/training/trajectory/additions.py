"""What training added: a checkpoint's weights with what is left of the first checkpoint's draw taken out.

Weights that share an initial draw look like weights that share training. The update since the first checkpoint, with
what is left of that checkpoint taken out tensor by tensor, is orthogonal to the draw: what it shares with a reference
is training. A reference that is independent of both stays exchangeable, so the test keeps its level.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from independence_audit.fingerprint import Fingerprint, Sample
from independence_audit.training.trajectory.state import LARGEST, State, place_of


def added(first: State, fingerprint: Fingerprint) -> Fingerprint:
    """The checkpoint's weights with what is left of the first checkpoint taken out, tensor by tensor."""
    return replace(fingerprint, samples=tuple(_added(first, fingerprint.samples)))


def _added(first: State, samples: Iterable[Sample]) -> Iterator[Sample]:
    for sample in samples:
        before = first.samples.get(place_of(sample))
        if before is None or before.shape != sample.shape or sample.raw is None:
            continue
        x, y = first.values[place_of(sample)].astype(np.float64), sample.values().astype(np.float64)
        if not (np.abs(y) <= LARGEST).all():
            continue  # no weights
        centred = x - x.mean()
        square = float((centred**2).sum())
        share = float((centred * (y - y.mean())).sum()) / square if square > 0.0 else 0.0
        rest = np.ascontiguousarray(y - y.mean() - share * centred, dtype=np.float32)
        if square > 0.0 and float(np.abs(rest).max(initial=0.0)) <= 1e-6 * float(np.abs(y).max(initial=0.0)):
            continue  # nothing was added; what is left is rounding
        raw = rest[:, :, None].view(np.uint8).reshape(*rest.shape, 4)
        yield replace(sample, raw=raw, dtype="F32")
