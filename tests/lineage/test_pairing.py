"""Which components meet, and which of their samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from independence_audit.anatomy import Kind
from independence_audit.fingerprint.samples import Fingerprint, Sample
from independence_audit.lineage.pairing import ComponentPair, pair_components
from tests.lineage.hand_made import component_of, fingerprint_of, noise, sample_of


def one_pair(subject: Sequence[Sample], reference: Sequence[Sample]) -> ComponentPair:
    """The only pair of components of two decoders."""
    (pair,) = pair_components(fingerprint_of(*subject), fingerprint_of(*reference))
    return pair


def named(pair: ComponentPair) -> dict[str, str]:
    """Subject's and reference's tensor names, pair by pair."""
    return {mine.name: theirs.name for mine, theirs in pair.pairs}


def test_samples_meet_by_layer_and_role() -> None:
    """Whatever the tensors are called and in whatever order they come."""
    places = [(0, "q"), (0, "k"), (1, "q"), (None, "embedding")]
    ours = [sample_of(noise(8, 64), layer=layer, role=role, name=f"a.{layer}.{role}") for layer, role in places]
    theirs = [sample_of(noise(8, 64), layer=layer, role=role, name=f"b.{layer}.{role}") for layer, role in places[::-1]]
    pair = one_pair(ours, theirs)
    assert named(pair) == {f"a.{layer}.{role}": f"b.{layer}.{role}" for layer, role in places}
    assert (pair.unmatched, pair.candidates) == ((), 0)


def test_other_prefixes_are_no_obstacle() -> None:
    """Components of one kind meet under any names, and no others."""
    subject = fingerprint_of(
        sample_of(noise(8, 64), component="thinker.visual"),
        components=[component_of("thinker.visual", Kind.VISION_ENCODER)],
    )
    reference = fingerprint_of(
        sample_of(noise(8, 64), component="vision_tower"),
        sample_of(noise(8, 64), component="language_model"),
        components=[component_of("vision_tower", Kind.VISION_ENCODER), component_of("language_model")],
    )
    (pair,) = pair_components(subject, reference)
    assert (pair.subject.name, pair.reference.name) == ("thinker.visual", "vision_tower")
    assert len(pair.pairs) == 1


def kinds(*names: Kind) -> Fingerprint:
    """A fingerprint of components of the given kinds."""
    return fingerprint_of(components=[component_of(f"{index}", kind) for index, kind in enumerate(names)])


def test_unknown_components_meet_all() -> None:
    """A component whose names are unknown may be anything."""
    pairs = pair_components(
        kinds(Kind.OTHER, Kind.PROJECTOR), kinds(Kind.TEXT_DECODER, Kind.VISION_ENCODER, Kind.OTHER)
    )
    met = [(pair.subject.kind, pair.reference.kind) for pair in pairs]
    assert met == [
        (Kind.OTHER, Kind.TEXT_DECODER),
        (Kind.OTHER, Kind.VISION_ENCODER),
        (Kind.OTHER, Kind.OTHER),
        (Kind.PROJECTOR, Kind.OTHER),
    ]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.OTHER])
def test_kinds_keep_to_themselves(kind: Kind) -> None:
    """Every known kind meets its own and the unknown."""
    met = {pair.reference.kind for pair in pair_components(kinds(kind), kinds(*Kind))}
    assert met == {kind, Kind.OTHER}


def layered(component: str, kind: Kind, width: int = 64, roles: str = "qkv") -> Fingerprint:
    """A component of two layers."""
    samples = [
        sample_of(noise(8, width), component=component, layer=layer, role=role) for layer in range(2) for role in roles
    ]
    return fingerprint_of(*samples, components=[component_of(component, kind)])


def test_unlike_kinds_meet_where_they_are_built_alike() -> None:
    """A prefix that says another kind hides nothing."""
    decoder = layered("model", Kind.TEXT_DECODER)
    (pair,) = pair_components(layered("vision_tower", Kind.VISION_ENCODER), decoder)
    assert len(pair.pairs) == 6
    for other in (
        layered("vision_tower", Kind.VISION_ENCODER, width=96),
        layered("a", Kind.AUDIO_ENCODER, roles="xyz"),
    ):
        assert pair_components(other, decoder) == []


def test_counterpart_of_another_shape_is_still_the_counterpart() -> None:
    """Another width is said to differ; it is not passed over in silence."""
    pair = one_pair([sample_of(noise(8, 64), name="a")], [sample_of(noise(8, 32), name="b")])
    assert named(pair) == {"a": "b"}


def test_equal_shapes_go_first_where_a_place_is_taken_twice() -> None:
    """Two samples of one layer and role meet their likes."""
    ours = [sample_of(noise(8, 64), name="a.wide"), sample_of(noise(8, 32), name="a.narrow")]
    theirs = [sample_of(noise(8, 32), name="b.narrow"), sample_of(noise(8, 64), name="b.wide")]
    assert named(one_pair(ours, theirs)) == {"a.wide": "b.wide", "a.narrow": "b.narrow"}


def test_no_counterpart() -> None:
    """What the reference does not have is listed, in order."""
    ours = [sample_of(noise(8, 64), role=role) for role in ("q", "k", "v")]
    pair = one_pair(ours, [sample_of(noise(4, 99), role="k")])
    assert [sample.role for sample in pair.unmatched] == ["q", "v"]
    assert pair.candidates == 0


SHUFFLED = np.random.default_rng(5).permutation(12)


def unknown(values: np.ndarray, number: int) -> Sample:
    """A sample of a tensor with a meaningless name."""
    return sample_of(values, layer=None, role=f"generic:{number}", name=f"t{number}")


def test_shuffled_names_are_matched_by_value() -> None:
    """Copies under other names are found by their values; every pair that was tried is counted."""
    tensors = [noise(16, 64, seed=seed) for seed in range(12)]
    ours = [unknown(tensors[source] + noise(16, 64, seed=99) / 2, 100 + place) for place, source in enumerate(SHUFFLED)]
    theirs = [unknown(values, number) for number, values in enumerate(tensors)]
    pair = one_pair(ours, theirs)
    assert named(pair) == {f"t{100 + place}": f"t{source}" for place, source in enumerate(SHUFFLED)}
    assert (pair.unmatched, pair.candidates) == ((), 144)


def test_strangers_are_not_matched_by_value() -> None:
    """Nothing agrees, nothing is paired; what was tried still counts."""
    pair = one_pair(
        [unknown(noise(16, 64, seed=seed), seed) for seed in range(12)],
        [unknown(noise(16, 64, seed=50 + seed), 50 + seed) for seed in range(12)],
    )
    assert (len(pair.pairs), len(pair.unmatched), pair.candidates) == (0, 12, 144)


def test_only_one_shape_is_matched_by_value() -> None:
    """A tensor is not a part of a larger one here."""
    values = noise(16, 64)
    pair = one_pair([unknown(values, 1)], [unknown(values[:8], 2), unknown(values.reshape(8, 128), 3)])
    assert (pair.pairs, pair.candidates) == ((), 0)


def test_each_counterpart_is_taken_once() -> None:
    """Of two copies the nearer one is the counterpart."""
    values = noise(16, 64)
    ours = [unknown(values + noise(16, 64, seed=1), 1), unknown(values, 2)]
    pair = one_pair(ours, [unknown(values, 3)])
    assert named(pair) == {"t2": "t3"}
    assert [sample.name for sample in pair.unmatched] == ["t1"]


def test_constants_are_not_matched_by_value() -> None:
    """All zeros agree with nothing."""
    zeros = np.zeros((16, 64), np.float32)
    assert one_pair([unknown(zeros, 1)], [unknown(zeros, 2)]).pairs == ()


def test_samples_without_values_are_not_matched_by_value() -> None:
    """What cannot be decoded cannot be recognised."""
    packed = sample_of(noise(16, 64), role="generic:packed", raw=None)
    pair = one_pair([packed], [unknown(noise(16, 64), 2)])
    assert (pair.pairs, len(pair.unmatched), pair.candidates) == ((), 1, 0)


def test_names_go_before_values() -> None:
    """Where the place is known the values do not decide: a swapped pair is compared as it is named."""
    first, second = noise(16, 64), noise(16, 64, seed=1)
    ours = [sample_of(first, role="q", name="a.q"), sample_of(second, role="k", name="a.k")]
    theirs = [sample_of(second, role="q", name="b.q"), sample_of(first, role="k", name="b.k")]
    assert named(one_pair(ours, theirs)) == {"a.q": "b.q", "a.k": "b.k"}
