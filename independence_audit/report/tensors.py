"""Every tensor entry of a report as a row of words and figures."""

from __future__ import annotations

from dataclasses import dataclass

from independence_audit.evidence.measurement import TensorEvidence
from independence_audit.evidence.relation import Relation
from independence_audit.report import numbers
from independence_audit.report.plain import visible
from independence_audit.report.wording import label, word


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
