"""Which came first is right in every made pair where it is stated, and open where the other side could be made."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from independence_audit.evidence.measurement import CameFirst, Direction, Ground, Side
from independence_audit.fingerprint import Model
from independence_audit.lineage.came_first import came_first
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.lineage.rank import rank
from tests.cli.small_models import Weights, llama
from tests.lineage.models_in_memory import model_of
from tests.lineage.test_merges import BASE, FIRST, SECOND, half, summed, tuned

WIDE = {name: values.astype(np.float32) for name, values in llama(1).items()}
NARROW = half(WIDE)
MERGE = summed({0.6: FIRST, 0.4: BASE})


def stated(subject: Weights, *references: Weights, verified: bool = False) -> CameFirst | None:
    """What is said of a subject beside references a, b, ..."""
    mine = model_of(subject, "subject")
    known = [Model(model_of(each, name).fingerprint, None) for each, name in zip(references, "abc", strict=False)]
    items = [one for model in known for one in compare_fingerprints(mine.fingerprint, model.fingerprint)]
    (ranking,) = rank(Comparisons(mine.fingerprint, 1e-6, tuple(items)))
    return came_first(ranking.verdicts, verified_training=verified)


def wide(weights: Weights) -> Weights:
    """The same in float32."""
    return {name: values.astype(np.float32) for name, values in weights.items()}


def moved(weights: Weights, share: float, *, flat: bool = True) -> Weights:
    """In float32, every value changed within half a step of fp16: anywhere there, or mostly near it, as training."""
    random = np.random.default_rng(5)

    def change(values: np.ndarray) -> np.ndarray:
        half_step = np.spacing(np.abs(values)).astype(np.float32) / 2
        noise = random.uniform(-1, 1, values.shape) if flat else random.normal(0, 0.2, values.shape).clip(-1, 1)
        return (values.astype(np.float32) + np.float32(share) * half_step * noise.astype(np.float32)).astype(np.float32)

    return {name: change(values) for name, values in weights.items()}


def four_bit(weights: Mapping[str, np.ndarray]) -> Weights:
    """Every 32 inputs of a matrix on 15 levels of one scale, dequantised."""

    def levels(values: np.ndarray) -> np.ndarray:
        blocks = values.astype(np.float32).reshape(-1, 32)
        scale = np.abs(blocks).max(axis=1, keepdims=True) / 7
        return (np.rint(blocks / scale) * scale).reshape(values.shape).astype(np.float32)

    return {name: levels(each) if each.ndim > 1 else each.astype(np.float32) for name, each in weights.items()}


def extrapolated(reference: Weights, other: Weights, part: float, seed: int | None) -> Weights:
    """A subject calculated so that a reference is its merge with another model: on fp16, anywhere that still fits."""
    random = np.random.default_rng(seed)

    def solve(name: str) -> np.ndarray:
        target, rest = reference[name].astype(np.float64), other[name].astype(np.float64)
        free = np.spacing(np.abs(reference[name])).astype(np.float64) * 0.2 / part
        noise = random.uniform(-1, 1, target.shape) * free if seed is not None else 0.0
        return ((target - (1 - part) * rest) / part + noise).astype(np.float16)

    return {name: solve(name) for name in reference}


@pytest.mark.parametrize(
    ("subject", "references", "first", "ground"),
    [
        pytest.param(NARROW, [WIDE], Side.REFERENCE, Ground.ROUNDING, id="a cast"),
        pytest.param(four_bit(NARROW), [NARROW], Side.REFERENCE, Ground.ROUNDING, id="quantised"),
        pytest.param(MERGE, [FIRST, BASE], Side.REFERENCE, Ground.MERGE, id="a merge"),
        pytest.param(wide(MERGE), [FIRST, BASE], Side.REFERENCE, Ground.MERGE, id="a merge in a wider type"),
    ],
)
def test_what_was_made_from_its_reference(
    subject: Weights, references: list[Weights], first: Side, ground: Ground
) -> None:
    """The reference came first, with the ground for it."""
    found = stated(subject, *references)
    assert found is not None
    assert (found.first, found.grounds) == (first, (Direction(ground, Side.REFERENCE),))
    assert found.message.key == f"came_first.{ground.value}"


@pytest.mark.parametrize(
    ("subject", "references", "ground"),
    [
        pytest.param(WIDE, [NARROW], Ground.ROUNDING, id="the source of a cast"),
        pytest.param(NARROW, [four_bit(NARROW)], Ground.ROUNDING, id="the source of quantised weights"),
        pytest.param(FIRST, [MERGE, BASE], Ground.MERGE, id="a source of a merge"),
        pytest.param(moved(NARROW, 0.99), [NARROW], Ground.ROUNDING, id="noise below the steps, to seem the elder"),
        pytest.param(
            extrapolated(FIRST, BASE, 0.25, seed=1), [FIRST, BASE], Ground.MERGE, id="calculated, to seem a source"
        ),
    ],
)
def test_what_seems_the_elder_is_open(subject: Weights, references: list[Weights], ground: Ground) -> None:
    """The ground is named, and an elder cannot be told from a copy that was made to look like one."""
    found = stated(subject, *references)
    assert found is not None
    assert found.first is None
    assert found.grounds == (Direction(ground, Side.SUBJECT),)
    assert found.message.key == f"came_first.open_{ground.value}"


@pytest.mark.parametrize(
    ("subject", "references", "key"),
    [
        pytest.param(NARROW, [NARROW], "open_equal", id="equal"),
        pytest.param(wide(NARROW), [NARROW], "open_equal", id="stored wider"),
        pytest.param(NARROW, [wide(NARROW)], "open_equal", id="stored narrower"),
        pytest.param(four_bit(NARROW), [four_bit(NARROW)], "open_equal", id="dequantised"),
        pytest.param(tuned(BASE, 3), [BASE], "open", id="trained on"),
        pytest.param(BASE, [tuned(BASE, 3)], "open", id="the base of a fine-tune"),
        pytest.param(FIRST, [SECOND], "open", id="siblings"),
        pytest.param(BASE, [FIRST, SECOND], "open", id="the base of two"),
        pytest.param(NARROW, [moved(NARROW, 1.0, flat=False)], "open", id="elder of what was trained within the steps"),
        pytest.param(moved(NARROW, 1.0, flat=False), [NARROW], "open", id="trained within the steps"),
    ],
)
def test_what_shows_no_direction_is_open(subject: Weights, references: list[Weights], key: str) -> None:
    """Equal weights, and those that are related and no more, say nothing of which came first."""
    found = stated(subject, *references)
    assert found is not None
    assert (found.first, found.grounds, found.message.key) == (None, (), f"came_first.{key}")


@pytest.mark.parametrize("ways", [(FIRST, BASE), (BASE, FIRST)])
def test_a_merge_that_is_nearly_one_source_is_open(ways: tuple[Weights, Weights]) -> None:
    """Each is a sum of the other two: both grounds are held, and it is open."""
    found = stated(summed({0.97: ways[0], 0.03: ways[1]}), *ways)
    assert found is not None
    assert found.first is None
    assert found.grounds == (Direction(Ground.MERGE, Side.REFERENCE), Direction(Ground.MERGE, Side.SUBJECT))
    assert found.message.key == "came_first.conflict"


@pytest.mark.parametrize("part", [0.1, 0.25, 0.4, 0.6, 0.75, 0.9])
def test_every_order_of_a_merge_and_its_sources(part: float) -> None:
    """The sources came first beside the merge; beside a source, which could have been calculated, it is open."""
    merge = summed({part: FIRST, 1 - part: BASE})
    for references in ((FIRST, BASE), (BASE, FIRST)):
        found, source = stated(merge, *references), stated(references[0], merge, references[1])
        assert found is not None
        assert found.first == Side.REFERENCE
        assert source is not None
        assert (source.first, source.message.key) == (None, "came_first.open_merge")


def test_references_calculated_from_an_elder_are_open() -> None:
    """A source that is the subject's sum with another model, rounded, is as much a merge as the subject is."""
    made = extrapolated(FIRST, BASE, 0.6, seed=None)
    found = stated(FIRST, made, BASE)
    assert found is not None
    assert found.first is None
    assert found.message.key == "came_first.conflict"


def test_checkpoints_point_to_the_subject_and_state_nothing() -> None:
    """Public checkpoints of the reference could be handed in: alone they leave it open, against rounding as well."""
    alone, against = (stated(NARROW, other, verified=True) for other in (NARROW, WIDE))
    assert alone is not None
    assert against is not None
    assert (alone.first, alone.message.key) == (None, "came_first.open_trajectory")
    assert (against.first, against.message.key) == (None, "came_first.conflict")
    assert against.message.data["for_reference"] == "rounding"
    assert against.message.data["for_subject"] == "trajectory"


def test_an_unrelated_model_has_no_direction() -> None:
    """Where no weights are shared there is nothing to come first."""
    assert stated(half(llama(2)), NARROW) is None
