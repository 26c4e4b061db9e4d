"""Untouched parts: constants, matrices on their law, unused token rows; trained ones are never called untouched."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.anatomy import Axis
from independence_audit.fingerprint.samples import Sample
from independence_audit.training.untouched import Untouched, computed, constant, untouched, untouched_rows
from tests.training.hand_made import drawn, sample_of, trained


def keys(found: Untouched) -> list[str]:
    """The findings' message keys."""
    return [finding.message.key for finding in found.findings]


def layers(make: str, gain: float | None = 1.0) -> list[Sample]:
    """Three layers with two matrices and a gain each."""
    matrix = {"drawn": drawn, "trained": trained}[make]
    random = np.random.default_rng(5)
    samples = []
    for layer in range(3):
        samples.append(sample_of(matrix(layer), "q", layer))
        samples.append(sample_of(matrix(10 + layer), "k", layer))
        values = np.full(128, gain) if gain is not None else 1 + 0.02 * random.normal(size=128)
        samples.append(sample_of(values, "attn_norm", layer))
    return samples


def test_an_initial_model_is_untouched_throughout() -> None:
    """Matrices on their law and gains of exactly one: everything is at its initial values, and says which."""
    found = untouched(layers("drawn"))
    assert found.share == 1.0
    assert sorted(keys(found)) == ["finding.constant", "finding.on_initial_law", "finding.on_initial_law"]
    law = next(finding for finding in found.findings if finding.message.key == "finding.on_initial_law")
    assert str(law.message.data["law"]) in {"normal", "truncated_normal_3"}  # alike in 16,384 values
    assert float(str(law.message.data["scale"])) == pytest.approx(0.02, rel=0.02)
    assert not law.contradicts
    assert law.alternatives


def test_a_trained_model_is_not() -> None:
    """Nothing of a trained model is called untouched."""
    found = untouched(layers("trained", gain=None))
    assert found.share == 0.0
    assert not found.findings


def test_trained_gains_speak_for_the_matrices() -> None:
    """Matrices that look drawn, beside gains that were trained, are not called untrained."""
    assert "finding.on_initial_law" not in keys(untouched(layers("drawn", gain=None)))


def test_frozen_gains_alone_are_a_small_share() -> None:
    """Gains of exactly one beside trained matrices: named, and no more than their share."""
    found = untouched(layers("trained"))
    assert keys(found) == ["finding.constant"]
    assert found.share == pytest.approx(3 * 128 / (3 * 128 + 6 * 128 * 128))


def test_an_unknown_scale_needs_peers() -> None:
    """One matrix on a law of no known scale is not called untrained; the same scale in three layers is."""
    one = [sample_of(drawn(0, scale=0.0317), "q", 0)]
    three = [sample_of(drawn(layer, scale=0.0317), "q", layer) for layer in range(3)]
    assert not untouched(one).findings
    assert keys(untouched(three)) == ["finding.on_initial_law"]
    apart = [sample_of(drawn(layer, scale=0.0317 * (1 + layer / 10)), "q", layer) for layer in range(3)]
    assert not untouched(apart).findings


def test_constants() -> None:
    """Only values that libraries start from count; LayerScale may start from any."""
    assert constant(sample_of(np.ones(64), "attn_norm")) == 1.0
    assert constant(sample_of(np.full(64, 0.7), "attn_norm")) is None
    assert constant(sample_of(np.full(64, 1e-5), "layer_scale1")) == pytest.approx(1e-5)
    assert constant(sample_of(np.array([1.0] * 63 + [1.001]), "attn_norm")) is None


def test_computed_tables_are_named_apart() -> None:
    """Sinusoids are nobody's training: they are named, and count neither way."""
    table = sample_of(drawn(0), "position", None, axis=Axis.NONE, reason="sinusoid")
    assert [finding.message.key for finding in computed([table])] == ["finding.computed"]
    assert not computed([sample_of(drawn(0), "q")])
    assert untouched([table]).share == 0.0


def embedding(used: int) -> np.ndarray:
    """256 token rows of which the first were used and the others only shrank with weight decay."""
    values = 0.9 * drawn(3, 256, 128)
    random = np.random.default_rng(4)
    lengths = 1 + random.exponential(1.0, (used, 1))
    values[:used] += 0.02 * lengths * random.normal(size=(used, 8)) @ random.normal(size=(8, 128)) / 2
    return values


@pytest.mark.parametrize("used", [60, 128, 180])
def test_unused_rows_are_found(used: int) -> None:
    """The unused rows, but for a few at the edge of chance."""
    rows = untouched_rows(embedding(used))
    assert len(set(rows.tolist()) - set(range(used, 256))) <= 2
    assert len(rows) >= 0.9 * (256 - used)


@pytest.mark.parametrize("seed", range(20))
def test_no_row_of_a_trained_table_is_called_unused(seed: int) -> None:
    """Where every row was trained nothing is found."""
    assert not untouched_rows(trained(seed, 256, 128)).size


def test_rows_are_looked_at_only_where_the_head_is_apart() -> None:
    """A tied table gets gradients in every row."""
    table = sample_of(embedding(60), "embed", None)
    head = sample_of(trained(9, 256, 128), "head", None)
    assert not untouched([table]).findings
    assert keys(untouched([table, head])) == ["finding.untouched_rows"]


def test_zero_rows_are_counted() -> None:
    """A padding row of zeros is named."""
    values = trained(1, 256, 128)
    values[7] = 0.0
    found = untouched([sample_of(values, "embed", None), sample_of(trained(2, 256, 128), "head", None)])
    assert keys(found) == ["finding.zero_rows"]
    assert found.findings[0].message.data == {"rows": 1, "of": 256}
