"""A component's layers and tensors as rows: layers in a row that came out alike as one, and all of them as a grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from independence_audit.evidence.measurement import LayerEvidence, TensorEvidence
from independence_audit.evidence.relation import STRENGTH, Relation
from independence_audit.report import numbers
from independence_audit.report.plain import visible
from independence_audit.report.wording import label, word


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


@dataclass(frozen=True, slots=True)
class TensorRow:
    """A tensor entry; names are visible and whole."""

    name: str
    component: str
    layer: str
    role: str
    relation: Relation
    word: str
    r: str
    z: str
    p_value: str
    cosine: str
    identical: str
    bound: str
    reference: str
    note: str


def tensor_row(tensor: TensorEvidence, lang: str) -> TensorRow:
    """Word a tensor entry.

    Raises:
        MalformedError: The catalogue has no word for its reason.
    """
    return TensorRow(
        name=visible(tensor.name),
        component=visible(tensor.component),
        layer="" if tensor.layer is None else str(tensor.layer),
        role=visible(tensor.role),
        relation=tensor.relation,
        word=word("relation", tensor.relation, lang),
        r=numbers.coefficient(tensor.r),
        z=numbers.score(tensor.z),
        p_value=numbers.p_value(tensor.p_value),
        cosine=numbers.coefficient(tensor.cosine),
        identical=numbers.percent(tensor.identical_fraction),
        bound=numbers.coefficient(tensor.detection_bound),
        reference=_counterpart(tensor),
        note=_note(tensor, lang),
    )


def _counterpart(tensor: TensorEvidence) -> str:
    names = (tensor.reference, tensor.reference_tensor)
    return ": ".join(visible(name) for name in names if name is not None) or numbers.NONE


def _note(tensor: TensorEvidence, lang: str) -> str:
    notes = (
        word("reason", tensor.reason, lang) if tensor.reason else "",
        label("note_members", lang, members=tensor.members) if tensor.members > 1 else "",
        label("note_rounding", lang, type=tensor.rounding) if tensor.rounding else "",
        label("note_non_finite", lang, values=tensor.non_finite) if tensor.non_finite else "",
    )
    return "; ".join(note for note in notes if note)
