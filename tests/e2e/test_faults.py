"""Whatever the servers do, an opinion is the right one: what cannot be read is told, and never judged."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests.e2e.conftest import Audit
from tests.hub.fake_hub import ENDLESS, FakeHub, Fault

NAME = "lab/base"
PASSING = {
    "storage": set(Fault)
    - {Fault.RANGE_IGNORED, Fault.WRONG_TOTAL, Fault.CHANGED_ETAG, Fault.PORTAL, Fault.LOOP, Fault.ELSEWHERE},
    "hub": {Fault.UNAVAILABLE, Fault.RATE_LIMITED},
}
"""Faults that one more try is a remedy for."""
ALL = 40
TIMES = {"storage": (1, ALL), "hub": (3, ALL)}
"""At the Hub the first three answers are the listing, and place and bytes of the first small file."""
TRUTH = {"finetuned": (1, "related"), "other_seed": (0, "unrelated")}


@pytest.mark.parametrize("server", ["storage", "hub"])
@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in ENDLESS], ids=lambda fault: fault.name)
def test_a_fault_never_makes_a_wrong_opinion(
    *,
    fault: Fault,
    server: str,
    hub: FakeHub,
    audit: Audit,
    seeds: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A copy and a stranger, read as subject or as reference, with a few answers spoiled, or all."""
    hub.add(NAME, seeds / "base")
    hub.silence = 0.05
    for number, (times, other) in enumerate(product(TIMES[server], TRUTH)):
        is_subject = number % 4 in (0, 3)
        monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / f"cache-{number}"))
        hub._faults[server].clear()
        hub.fail(fault, times, server)
        subject, reference = (NAME, seeds / other) if is_subject else (seeds / other, NAME)
        ended = audit("compare", subject, "--ref", reference, "--format", "json")
        if ended.code == 4:
            assert ended.is_told(), ended.err
            assert times == ALL or fault not in PASSING[server], ended.err
        else:
            assert (ended.code, ended.report["components"][0]["relation"]) == TRUTH[other]


@pytest.mark.parametrize("server", ["storage", "hub"])
@pytest.mark.parametrize("fault", sorted(ENDLESS, key=str), ids=lambda fault: fault.name)
def test_an_answer_without_end_ends_in_a_sentence(
    *, fault: Fault, server: str, hub: FakeHub, audit: Audit, seeds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone it leaves nothing to audit, beside another reference no pass; never a crash, never a finding of its own."""
    hub.add(NAME, seeds / "base")
    monkeypatch.setenv("AUDIT_REQUEST_SECONDS", "0.2")
    hub.fail(fault, 10_000, server)
    alone = audit("compare", seeds / "other_seed", "--ref", NAME)
    assert (alone.code, alone.is_told()) == (4, True), alone.err
    assert audit("compare", seeds / "other_seed", "--ref", NAME, "--ref", seeds / "base").code == 3
    assert audit("compare", seeds / "finetuned", "--ref", NAME, "--ref", seeds / "base").code == 1


@pytest.mark.parametrize(
    "fault",
    [fault for fault in Fault if fault in PASSING["storage"] - ENDLESS and fault is not Fault.SLOW],
    ids=lambda fault: fault.name,
)
def test_what_was_read_before_a_fault_is_kept_and_right(fault: Fault, hub: FakeHub, audit: Audit, seeds: Path) -> None:
    """A run that failed leaves nothing wrong behind: the next one comes out as if there had been no fault."""
    hub.add(NAME, seeds / "base")
    hub.fail(fault, ALL)
    assert audit("compare", seeds / "finetuned", "--ref", NAME).code == 4
    hub._faults["storage"].clear()
    for other, (code, relation) in TRUTH.items():
        ended = audit("compare", seeds / other, "--ref", NAME, "--format", "json")
        assert (ended.code, ended.report["components"][0]["relation"]) == (code, relation)


def test_silence_counts_as_broken(hub: FakeHub, audit: Audit, seeds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that falls silent is asked again; one that stays silent ends the audit."""
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.25)
    hub.add(NAME, seeds / "base")
    hub.silence = 0.4
    hub.fail(Fault.SLOW, ALL)
    told = audit("compare", seeds / "other_seed", "--ref", NAME)
    assert (told.code, told.is_told()) == (4, True)
    assert "did not answer in time" in told.err
    hub._faults["storage"].clear()
    hub.fail(Fault.SLOW, 1)
    assert audit("compare", seeds / "other_seed", "--ref", NAME).code == 0


def test_a_pull_that_fails_leaves_nothing_in_the_library(
    hub: FakeHub, audit: Audit, tmp_path: Path, seeds: Path
) -> None:
    """No half of a fingerprint is taken for one."""
    hub.add("Qwen/Qwen3-0.6B", seeds / "base")
    hub.fail(Fault.TRUNCATED, ALL)
    told = audit("refs", "pull", "qwen3-0.6b")
    assert (told.code, told.is_told()) == (4, True)
    assert [path.name for path in (tmp_path / "library").rglob("*")] == []
