"""A component's layers: consecutive ones that came out alike as one row, and all of them by role as a grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from independence_audit.evidence.measurement import LayerEvidence, TensorEvidence
from independence_audit.evidence.relation import STRENGTH, Relation
from independence_audit.report import numbers


@dataclass(frozen=True, slots=True)
class LayerRun:
    """Consecutive layers with one relation, each at the same distance from its layer of the reference."""

    layers: str
    """``0 … 31``; empty for what stands outside the layers."""
    relation: Relation
    reference_layers: str
    r: str
    identical: str


@dataclass(frozen=True, slots=True)
class Cell:
    """All tensors of one role in one layer."""

    relation: Relation
    r: float | None


@dataclass(frozen=True, slots=True)
class Grid:
    """A component's tested roles by its layers."""

    layers: tuple[int | None, ...]
    roles: tuple[str, ...]
    cells: tuple[tuple[Cell | None, ...], ...]
    """One row for each role, one entry for each layer."""


def layer_runs(layers: Iterable[LayerEvidence]) -> tuple[LayerRun, ...]:
    """Put consecutive layers that came out alike together."""
    ordered = sorted(layers, key=lambda layer: (layer.layer is not None, layer.layer or 0))
    return tuple(_run(list(run)) for _, run in groupby(enumerate(ordered), key=_likeness))


def _likeness(numbered: tuple[int, LayerEvidence]) -> tuple[object, ...]:
    """What consecutive layers of one run have in common; a gap in their numbers ends it."""
    position, layer = numbered
    if layer.layer is None:
        return (layer.relation, None, None)
    shift = None if layer.reference_layer is None else layer.reference_layer - layer.layer
    return (layer.relation, layer.layer - position, shift)


def _run(numbered: Sequence[tuple[int, LayerEvidence]]) -> LayerRun:
    layers = [layer for _, layer in numbered]
    return LayerRun(
        layers=_span([layer.layer for layer in layers]),
        relation=layers[0].relation,
        reference_layers=_span([layer.reference_layer for layer in layers]) or numbers.NONE,
        r=numbers.span([numbers.coefficient(r) for r in sorted(layer.r for layer in layers if layer.r is not None)]),
        identical=numbers.span(
            [
                numbers.percent(f)
                for f in sorted(x.identical_fraction for x in layers if x.identical_fraction is not None)
            ]
        ),
    )


def _span(found: Sequence[int | None]) -> str:
    known = [str(number) for number in found if number is not None]
    return numbers.span(known) if known else ""


def grid_of(tensors: Iterable[TensorEvidence]) -> Grid:
    """Lay a component's tensors out by role and layer; roles and layers that were compared nowhere are left out."""
    found: dict[tuple[str, int | None], list[TensorEvidence]] = {}
    for tensor in tensors:
        if tensor.cosine is not None or tensor.z is not None:
            found.setdefault((tensor.role, tensor.layer), []).append(tensor)
    roles = tuple(dict.fromkeys(role for role, _ in found))
    layers = tuple(sorted({layer for _, layer in found}, key=lambda layer: (layer is not None, layer or 0)))
    cells = tuple(tuple(_cell(found.get((role, layer), ())) for layer in layers) for role in roles)
    return Grid(layers, roles, cells)


def _cell(tensors: Sequence[TensorEvidence]) -> Cell | None:
    if not tensors:
        return None
    strongest = max(tensors, key=lambda tensor: STRENGTH[tensor.relation])
    return Cell(strongest.relation, strongest.r)
