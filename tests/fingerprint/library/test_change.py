"""Changing the user's library."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from independence_audit.anatomy import Kind
from independence_audit.errors import IncomparableError, InputError, MalformedError, MissingError, UsageError
from independence_audit.fingerprint.library import Library, Status, add, new_entry, remove, store
from independence_audit.fingerprint.sampler import Sampler
from tests.fingerprint.library.small_library import entry_of, fingerprint_file, fingerprint_of, reopened


@pytest.fixture
def egg(tmp_path: Path) -> Path:
    """A fingerprint file from elsewhere."""
    return fingerprint_file(tmp_path / "egg.fp.safetensors", fingerprint_of(1))


def test_adding_copies_byte_for_byte(library: Library, egg: Path) -> None:
    """So that a published digest stays true."""
    path = add(library, entry_of(library, "wren-1b"), egg)
    assert path.read_bytes() == egg.read_bytes()
    assert path == library.path(entry_of(library, "wren-1b"))
    assert sorted(entry.name for entry in library.own.iterdir()) == [path.name, f"{path.name}.sha256"]


def test_a_new_model_can_be_added(library: Library, egg: Path) -> None:
    """With what is said of it; the next process knows it by name."""
    entry = new_entry(
        "robin-1b",
        fingerprint_of(1),
        hub_id="nest/Robin",
        owner='The "Nest" of 새',
        country="KR",
        licence="mit",
        derived_from=("wren-1b",),
    )
    add(library, entry, egg)
    again = reopened(library)
    assert entry_of(again, "robin-1b") == entry
    assert entry.kinds == {Kind.TEXT_DECODER}
    assert again.read(entry).name == "robin-1b"


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("Robin", {}),
        ("../robin", {}),
        ("example/robin", {}),
        ("robin", {"hub_id": "https://x/y"}),
        ("robin", {"country": "Korea"}),
        ("robin", {"owner": "a\nb"}),
    ],
)
def test_impossible_facts_are_wrong_usage(name: str, facts: dict[str, str]) -> None:
    """Told before anything is written."""
    with pytest.raises(UsageError, match="cannot be added"):
        new_entry(name, fingerprint_of(1), **facts)  # type: ignore[arg-type]  # the facts of these cases are text


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("wren-1b", {}),
        ("wren", {}),
        ("birds", {}),
        ("robin", {"hub_id": "nest/Wren-1B"}),
        ("robin", {"derived_from": ("dodo",)}),
    ],
)
def test_a_new_model_may_not_clash_with_a_known_one(
    library: Library, egg: Path, name: str, facts: dict[str, str]
) -> None:
    """And nothing is left of it."""
    entry = new_entry(name, fingerprint_of(1), **facts)  # type: ignore[arg-type]  # text or a tuple, as the case says
    with pytest.raises(MalformedError):
        add(library, entry, egg)
    assert not library.own.exists()


def test_an_example_of_ones_own_is_refused(library: Library, egg: Path) -> None:
    """Examples are the program's."""
    mine = replace(entry_of(library, "example/egg"), name="example/mine")
    with pytest.raises(UsageError, match="example"):
        add(library, mine, egg)


def test_what_cannot_be_added_leaves_nothing(library: Library, tmp_path: Path, egg: Path) -> None:
    """Neither a file nor a model."""
    wren = entry_of(library, "wren-1b")
    with pytest.raises(MissingError):
        add(library, wren, tmp_path / "nowhere")
    with pytest.raises(InputError, match="copied"):
        add(library, wren, tmp_path)
    with pytest.raises(MalformedError):
        add(library, entry_of(library, "carp-2b"), egg)
    other = fingerprint_file(
        tmp_path / "other.fp.safetensors", fingerprint_of(1, sampler=Sampler(salt=b"sixteen secret b"))
    )
    with pytest.raises(IncomparableError):
        add(library, new_entry("robin", fingerprint_of(1)), other)
    assert list(library.own.iterdir()) == []


def test_removing_takes_the_fingerprint_and_an_added_model(library: Library, egg: Path) -> None:
    """A model of the catalogue stays in it."""
    wren, robin = entry_of(library, "wren-1b"), new_entry("robin", fingerprint_of(1))
    add(library, wren, egg)
    add(library, robin, egg)
    again = reopened(library)
    remove(again, wren)
    remove(again, robin)
    assert list(library.own.iterdir()) == []
    assert reopened(library).stored(wren).status == Status.MISSING
    assert robin not in reopened(library).catalogue.entries


def test_what_is_not_the_users_cannot_be_removed(library: Library) -> None:
    """Told apart: shipped, and not there at all."""
    wren = entry_of(library, "wren-1b")
    with pytest.raises(MissingError, match="no fingerprint of wren-1b"):
        remove(library, wren)
    store(replace(library, own=library.shipped), wren, fingerprint_of(1))
    with pytest.raises(UsageError, match="comes with the program"):
        remove(library, wren)
    assert library.stored(wren).status == Status.SHIPPED


def test_an_ancestor_cannot_be_removed_before_its_heirs(library: Library, egg: Path) -> None:
    """The catalogue would no longer be sound."""
    add(library, new_entry("robin", fingerprint_of(1)), egg)
    add(reopened(library), new_entry("chick", fingerprint_of(1), derived_from=("robin",)), egg)
    again = reopened(library)
    with pytest.raises(UsageError, match="chick derives from robin"):
        remove(again, entry_of(again, "robin"))
    remove(again, entry_of(again, "chick"))
    again = reopened(library)
    remove(again, entry_of(again, "robin"))
    assert list(library.own.iterdir()) == []


def test_an_unwritable_library_is_told(library: Library, egg: Path) -> None:
    """With a way out."""
    library.own.touch()
    with pytest.raises(InputError, match="could not be written") as caught:
        add(library, entry_of(library, "wren-1b"), egg)
    assert "--library" in caught.value.hint
