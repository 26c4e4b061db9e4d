"""Samples looked for in all of a reference, by shape and value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from independence_audit.anatomy import Axis
from independence_audit.evidence.relation import Relation
from independence_audit.lineage.comparison import Comparison
from independence_audit.lineage.decide import Level, decide
from independence_audit.lineage.elsewhere import OWN_LEVEL, LookedFor, not_met, with_matches
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.lineage.outcomes import Undone
from tests.lineage.hand_made import fingerprint_of, noise, sample_of

ROLES = ("q", "k", "v", "o")


def test_every_sample_meets_the_likest_of_its_shape() -> None:
    """Whatever its layer, role and component; of other shapes none."""
    ours = [sample_of(noise(16, 128, seed=n), role=role, layer=n) for n, role in enumerate(ROLES)]
    theirs = [
        sample_of(noise(16, 128, seed=n), role=role, layer=7 - n, component="tower")
        for n, role in enumerate(reversed(ROLES))
    ]
    other = sample_of(noise(16, 64, seed=3), role="gate")
    looked = LookedFor([*ours, other]).look(fingerprint_of(*theirs))
    assert {(one.mine.role, one.theirs.role) for one in looked.matches} == {
        (role, ROLES[3 - n]) for n, role in enumerate(ROLES)
    }
    assert looked.pairs == len(ours) * len(theirs)
    assert looked.shaped == {"model"}


@pytest.mark.parametrize("seed", range(20))
def test_strangers_are_like_nothing(seed: int) -> None:
    """Two hundred pairs a seed, none of them alike; nor a table that has no exchangeable axis."""
    ours = [sample_of(noise(16, 128, seed=1000 * seed + n), layer=n) for n in range(10)]
    theirs = [sample_of(noise(16, 128, seed=1000 * seed + 500 + n), layer=n) for n in range(20)]
    table = sample_of(ours[0].values(), axis=Axis.NONE)
    assert LookedFor(ours).look(fingerprint_of(*theirs, table)).matches == ()


def test_vectors_and_values_that_could_not_be_read_are_left_out() -> None:
    """Gains near one are alike in all models."""
    gain, unread = sample_of(noise(1, 128) + 1), replace(sample_of(noise(16, 128)), raw=None)
    looked = LookedFor([gain, unread]).look(fingerprint_of(gain, unread))
    assert (looked.matches, looked.pairs) == ((), 0)


def found(noised: float) -> Comparison:
    """A comparison of two decoders of which q stands in o's place and the other way round."""
    random = np.random.default_rng(77)
    values = {role: noise(64, 128, seed=n) for n, role in enumerate(ROLES)}
    ours = {"q": values["o"], "o": values["q"], "k": noise(64, 128, seed=8), "v": noise(64, 128, seed=9)}
    mixed = {role: (1 - noised) * each + noised * 0.02 * random.normal(size=each.shape) for role, each in ours.items()}
    subject = fingerprint_of(*(sample_of(each.astype(np.float32), role=role) for role, each in mixed.items()))
    reference = fingerprint_of(*(sample_of(each, role=role) for role, each in values.items()), name="known")
    (standing,) = compare_fingerprints(subject, reference)
    looked = LookedFor(subject.samples).look(reference)
    result = with_matches(standing, looked.matches, looked.pairs)
    assert result is not None
    return result


@pytest.mark.parametrize("noised", [0.0, 0.3, 0.6])
def test_what_stands_elsewhere_takes_the_place_of_what_was_compared(noised: float) -> None:
    """The others stay as they were measured; the level is spread over all that was looked at."""
    result = found(noised)
    assert {one.subject.role: (one.reference.role, one.undone) for one in result.measured} == {
        "q": ("o", Undone.PLACE),
        "o": ("q", Undone.PLACE),
        "k": ("k", None),
        "v": ("v", None),
    }
    assert result.looked == OWN_LEVEL * 16
    verdict = decide(result, Level(1e-6, 10, 1))
    told = dict(zip([one.subject.role for one in result.measured], verdict.tensors, strict=True))
    assert verdict.relation is Relation.TRANSFORMED
    assert (told["q"], told["k"]) == (Relation.TRANSFORMED, Relation.UNRELATED)


def test_nothing_found_adds_nothing() -> None:
    """A comparison stays as it stands."""
    subject, reference = fingerprint_of(sample_of(noise(16, 128))), fingerprint_of(sample_of(noise(16, 128, seed=1)))
    unmet = not_met(subject, subject.components[0], reference, reference.components[0])
    assert (len(unmet.pair.unmatched), len(unmet.pair.free), unmet.measured) == (1, 1, ())
    assert with_matches(unmet, (), 1) is None
