"""Handmade reports: a finding, a clean one, an inconclusive one and one with hostile names. No number was measured."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median

from independence_audit.evidence.audit_report import (
    AuditReport,
    Criterion,
    FileEvidence,
    Opinion,
    Outcome,
    Reference,
    Run,
    Settings,
    Severity,
    Subject,
    Submission,
    Summary,
    Tool,
)
from independence_audit.evidence.measurement import (
    ComponentEvidence,
    LayerEvidence,
    Message,
    RunnerUp,
    SearchOutcome,
    TensorEvidence,
)
from independence_audit.evidence.relation import STRENGTH, Relation
from independence_audit.evidence.training_evidence import (
    CheckpointSummary,
    ComponentTraining,
    Conclusion,
    Finding,
    ReferencePoint,
    TrainingEvidence,
    TrajectoryEvidence,
    TrajectoryPoint,
)

ROWS = 16.0
NOT_SEARCHED = "units_not_kept"


@dataclass(frozen=True, slots=True)
class Role:
    """A tensor of every layer: its name under the layer's prefix, its role, and its matrix."""

    tensor: str
    role: str
    shape: tuple[int, int]
    axis: str = "residual"


def decoder_roles(hidden: int, inner: int) -> tuple[Role, ...]:
    """The tensors of a llama-like layer."""
    return (
        Role("input_layernorm.weight", "attn_norm", (1, hidden)),
        Role("self_attn.q_proj.weight", "q", (hidden, hidden)),
        Role("self_attn.k_proj.weight", "k", (hidden // 5, hidden)),
        Role("self_attn.v_proj.weight", "v", (hidden // 5, hidden)),
        Role("self_attn.o_proj.weight", "o", (hidden, hidden), "attention"),
        Role("post_attention_layernorm.weight", "mlp_norm", (1, hidden)),
        Role("mlp.gate_proj.weight", "gate", (inner, hidden)),
        Role("mlp.up_proj.weight", "up", (inner, hidden)),
        Role("mlp.down_proj.weight", "down", (hidden, inner), "mlp"),
    )


def moe_roles(hidden: int, inner: int) -> tuple[Role, ...]:
    """The tensors of a layer with pooled experts, a router and a shared expert."""
    attention = decoder_roles(hidden, inner)[:6]
    return (
        *attention,
        Role("mlp.gate.weight", "router", (128, hidden)),
        Role("mlp.experts.*.gate_proj.weight", "expert_gate", (inner, hidden)),
        Role("mlp.experts.*.up_proj.weight", "expert_up", (inner, hidden)),
        Role("mlp.experts.*.down_proj.weight", "expert_down", (hidden, inner), "mlp"),
        Role("mlp.shared_experts.gate_proj.weight", "shared_gate", (inner, hidden)),
        Role("mlp.shared_experts.up_proj.weight", "shared_up", (inner, hidden)),
        Role("mlp.shared_experts.down_proj.weight", "shared_down", (hidden, inner), "mlp"),
    )


def whisper_roles() -> tuple[Role, ...]:
    """The tensors of a Whisper encoder layer."""
    attention = tuple(
        Role(f"self_attn.{name}_proj.weight", role, (1280, 1280), axis)
        for name, role, axis in (
            ("q", "q", "residual"),
            ("k", "k", "residual"),
            ("v", "v", "residual"),
            ("out", "o", "attention"),
        )
    )
    return (
        Role("self_attn_layer_norm.weight", "attn_norm", (1, 1280)),
        *attention,
        Role("final_layer_norm.weight", "mlp_norm", (1, 1280)),
        Role("fc1.weight", "up", (5120, 1280)),
        Role("fc2.weight", "down", (1280, 5120), "mlp"),
    )


def vision_roles() -> tuple[Role, ...]:
    """The tensors of a Qwen2.5-VL vision block."""
    return (
        Role("norm1.weight", "attn_norm", (1, 1280)),
        *(Role("attn.qkv.weight", role, (1280, 1280)) for role in "qkv"),
        Role("attn.proj.weight", "o", (1280, 1280), "attention"),
        Role("norm2.weight", "mlp_norm", (1, 1280)),
        Role("mlp.gate_proj.weight", "gate", (3456, 1280)),
        Role("mlp.up_proj.weight", "up", (3456, 1280)),
        Role("mlp.down_proj.weight", "down", (1280, 3456), "mlp"),
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """The numbers of one tensor entry, before it has a name."""

    relation: Relation
    cosine: float
    r: float
    z: float
    identical: float
    difference: float


Law = Callable[[random.Random, Role, int | None], Measured]
"""Draws what would be measured on one role of one layer."""


def effective(role: Role) -> float:
    """How many rows' worth of information the sampled rows hold."""
    return min(ROWS, role.shape[0])


def strangers(draw: random.Random, role: Role, _layer: int | None) -> Measured:
    """Two independent models: z is standard normal, and norm gains still have a high raw cosine."""
    z = draw.gauss(0.0, 1.0)
    r = z / math.sqrt((role.shape[1] - 1) * effective(role))
    cosine = draw.uniform(0.951, 0.989) if role.role.endswith("norm") else r + draw.gauss(0, 0.002)
    return Measured(Relation.UNRELATED, cosine, r, z, 0.0, draw.uniform(0.2, 0.6))


def copies(_draw: random.Random, role: Role, _layer: int | None) -> Measured:
    """Every compared value is equal."""
    return Measured(Relation.IDENTICAL, 1.0, 1.0, math.sqrt(role.shape[1]) - 0.01, 1.0, 0.0)


def tuned(draw: random.Random, role: Role, layer: int | None) -> Measured:
    """Trained on from the reference; the norms of the first blocks did not change."""
    if role.role.endswith("norm") and layer is not None and layer < 6:
        return copies(draw, role, layer)
    r = draw.uniform(0.965, 0.996)
    return Measured(Relation.RELATED, r + 0.002, r, math.sqrt(role.shape[1]) * r, draw.uniform(0, 0.01), 0.03)


def tensor(
    component: str, name: str, role: Role, layer: int | None, *, found: Measured, reference: str
) -> TensorEvidence:
    """Write down what was measured on one tensor."""
    rows = effective(role)
    return TensorEvidence(
        name=name,
        members=128 if "*" in name else 1,
        component=component,
        layer=layer,
        role=role.role,
        axis=role.axis,
        shape=role.shape,
        parameters=role.shape[0] * role.shape[1] * (128 if "*" in name else 1),
        relation=found.relation,
        reference=reference,
        reference_tensor=name.removeprefix("model."),
        cosine=found.cosine,
        pearson=found.r,
        r=found.r,
        z=found.z,
        p_value=math.erfc(abs(found.z) / math.sqrt(2)),
        detection_bound=7.9 / math.sqrt((role.shape[1] - 1) * rows),
        effective_rows=rows,
        jump=2.5,
        identical_fraction=found.identical,
        max_abs_diff=found.difference,
        compared_values=int(rows) * min(role.shape[1], 1024),
    )


def tower(
    component: str, prefix: str, roles: Iterable[Role], *, layers: int, law: Law, reference: str, seed: int
) -> tuple[TensorEvidence, ...]:
    """Draw all layers of a component."""
    draw = random.Random(seed)  # noqa: S311 - samples, not secrets
    return tuple(
        tensor(
            component, f"{prefix}{layer}.{role.tensor}", role, layer, found=law(draw, role, layer), reference=reference
        )
        for layer in range(layers)
        for role in roles
    )


def outside(component: str, roles: Iterable[Role], law: Law, reference: str, seed: int) -> tuple[TensorEvidence, ...]:
    """Draw the tensors of a component that stand in no layer."""
    draw = random.Random(seed)  # noqa: S311 - samples, not secrets
    return tuple(
        tensor(component, role.tensor, role, None, found=law(draw, role, None), reference=reference) for role in roles
    )


def untested(component: str, name: str, role: str, shape: tuple[int, int], reason: str) -> TensorEvidence:
    """A tensor that says nothing, and why."""
    relation = Relation.NOT_TESTED if reason.startswith("no_") else Relation.UNINFORMATIVE
    return TensorEvidence(
        name=name,
        members=1,
        component=component,
        layer=None,
        role=role,
        axis="none",
        shape=shape,
        parameters=shape[0] * shape[1],
        relation=relation,
        reason=reason,
    )


def strongest(found: Iterable[Relation]) -> Relation:
    """Pick the strongest relation."""
    return max(found, key=STRENGTH.__getitem__)


def shares(tensors: Iterable[TensorEvidence]) -> dict[Relation, float]:
    """Share of the parameters under each relation."""
    sizes: dict[Relation, int] = {}
    for entry in tensors:
        sizes[entry.relation] = sizes.get(entry.relation, 0) + entry.parameters
    total = sum(sizes.values())
    return {relation: sizes[relation] / total for relation in Relation if relation in sizes}


def layers_of(tensors: Iterable[TensorEvidence]) -> tuple[LayerEvidence, ...]:
    """Sum up each layer of a component."""
    grouped: dict[int | None, list[TensorEvidence]] = {}
    for entry in tensors:
        grouped.setdefault(entry.layer, []).append(entry)
    return tuple(
        LayerEvidence(
            layer=layer,
            relation=min((e.relation for e in entries), key=STRENGTH.__getitem__)
            if layer is not None
            else entries[0].relation,
            reference_layer=layer if entries[0].reference else None,
            r=median(values) if (values := [e.r for e in entries if e.r is not None]) else None,
            identical_fraction=median(e.identical_fraction or 0.0 for e in entries),
        )
        for layer, entries in grouped.items()
    )


def component(
    name: str,
    kind: str,
    family: str,
    tensors: tuple[TensorEvidence, ...],
    *,
    relation: Relation,
    reference: str | None = None,
    runners_up: tuple[RunnerUp, ...] = (),
    reason: str | None = None,
) -> ComponentEvidence:
    """Sum up a component from its tensors."""
    own = [entry for entry in tensors if entry.component == name]
    tested = [entry.r for entry in own if entry.r is not None and not entry.role.endswith("norm")]
    found = relation in (Relation.IDENTICAL, Relation.RELATED)
    if own[0].reference is not None and not found:
        runners_up = (RunnerUp(own[0].reference, "model", relation, 0.43, 0.001, -0.61, 0.0031, reason), *runners_up)
    return ComponentEvidence(
        name=name,
        kind=kind,
        family=family,
        parameters=sum(entry.parameters for entry in own),
        relation=relation,
        relations=shares(own),
        reference=reference if found else None,
        reference_component="audio_tower" if found and kind == "audio_encoder" else "visual" if found else None,
        p_value=0.0 if found else 0.43 if tested else None,
        r=median(tested) if tested else None,
        joint_z=34.2 if found else -0.61 if tested else None,
        detection_bound=0.0031 if tested else None,
        layers=layers_of(own),
        layer_map={str(e.layer): e.layer for e in own if e.layer is not None} if found else {},
        runners_up=runners_up,
        searches={name: SearchOutcome("not_possible", NOT_SEARCHED) for name in ("moved", "disguised")},
        reason=reason,
    )


def subject_of(name: str, shards: tuple[FileEvidence, ...], parameters: int, read_bytes: int) -> Subject:
    """Make up a subject that is no shipped example."""
    return Subject(
        name=name,
        files=shards,
        parameters=parameters,
        synthetic=False,
        verified=True,
        revision=None,
        read_bytes=read_bytes,
    )


def digest(text: str) -> str:
    """Make up a SHA-256."""
    return random.Random(text).randbytes(32).hex()  # noqa: S311 - samples, not secrets


def files(stem: str, count: int, size: int, scope: str = "file") -> tuple[FileEvidence, ...]:
    """Make up the shards of a model."""
    names = [f"{stem}-{number:05d}-of-{count:05d}.safetensors" for number in range(1, count + 1)]
    return tuple(FileEvidence(name, size + 4096 * i, digest(name), scope) for i, name in enumerate(names))


def reference(name: str, owner: str, country: str, status: str = "compared", reason: str | None = None) -> Reference:
    """Make up a reference of a public library."""
    return Reference(
        name=name,
        status=status,
        reason=reason,
        owner=owner,
        country=country,
        source=f"{owner}/{name}",
        revision=digest(name)[:40],
        licence="Apache-2.0",
        sampler="rows16-cols1024-v1-0f3a",
        parameters=7_000_000_000,
        files=files(name, 2, 4_900_000_000),
    )


SETTINGS = Settings(
    mode="sampled",
    alpha=1e-6,
    sampler="rows16-cols1024-v1-salt:public-0f3a9c",
    policy_digest=digest("evidence-only"),
    library_digest=None,
)
RUN = Run(
    date="2026-01-15T09:30:00+09:00",
    host="audit-01",
    command="audit compare submission/ --ref qwen2.5-vl --ref qwen2-audio -o html=report.html -o json=report.json",
)
CANNOT = tuple(Message(f"cannot.{key}") for key in ("frozen", "own_data", "training", "policy"))
CHANGE = tuple(Message(f"change.{key}") for key in ("step0", "logs", "full"))


def not_searched(components: Iterable[ComponentEvidence]) -> tuple[Message, ...]:
    """Say for each component which searches were not made."""
    return tuple(
        Message(f"not_searched.{search}", {"component": c.name, "reason": NOT_SEARCHED})
        for c in components
        for search in ("moved", "disguised")
    )


def summary(components: tuple[ComponentEvidence, ...], tensors: tuple[TensorEvidence, ...]) -> Summary:
    """Sum up a report."""
    found = tuple(c.name for c in components if c.relation in (Relation.IDENTICAL, Relation.RELATED))
    tests = sum(entry.z is not None for entry in tensors)
    return Summary(strongest(c.relation for c in components), found, shares(tensors), not_searched(components), tests)


def finding() -> AuditReport:
    """A decoder of its own beside an unchanged audio encoder and a vision encoder that was trained on."""
    text, vision, audio = "model.language_model", "model.vision_model", "model.audio_model"
    compressor = "model.video_audio_compressor"
    heads = (
        Role("model.language_model.model.embed_tokens.weight", "embed", (128256, 5120)),
        Role("model.language_model.model.norm.weight", "final_norm", (1, 5120)),
        Role("model.language_model.lm_head.weight", "head", (128256, 5120)),
    )
    tensors = (
        *outside(text, heads, strangers, "Qwen2.5-VL", 1),
        *tower(
            text,
            "model.language_model.model.layers.",
            decoder_roles(5120, 25600),
            layers=72,
            law=strangers,
            reference="Qwen2.5-VL",
            seed=2,
        ),
        *tower(
            vision, "model.vision_model.blocks.", vision_roles(), layers=32, law=tuned, reference="Qwen2.5-VL", seed=3
        ),
        *tower(
            audio, "model.audio_model.layers.", whisper_roles(), layers=32, law=copies, reference="Qwen2-Audio", seed=4
        ),
        untested(audio, "model.audio_model.embed_positions.weight", "positions", (1500, 1280), "sinusoid"),
        untested(compressor, "model.video_audio_compressor.query.weight", "query", (64, 5120), "no_reference_of_kind"),
    )
    runner = RunnerUp("Qwen2.5-Omni", "thinker.audio_tower", Relation.RELATED, 0.0, 0.91, 31.4, 0.0031)
    components = (
        component(
            audio,
            "audio_encoder",
            "whisper",
            tensors,
            relation=Relation.IDENTICAL,
            reference="Qwen2-Audio",
            runners_up=(runner,),
        ),
        component(
            vision, "vision_encoder", "qwen2_5_vl_vision", tensors, relation=Relation.RELATED, reference="Qwen2.5-VL"
        ),
        component(text, "text_decoder", "hyperclovax", tensors, relation=Relation.UNRELATED),
        component(
            compressor, "compressor", "unknown", tensors, relation=Relation.NOT_TESTED, reason="no_reference_of_kind"
        ),
    )
    values = sum(entry.compared_values for entry in tensors if entry.component == audio)
    mixed = Message("fact.mixed", {"component": vision, "reference": "Qwen2.5-VL", "unchanged": 0.00004})
    facts = (
        Message("fact.identical", {"component": audio, "reference": "Qwen2-Audio", "fraction": 1.0, "values": values}),
        Message("fact.related", {"component": vision, "reference": "Qwen2.5-VL", "r": 0.9826, "p": 0.0}),
        Message("fact.unrelated", {"component": text, "references": 3, "bound": 0.0031}),
    )
    criteria = (
        shared(audio, "Qwen2-Audio", "identical", (facts[0],)),
        shared(vision, "Qwen2.5-VL", "related", (facts[1], mixed)),
        Criterion(
            "weights",
            Outcome.MET,
            Severity.NONE,
            Message("criterion.none_found", {"component": text, "references": 3, "bound": 0.0031}),
            component=text,
        ),
        Criterion(
            "weights",
            Outcome.NOT_ASSESSED,
            Severity.REMARK,
            Message("criterion.not_tested", {"component": compressor, "reason": "no_reference_of_kind"}),
            component=compressor,
        ),
    )
    headline = Message(
        "headline.not_met", {"components": f"{audio}, {vision}", "references": "Qwen2-Audio, Qwen2.5-VL"}
    )
    return AuditReport(
        tool=Tool("independence-audit", "0.1.0"),
        settings=SETTINGS,
        run=RUN,
        submission=Submission("Example team", "Stage 1", "Omni 32B"),
        subject=Subject(
            name="omni-32b",
            files=files("omni-32b", 14, 4_900_000_000, "sample"),
            parameters=sum(entry.parameters for entry in tensors),
            synthetic=True,
            verified=True,
            revision=None,
            read_bytes=412_000_000,
            notices=(Message("notice.hostile_name", {"tensor": "model.../../x"}),),
        ),
        references=(
            reference("Qwen2-Audio", "Qwen", "CN"),
            reference("Qwen2.5-VL", "Qwen", "CN"),
            reference("Qwen2.5-Omni", "Qwen", "CN"),
            reference("Whisper-large-v3", "openai", "US", "not_available", "no_overlap"),
        ),
        components=components,
        tensors=tensors,
        summary=summary(components, tensors),
        opinion=Opinion("evidence-only", "1.0", headline, facts, criteria, CANNOT, CHANGE),
    )


def shared(component: str, reference: str, relation: str, evidence: tuple[Message, ...]) -> Criterion:
    """A criterion that shared weights break."""
    data = {"component": component, "reference": reference, "relation": relation}
    return Criterion(
        "weights",
        Outcome.NOT_MET,
        Severity.NOT_MET,
        Message("criterion.shared", data),
        component=component,
        quote="The technical minimum is that weights are initialised and then trained on own data.",
        source="Evaluation notice, stage 1 (January 2026)",
        evidence=evidence,
        would_change=CHANGE[:2],
    )


def clean() -> AuditReport:
    """A mixture of experts with a known model's architecture and norm cosines, and nothing else in common."""
    name = "model"
    heads = (
        Role("model.embed_tokens.weight", "embed", (196608, 4096)),
        Role("model.norm.weight", "final_norm", (1, 4096)),
        Role("lm_head.weight", "head", (196608, 4096)),
    )
    tensors = (
        *outside(name, heads, strangers, "GLM-4.5-Air", 5),
        *tower(name, "model.layers.", moe_roles(4096, 1280), layers=48, law=strangers, reference="GLM-4.5-Air", seed=6),
    )
    components = (component(name, "text_decoder", "solar_open", tensors, relation=Relation.UNRELATED),)
    norms = [entry for entry in tensors if entry.role.endswith("norm")]
    caveat = {
        "cosine": median(e.cosine or 0.0 for e in norms),
        "r": median(e.r or 0.0 for e in norms),
        "tensors": len(norms),
    }
    facts = (
        Message("fact.norm_trap", caveat),
        Message("fact.unrelated", {"component": name, "references": 2, "bound": 0.0029}),
    )
    none_found = Message("criterion.none_found", {"component": name, "references": 2, "bound": 0.0029})
    return replace(
        finding(),
        submission=Submission(),
        subject=subject_of("open-100b", files("model", 42, 4_900_000_000, "sample"), 102_000_000_000, 655_000_000),
        references=(
            reference("GLM-4.5-Air", "zai-org", "CN"),
            reference("Qwen3-30B-A3B", "Qwen", "CN"),
            reference("DeepSeek-V3", "deepseek-ai", "CN", "incomparable", "no_overlap"),
        ),
        components=components,
        tensors=tensors,
        summary=summary(components, tensors),
        opinion=Opinion(
            "evidence-only",
            "1.0",
            Message("headline.met", {"compared": 2, "total": 3}),
            facts,
            (Criterion("weights", Outcome.MET, Severity.NONE, none_found, component=name),),
            CANNOT,
            (*CHANGE, Message("change.reference")),
        ),
    )


def inconclusive() -> AuditReport:
    """A tiny model whose widths are too narrow to tell."""
    name = "encoder"

    def weak(draw: random.Random, role: Role, layer: int | None) -> Measured:
        return replace(strangers(draw, role, layer), relation=Relation.INCONCLUSIVE)

    tensors = tuple(
        replace(entry, reason="low_power")
        for entry in tower(name, "encoder.layers.", decoder_roles(40, 80), layers=2, law=weak, reference="Tiny", seed=7)
    )
    components = (component(name, "other", "unknown", tensors, relation=Relation.INCONCLUSIVE, reason="low_power"),)
    fact = Message("fact.inconclusive", {"component": name, "reason": "low_power"})
    return replace(
        finding(),
        submission=Submission(model="Tiny"),
        subject=subject_of("tiny", files("tiny", 1, 90_000), sum(e.parameters for e in tensors), 90_000),
        references=(reference("Tiny", "someone", "KR"),),
        components=components,
        tensors=tensors,
        summary=summary(components, tensors),
        opinion=Opinion(
            "evidence-only",
            "1.0",
            Message("headline.inconclusive", {"components": name}),
            (fact,),
            (
                Criterion(
                    "weights",
                    Outcome.NOT_ASSESSED,
                    Severity.REVIEW,
                    Message("criterion.inconclusive", {"component": name, "reason": "low_power"}),
                    component=name,
                ),
            ),
            CANNOT,
            CHANGE,
        ),
    )


HOSTILE_NAMES: Mapping[str, str] = {
    "markup": '<script>alert("x")</script><img src=x onerror=alert(1)>',
    "table": "a|b`c``d\n| identical | **not** |\r\n# heading\t[link](https://example.org) www.example.org",
    "bidi": "weights\u202egnp.exe\u2066\u200b\u00ad\ufeff",
    "control": "bell\x07 clear\x1b[2J\x9b31m null\x00 sep\u2028\u2029",
    "surrogate": "half \ud800 pair \udfff",
    "template": "{{ 7*7 }} {% raw %} {component} {0.__class__} [bold]rich[/bold] :skull: &lt; \\",
    "long": "layer." * 400 + "weight",
    "empty": "",
    "wide": "한국어 모델 " * 12 + "😀",
}
"""What an adversary may call a tensor, a component, a file or a model."""


def hostile() -> AuditReport:
    """Names that attack terminals, Markdown, HTML, templates and readers' eyes, in every place a name can stand."""
    names = list(HOSTILE_NAMES.values())
    square = Role("x", "q", (64, 64))
    found = [tuned(random.Random(number), square, None) for number in range(len(names))]  # noqa: S311 - samples
    tensors = tuple(
        tensor(name, f"{name}.{number}", replace(square, role=name), number, found=found[number], reference=name)
        for number, name in enumerate(names)
    )
    components = tuple(component(n, n, n, tensors, relation=Relation.RELATED, reference=n) for n in names)
    facts = tuple(Message("fact.related", {"component": n, "reference": n, "r": 0.98, "p": 1e-13}) for n in names)
    base = finding()
    return replace(
        base,
        run=Run(names[0], names[1], names[3]),
        submission=Submission(names[0], names[1], names[2]),
        subject=Subject(
            name=names[0],
            files=tuple(FileEvidence(n, 1, None, None) for n in names),
            parameters=1,
            synthetic=False,
            verified=True,
            revision="0123456789abcdef0123456789abcdef01234567",
            read_bytes=1,
            notices=tuple(Message("notice.hostile_name", {"tensor": n}) for n in names),
        ),
        references=tuple(Reference(n, "compared", None, n, n, (n, n), n, n, n, n, notices=facts[:1]) for n in names),
        components=components,
        tensors=tensors,
        summary=summary(components, tensors),
        opinion=Opinion(
            names[0],
            names[1],
            Message("headline.not_met", {"components": names[0], "references": names[1]}),
            facts,
            tuple(replace(shared(n, n, "related", facts[:1]), id=n, quote=n, source=n) for n in names),
            CANNOT,
            CHANGE,
        ),
    )


def training() -> AuditReport:
    """An inconclusive report beside which checkpoints were handed in: one part trains, one is frozen."""
    steps = (0, 1000, 4000, 10000)
    names = tuple(f"step-{step}" for step in steps)
    moving = tuple(
        TrajectoryPoint(
            checkpoint=name,
            step=step,
            component="encoder",
            first_r=1.0 - 0.2 * place,
            previous_r=None if place == 0 else 0.8,
            relative_update=None if place == 0 else 0.6,
            update_cosine=None if place < 2 else 0.1,
            identical_fraction=None if place == 0 else 0.0,
            references=(ReferencePoint("Tiny", 0.01 * place, 0.4, None if place == 0 else 0.002, 0.3, related=False),),
        )
        for place, (name, step) in enumerate(zip(names, steps, strict=True))
    )
    still = tuple(
        TrajectoryPoint(name, None, "head", 1.0, None if place == 0 else 1.0, 0.0, None, 1.0)
        for place, name in enumerate(names)
    )
    constant = Message("finding.constant", {"role": "attn_norm", "value": "1", "tensors": 2, "of": 2})
    seen = ComponentTraining(
        "encoder",
        Conclusion.CONSISTENT_WITH_SCRATCH,
        evidence=(Message("grounds.partly_untrained", {"share": 0.1}),),
        limits=(Message("limit.sampled"),),
        findings=(
            Finding(
                constant,
                tensors=tuple(f"encoder.layers.{n}.input_layernorm.weight" for n in range(6)),
                alternatives=(Message("alternative.not_trained_by_design"),),
            ),
        ),
    )
    frozen = ComponentTraining(
        "head", Conclusion.FROZEN_DURING_TRAINING, findings=(Finding(constant, contradicts=True),)
    )
    checkpoints = tuple(CheckpointSummary(name, step, "read") for name, step in zip(names, steps, strict=True))
    evidence = TrainingEvidence((seen, frozen), TrajectoryEvidence(checkpoints, (*moving, *still), "any"))
    return replace(inconclusive(), training=evidence)


SAMPLES: Mapping[str, Callable[[], AuditReport]] = {
    "finding": finding,
    "clean": clean,
    "inconclusive": inconclusive,
    "hostile": hostile,
    "training": training,
}
