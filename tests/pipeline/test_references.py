"""What a user calls references: read where they are, or looked up by name, and listed where they could not be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from independence_audit.core.progress import NoProgress
from independence_audit.errors import ChangedError, InputError, MissingError
from independence_audit.pipeline.references import begin_reading, find_references
from independence_audit.pipeline.settings import AuditSettings
from tests.cli.small_models import llama, save

OFFLINE = AuditSettings(offline=True)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A model in a file."""
    return save(llama(1), tmp_path / "base.safetensors")


def test_a_reference_is_the_same_however_it_was_read(file: str) -> None:
    """Beside the subject in another process, or when its turn comes."""
    begun = begin_reading([file], OFFLINE)
    assert set(begun) == {file}
    (ahead,) = find_references([file], OFFLINE, NoProgress(), begun).models
    (then,) = find_references([file], OFFLINE, NoProgress()).models
    samples = zip(ahead.fingerprint.samples, then.fingerprint.samples, strict=True)
    assert all(one.digest == other.digest for one, other in samples)
    assert ahead.weights is not None
    ahead.close()
    then.close()


def test_what_changes_while_it_is_read_is_refused(file: str) -> None:
    """The samples of one file are never held beside the bytes of another."""
    begun = begin_reading([file], OFFLINE)
    begun[file].result()
    save(llama(2), Path(file))
    with pytest.raises(ChangedError, match="was changed while it was read"):
        find_references([file], OFFLINE, NoProgress(), begun)


def test_only_what_lies_here_is_begun(file: str) -> None:
    """Names of the Hub and of the library are asked for when it is their turn."""
    assert set(begin_reading(["owner/name", file], OFFLINE)) == {file}
    assert begin_reading(["owner/name", "qwen"], OFFLINE) == {}


def test_a_model_of_the_library_that_was_not_pulled_is_listed(file: str, tmp_path: Path) -> None:
    """Without a network: with its facts and the reason, beside what could be had; the library's state is said."""
    settings = AuditSettings(offline=True, library=str(tmp_path / "library"))
    found = find_references(["qwen-7b", file], settings, NoProgress())
    there, missing = found.known  # what is named by where it is comes first
    assert (missing.facts.status, missing.facts.reason, missing.model) == ("not_available", "not_pulled", None)
    assert missing.facts.owner
    assert found.library_digest
    assert found.models == [there.model]
    assert [one.model for one in found.with_models(found.models).known] == [there.model, None]
    found.models[0].close()


def test_an_audit_without_any_reference_is_none(tmp_path: Path) -> None:
    """Where not one of them could be had there is nothing to compare with."""
    settings = AuditSettings(offline=True, library=str(tmp_path / "library"))
    with pytest.raises(MissingError, match="None of the 1 references"):
        find_references(["qwen-7b"], settings, NoProgress())


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A slip of the pen is no reference that could not be had."""
    with pytest.raises(InputError):
        find_references([str(tmp_path / "gone.safetensors")], OFFLINE, NoProgress())
