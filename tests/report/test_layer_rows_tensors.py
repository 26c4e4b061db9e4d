"""Tensor entries as rows."""

from __future__ import annotations

from dataclasses import replace

from independence_audit.report.languages import ENGLISH
from independence_audit.report.layer_rows import tensor_row
from tests.report.sample_reports import clean, finding


def test_figures_and_names_of_a_row() -> None:
    """A row has every figure in its form, and its names whole and visible."""
    tensor = replace(
        finding().tensors[0], name="a\nb", r=0.01234, z=1.26, p_value=1e-15, identical_fraction=0.00001, cosine=0.99999
    )
    row = tensor_row(tensor, ENGLISH)
    assert (row.name, row.r, row.z, row.p_value, row.identical, row.cosine) == (
        "a\\u000ab",
        "0.012",
        "1.3",
        "< 1e-12",
        "< 0.01%",
        "> 0.9999",
    )
    assert row.layer == ""
    assert row.reference == "Qwen2.5-VL: language_model.model.embed_tokens.weight"


def test_notes_say_what_is_special() -> None:
    """A reason, pooled experts, a rounding and non-finite values are noted together."""
    pooled = next(tensor for tensor in clean().tensors if tensor.members > 1)
    tensor = replace(pooled, reason="low_power", rounding="F8_E4M3", non_finite=1234)
    assert tensor_row(tensor, ENGLISH).note == (
        "too few independent values were there to tell; 128 pooled; rounded to F8_E4M3; 1,234 NaN or infinite"
    )


def test_what_was_not_compared_has_dashes() -> None:
    """An entry without figures shows dashes, never zeros, and its reason."""
    row = tensor_row(finding().tensors[-1], ENGLISH)
    assert {row.r, row.z, row.p_value, row.cosine, row.identical, row.bound, row.reference} == {"–"}
    assert row.note == "no reference has a component of this kind"
