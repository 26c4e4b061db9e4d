"""Real models that come with the program, on a machine without a network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from independence_audit.cli.entry import main
from independence_audit.fingerprint.library import shipped_folder
from tests.cli.small_models import llama, save

QWEN, WHISPER = "qwen2.5-coder-0.5b-instruct", "whisper-base"


@pytest.fixture(autouse=True)
def nothing_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own library is empty."""
    monkeypatch.setenv("AUDIT_LIBRARY", str(tmp_path / "library"))


def compared(subject: str | Path, name: str, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, Any]:
    """Exit status and report of an audit against a name of the library."""
    status = main(["compare", str(subject), "--ref", name, "--offline", "--format", "json", *more])
    return status, json.loads(capsys.readouterr().out)


def shipped(name: str) -> Path:
    """A shipped fingerprint as a file."""
    return shipped_folder() / f"{name}.fp.safetensors"


def test_qwen_is_compared_as_far_as_it_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    """One is; the others are listed, and what the one was made from stands beside it."""
    status, report = compared(shipped(QWEN), "qwen", capsys)
    assert status == 1
    assert report["components"][0]["reference"] == QWEN
    there = [one for one in report["references"] if one["status"] == "compared"]
    assert [one["name"] for one in there] == [QWEN]
    assert there[0]["made_from"]["standing"] == "repackaged"
    assert {one["reason"] for one in report["references"] if one["name"] != QWEN} == {"not_pulled"}


def test_a_stranger_is_not_cleared_of_the_qwens_that_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Inconclusive, with the number that could not be had."""
    status, report = compared(save(llama(1), tmp_path / "team.safetensors"), "qwen", capsys)
    assert status == 3
    assert [message["key"] for message in report["summary"]["incomplete"]] == ["incomplete.references_missing"]
    _, allowed = compared(tmp_path / "team.safetensors", "qwen", capsys, "--allow-missing")
    assert not allowed["summary"]["incomplete"]


def test_what_a_shipped_fingerprint_does_not_hold_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Only the encoder of Whisper is shipped."""
    status, report = compared(shipped(WHISPER), WHISPER, capsys)
    assert status == 1
    left_out = {"key": "notice.kind_left_out", "data": {"kind": "text_decoder"}}
    assert left_out in report["references"][0]["notices"]
    _, towers = compared(shipped(WHISPER), "encoders", capsys)
    whisper = next(one for one in towers["references"] if one["name"] == WHISPER)
    assert left_out not in whisper["notices"]


@pytest.mark.parametrize(
    "command", [["refs", "verify", QWEN], ["compare", str(shipped(QWEN)), "--ref", QWEN, "--verify"]]
)
def test_a_repackaged_file_is_not_held_against_its_owners(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its values differ from those by quantisation: that would be called a wrong fingerprint."""
    assert main(command) == 4
    assert "made from part01.bin" in " ".join(capsys.readouterr().err.split())
