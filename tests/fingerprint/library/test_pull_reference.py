"""From a model of the library to a report's reference."""

from __future__ import annotations

from dataclasses import replace

from independence_audit.evidence.audit_report import MadeFrom, Reference, Standing
from independence_audit.fingerprint.library import Library, reference_of
from independence_audit.fingerprint.library.pull import MADE_FROM, SOURCE
from tests.fingerprint.library.small_library import entry_of, fingerprint_of


def test_a_missing_reference_still_says_what_it_is(library: Library) -> None:
    """A report that lists N of M references names those it could not have."""
    assert reference_of(entry_of(library, "owl-1b"), "not_available", "offline") == Reference(
        name="owl-1b",
        status="not_available",
        reason="offline",
        owner="Nest",
        country="KR",
        derived_from=("wren-1b", "other/Egg"),
        source="nest/Owl",
        revision="abc123",
        licence="mit",
    )


def test_facts_that_nobody_knows_are_null(library: Library) -> None:
    """Never an empty string."""
    reference = reference_of(entry_of(library, "pike-3b"), "not_available")
    assert (reference.owner, reference.country, reference.source) == (None, None, None)
    assert (reference.revision, reference.licence, reference.sampler, reference.parameters) == (None, None, None, None)


def test_a_compared_reference_says_what_it_was_compared_by(library: Library) -> None:
    """Its sampler, parameters and files, and the commit that was pulled."""
    fingerprint = replace(fingerprint_of(1), metadata={SOURCE: "nest/Wren-1B@0123abcd"})
    reference = reference_of(entry_of(library, "wren-1b"), "compared", fingerprint=fingerprint)
    assert (reference.sampler, reference.parameters) == (fingerprint.sampler, 960)
    assert (reference.files, reference.revision) == (fingerprint.files, "0123abcd")


def test_only_the_packaged_file_of_the_catalogue_is_named(library: Library) -> None:
    """A fingerprint that claims another file, or none, is not said to be of the one that the catalogue names."""
    packaged = MadeFrom(Standing.REPACKAGED, "wrens 1.0", "wren.gguf", "ab" * 32)
    entry = replace(entry_of(library, "wren-1b"), made_from=packaged)
    for claim, expected in (("ab" * 32, packaged), ("cd" * 32, None), ("", None)):
        fingerprint = replace(fingerprint_of(1), metadata={MADE_FROM: claim})
        reference = reference_of(entry, "compared", fingerprint=fingerprint)
        assert reference.made_from == expected
        assert [notice.key for notice in reference.notices] == ["notice.repackaged"] * (expected is not None)
