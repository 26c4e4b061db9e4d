"""Components and references as a declaration looks at them."""

from __future__ import annotations

from independence_audit.evidence.audit_report import Reference
from independence_audit.evidence.measurement import ComponentEvidence, RunnerUp
from independence_audit.evidence.relation import NAMED, Relation

QWEN = Reference("qwen2.5-vl-7b", "compared", owner="Alibaba Cloud", country="CN", source="Qwen/Qwen2.5-VL-7B-Instruct")
TUNED = Reference("tuned", "compared", owner="Somebody", derived_from=("qwen2.5-vl-7b",))
LLAMA = Reference("llama-3-8b", "compared", owner="Meta", country="US", source="meta-llama/Meta-Llama-3-8B")
REFERENCES = (QWEN, TUNED, LLAMA)


def against(reference: str, relation: Relation) -> RunnerUp:
    """A comparison with a reference."""
    return RunnerUp(reference, "visual", relation, None, None, None, None)


def component(
    relation: Relation,
    *others: RunnerUp,
    name: str = "visual",
    kind: str = "vision_encoder",
    reference: str = "qwen2.5-vl-7b",
) -> ComponentEvidence:
    """A component with a relation to a reference, and what it is to others."""
    return ComponentEvidence(
        name=name,
        kind=kind,
        family="qwen2_5_vl_vision",
        parameters=1000,
        relation=relation,
        relations={relation: 1.0},
        reference=reference if relation in NAMED else None,
        reference_component=None,
        p_value=None,
        r=None,
        joint_z=None,
        detection_bound=0.05,
        runners_up=others,
    )
