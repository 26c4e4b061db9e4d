"""An audit's settings: what was asked for, word for word, with a salt that nobody can guess."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from independence_audit.errors import UsageError
from independence_audit.pipeline.options import Asked, options
from independence_audit.pipeline.settings import LONGEST_SALT, SHORTEST_SALT, AuditSettings, read_salt, settings_of


def test_every_setting_that_an_option_names_is_one() -> None:
    """A row of the table that names no field would be asked for and lost."""
    known = {field.name for field in fields(AuditSettings)}
    assert {option.setting for option in options() if option.setting} <= known


def test_what_is_asked_for_is_what_is_done(tmp_path: Path) -> None:
    """Values reach the settings under their own names; the command line and the statement with them."""
    salt = tmp_path / "salt"
    salt.write_bytes(b"s" * SHORTEST_SALT)
    asked = Asked(full=True, alpha=1e-4, policy="kai-stage1", salt_file=str(salt), offline=True)
    settings = settings_of(asked, command="audit compare a", intoto=True)
    assert (settings.full, settings.alpha, settings.policy, settings.offline) == (True, 1e-4, "kai-stage1", True)
    assert (settings.command, settings.salt, settings.whole_files) == ("audit compare a", b"s" * SHORTEST_SALT, True)
    assert not settings_of(Asked(), command="", intoto=False).whole_files


def test_a_salt_changes_what_is_read_and_says_nothing_of_itself() -> None:
    """The sampler's name has a digest of it."""
    plain, salted = AuditSettings().sampler, AuditSettings(salt=b"secret" * 4).sampler
    assert plain.name != salted.name
    assert "secret" not in salted.name
    assert salted.name == AuditSettings(salt=b"secret" * 4).sampler.name


def test_salts_that_can_be_guessed_are_refused(tmp_path: Path) -> None:
    """One byte too few, none at all, a file that is not there; byte for byte what is long enough."""
    file = tmp_path / "salt"
    for content in (b"", b"x" * (SHORTEST_SALT - 1)):
        file.write_bytes(content)
        with pytest.raises(UsageError, match="can be guessed"):
            read_salt(str(file))
    with pytest.raises(UsageError, match="cannot be read"):
        read_salt(str(tmp_path / "gone"))
    file.write_bytes(b"\n" * SHORTEST_SALT)
    assert read_salt(str(file)) == b"\n" * SHORTEST_SALT
    assert read_salt("") is None


def test_a_salt_without_end_is_refused(tmp_path: Path) -> None:
    """A whole checkpoint named by mistake is not read."""
    file = tmp_path / "salt"
    file.write_bytes(b"x" * (LONGEST_SALT + 1))
    with pytest.raises(UsageError, match="cannot be read"):
        read_salt(str(file))
