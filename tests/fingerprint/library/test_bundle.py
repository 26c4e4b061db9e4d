"""Bundles for machines that reach no network."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from independence_audit.errors import IncomparableError, InputError, MalformedError, MissingError, UnsupportedError
from independence_audit.fingerprint.library import (
    Library,
    Status,
    add,
    export_bundle,
    import_bundle,
    new_entry,
    store,
)
from independence_audit.fingerprint.sampler import Sampler
from tests.fingerprint.library.small_library import (
    CATALOGUE,
    entry_of,
    fingerprint_file,
    fingerprint_of,
    library_in,
    reopened,
)

Members = list[tuple[tarfile.TarInfo, bytes]]


@pytest.fixture
def full(library: Library) -> Library:
    """A library with two fingerprints."""
    for seed, name in enumerate(("wren-1b", "owl-1b")):
        store(library, entry_of(library, name), fingerprint_of(seed))
    return library


@pytest.fixture
def bundle(full: Library, tmp_path: Path) -> Path:
    """Both of them in one file."""
    target = tmp_path / "bundle.tar"
    export_bundle(full, full.catalogue.entries, target)
    return target


@pytest.fixture
def elsewhere(tmp_path: Path) -> Library:
    """The library of another machine, with the same catalogue."""
    (tmp_path / "elsewhere").mkdir()
    return library_in(tmp_path / "elsewhere")


def names(library: Library) -> list[str]:
    """The models whose fingerprints the user has."""
    return [stored.entry.name for stored in library.everything() if stored.status == Status.PULLED]


def members_of(bundle: Path) -> Members:
    """What a bundle holds."""
    with tarfile.open(bundle) as tar:
        return [(member, (tar.extractfile(member) or io.BytesIO()).read()) for member in tar]


def rewrite(bundle: Path, members: Members) -> None:
    """Write a bundle anew, as anybody could."""
    with tarfile.open(bundle, "w") as tar:
        for member, content in members:
            if member.isreg():
                member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def test_a_bundle_carries_fingerprints_to_another_machine(full: Library, bundle: Path, elsewhere: Library) -> None:
    """Byte for byte, with their digests."""
    assert import_bundle(elsewhere, bundle) == ("owl-1b", "wren-1b")
    assert names(elsewhere) == ["wren-1b", "owl-1b"]
    for name in names(elsewhere):
        entry = entry_of(full, name)
        assert elsewhere.path(entry).read_bytes() == full.path(entry).read_bytes()
        assert elsewhere.read(entry).name == name
    assert elsewhere.digest() == full.digest()


def test_what_was_exported_is_told(full: Library, tmp_path: Path) -> None:
    """The names, what is missing, and the digest to compare on the other side."""
    entries = [entry_of(full, name) for name in ("wren-1b", "carp-2b", "owl-1b")]
    told = export_bundle(full, entries, tmp_path / "b.tar")
    assert (told.names, told.missing) == (("owl-1b", "wren-1b"), ("carp-2b",))
    assert told.sha256 == hashlib.sha256((tmp_path / "b.tar").read_bytes()).hexdigest()


def test_a_bundle_is_a_plain_tar_with_a_manifest(full: Library, bundle: Path) -> None:
    """Any tool can look into it: sizes and SHA-256 are those of the members."""
    (first, content), *rest = members_of(bundle)
    manifest = json.loads(content)
    assert (first.name, manifest["format"], manifest["sampler"]) == ("manifest.json", 1, full.sampler.name)
    promised = [(model["file"], model["size"], model["sha256"]) for model in manifest["models"]]
    assert promised == [(member.name, len(data), hashlib.sha256(data).hexdigest()) for member, data in rest]
    assert {(member.mtime, member.uid, member.uname, member.mode) for member, _ in rest} == {(0, 0, "", 0o644)}


def test_the_same_fingerprints_give_the_same_bytes(full: Library, bundle: Path, tmp_path: Path) -> None:
    """In whatever order they were asked for."""
    again = tmp_path / "again.tar"
    export_bundle(full, list(reversed(full.catalogue.entries)), again)
    assert again.read_bytes() == bundle.read_bytes()


def test_models_of_ones_own_travel_with_their_facts(library: Library, elsewhere: Library, tmp_path: Path) -> None:
    """Heirs and ancestors in any order of names."""
    egg = fingerprint_file(tmp_path / "egg.fp.safetensors", fingerprint_of(1))
    add(library, new_entry("zebra-finch", fingerprint_of(1), owner="Nest", country="KR"), egg)
    add(reopened(library), new_entry("chick", fingerprint_of(1), derived_from=("zebra-finch",)), egg)
    again = reopened(library)
    export_bundle(again, again.catalogue.entries, tmp_path / "b.tar")
    assert import_bundle(elsewhere, tmp_path / "b.tar") == ("chick", "zebra-finch")
    assert names(reopened(elsewhere)) == ["chick", "zebra-finch"]
    assert entry_of(reopened(elsewhere), "chick") == entry_of(again, "chick")


def test_importing_again_changes_nothing(bundle: Path, elsewhere: Library) -> None:
    """The same files are there."""
    import_bundle(elsewhere, bundle)
    before = {path: path.read_bytes() for path in elsewhere.own.iterdir()}
    import_bundle(reopened(elsewhere), bundle)
    assert {path: path.read_bytes() for path in elsewhere.own.iterdir()} == before


def test_nothing_to_export_is_told(library: Library, tmp_path: Path) -> None:
    """And no file is written."""
    with pytest.raises(MissingError, match="no fingerprint of any"):
        export_bundle(library, library.catalogue.entries, tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()


def test_a_damaged_fingerprint_is_not_exported(full: Library, tmp_path: Path) -> None:
    """It would only be refused on the other side."""
    path = full.path(entry_of(full, "wren-1b"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(MalformedError, match="damaged"):
        export_bundle(full, full.catalogue.entries, tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()


def test_places_that_cannot_be_used_are_told(full: Library, bundle: Path, tmp_path: Path) -> None:
    """Written to, read from, or not there."""
    with pytest.raises(InputError, match="could not be written"):
        export_bundle(full, full.catalogue.entries, tmp_path / "nowhere" / "b.tar")
    with pytest.raises(MissingError):
        import_bundle(full, tmp_path / "nowhere.tar")
    with pytest.raises(InputError, match="could not be read"):
        import_bundle(full, tmp_path)


def flipped(members: Members) -> Members:
    """One bit of a fingerprint is another."""
    member, content = members[1]
    return [members[0], (member, content[:-1] + bytes([content[-1] ^ 1])), *members[2:]]


def swapped(members: Members) -> Members:
    """Two files under each other's names."""
    manifest, (a, first), (b, second) = members
    return [manifest, (a, second), (b, first)]


def truncated(members: Members) -> Members:
    """A file is shorter than it was."""
    return [*members[:-1], (members[-1][0], members[-1][1][:-8])]


def incomplete(members: Members) -> Members:
    """A file is missing."""
    return members[:-1]


def reordered(members: Members) -> Members:
    """The manifest comes last."""
    return [*members[1:], members[0]]


def without_manifest(members: Members) -> Members:
    """Only files."""
    return members[1:]


def extended(members: Members) -> Members:
    """A file that no manifest names."""
    return [*members, (tarfile.TarInfo("more.fp.safetensors"), b"x")]


def doubled(members: Members) -> Members:
    """A file twice."""
    return [*members, members[-1]]


def member_named(name: str) -> Callable[[Members], Members]:
    """A file leads out of the folder, or elsewhere in it."""

    def tamper(members: Members) -> Members:
        members[1][0].name = name
        return members

    return tamper


def member_of_type(kind: bytes) -> Callable[[Members], Members]:
    """Something that is no regular file bears a file's name."""

    def tamper(members: Members) -> Members:
        link = tarfile.TarInfo(members[1][0].name)
        link.type, link.linkname = kind, "/etc/passwd"
        return [members[0], (link, b""), *members[1:]]

    return tamper


TAMPERED: dict[str, Callable[[Members], Members]] = {
    "a flipped bit": flipped,
    "files swapped": swapped,
    "a file cut short": truncated,
    "a file missing": incomplete,
    "another order": reordered,
    "no manifest": without_manifest,
    "one file more": extended,
    "a file twice": doubled,
    "a path upwards": member_named("../wren-1b.fp.safetensors"),
    "an absolute path": member_named("/owl-1b.fp.safetensors"),
    "a subfolder": member_named("x/owl-1b.fp.safetensors"),
    "a name too long for a header": member_named("x" * 300),
    "a symbolic link": member_of_type(tarfile.SYMTYPE),
    "a hard link": member_of_type(tarfile.LNKTYPE),
    "a folder": member_of_type(tarfile.DIRTYPE),
    "a pipe": member_of_type(tarfile.FIFOTYPE),
    "a device": member_of_type(tarfile.CHRTYPE),
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
def test_a_tampered_bundle_is_refused_whole(
    bundle: Path, elsewhere: Library, tmp_path: Path, tamper: Callable[[Members], Members]
) -> None:
    """One sentence, a way out, and nothing of it in the library or anywhere else."""
    rewrite(bundle, tamper(members_of(bundle)))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(MalformedError, match="The bundle was damaged or is none") as caught:
        import_bundle(elsewhere, bundle)
    assert caught.value.hint
    assert names(elsewhere) == []
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in [*before, elsewhere.own]] == []


def edited(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """A manifest with a change."""

    def edit(content: bytes) -> bytes:
        manifest = json.loads(content)
        change(manifest)
        return json.dumps(manifest).encode()

    return edit


MANIFESTS: dict[str, Callable[[bytes], bytes]] = {
    "no JSON": lambda _: b"{",
    "no object": lambda _: b"[]",
    "a key twice": lambda content: content.replace(b'"format"', b'"format": 1, "format"'),
    "too deep": lambda _: b'{"a":' * 100_000,
    "a surrogate": lambda content: content.replace(b'"nest/Owl"', b'"\\ud800"'),
    "a key too many": edited(lambda manifest: manifest.update(colour="red")),
    "no sampler": edited(lambda manifest: manifest.pop("sampler")),
    "models that are none": edited(lambda manifest: manifest.update(models=[3])),
    "a model twice": edited(lambda manifest: manifest["models"].append(manifest["models"][0])),
    "another file": edited(lambda manifest: manifest["models"][0].update(file="../x")),
    "another digest": edited(lambda manifest: manifest["models"][0].update(sha256="0" * 64)),
    "another size": edited(lambda manifest: manifest["models"][0].update(size=1)),
    "a size below nothing": edited(lambda manifest: manifest["models"][0].update(size=-1)),
    "a name with a path": edited(lambda manifest: manifest["models"][0].update(name="../x")),
    "facts of another model": edited(lambda manifest: manifest["models"][0].update(name="carp-2b")),
    "facts of two models": edited(lambda manifest: manifest["models"][0]["family"]["models"].append({"name": "b"})),
    "another model under a known name": edited(
        lambda manifest: manifest["models"][0]["family"]["models"][0].update(hub_id="nest/Cuckoo")
    ),
    "an impossible fact": edited(lambda manifest: manifest["models"][0]["family"].update(country="Korea")),
}


@pytest.mark.parametrize("edit", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_a_tampered_manifest_is_refused(bundle: Path, elsewhere: Library, edit: Callable[[bytes], bytes]) -> None:
    """Whatever it says of files that are as they were."""
    (manifest, content), *rest = members_of(bundle)
    rewrite(bundle, [(manifest, edit(content)), *rest])
    with pytest.raises(MalformedError, match="The bundle was damaged or is none") as caught:
        import_bundle(elsewhere, bundle)
    assert caught.value.hint
    assert names(elsewhere) == []


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 10240, b"\x1f\x8b\x08\0" + bytes(600), b"PK\x03\x04" + bytes(600), b"\xff" * 2000]
)
def test_what_is_no_tar_is_refused(content: bytes, elsewhere: Library, tmp_path: Path) -> None:
    """Packed archives too: nothing is ever unpacked."""
    (tmp_path / "b.tar").write_bytes(content)
    with pytest.raises(MalformedError, match="The bundle was damaged or is none"):
        import_bundle(elsewhere, tmp_path / "b.tar")


def test_a_bundle_that_ends_early_is_refused(bundle: Path, elsewhere: Library) -> None:
    """In the middle of its last file."""
    bundle.write_bytes(bundle.read_bytes()[:-12000])
    with pytest.raises(MalformedError):
        import_bundle(elsewhere, bundle)
    assert names(elsewhere) == []


def test_a_manifest_without_end_is_not_read(bundle: Path, elsewhere: Library) -> None:
    """Its size is looked at first."""
    header = tarfile.TarInfo("manifest.json")
    header.size = 1 << 40
    bundle.write_bytes(header.tobuf(tarfile.GNU_FORMAT))
    with pytest.raises(MalformedError, match="too large"):
        import_bundle(elsewhere, bundle)


def test_a_newer_bundle_is_told(bundle: Path, elsewhere: Library) -> None:
    """With the advice to update."""
    (manifest, content), *rest = members_of(bundle)
    rewrite(bundle, [(manifest, edited(lambda table: table.update(format=2))(content)), *rest])
    with pytest.raises(UnsupportedError, match="format 2, known is 1") as caught:
        import_bundle(elsewhere, bundle)
    assert "Update" in caught.value.hint


def test_a_bundle_of_another_salt_is_told(bundle: Path, tmp_path: Path) -> None:
    """Its fingerprints could not be compared."""
    (tmp_path / "secret").mkdir()
    secret = library_in(tmp_path / "secret", sampler=Sampler(salt=b"sixteen secret b"))
    with pytest.raises(IncomparableError, match="sampled with"):
        import_bundle(secret, bundle)


def test_a_bundle_may_not_bring_an_ancestor_that_nobody_knows(bundle: Path, tmp_path: Path) -> None:
    """What it adds must leave the catalogue sound."""
    (tmp_path / "bare").mkdir()
    lonely = CATALOGUE.replace("wren-1b", "sparrow-1b").replace("nest/Wren-1B", "nest/Sparrow").replace('"wren", ', "")
    bare = library_in(tmp_path / "bare", lonely)
    (manifest, content), (owl, data), _ = members_of(bundle)
    rewrite(bundle, [(manifest, edited(lambda table: table["models"].pop())(content)), (owl, data)])
    assert import_bundle(bare, bundle) == ("owl-1b",)
    orphan = edited(lambda table: table["models"][0]["family"]["models"][0].update(name="emu", hub_id=""))
    renamed = edited(lambda table: table["models"][0].update(name="emu", file="emu.fp.safetensors"))
    owl.name = "emu.fp.safetensors"
    alone = edited(lambda table: table["models"].pop())
    rewrite(bundle, [(manifest, renamed(orphan(alone(content)))), (owl, data)])
    with pytest.raises(MalformedError, match="emu derives from 'wren-1b'"):
        import_bundle(bare, bundle)


def test_a_pipe_is_no_bundle(elsewhere: Library, tmp_path: Path) -> None:
    """Nobody feeds it; opening it would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="a pipe"):
        import_bundle(elsewhere, tmp_path / "pipe")


def test_a_size_without_end_is_refused_at_once(bundle: Path, elsewhere: Library) -> None:
    """Tar can say sizes up to 2 to the power of 95; manifest and member agree on one, and the file ends early."""
    size = 10**18
    content = bundle.read_bytes()
    length = int(content[124:135], 8)
    manifest = json.loads(content[512 : 512 + length])
    manifest["models"][0]["size"] = size
    changed = json.dumps(manifest, indent=1, sort_keys=True).encode()
    first = 512 + -(-length // 512) * 512
    with bundle.open("wb") as file:
        file.write(header_of("manifest.json", len(changed)) + changed + bytes(-len(changed) % 512))
        file.write(header_of(manifest["models"][0]["file"], size) + content[first + 512 :])
    with pytest.raises(MalformedError, match="ends in the middle"):
        import_bundle(elsewhere, bundle)


def header_of(name: str, size: int) -> bytes:
    """The header of a member."""
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT)
