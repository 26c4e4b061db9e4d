"""References that are the subject, or one another, under another name."""

from __future__ import annotations

from pathlib import Path

from tests.cli.small_models import llama, save
from tests.e2e.conftest import Audit


def test_the_same_files_are_said_to_be_the_same(audit: Audit, tmp_path: Path) -> None:
    """The subject as its own reference, and one reference twice; a stranger is neither."""
    subject = save(llama(1), tmp_path / "subject" / "model.safetensors")
    other = save(llama(2), tmp_path / "other" / "model.safetensors")
    again = save(llama(2), tmp_path / "again" / "model.safetensors")
    names = [word for path in (subject, other, again) for word in ("--ref", path)]
    ended = audit("compare", subject, *names, "--format", "json")
    assert ended.code == 1
    said = [[notice["key"] for notice in one["notices"]] for one in ended.report["references"]]
    assert said == [["notice.same_as_subject"], [], ["notice.same_as_reference"]]
    for lang, words in (("en", "named as its own reference"), ("ko", "참조 모델로 지정했거나")):
        shown = audit("compare", subject, *names, "--lang", lang).out
        assert words in " ".join(shown.split())


def test_claims_are_no_files(audit: Audit, tmp_path: Path) -> None:
    """A fingerprint's digests are its own words: they make nothing the same."""
    subject = save(llama(1), tmp_path / "subject" / "model.safetensors")
    assert audit("fingerprint", subject, "-o", tmp_path / "mine.fp.safetensors").code == 0
    ended = audit("compare", subject, "--ref", tmp_path / "mine.fp.safetensors", "--format", "json")
    assert [one["notices"] for one in ended.report["references"]] == [[]]
