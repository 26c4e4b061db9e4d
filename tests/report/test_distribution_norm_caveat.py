"""The trap of the norm gains."""

from __future__ import annotations

from independence_audit.report.distribution import CHANCE, norm_caveat_rows, norm_vectors
from tests.report.sample_reports import clean, finding


def test_only_compared_norm_vectors_are_shown() -> None:
    """Gains of normalisation layers are picked by their role; matrices are not."""
    report = clean()
    vectors = norm_vectors(report.tensors)
    assert len(vectors) == sum(tensor.role.endswith("norm") for tensor in report.tensors) == 97
    assert all(vector.cosine > 0.9 for vector in vectors)
    assert max(abs(vector.z) for vector in vectors if vector.z is not None) < CHANCE


def test_components_are_summed_up() -> None:
    """Each component has one row, with the range of the cosines and the largest z."""
    rows = {row.component: row for row in norm_caveat_rows(norm_vectors(finding().tensors))}
    assert list(rows) == ["model.language_model", "model.vision_model", "model.audio_model"]
    assert rows["model.audio_model"].cosine == "1.0000"
    assert rows["model.audio_model"].largest_z == "35.8"
    assert rows["model.language_model"].vectors == 145


def test_without_norm_vectors_there_is_no_row() -> None:
    """Nothing to explain gives nothing."""
    assert norm_caveat_rows(norm_vectors(())) == ()
