"""Which reference a declared source means."""

from __future__ import annotations

from independence_audit.evidence.reference_names import ReferenceNames, plain_name
from tests.declaration.evidence import REFERENCES


def test_names_are_compared_plainly() -> None:
    """Address, revision and case do not make another model."""
    assert plain_name("https://huggingface.co/Qwen/Qwen3-4B@abc") == plain_name("hf://qwen/qwen3-4b")


def test_a_reference_is_meant_by_its_name_and_by_its_source() -> None:
    """And by nothing else, but an unknown one still by its own name."""
    names = ReferenceNames(REFERENCES)
    for reference in REFERENCES:
        assert names.means(reference.name.upper(), reference.name)
        assert reference.source is None or names.covers(reference.source, reference.name)
        assert not names.means(reference.name + "-other", reference.name)
    assert names.means("Some/Model", "some/model")
