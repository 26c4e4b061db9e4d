"""The copies that the benchmark makes: every manipulation, on which bases and at which strengths, and what is true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from zlib import crc32

import torch
from safetensors.torch import load_file

from benchmarks.lineage import kin
from benchmarks.lineage.bases import Base, base
from benchmarks.lineage.manipulations import (
    depth,
    disguise,
    experts,
    layout,
    packed,
    second_wave,
    values,
    vocabulary,
    width,
)
from benchmarks.lineage.manipulations.model import Manipulation, Model
from benchmarks.lineage.manipulations.model import depth as layers_of
from benchmarks.lineage.names import released
from benchmarks.lineage.tokens import tokens
from benchmarks.lineage.train import cast, facts_of, inside, prefix_of
from examples.training.checkpoint import write

DENSE, MOE, DECODERS = ("dense_1", "dense_2"), ("moe_solar", "moe_glm"), ("dense_1", "moe_solar")
GATED, PLAIN, AUDIO = ("vision_1", "vision_2"), ("plain_1", "plain_2"), ("audio_1", "audio_2")
TOWERS = ("vision_1", "plain_1", "audio_1")
IN_PLACE = frozenset(
    {
        "unchanged",
        "cast",
        "Gaussian noise",
        "low-rank edit",
        "re-initialised parts",
        "merge of two",
        "merge of three",
        "fine-tuned",
        "continued",
    }
)


@dataclass(frozen=True, slots=True)
class Case:
    """A subject made of one base, to be compared with that base.

    Attributes:
        group: What kind of manipulation it is: a row of the table.
        strength: How much of it; empty where there is one kind only.
        base: The reference.
        apply: Makes the subject.
        start: The kept descendant that is manipulated in place of the base.
        prefix: Stands before the subject's names; None for that of the base.
        layer_map: The subject's layers by the reference's, where layers moved.
        shares: Further references and the subject's coefficients, in a merge.
        rank: Of a low-rank change.
        float32: Whether the subject keeps the types that the manipulation chose; bfloat16 otherwise.
    """

    group: str
    strength: str
    base: str
    apply: Manipulation
    start: str | None = None
    prefix: str | None = None
    layer_map: Callable[[Model], Sequence[int]] | None = None
    shares: dict[str, float] = field(default_factory=dict)
    rank: int | None = None
    float32: bool = False

    @property
    def in_place(self) -> bool:
        """Whether every value still lies where the base has it, so that the true r can be read off."""
        return self.group in IN_PLACE

    @property
    def name(self) -> str:
        """One name for each case."""
        return " ".join(part for part in (self.base, self.group, self.strength) if part)


@cache
def model_of(name: str) -> Model:
    """A base as it was trained, in memory, rounded to bfloat16 as in its checkpoint; or a kept descendant of one."""
    parent = name.partition("@")[0]
    descendant = next((one for one in kin.KIN if one.name == parent), None)
    one = base(descendant.parent if descendant else name)
    weights = load_file(kin.path(name) if descendant else inside(one))
    rounded = {key: tensor.bfloat16().float() for key, tensor in weights.items()}
    return Model(rounded, facts_of(one), tokens().tokenizer if one.config else None)


def subject(case: Case) -> Model:
    """The manipulated model, under the names of the trained modules; chance is the case's own."""
    generator = torch.Generator().manual_seed(crc32(case.name.encode()))
    return case.apply(model_of(case.start or case.base), generator)


def keep(case: Case, model: Model, folder: Path) -> None:
    """Write a subject as a checkpoint."""
    one = base(case.base)
    prefix = prefix_of(one) if case.prefix is None else case.prefix
    weights = released(one.family, {prefix + name: _own(tensor) for name, tensor in model.weights.items()})
    write(folder, weights if case.float32 else cast(weights, torch.bfloat16), model.facts, model.tokenizer)


def _own(tensor: torch.Tensor) -> torch.Tensor:
    """A copy in memory of its own: a layer that is there twice would share it, which a checkpoint cannot."""
    return tensor.clone(memory_format=torch.contiguous_format)


def is_ready(case: Case) -> bool:
    """Whether everything that a case is made of has been trained."""
    return all(path.is_file() for path in made_of(case))


def made_of(case: Case) -> list[Path]:
    """The files of trained weights that a case takes."""
    sources = [inside(base(name)) for name in (case.base, *case.shares)]
    return [*sources, *([kin.path(case.start)] if case.start else [])]


def cases() -> list[Case]:
    """Every case."""
    return [*_values(), *_trained(), *_moved(), *_experts(), *_widths(), *_layouts(), *_disguised()]


def _on(bases: Sequence[str], group: str, strength: str, apply: Manipulation, **more: object) -> list[Case]:
    return [Case(group, strength, name, apply, **more) for name in bases]  # type: ignore[arg-type]


def _values() -> list[Case]:
    both = (*DECODERS, *TOWERS)
    found = _on(both, "unchanged", "", values.unchanged)
    found += _on(both, "cast", "fp16", values.cast(torch.float16), float32=True)
    found += _on(DECODERS, "cast", "fp8 blocks", packed.fp8_blocks, float32=True)
    for share in (0.1, 1.0, 3.0, 10.0, 30.0):
        found += _on((*DECODERS, "vision_1", "audio_1"), "Gaussian noise", f"{share:g} sd", values.noised(share))
    for rank in (4, 16):
        found += _on(DECODERS, "low-rank edit", f"rank {rank}", values.low_rank(rank, 0.1), rank=rank)
    found += _on(DECODERS, "re-initialised parts", "MLPs", values.redrawn(".mlp."))
    found += _on(DECODERS, "re-initialised parts", "attention", values.redrawn(".self_attn."))
    found += _on(DECODERS, "re-initialised parts", "three layers", values.redrawn("layers.0", "layers.2", "layers.3"))
    found += [
        Case(
            "merge of two",
            f"{share:g}",
            "dense_1",
            _mixed(["dense_2"], [share, 1 - share]),
            shares={"dense_2": 1 - share},
        )
        for share in (0.7, 0.4)
    ]
    found.append(Case("merge of two", "0.6", "dense_3", _mixed(["dense_4"], [0.6, 0.4]), shares={"dense_4": 0.4}))
    for name, others in (("dense_1", ("dense_2", "dense_3")), ("dense_4", ("dense_5", "dense_6"))):
        mix = _mixed(list(others), [0.5, 0.3, 0.2])
        found.append(
            Case("merge of three", "0.5/0.3/0.2", name, mix, shares=dict(zip(others, (0.3, 0.2), strict=True)))
        )
    return found


def _mixed(others: list[str], coefficients: list[float]) -> Manipulation:
    def apply(model: Model, generator: torch.Generator) -> Model:
        return values.merged([model_of(name) for name in others], coefficients)(model, generator)

    return apply


def _trained() -> list[Case]:
    found = []
    for one in kin.KIN:
        length = one.steps * 2 // 3
        for name in one.kept:
            _, at, step = name.partition("@")
            times = int(step) / length if at else one.steps / length
            group, strength = "fine-tuned", "lightly" if one.name.endswith("lightly") else "strongly"
            if one.name.endswith("continued"):
                group, strength = "continued", f"{times:g} x"
            found.append(Case(group, strength, one.parent, values.unchanged, start=name))
    return found


def _moved() -> list[Case]:
    found = []
    maps = {
        "pruned": depth.pruned,
        "duplicated": depth.duplicated,
        "interleaved": depth.interleaved,
        "shifted": depth.shifted,
    }
    for how, layers in maps.items():
        found += _on(("dense_1", "moe_solar", "vision_1"), "layers moved", how, _stacked(layers), layer_map=layers)
    found += _on(DENSE, "layers moved", "grown", _grown, layer_map=_grown_map)
    found += _on(
        ("dense_1",),
        "layers moved",
        "pruned, fine-tuned",
        _stacked(depth.pruned),
        start="dense_1_finetuned",
        layer_map=depth.pruned,
    )
    return found


def _stacked(layers: Callable[[Model], list[int]]) -> Manipulation:
    return lambda model, generator: depth.stacked(layers(model))(model, generator)


def _grown_map(model: Model) -> list[int]:
    count = layers_of(model.weights)
    return [*range(2), 1, *range(2, count)]


def _grown(model: Model, generator: torch.Generator) -> Model:
    return depth.stacked(_grown_map(model), silent=(2,))(model, generator)


def _experts() -> list[Case]:
    found = _on(MOE, "experts permuted", "", experts.permuted)
    found += _on(MOE, "experts cloned", "", experts.cloned)
    found += _on(DENSE, "upcycled to experts", "copies", experts.upcycled(4))
    found += _on(DENSE, "upcycled to experts", "noise 0.1 sd", experts.upcycled(4, noise=0.1))
    found += _on(DENSE, "upcycled to experts", "half redrawn", experts.upcycled(4, redrawn=0.5))
    return found


def _widths() -> list[Case]:
    found = []
    for share in (0.25, 0.5):
        found += _on(
            ("dense_1", "moe_solar", "vision_1", "audio_1"),
            "MLP units pruned",
            f"{share:.0%}",
            width.pruned_units(share),
        )
    found += _on(("dense_1", "moe_solar"), "width doubled", "", width.hypercloned)
    found += _on(DECODERS, "vocabulary", "extended", vocabulary.extended(200))
    found += _on(DECODERS, "vocabulary", "cut by half", vocabulary.cut(0.5))
    found += _on(DECODERS, "vocabulary", "reordered", vocabulary.reordered)
    for taken, host in (("dense_1", "dense_2"), ("moe_solar", "moe_solar_2")):
        found.append(Case("vocabulary", "embeddings alone, reordered", taken, _embeddings_in(host)))
    return found


def _embeddings_in(host: str) -> Manipulation:
    def apply(model: Model, generator: torch.Generator) -> Model:
        return vocabulary.embeddings_within(model_of(host))(model, generator)

    return apply


def _layouts() -> list[Case]:
    found = _on(DENSE, "renamed", "Meta's names", layout.under_other_names)
    found += _on(DECODERS, "renamed", "two norms", layout.with_two_norms_renamed)
    found += _on(DECODERS, "re-prefixed", "", layout.prefixed("language_model."))
    found += _on(DENSE, "fused", "", layout.fused)
    found += _on(GATED, "split", "", layout.split)
    found += _on(DECODERS, "transposed", "", layout.transposed)
    found += _on(DECODERS, "transposed", "no names", layout.nameless)
    for name, inner in (("vision_1", "model.visual."), ("audio_1", "model.audio_tower.")):
        found.append(Case("tower inside another model", "", name, _within("dense_3", inner), prefix=""))
    found += _on((*GATED, *AUDIO), "part of a tower", "two layers", layout.part(2))
    return found


def _within(host: str, prefix: str) -> Manipulation:
    def apply(model: Model, generator: torch.Generator) -> Model:
        return layout.inside(model_of(host), "", prefix)(model, generator)

    return apply


def _disguised() -> list[Case]:
    found = []
    steps: dict[str, Manipulation] = {
        "units permuted": disguise.permuted_units,
        "units rescaled": disguise.rescaled_units(0.7),
        "residual signs": disguise.flipped,
        "residual permuted, signed": disguise.signed_permutation,
        "residual turned": disguise.rotated,
        "heads permuted": disguise.permuted_heads,
        "values mixed": disguise.mixed_values,
        "all together": disguise.EVERYTHING,
    }
    for name, step in steps.items():
        found += _on(("dense_1", "dense_2", "moe_solar"), "disguised", name, step)
    foreign = disguise.in_turn(disguise.EVERYTHING, vocabulary.replaced)
    found += _on(("dense_1", "moe_solar"), "disguised", "all, new vocabulary", foreign)
    for start in ("dense_1_finetuned", "moe_solar_finetuned", "dense_1_continued"):
        parent = start.rpartition("_")[0]
        words = start.rpartition("_")[2]
        found.append(Case("disguised", f"all, {words}", parent, disguise.EVERYTHING, start=start))
        found.append(Case("disguised", f"all, {words}, new vocabulary", parent, foreign, start=start))
    fewer = disguise.in_turn(_stacked(depth.pruned), foreign)
    found += _on(("dense_1", "moe_solar"), "disguised", "layers pruned, all, new vocabulary", fewer)
    found.append(
        Case("disguised", "layers pruned, all, finetuned, new vocabulary", "dense_1", fewer, start="dense_1_finetuned")
    )
    found += _on(DENSE, "disguised", "noise 0.3 sd, all, new vocabulary", disguise.in_turn(values.noised(0.3), foreign))
    for name, step in second_wave.DISGUISED.items():
        found += _on(DENSE, "second wave", name, step)
        found += _on(DENSE, "second wave", f"{name}, new vocabulary", disguise.in_turn(step, vocabulary.replaced))
    gated = disguise.in_turn(disguise.permuted_units, disguise.rescaled_units(0.7), disguise.turned_tower)
    plain = disguise.in_turn(disguise.permuted_units, disguise.turned_tower)
    heard = disguise.in_turn(disguise.permuted_units, disguise.permuted_audio_channels)
    for bases, apply, word in (
        (GATED, gated, "gated tower"),
        (PLAIN, plain, "GELU tower"),
        (AUDIO, heard, "audio tower"),
    ):
        found += _on(bases, "disguised tower", word, apply)
        found.append(Case("disguised tower", f"{word}, fine-tuned", bases[0], apply, start=f"{bases[0]}_finetuned"))
    return found


def same_draw() -> list[tuple[Base, Base]]:
    """Pairs of bases that share an initial draw and no training."""
    pairs = (
        ("dense_1_same_draw", "dense_1"),
        ("dense_2_same_draw_other_data", "dense_2"),
        ("moe_solar_same_draw", "moe_solar"),
    )
    return [(base(first), base(second)) for first, second in pairs]
