"""The library that comes with the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from independence_audit.anatomy import Kind
from independence_audit.errors import MissingError
from independence_audit.evidence.audit_report import Standing
from independence_audit.fingerprint.library import (
    Library,
    Status,
    known_names,
    open_library,
    reference_of,
    resolve,
    shipped_folder,
)
from independence_audit.fingerprint.library.shelf import Shelf


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The library of a user who has nothing of their own."""
    return open_library(tmp_path_factory.mktemp("nothing"))


REAL = {"all-minilm-l6-v2", "qwen2.5-coder-0.5b-instruct", "smollm2-135m-instruct", "whisper-base"}
LEFT_OUT = {"whisper-base": {Kind.TEXT_DECODER}}
"""Kinds of components that a shipped fingerprint does not hold."""


def names(library: Library, text: str) -> set[str]:
    """What a name means."""
    return {wanted.entry.name for wanted in resolve(library.catalogue, text)}


def test_there_are_at_least_sixty_open_models(shipped: Library) -> None:
    """Each with a Hub id, an owner, a country and a family."""
    models = [entry for entry in shipped.catalogue.entries if not entry.synthetic]
    assert len(models) >= 60
    assert all(entry.hub_id and entry.owner and entry.country and entry.family for entry in models)


def test_every_name_alias_and_group_means_a_model_and_never_an_example(shipped: Library) -> None:
    """Nobody is compared with a made-up model unless they say so."""
    for name in known_names(shipped.catalogue):
        synthetic = {wanted.entry.synthetic for wanted in resolve(shipped.catalogue, name)}
        assert synthetic == {name.startswith("example/")}


def test_qwen_is_every_qwen_model(shipped: Library) -> None:
    """By owner's name on the Hub, and nothing else."""
    by_owner = {entry.name for entry in shipped.catalogue.entries if entry.hub_id.startswith("Qwen/")}
    assert names(shipped, "qwen") == by_owner
    families = {wanted.entry.family for wanted in resolve(shipped.catalogue, "qwen")}
    assert families >= {"qwen1.5", "qwen2", "qwen2.5", "qwen3", "qwen3-moe"}
    assert families >= {"qwen2-vl", "qwen2.5-vl", "qwen3-vl", "qwen2-audio", "qwen2.5-omni"}


def test_qwen_encoders_are_its_towers(shipped: Library) -> None:
    """Those of the vision and audio families, without their decoders."""
    found = resolve(shipped.catalogue, "qwen-encoders")
    assert (
        {"qwen2-vl-7b", "qwen2.5-vl-7b", "qwen3-vl-8b", "qwen2-audio-7b", "qwen2.5-omni-7b"}
        <= {wanted.entry.name for wanted in found}
        <= names(shipped, "qwen")
    )
    assert {wanted.kinds for wanted in found} == {frozenset({Kind.VISION_ENCODER, Kind.AUDIO_ENCODER})}
    assert not names(shipped, "qwen-encoders") & names(shipped, "qwen3")


def test_all_is_everything_but_the_examples(shipped: Library) -> None:
    """And each model is there once."""
    assert names(shipped, "all") == {entry.name for entry in shipped.catalogue.entries if not entry.synthetic}


FAMILIES = """
    llama mistral gemma glm deepseek kimi phi gpt-oss internvl internvit siglip siglip2 clip dinov2 dinov3 whisper olmo
    yi falcon mixtral qwen1.5 qwen2 qwen2.5 qwen3 qwen3-moe qwen2-vl qwen2.5-vl qwen3-vl qwen2-audio qwen2.5-omni
    exaone a.x solar hyperclovax vaetki motif tri kanana midm kt konan
"""


@pytest.mark.parametrize("group", FAMILIES.split())
def test_every_family_of_the_programme_can_be_named(shipped: Library, group: str) -> None:
    """Foreign families and the applicants' own."""
    assert names(shipped, group)


def test_korean_is_every_model_of_a_korean_owner(shipped: Library) -> None:
    """The group and the countries agree."""
    assert names(shipped, "korean") == {entry.name for entry in shipped.catalogue.entries if entry.country == "KR"}


def test_an_unknown_qwen_is_told_with_known_ones(shipped: Library) -> None:
    """The example of the documentation."""
    with pytest.raises(MissingError, match=r"'qwen-2.4' is not a model.*qwen2"):
        resolve(shipped.catalogue, "qwen-2.4")


def test_what_ships_is_sound_small_and_complete(shipped: Library) -> None:
    """Every file reads as its model's fingerprint; every example and the real models are there."""
    stored = [one for one in shipped.everything() if one.status != Status.MISSING]
    assert {one.status for one in stored} == {Status.SHIPPED}
    assert {one.entry.name for one in stored if not one.entry.synthetic} == REAL
    assert {one.entry.name for one in stored if one.entry.synthetic} == names_of_examples(shipped)
    assert Shelf(shipped_folder()).names() == sorted(one.entry.name for one in stored)
    assert sum(path.stat().st_size for path in shipped_folder().iterdir()) <= 30_000_000
    for one in stored:
        fingerprint = shipped.read(one.entry)
        assert fingerprint.sampler == shipped.sampler.name
        assert any(units.layers for units in fingerprint.units)
        kinds = {component.kind for component in fingerprint.components}
        assert kinds == (one.entry.kinds - LEFT_OUT.get(one.entry.name, set()))
        assert reference_of(one.entry, "compared", fingerprint=fingerprint).synthetic == fingerprint.synthetic


@pytest.mark.parametrize("name", sorted(REAL))
def test_a_real_model_says_what_it_was_made_from(shipped: Library, name: str) -> None:
    """The packaged file with its digest; only the owner's own file makes a revision and needs no warning."""
    entry = resolve(shipped.catalogue, name)[0].entry
    reference = reference_of(entry, "compared", fingerprint=shipped.read(entry))
    assert reference.made_from == entry.made_from
    assert reference.made_from is not None
    is_official = reference.made_from.standing == Standing.OFFICIAL
    assert is_official == (name == "all-minilm-l6-v2")
    assert ("notice.repackaged" in {notice.key for notice in reference.notices}) == (not is_official)
    assert entry.licence == "apache-2.0"


def names_of_examples(library: Library) -> set[str]:
    """The synthetic entries."""
    return {entry.name for entry in library.catalogue.entries if entry.synthetic}


def test_the_real_model_says_where_it_is_from(shipped: Library) -> None:
    """Its source and revision, and its declared ancestor."""
    entry = resolve(shipped.catalogue, "minilm")[0].entry
    reference = reference_of(entry, "compared", fingerprint=shipped.read(entry))
    assert (reference.source, reference.revision) == (entry.hub_id, entry.revision)
    assert reference.derived_from == ("nreimers/MiniLM-L6-H384-uncased",)
    assert [file.size for file in reference.files] == [90868376]


def test_the_checkout_has_its_library_beside_the_package() -> None:
    """Until a wheel brings its own."""
    assert shipped_folder() == Path(__file__).resolve().parents[3] / "fingerprints"
