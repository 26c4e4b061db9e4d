"""Layers whose attention does to the anchors what a reference's does, whatever stands beside it.

A copy of attention alone leaves no unit to be found. Its forms between anchors stay what they are when heads are mixed
and the width is turned.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from independence_audit.evidence.measurement import DisguisedTest, UnitTest
from independence_audit.fingerprint.units.unit_layers import ComponentUnits, Frame
from independence_audit.statistics.scores import Floats

FORMS_ALIKE = 0.99
"""Cosine of two forms from which they are alike. Unrelated models reach 0.35 (14 designs of one config). A student that
imitates all hidden states of a teacher comes to do what its attention does, with weights of its own: 0.86 in a layer,
and trained four times as long as the teacher 0.96 in one and 0.93 in two. Copies that were fine-tuned or rounded to
four bits keep 0.997, those with half of the weights zeroed 0.94: attention alone is found where it hardly changed."""

LAYERS_ALIKE = 2
"""Layers from which attention that is alike is evidence."""


def attention_alike(
    subject: ComponentUnits, reference: ComponentUnits, ours: Frame, theirs: Frame
) -> DisguisedTest | None:
    """How many of a reference's layers have attention that is alike in a layer of the subject's.

    Either form counts: queries and keys may be taken without values and outputs, and the other way round.

    Args:
        subject: The subject's units.
        reference: The reference's.
        ours: The shared anchors as the subject has them.
        theirs: The same of the reference.

    Returns:
        None where heads of either side cannot be told, or were not read.
    """
    cosines = likeness(subject, reference, ours, theirs)
    if not cosines.size:
        return None
    mine, other = ([layer.layer for layer in side.layers if layer.attention] for side in (subject, reference))
    pairs = _pairs(cosines)
    strongest = np.unravel_index(int(cosines.argmax()), cosines.shape)
    return DisguisedTest(
        UnitTest.ATTENTION_ALIKE,
        layer=mine[int(strongest[1])],
        reference_layer=other[int(strongest[0])],
        units=len(other),
        count=len(pairs),
        layers={str(mine[j]): other[i] for i, j in sorted(pairs, key=lambda pair: mine[pair[1]])},
    )


def likeness(subject: ComponentUnits, reference: ComponentUnits, ours: Frame, theirs: Frame) -> Floats:
    """Cosine of the form that is more alike, for each of the reference's layers [n] and the subject's [m]: [n, m].

    Args:
        subject: The subject's units; layers without forms are left out.
        reference: The same of the reference.
        ours: The shared anchors as the subject has them.
        theirs: The same of the reference.
    """
    first = _centred(reference, theirs)
    second = _centred(subject, ours) if first else []
    return np.array(
        [[max(float(np.vdot(one[form], other[form])) for form in one) for other in second] for one in first]
    )


def _pairs(cosines: Floats) -> list[tuple[int, int]]:
    """Layers that are alike, each with at most one of the other side: the closest first."""
    left, pairs = cosines.copy(), []
    while left.size and float(left.max()) >= FORMS_ALIKE:
        i, j = divmod(int(left.argmax()), left.shape[1])
        pairs.append((i, j))
        left[i, :] = left[:, j] = -1.0
    return pairs


def _centred(units: ComponentUnits, frame: Frame) -> list[Mapping[str, Floats]]:
    """Both forms of every layer without what every model has: rows, columns and the diagonal have no mean."""
    return [
        {name: _without_common(frame.turned(form)) for name, form in layer.attention.items()}
        for layer in units.layers
        if layer.attention
    ]


def _without_common(form: NDArray[np.float32]) -> Floats:
    """A form [t, t] as a direction: anchors look at themselves, and some are looked at by all, in unrelated models."""
    exact = form.astype(np.float64)
    exact += exact.mean() - exact.mean(axis=0) - exact.mean(axis=1)[:, None]
    exact -= np.eye(len(exact)) * (np.trace(exact) / len(exact))
    size = float(np.linalg.norm(exact))
    return exact / size if size > 0.0 else exact
