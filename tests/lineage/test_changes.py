"""What was done to a copy is said with its figure, and nothing is said of strangers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.evidence.measurement import ComponentEvidence
from independence_audit.evidence.relation import FOUND
from independence_audit.fingerprint.samples import Sample
from independence_audit.fingerprint.whole_tensor import Whole, sketch_of
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.lineage.moved import search_moved
from independence_audit.lineage.rank import rank
from independence_audit.lineage.reported import component_evidence, tensor_evidence
from tests.lineage.deep_models import layers, trained_on
from tests.lineage.hand_made import fingerprint_of, noise, sample_of


def evidence(subject: Sequence[Sample], *references: Sequence[Sample]) -> ComponentEvidence:
    """What an audit says of the only component beside several references, named a, b, c, d."""
    mine = fingerprint_of(*subject)
    known = [fingerprint_of(*each, name=name) for each, name in zip(references, "abcd", strict=False)]
    compared = search_moved([pair for each in known for pair in compare_fingerprints(mine, each)], 1e-6)
    (ranking,) = rank(Comparisons(mine, 1e-6, tuple(compared)))
    return component_evidence(ranking, tensor_evidence(mine, ranking), {})


def told(component: ComponentEvidence) -> dict[str, dict[str, Any]]:
    """The data of every change by its key."""
    return {change.key: dict(change.data) for change in component.changes}


def with_values(samples: Sequence[Sample], change: Callable[[int, NDArray[Any]], NDArray[Any]]) -> list[Sample]:
    """The samples with every matrix changed by its number."""
    return [
        replace(sample, raw=change(number, sample.values()).astype(np.float32)[:, :, None].view(np.uint8))
        for number, sample in enumerate(samples)
    ]


MODEL = layers(4, 1)


def test_unchanged() -> None:
    """A copy is unchanged in all of its matrices, and nothing else is said."""
    assert told(evidence(MODEL, MODEL)) == {
        "changed.unchanged": {"component": "model", "reference": "a", "count": 16, "total": 16}
    }


def test_low_rank_edits() -> None:
    """An adapter of rank 3 in two roles of every layer; the others are unchanged."""

    def adapted(number: int, values: NDArray[Any]) -> NDArray[Any]:
        if number % 4 > 1:
            return values
        return values + 10 * noise(32, 3, seed=700 + number) @ noise(3, 96, seed=800 + number)

    model = layers(4, 1, rows=32)
    found = told(evidence(with_values(model, adapted), model))
    assert found["changed.unchanged"]["count"] == 8
    assert (found["changed.low_rank"]["rank"], found["changed.low_rank"]["count"]) == (3, 8)
    assert set(found) == {"changed.unchanged", "changed.low_rank"}


def test_ranks_from_whole_sketches() -> None:
    """Where a few rows were sampled the sketch of all values tells the rank; without it none is claimed."""
    edit = noise(400, 20, seed=5) @ noise(20, 96, seed=6)
    whole = [Whole("a", "a", 38_400, 0, 1.0, np.zeros((64, 64), np.float32))]
    whole.append(Whole("b", "b", 38_400, 0, 1.0, sketch_of(edit.astype(np.float32), 0, 0).astype(np.float32)))

    def at(part: Whole | None, edited: NDArray[Any] | float) -> list[Sample]:
        values = noise(400, 96, seed=4)[:16] + edited
        return [
            replace(sample_of(values.astype(np.float32), role=role, shape=(400, 96)), whole=part) for role in ("q", "k")
        ]

    found = told(evidence(at(whole[1], edit[:16]), at(whole[0], 0.0)))
    assert found["changed.low_rank"]["rank"] == 20
    assert told(evidence(at(None, edit[:16]), at(None, 0.0)))["changed.values"]["limit"] == 0


def test_noise() -> None:
    """Gaussian noise of a third of the weights' size, with that figure."""
    found = told(evidence(with_values(MODEL, lambda n, x: x + 0.3 * noise(*x.shape, seed=900 + n)), MODEL))
    assert set(found) == {"changed.noise"}
    assert found["changed.noise"]["change"] == pytest.approx(0.3, abs=0.02)
    assert found["changed.noise"]["r"] == pytest.approx(1 / np.sqrt(1.09), abs=0.01)
    shape = [found["changed.noise"][key] for key in ("kurtosis", "rows", "columns")]
    assert shape == pytest.approx([0.0, 1.0, 1.0], abs=0.2)


def test_training() -> None:
    """Changes with louder channels are neither noise nor of low rank: the figures alone are given."""
    loud = np.exp(noise(1, 96, seed=3) / 0.02)
    found = told(evidence(with_values(MODEL, lambda n, x: x + 0.2 * loud * noise(*x.shape, seed=900 + n)), MODEL))
    assert set(found) == {"changed.values"}
    assert found["changed.values"]["count"] == 16
    assert found["changed.values"]["columns"] > 2.0


def test_rounding() -> None:
    """A cast is named by its type."""
    found = told(evidence(with_values(MODEL, lambda _, x: x.astype(np.float16)), MODEL))
    assert found == {
        "changed.rounded": {"component": "model", "reference": "a", "count": 16, "total": 16, "rounding": "fp16"}
    }


def test_parts_of_ones_own() -> None:
    """A role drawn anew in every layer is named."""
    wide = layers(4, 1, width=256)
    found = told(evidence(with_values(wide, lambda n, x: noise(*x.shape, seed=n) if n % 4 == 1 else x), wide))
    assert found["changed.own_values"]["roles"] == "gate"
    assert (found["changed.own_values"]["count"], found["changed.own_values"]["total"]) == (4, 16)


@pytest.mark.parametrize("parts", [(0.6, 0.4), (0.4, 0.35, 0.25)])
def test_merges(parts: tuple[float, ...]) -> None:
    """A weighted sum of fine-tuned relatives: its parts with errors, in the order of nearness."""
    models = [trained_on(MODEL, 0.1, 10_000 * (n + 1)) for n in range(len(parts))]

    def merged(number: int, _: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(sum(part * model[number].values() for part, model in zip(parts, models, strict=True)))

    words = str(told(evidence(with_values(MODEL, merged), *models))["changed.merged"]["parts"])
    for part, name in zip(parts, "abc", strict=False):
        assert f"{part:.3f} ± 0.001 {name}" in words


def test_relatives_are_no_merge() -> None:
    """A fine-tuned model beside its base and its siblings, and the base beside four of its offspring, are no sums."""
    family = [trained_on(MODEL, 0.1, 10_000 * (n + 1)) for n in range(4)]
    assert "changed.merged" not in told(evidence(trained_on(MODEL, 0.1, 70_000), MODEL, *family[:3]))
    assert "changed.merged" not in told(evidence(MODEL, *family))


def test_nothing_is_said_of_strangers() -> None:
    """What was never related was not changed."""
    for seed in range(2, 8):
        found = evidence(layers(4, seed), MODEL, layers(4, 90 + seed))
        assert found.relation not in FOUND
        assert not found.changes
