"""The library as commands use it: every name is answered, and one that fails does not stop the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from independence_audit.core.progress import NoProgress
from independence_audit.errors import InputError, MissingError, UsageError
from independence_audit.fingerprint.library import Status
from independence_audit.pipeline.library import (
    add_file,
    export_all,
    import_file,
    library_at,
    pull_all,
    remove_all,
    stored,
    verify,
)
from independence_audit.pipeline.settings import AuditSettings
from tests.fingerprint.library.small_library import fingerprint_file, fingerprint_of, library_in, reopened


def test_a_group_stands_for_its_models(tmp_path: Path) -> None:
    """In their order; without a name for all there are; an unknown name is an error."""
    library = library_in(tmp_path)
    assert [one.entry.name for one in stored(library, ["birds"])] == ["wren-1b", "owl-1b"]
    assert len(stored(library, [])) == len(library.catalogue.entries)
    with pytest.raises(MissingError):
        stored(library, ["no such bird"])


def test_a_fingerprint_comes_and_goes(tmp_path: Path) -> None:
    """A new model with its facts, one that is known without; both can be removed, and then they are gone."""
    library = library_in(tmp_path)
    file = fingerprint_file(tmp_path / "a.fp.safetensors", fingerprint_of(1))
    add_file(library, "mine", file, {"owner": "Us"}, ["wren-1b"])
    library = reopened(library)
    (mine,) = stored(library, ["mine"])
    assert (mine.entry.owner, mine.entry.derived_from) == ("Us", ("wren-1b",))
    with pytest.raises(UsageError, match="knows 'mine' and its facts already"):
        add_file(library, "mine", file, {"owner": "Them"}, [])
    assert remove_all(library, ["mine"]) == ["mine"]
    with pytest.raises(MissingError):
        stored(reopened(library), ["mine"])


def test_what_others_own_cannot_be_removed(tmp_path: Path) -> None:
    """A model of the shipped catalogue without a fingerprint of the user's."""
    with pytest.raises(InputError):
        remove_all(library_in(tmp_path), ["carp-2b"])


def test_a_pull_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    """Without a network every model comes with its error, in order."""
    done = list(pull_all(library_in(tmp_path), ["birds"], AuditSettings(offline=True), NoProgress()))
    assert [name for name, _ in done] == ["wren-1b", "owl-1b"]
    assert all(isinstance(error, InputError) for _, error in done)


def test_a_bundle_brings_what_it_was_given(tmp_path: Path) -> None:
    """Into a library that had none of it; one without any fingerprint is not written."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    here, there = library_in(tmp_path / "here"), library_in(tmp_path / "there")
    target = tmp_path / "bundle.tar"
    with pytest.raises(InputError):
        export_all(here, ["birds"], target)
    assert not target.exists()
    add_file(here, "wren-1b", fingerprint_file(tmp_path / "w.fp.safetensors", fingerprint_of(1)), {}, [])
    export_all(reopened(here), ["wren-1b"], target)
    assert import_file(there, target) == ("wren-1b",)
    assert stored(reopened(there), ["wren-1b"])[0].status != Status.MISSING


def test_nothing_is_verified_where_nobody_knows_the_weights(tmp_path: Path) -> None:
    """A fingerprint's file does not say where its weights are."""
    file = fingerprint_file(tmp_path / "a.fp.safetensors", fingerprint_of(1))
    with pytest.raises(MissingError):
        verify(library_in(tmp_path), str(file), "", offline=True, progress=NoProgress())


def test_a_library_lies_where_it_is_said_to_lie(tmp_path: Path) -> None:
    """The folder need not exist yet."""
    assert library_at(str(tmp_path / "own")).own == tmp_path / "own"
