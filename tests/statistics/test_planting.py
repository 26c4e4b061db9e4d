"""Planted copies are what drifted weights show, drawn from what a fingerprint knows of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.statistics.anchors import unit_rows, whitened_responses
from independence_audit.statistics.planting import Planting


def drifted(values: NDArray[np.float64], r: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Rows at cosine r with what they were, their lengths kept."""
    noise = random.normal(size=values.shape) * np.linalg.norm(values, axis=1, keepdims=True) / values.shape[1] ** 0.5
    return r * values + (1.0 - r * r) ** 0.5 * noise


@pytest.mark.parametrize(("anchors", "width"), [(64, 256), (96, 128), (96, 64)])
@pytest.mark.parametrize("r", [0.9, 0.6, 0.3])
def test_a_planted_unit_is_as_like_as_one_of_drifted_weights(anchors: int, width: int, r: float) -> None:
    """The cosine of a unit's responses with those of its copy has the same mean and spread, whatever the anchors."""
    random = np.random.default_rng(3)
    sizes = np.exp(random.normal(size=(anchors, 1)))
    tokens = random.normal(size=(anchors, width)) * sizes + 0.5 * random.normal(size=width)
    units = random.normal(size=(4000, width))
    own = whitened_responses(tokens, units)
    real = np.einsum("ij,ij->i", own, whitened_responses(drifted(tokens, r, random), drifted(units, r, random)))
    drawn = Planting(tokens @ tokens.T, width).draw({"gate": own}, r, random)["gate"]
    made = np.einsum("ij,ij->i", own, drawn)
    assert made.mean() == pytest.approx(real.mean(), abs=0.04)
    assert made.std() == pytest.approx(real.std(), abs=0.03)


def test_weights_that_did_not_drift_are_what_they_were() -> None:
    """At r = 1 every response is its own, in every role."""
    random = np.random.default_rng(4)
    tokens, units = random.normal(size=(48, 48)), random.normal(size=(20, 48))
    own = whitened_responses(tokens, units)
    drawn = Planting(tokens @ tokens.T, 48).draw({"gate": own, "up": -own}, 1.0, random)
    np.testing.assert_allclose(drawn["gate"], own, atol=1e-4)
    np.testing.assert_allclose(drawn["up"], -own, atol=1e-4)


def test_roles_drift_apart_and_rows_have_unit_length() -> None:
    """Gate and up of one unit get noise of their own."""
    random = np.random.default_rng(5)
    tokens = random.normal(size=(48, 200))
    own = unit_rows(random.normal(size=(300, 48)))
    drawn = Planting(tokens @ tokens.T, 200).draw({"gate": own, "up": own}, 0.5, random)
    np.testing.assert_allclose(np.linalg.norm(drawn["up"], axis=1), 1.0, atol=1e-5)
    assert not np.allclose(drawn["gate"], drawn["up"], atol=0.1)
