"""The library: what it has, and reading it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from independence_audit.anatomy import Kind
from independence_audit.errors import MalformedError, MissingError, ReadError, UnsupportedError
from independence_audit.fingerprint import fingerprint_file
from independence_audit.fingerprint.library import Library, Status, open_library, store
from independence_audit.fingerprint.sampler import Sampler
from tests.fingerprint.library.small_library import CATALOGUE, entry_of, fingerprint_of, library_in, reopened


def ship(library: Library, name: str, seed: int) -> None:
    """Put a fingerprint where those are that come with the program."""
    entry = entry_of(library, name)
    store(replace(library, own=library.shipped), entry, fingerprint_of(seed, synthetic=entry.synthetic))


def test_an_empty_library_has_nothing(library: Library) -> None:
    """Every model is listed as missing; reading one is told with a way out."""
    assert [stored.entry for stored in library.everything()] == list(library.catalogue.entries)
    assert {(stored.status, stored.size, stored.sha256) for stored in library.everything()} == {(Status.MISSING, 0, "")}
    with pytest.raises(MissingError, match="no fingerprint of wren-1b") as caught:
        library.read(entry_of(library, "wren-1b"))
    assert "audit refs pull wren-1b" in caught.value.hint


def test_shipped_and_own_are_told_apart(library: Library) -> None:
    """With size and digest."""
    ship(library, "example/egg", 1)
    store(library, entry_of(library, "wren-1b"), fingerprint_of(2))
    stored = {one.entry.name: one for one in library.everything()}
    assert stored["example/egg"].status == Status.SHIPPED
    assert stored["wren-1b"].status == Status.PULLED
    assert stored["owl-1b"].status == Status.MISSING
    assert stored["wren-1b"].size == library.path(entry_of(library, "wren-1b")).stat().st_size
    assert len(stored["wren-1b"].sha256) == 64


def test_the_users_own_goes_before_what_was_shipped(library: Library) -> None:
    """A newer pull replaces an old file of the program."""
    wren = entry_of(library, "wren-1b")
    ship(library, "wren-1b", 1)
    assert library.read(wren).samples[0].digest == fingerprint_of(1).samples[0].digest
    store(library, wren, fingerprint_of(2))
    assert library.stored(wren).status == Status.PULLED
    assert library.read(wren).samples[0].digest == fingerprint_of(2).samples[0].digest


def test_a_fingerprint_bears_the_models_name(library: Library) -> None:
    """Whatever its checkpoint was called."""
    wren = entry_of(library, "wren-1b")
    store(library, wren, fingerprint_of(1, name="my folder"))
    assert library.read(wren).name == "wren-1b"


def test_only_the_kinds_asked_for_are_read(library: Library) -> None:
    """A tower without its decoder."""
    owl = entry_of(library, "owl-1b")
    store(library, owl, fingerprint_of(1, Kind.TEXT_DECODER, Kind.VISION_ENCODER))
    whole, tower = library.read(owl), library.read(owl, frozenset({Kind.VISION_ENCODER}))
    assert (len(whole.components), len(whole.samples)) == (2, 2)
    assert [component.kind for component in tower.components] == [Kind.VISION_ENCODER]
    assert [sample.component for sample in tower.samples] == ["vision_encoder"]


@pytest.mark.parametrize("damage", ["a changed value", "truncation", "nothing left", "a lost digest"])
def test_a_damaged_fingerprint_is_told(library: Library, damage: str) -> None:
    """Even one flipped bit, which no format would notice."""
    wren = entry_of(library, "wren-1b")
    path = store(library, wren, fingerprint_of(1))
    content = path.read_bytes()
    if damage == "a lost digest":
        path.with_name(f"{path.name}.sha256").write_bytes(b"")
    else:
        flipped = content[:-1] + bytes([content[-1] ^ 1])
        path.write_bytes({"a changed value": flipped, "truncation": content[:99]}.get(damage, b""))
    with pytest.raises(MalformedError, match="damaged") as caught:
        library.read(wren)
    assert "audit refs pull wren-1b" in caught.value.hint


def test_a_fingerprint_that_contradicts_itself_is_told(library: Library) -> None:
    """Its digest is right, but it never was a sound one."""
    pike = entry_of(library, "pike-3b")
    with library.own_shelf.staging() as folder:
        save_file({"w": np.ones((2, 2), np.float32)}, folder / "x")
        library.own_shelf.put(pike.name, folder / "x")
    with pytest.raises(MalformedError, match="not a fingerprint") as caught:
        library.read(pike)
    assert "audit refs remove pike-3b" in caught.value.hint


def test_a_fingerprint_of_a_newer_format_is_told(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the advice to update."""
    wren = entry_of(library, "wren-1b")
    store(library, wren, fingerprint_of(1))
    monkeypatch.setattr(fingerprint_file, "VERSION", 0)
    with pytest.raises(UnsupportedError, match="known is 0") as caught:
        library.read(wren)
    assert "Update" in caught.value.hint


def test_another_salt_has_fingerprints_of_its_own(library: Library, tmp_path: Path) -> None:
    """What was pulled with the public salt is not at hand for an evaluation with a secret one, nor the other way."""
    secret = library_in(tmp_path, sampler=Sampler(salt=b"sixteen secret b"))
    wren = entry_of(library, "wren-1b")
    ship(library, "wren-1b", 1)
    assert secret.stored(wren).status == Status.MISSING
    store(secret, wren, fingerprint_of(2, sampler=secret.sampler))
    assert secret.read(wren).sampler == secret.sampler.name
    assert library.stored(wren).status == Status.SHIPPED


def test_strays_are_named(library: Library) -> None:
    """Files of no model, and files that lost their digest."""
    assert library.strays() == []
    store(library, entry_of(library, "wren-1b"), fingerprint_of(1))
    path = store(library, entry_of(library, "owl-1b"), fingerprint_of(1))
    assert library.strays() == []
    path.with_name(f"{path.name}.sha256").unlink()
    (library.own / "unknown.fp.safetensors").touch()
    assert library.strays() == ["owl-1b.fp.safetensors", "unknown.fp.safetensors"]


def test_the_digest_changes_with_the_catalogue_and_the_fingerprints(library: Library, tmp_path: Path) -> None:
    """And with nothing else: not with the place, nor the order of events."""
    empty = library.digest()
    assert empty == reopened(library).digest()
    store(library, entry_of(library, "wren-1b"), fingerprint_of(1))
    one = library.digest()
    store(library, entry_of(library, "wren-1b"), fingerprint_of(2))
    assert len({empty, one, library.digest()}) == 3
    (tmp_path / "elsewhere").mkdir()
    elsewhere = library_in(tmp_path / "elsewhere")
    assert elsewhere.digest() == empty
    store(elsewhere, entry_of(elsewhere, "wren-1b"), fingerprint_of(2))
    assert elsewhere.digest() == library.digest()
    assert library_in(tmp_path, CATALOGUE + "# a remark\n").digest() != library.digest()


def test_own_catalogues_extend_the_shipped_one(library: Library) -> None:
    """Every file that ends so, in the order of their names."""
    library.own.mkdir()
    for name in ("b", "a"):
        text = f'format = 1\n[[family]]\nname = "own"\nkinds = ["other"]\nmodels = [{{ name = "{name}" }}]\n'
        (library.own / f"{name}.toml").write_text(text)
    assert [entry.name for entry in reopened(library).catalogue.entries][-2:] == ["a", "b"]


def test_own_catalogues_may_not_take_a_shipped_name(library: Library) -> None:
    """The shipped one would otherwise mean something else on this machine."""
    library.own.mkdir()
    text = 'format = 1\n[[family]]\nname = "own"\nkinds = ["other"]\nmodels = [{ name = "wren-1b" }]\n'
    (library.own / "mine.toml").write_text(text)
    with pytest.raises(MalformedError, match="wren-1b"):
        reopened(library)


def test_a_lost_or_unreadable_catalogue_is_told(library: Library) -> None:
    """Nothing is taken for an empty library."""
    (library.own / "folder.toml").mkdir(parents=True)
    with pytest.raises(ReadError, match=r"folder\.toml"):
        reopened(library)
    (library.shipped / "catalogue.toml").unlink()
    with pytest.raises(MissingError, match="own catalogue"):
        open_library(library.own, shipped=library.shipped)


def test_a_report_can_hold_the_digest(library: Library) -> None:
    """It is hexadecimal text."""
    assert json.loads(json.dumps(library.digest())) == library.digest()
    assert len(bytes.fromhex(library.digest())) == 32


def test_two_pulls_at_once(library: Library) -> None:
    """Whoever looks while others put the same model there finds it whole, or not yet; never half, never a crash."""
    entry, fingerprint = entry_of(library, "wren-1b"), fingerprint_of(1)

    def work(number: int) -> set[Status]:
        seen = set()
        for _ in range(15):
            if number % 2:
                store(library, entry, fingerprint)
            seen.add(library.stored(entry).status)
            with suppress(MissingError, MalformedError, ReadError):
                assert library.read(entry).parameters == fingerprint.parameters
        return seen

    with ThreadPoolExecutor(4) as threads:
        assert set().union(*threads.map(work, range(4))) <= {Status.PULLED, Status.MISSING}
    assert library.read(entry).parameters == fingerprint.parameters
    assert library.strays() == []
