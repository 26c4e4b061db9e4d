"""What was done to a reference's weights, each with the figure that shows it; nothing is guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from independence_audit.evidence.measurement import Message, Value
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.fingerprint.model import Sample
from independence_audit.lineage.arrangements import REORDERED, SWAPPED
from independence_audit.lineage.decide import Verdict
from independence_audit.lineage.experts import UPCYCLED
from independence_audit.lineage.layers import layer_runs, map_kind, spans


def changes(verdict: Verdict) -> tuple[Message, ...]:
    """What was done to get from the reference's component to the subject's."""
    if verdict.relation not in FOUND:
        return ()
    return (*_layers(verdict), *_arrangements(verdict))


UNDONE = {"changed.upcycled": UPCYCLED, "changed.swapped": SWAPPED, "changed.gates": REORDERED}
"""By message, what was undone to find a tensor."""


def _arrangements(verdict: Verdict) -> Iterator[Message]:
    """What was undone beside the moves of layers, and for how many tensors."""
    data: dict[str, Value] = {
        "component": verdict.compared.pair.subject.name,
        "reference": verdict.compared.reference,
    }
    search = verdict.compared.search
    if search and search.assignments:
        layer, assignment = min(search.assignments.items())
        layers = spans(list(search.assignments))
        yield Message("changed.experts", {**data, "layers": layers, "layer": layer, "runs": layer_runs(assignment)})
    told = zip(verdict.compared.measured, verdict.tensors, strict=True)
    counts = Counter(measured.undone for measured, relation in told if relation in FOUND)
    for key, undone in UNDONE.items():
        if counts[undone]:
            yield Message(key, {**data, "count": counts[undone]})


def _layers(verdict: Verdict) -> Iterator[Message]:
    """Where the subject's layers stand in the reference."""
    pair = verdict.compared.pair
    data = {"component": pair.subject.name, "reference": verdict.compared.reference}
    layer_map = layer_map_of(verdict)
    if not layer_map:
        return
    reference_layers = _with_matrices((*(theirs for _, theirs in pair.pairs), *pair.free))
    kind = map_kind(layer_map, reference_layers)
    if kind != "identity":
        yield Message("changed.layers", {**data, "map": kind, "runs": layer_runs(layer_map)})
    missing = [layer for layer in reference_layers if layer not in layer_map.values()]
    if missing and len(layer_map) < len(reference_layers):
        yield Message("changed.missing_layers", {**data, "layers": spans(missing), "count": len(missing)})
    open_layers = {layer.layer for layer in verdict.layers if layer.relation != Relation.UNRELATED}
    new = [
        layer
        for layer in _with_matrices((*(mine for mine, _ in pair.pairs), *pair.unmatched))
        if layer not in layer_map and layer not in open_layers
    ]
    if new:
        yield Message("changed.other_layers", {**data, "layers": spans(new), "count": len(new)})


def _with_matrices(samples: Iterable[Sample]) -> list[int]:
    """The layers that hold a matrix; where no more than a bias is left, nothing can be said to be missing."""
    return sorted({sample.layer for sample in samples if sample.layer is not None and sample.shape[0] > 1})


def layer_map_of(verdict: Verdict) -> dict[int, int]:
    """Subject layer to reference layer, of the layers that were found."""
    return {
        layer.layer: layer.reference_layer
        for layer in verdict.layers
        if layer.layer is not None and layer.reference_layer is not None and layer.relation in FOUND
    }
