"""An entry of the library says where its weights are."""

from __future__ import annotations

from pathlib import Path

from tests.fingerprint.library.small_library import entry_of, library_in


def test_a_revision_that_is_pinned_is_part_of_the_source(tmp_path: Path) -> None:
    """Without one it is the newest."""
    library = library_in(tmp_path)
    assert entry_of(library, "owl-1b").source == "nest/Owl@abc123"
    assert entry_of(library, "wren-1b").source == "nest/Wren-1B"
