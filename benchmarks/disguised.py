"""What the search for a disguised copy costs between two fingerprints of 7 B shape, and the null it comes out with.

``python -m benchmarks.disguised``: h 4096, m 14336, 32 layers of which 64 units are sampled, two search layers of which
all are kept, 256 anchors on both sides. The model is random: every p-value it prints is one of unrelated models.
"""

from __future__ import annotations

import resource
import time

import numpy as np

from independence_audit.fingerprint.units.unit_layers import Anchors, ComponentUnits, UnitLayer, own_frame
from independence_audit.lineage.disguised import search_disguised

UNITS, LAYERS, SAMPLED, ANCHORS = 14336, 32, 64, 256
SEARCH = (10, 21)


def component(seed: int) -> ComponentUnits:
    """Units of a random model as the anchors of its own embeddings see them."""
    random = np.random.default_rng(seed)
    directions = random.normal(size=(ANCHORS, 4 * ANCHORS))
    anchors = Anchors("model", tuple(f"token:{number}" for number in range(ANCHORS)), directions @ directions.T)
    layers = []
    for layer in range(LAYERS):
        whole = layer in SEARCH
        count, roles = (UNITS, ("gate", "up", "down")) if whole else (SAMPLED, ("gate", "up"))
        responses = {role: own_frame(random.normal(size=(count, ANCHORS)), np.eye(ANCHORS)) for role in roles}
        layers.append(UnitLayer("model", layer, whole, np.arange(count), responses))
    return ComponentUnits("model", anchors, tuple(layers))


def main() -> None:
    """Search once and print seconds, memory and the strongest tests."""
    ours, theirs = component(1), component(2)
    held = sum(values.nbytes for layer in ours.layers for values in layer.responses.values())
    started = time.perf_counter()
    found = search_disguised(ours, theirs, symmetric=True)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{seconds:.1f} s, {peak:,.0f} MB at most, {held / 1e6:.1f} MB of units a fingerprint, {found.tests} tests")
    for test in found.found:
        print(f"  {test.test}: {test.count} of {test.units}, z {test.z}, p {test.p_value}")


if __name__ == "__main__":
    main()
