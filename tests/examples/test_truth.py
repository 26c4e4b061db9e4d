"""The truth about the example checkpoints: well-formed, and borne out by plain arithmetic on the weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.torch import load_file

from independence_audit.anatomy.component import Kind
from independence_audit.evidence.relation import FOUND, Relation

Weights = dict[str, NDArray[np.float64]]
Read = Callable[[str], Weights]

HYPERCLOVAX = "hyperclovax_case/"
SEEDS = "seeds_case/"


def correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Pearson correlation of two arrays of one shape."""
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def correlations(subject: Weights, reference: Weights, prefixes: tuple[str, str] = ("", "")) -> dict[str, float]:
    """Pearson correlations of the matrices that two models have alike, names compared behind their prefixes."""
    named = {
        name: reference.get(prefixes[1] + name.removeprefix(prefixes[0]))
        for name, tensor in subject.items()
        if name.startswith(prefixes[0]) and tensor.ndim > 1
    }
    values = {
        name: correlation(subject[name], other)
        for name, other in named.items()
        if other is not None and other.shape == subject[name].shape
    }
    assert values
    return values


def test_it_covers_every_checkpoint(truth: list[dict[str, Any]], checkpoints: dict[str, Path]) -> None:
    """Every checkpoint takes part, and none is named that is not there."""
    named = {name for pair in truth for name in (pair["subject"], *pair["references"])}
    assert named == set(checkpoints)


def test_it_is_well_formed(truth: list[dict[str, Any]]) -> None:
    """Kinds and relations are the audit's words; a found relation has its reference, and only that ends with 1."""
    for pair in truth:
        assert set(pair) == {"subject", "references", "truth", "exit", "components"}
        found = [component for component in pair["components"] if component["reference"] is not None]
        assert pair["exit"] == (1 if found else 0)
        for component in pair["components"]:
            relations = {Relation(word) for word in component["relations"]}
            assert relations
            assert Kind(component["kind"])
            assert component["reference"] in [None, *pair["references"]]
            assert relations <= set(FOUND) if component in found else not relations & set(FOUND)


def test_it_names_every_component(truth: list[dict[str, Any]], weights: Read) -> None:
    """Every tensor of a subject lies under exactly one prefix."""
    for pair in truth:
        prefixes = [component["prefix"] for component in pair["components"]]
        for name in weights(pair["subject"]):
            assert sum(name.startswith(prefix) for prefix in prefixes) == 1, name


def test_the_audio_tower_is_bit_identical(checkpoints: dict[str, Path]) -> None:
    """The subject's audio tower is the reference's, byte by byte."""
    subject, reference = (
        load_file(checkpoints[HYPERCLOVAX + name] / "model.safetensors") for name in ("subject", "reference_audio")
    )
    tower = {name: tensor for name, tensor in reference.items() if name.startswith("audio_tower.")}
    taken = {name for name in subject if name.startswith("model.audio_model.")}
    assert len(taken) == len(tower)
    for name, tensor in tower.items():
        copy = subject[name.replace("audio_tower.", "model.audio_model.")]
        assert copy.dtype == tensor.dtype
        assert copy.numpy().tobytes() == tensor.numpy().tobytes()


def test_the_vision_tower_is_fine_tuned(weights: Read) -> None:
    """Every matrix of the subject's vision tower moved, and kept a correlation of about 0.99 with the reference's."""
    subject, reference = weights(HYPERCLOVAX + "subject"), weights(HYPERCLOVAX + "reference_vision")
    values = correlations(subject, reference, ("model.vision_model.", "visual.")).values()
    assert len(values) == 16
    assert min(values) > 0.985
    assert max(values) < 0.995


def test_the_variant_is_the_subject_without_audio(weights: Read) -> None:
    """Nothing else differs."""
    subject, variant = weights(HYPERCLOVAX + "subject"), weights(HYPERCLOVAX + "subject_vision_only")
    assert set(variant) == {name for name in subject if ".audio_" not in name}
    assert all(np.array_equal(tensor, subject[name]) for name, tensor in variant.items())


@pytest.mark.parametrize(
    ("first", "second", "prefixes"),
    [
        ("hyperclovax_case/subject", "hyperclovax_case/reference_vision", ("model.language_model.", "")),
        ("hyperclovax_case/subject", "hyperclovax_case/reference_audio", ("model.language_model.", "language_model.")),
        ("solar_case/solar_open", "solar_case/glm4_moe", ("", "")),
        ("seeds_case/other_seed", "seeds_case/base", ("", "")),
        ("seeds_case/other_seed", "seeds_case/finetuned", ("", "")),
        ("seeds_case/other_seed", "seeds_case/continued", ("", "")),
    ],
)
def test_independent_decoders_do_not_correlate(
    weights: Read, first: str, second: str, prefixes: tuple[str, str]
) -> None:
    """No matrix of a decoder resembles that of a stranger."""
    values = correlations(weights(first), weights(second), prefixes)
    [head] = [name for name in values if name.endswith("lm_head.weight")]
    assert abs(values.pop(head)) < 0.35  # bytes that never occur share one direction: hardly more than one row of 128
    assert max(map(abs, values.values())) < 0.06


def test_strangers_have_gains_of_high_cosine(weights: Read) -> None:
    """Norm gains of the two mixtures of experts look alike by raw cosine, and are not."""
    glm, solar = weights("solar_case/glm4_moe"), weights("solar_case/solar_open")
    gains = [name for name in glm if name.endswith("norm.weight")]
    assert len(gains) == 7
    for name in gains:
        cosine = glm[name] @ solar[name] / (np.linalg.norm(glm[name]) * np.linalg.norm(solar[name]))
        assert cosine > 0.95
        assert abs(correlation(glm[name], solar[name])) < 0.4  # 4.5 standard deviations of 128 values


@pytest.mark.parametrize(
    ("name", "lowest", "highest", "median"), [("finetuned", 0.95, 0.999, 0.985), ("continued", 0.6, 0.97, 0.8)]
)
def test_descendants_correlate_with_the_base(
    weights: Read, name: str, lowest: float, highest: float, median: float
) -> None:
    """Fine-tuning leaves a correlation of about 0.98, long training at a high rate one of 0.7 to 0.9."""
    values = list(correlations(weights(SEEDS + name), weights(SEEDS + "base")).values())
    assert min(values) > lowest
    assert max(values) < highest
    assert np.median(values) == pytest.approx(median, abs=0.05)


def test_the_cast_is_nothing_but_rounding(weights: Read) -> None:
    """The float16 file is the base cast, and hardly a value of the base was on that grid before."""
    base, cast = weights(SEEDS + "base"), weights(SEEDS + "base_fp16")
    assert set(base) == set(cast)
    for name, tensor in base.items():
        assert np.array_equal(tensor.astype(np.float16).astype(np.float64), cast[name])
        assert (tensor == cast[name]).mean() < 0.1
