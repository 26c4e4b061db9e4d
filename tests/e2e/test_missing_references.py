"""References that were asked for and could not be had: an outage is no pass, and no accusation either."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from independence_audit.policy.policy_file import policy_names
from tests.cli.small_models import llama, save
from tests.e2e.conftest import Audit, Ended
from tests.hub.fake_hub import FakeHub, Fault

HAD, GONE = "qwen3-0.6b", "qwen3-8b"


@pytest.fixture
def subject(tmp_path: Path) -> str:
    """A team's checkpoint that has nothing to do with any reference."""
    return save(llama(1), tmp_path / "subject" / "model.safetensors")


@pytest.fixture
def copy(tmp_path: Path) -> str:
    """A team's checkpoint that is the one reference which can be had."""
    return save(llama(2), tmp_path / "copy" / "model.safetensors")


@pytest.fixture
def half_gone(hub: FakeHub, tmp_path: Path) -> FakeHub:
    """A Hub that has one of the two models."""
    save(llama(2), tmp_path / "had" / "model.safetensors")
    hub.add("Qwen/Qwen3-0.6B", tmp_path / "had")
    return hub


def compare(audit: Audit, subject: str, *options: str, names: tuple[str, ...] = (HAD, GONE)) -> Ended:
    """Compare a subject with both."""
    return audit("compare", subject, *(word for name in names for word in ("--ref", name)), *options)


@pytest.mark.parametrize("policy", policy_names())
def test_an_outage_is_no_pass_under_any_policy(audit: Audit, half_gone: FakeHub, subject: str, policy: str) -> None:
    """Exit 3 and the reason; the same without the missing one passes, and so does --allow-missing, which is shown."""
    ended = compare(audit, subject, "--policy", policy, "--format", "json")
    assert ended.code == 3, ended.err
    (said,) = ended.report["summary"]["incomplete"]
    assert said == {"key": "incomplete.references_missing", "data": {"missing": 1, "asked": 2, "names": GONE}}
    assert {ended.report["opinion"]["headline"]["data"][key] for key in ("compared", "total")} == {1, 2}
    allowed = compare(audit, subject, "--policy", policy, "--format", "json", "--allow-missing")
    without = compare(audit, subject, "--policy", policy, "--format", "json", names=(HAD,))
    assert allowed.code == without.code
    assert allowed.code in {0, 3}
    assert (allowed.report["settings"]["allow_missing"], allowed.report["summary"]["incomplete"]) == (True, [])


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_format_says_so_beside_the_opinion(
    audit: Audit, half_gone: FakeHub, subject: str, tmp_path: Path, lang: str
) -> None:
    """How many were compared, why that is no pass, and what was allowed."""
    counted, why, allowed = {
        "en": ("1 of 2 references compared; 1 could not be had", "1 of the 2 requested references", "--allow-missing"),
        "ko": ("참조 모델 2개 중 1개 비교; 1개는 확보하지 못함", "요청한 참조 모델 2개 중 1개를 확보하지", "누락 허용"),
    }[lang]
    names = ("text", "markdown", "html", "summary", "sarif")
    for options, said, unsaid in (
        ((), (counted, why), ("missing ones are", "누락 허용")),
        (
            ("--allow-missing",),
            (counted, allowed),
            (why,),
        ),
    ):
        files = [word for name in names for word in ("-o", f"{name}={tmp_path / name}")]
        compare(audit, subject, "-q", "--lang", lang, *files, *options)
        for name in names:
            text = (tmp_path / name).read_text(encoding="utf-8")
            text = json.dumps(json.loads(text), ensure_ascii=False) if name == "sarif" else text.replace("\\", "")
            text = " ".join(text.replace("│", " ").split())
            assert all(" ".join(words.split()) in text for words in said), (name, said)
            assert not any(words in text for words in unsaid), (name, unsaid)
            assert name in {"html", "sarif"} or counted in text[:2500]


def test_a_finding_outranks_an_outage(audit: Audit, half_gone: FakeHub, copy: str) -> None:
    """What was found is found, whatever else could not be had."""
    assert compare(audit, copy).code == 1
    assert compare(audit, copy, "--allow-missing").code == 1


def test_a_repository_that_is_out_of_reach_is_a_missing_reference(
    audit: Audit, half_gone: FakeHub, subject: str, copy: str
) -> None:
    """Named by where it is: with another reference exit 3 or the other's finding, alone nothing to audit."""
    half_gone.add("team/away", Path(copy).parent)
    half_gone.add("team/here", Path(copy).parent)
    compare(audit, subject, names=("team/here",))
    for model, code in ((subject, 3), (copy, 1)):
        half_gone.fail(Fault.UNAVAILABLE, 5, "hub")
        ended = compare(audit, model, "--format", "json", names=("team/away", "team/here"))
        assert ended.code == code, ended.err
        found = {one["name"]: (one["status"], one["reason"]) for one in ended.report["references"]}
        assert found == {"team/away": ("not_available", "read_failed"), "team/here": ("compared", None)}
    half_gone.fail(Fault.UNAVAILABLE, 5, "hub")
    alone = compare(audit, subject, names=("team/away",))
    assert (alone.code, alone.is_told()) == (4, True), alone.err


@pytest.mark.parametrize(("times", "key"), [(12, "references_unread"), (1000, "references_missing")])
def test_a_reference_that_is_read_in_part_is_no_pass(
    *, audit: Audit, half_gone: FakeHub, subject: str, copy: str, times: int, key: str
) -> None:
    """An outage in the middle of the reading leaves tensors without values, some or all: said, and exit 3."""
    assert audit("refs", "pull", HAD).code == 0
    half_gone.add("team/here", Path(save(llama(6), Path(copy).parent.parent / "again" / "model.safetensors")).parent)
    half_gone.fail(Fault.TRUNCATED, times, after=1)
    ended = compare(audit, subject, "--format", "json", names=("team/here", HAD))
    half_gone.mend()
    assert ended.code == 3, ended.err
    (said,) = ended.report["summary"]["incomplete"]
    assert (said["key"], said["data"]["names"]) == (f"incomplete.{key}", "team/here")


def test_a_subject_that_is_read_in_part_is_no_pass(audit: Audit, half_gone: FakeHub, subject: str, copy: str) -> None:
    """The same on the other side, which nothing allows."""
    half_gone.add("team/there", Path(subject).parent)
    half_gone.fail(Fault.TRUNCATED, 12, after=1)
    ended = audit("compare", "team/there", "--ref", copy, "--allow-missing", "--format", "json")
    half_gone.mend()
    assert ended.code == 3, ended.err
    assert [said["key"] for said in ended.report["summary"]["incomplete"]] == ["incomplete.subject_unread"]


def test_what_has_nothing_in_common_was_had(audit: Audit, subject: str, copy: str, tmp_path: Path) -> None:
    """A lone tower says nothing of a decoder: it is counted apart, and takes nothing from the other comparisons."""
    random = np.random.default_rng(3)
    tower = {
        f"vision_model.encoder.layers.{layer}.self_attn.{role}_proj.weight": random.normal(0, 0.02, (96, 96))
        for layer in range(2)
        for role in ("q", "k", "v", "out")
    }
    path = save({name: value.astype(np.float32) for name, value in tower.items()}, tmp_path / "tower" / "m.safetensors")
    ended = compare(audit, subject, "--format", "json", names=(copy, path))
    assert [one["status"] for one in ended.report["references"]] == ["compared", "incomparable"]
    assert (ended.code, ended.report["summary"]["incomplete"]) == (0, [])
    screen = " ".join(compare(audit, subject, names=(copy, path)).out.replace("│", " ").split())
    assert "1 of 2 references compared; 1 had no component in common with the subject" in screen


def test_only_what_was_missing_is_said_to_be_missing(audit: Audit, subject: str, copy: str) -> None:
    """With every reference at hand, no report asks for those that were not available."""
    whole = compare(audit, subject, names=(copy,))
    assert whole.code == 0
    assert "not available" not in whole.out
    assert "Further references" in whole.out


def test_a_report_with_missing_references_verifies(
    audit: Audit, half_gone: FakeHub, subject: str, tmp_path: Path
) -> None:
    """Also where they can be had meanwhile: an outage is not repeated, and its count is not to be edited."""
    for options in ((), ("--allow-missing",)):
        file = tmp_path / "report.json"
        compare(audit, subject, "-q", "-o", f"json={file}", *options)
        save(llama(5), tmp_path / "came" / "model.safetensors")
        for names in ((), ("--ref", HAD, "--ref", GONE)):
            ended = audit("verify", file, "--subject", subject, *names)
            assert ended.code == 0, ended.out
        assert "were not available to the audit" in audit("verify", file).out
        half_gone.add("Qwen/Qwen3-8B", tmp_path / "came")
        assert audit("verify", file, "--subject", subject).code == 0
        document = json.loads(file.read_text(encoding="utf-8"))
        document["summary"]["incomplete"] = []
        document["settings"]["allow_missing"] = False
        file.write_text(json.dumps(document), encoding="utf-8")
        assert audit("verify", file).code == 1
        half_gone.repository("Qwen/Qwen3-8B").revisions.clear()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("file", "environment", "option", "allowed"),
    [
        ("", "", (), False),
        ("allow-missing = true", "", (), True),
        ("allow-missing = true", "false", (), False),
        ("", "true", (), True),
        ("", "true", ("--all-references",), False),
        ("", "", ("--allow-missing",), True),
    ],
)
def test_a_team_allows_it_for_itself(
    *,
    audit: Audit,
    half_gone: FakeHub,
    subject: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    environment: str,
    option: tuple[str, ...],
    allowed: bool,
) -> None:
    """In the self-check: the command line before the environment before the file, and the report says so."""
    (tmp_path / "audit.toml").write_text(f'subject = "{subject}"\nreferences = ["{HAD}", "{GONE}"]\n{file}\n')
    monkeypatch.setenv("AUDIT_ALLOW_MISSING", environment)
    ended = audit("self-check", *option, "--format", "json")
    assert ended.code in ({0, 3} if allowed else {3}), (
        ended.err
    )  # a small model of fingerprints may stay open by itself
    assert ended.report["settings"]["allow_missing"] is allowed
    assert (ended.report["summary"]["incomplete"] == []) is allowed
