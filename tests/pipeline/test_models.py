"""Models that can be compared: claims stay claims, samples are cut to one kind, and the same files are one piece."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.errors import IncomparableError
from independence_audit.evidence.audit_report import FileEvidence, Reference
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint import Fingerprint, Model, sampler_of
from independence_audit.pipeline.models import (
    CLAIMED,
    as_claimed,
    check_samplers,
    of_one_sampler,
    sayable,
    with_same_files_named,
)
from tests.lineage.hand_made import fingerprint_of, noise, sample_of

WHOLE = FileEvidence("model.safetensors", 8, "ab" * 32, "file")
OTHER = FileEvidence("model.safetensors", 8, "cd" * 32, "file")


def fingerprint(name: str = "memory", sampler: str = "rows-1") -> Fingerprint:
    """One matrix, as a sampler of a name read it."""
    return replace(fingerprint_of(sample_of(noise(8, 16)), name=name), sampler=sampler)


def test_what_a_fingerprint_says_of_itself_is_a_claim() -> None:
    """Its digests are of files that nobody saw; a file without a digest claims none."""
    unread = FileEvidence("index.json", 3, None, None)
    model = Model(replace(fingerprint(), files=(WHOLE, unread), read_bytes=99))
    claimed = as_claimed(model).fingerprint
    assert [file.digest_scope for file in claimed.files] == [CLAIMED, None]
    assert claimed.files[0].sha256 == WHOLE.sha256
    assert claimed.read_bytes == 0


def test_notices_that_no_report_can_word_are_dropped() -> None:
    """Anybody can write a fingerprint's table: opinions, unknown keys and data of another kind are no notices."""
    good = Message("notice.same_as_subject")
    bad = (
        Message("headline.clean"),
        Message("notice.from_the_future"),
        Message("notice.read_failed", {"model": 1}),
    )
    assert sayable(replace(fingerprint(), notices=(*bad, good))).notices == (good,)


def test_one_sampler_is_left_as_it_is() -> None:
    """Models of one sampler are the very same models."""
    models = [Model(fingerprint("a")), Model(fingerprint("b"))]
    assert all(one is other for one, other in zip(of_one_sampler(models), models, strict=True))


@pytest.mark.parametrize(
    ("theirs", "said"),
    [(sampler_of("default", b"x" * 16).name, "--salt-file"), (sampler_of("small", b"y" * 16).name, "--salt-file")],
)
def test_other_salts_are_refused_with_the_option_that_made_them(theirs: str, said: str) -> None:
    """The user reads which option to set, not the sampler's parameters alone."""
    mine = sampler_of("default", None).name
    models = [Model(fingerprint("mine", mine)), Model(fingerprint("theirs", theirs))]
    with pytest.raises(IncomparableError, match=r"sampled differently") as caught:
        of_one_sampler(models)
    assert said in caught.value.message
    with pytest.raises(IncomparableError, match="sampled differently"):
        check_samplers(models[0].fingerprint, [models[1].fingerprint])


def test_the_same_files_are_said_once_each() -> None:
    """A reference with the subject's files, and one with those of a reference before it, are named; others are not."""
    references = (
        Reference("itself", "compared", files=(WHOLE,)),
        Reference("first", "compared", files=(OTHER,)),
        Reference("again", "compared", files=(OTHER,)),
    )
    named = with_same_files_named((WHOLE,), references)
    assert [[notice.key for notice in one.notices] for one in named] == [
        ["notice.same_as_subject"],
        [],
        ["notice.same_as_reference"],
    ]
    assert named[2].notices[0].data == {"other": "first"}


def test_claims_and_unknown_digests_tell_no_files_apart() -> None:
    """Two models without digests are not the same model, and a claim is no digest."""
    claimed, unknown = replace(WHOLE, digest_scope=CLAIMED), FileEvidence("model.safetensors", 8, None, None)
    references = (
        Reference("claims", "compared", files=(claimed,)),
        Reference("unknown", "compared", files=(unknown,)),
        Reference("unknown too", "compared", files=(unknown,)),
    )
    assert with_same_files_named((WHOLE,), references) == references
    assert with_same_files_named((unknown,), references) == references
