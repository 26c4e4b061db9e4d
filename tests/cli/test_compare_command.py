"""`audit compare`: the exit code says what was found, stdout has the report, stderr nothing of it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from independence_audit.cli.entry import main
from independence_audit.evidence.report_json import from_json
from independence_audit.report.formats import FORMATS
from tests.cli.small_models import llama, save


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference, a copy of it, one that was trained on, and a stranger."""
    folder = tmp_path_factory.mktemp("models")
    random = np.random.default_rng(5)
    tuned = {
        name: (0.9 * values + np.sqrt(0.19) * values.std() * random.normal(size=values.shape)).astype(np.float32)
        for name, values in llama(1).items()
    }
    for name, weights in (("known", llama(1)), ("copy", llama(1)), ("tuned", tuned), ("stranger", llama(2))):
        save(weights, folder / f"{name}.safetensors")
    return folder


def compare(models: Path, subject: str, *options: str) -> int:
    """Compare one of the models with the reference."""
    return main(
        ["compare", str(models / f"{subject}.safetensors"), "--ref", str(models / "known.safetensors"), *options]
    )


def test_a_copy_ends_with_1_and_the_report_says_how_that_was_found(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command as it was typed, so that it can be typed again, and who submitted the model; quiet prints nothing."""
    monkeypatch.setattr(sys, "argv", ["/usr/bin/audit", "compare", "my model", "--ref", "a'b"])
    path = tmp_path / "report.json"
    statement = ("-o", f"intoto={tmp_path / 'statement.json'}")
    assert compare(models, "copy", "-q", "-o", f"json={path}", *statement, "--team", "Ours", "--model", "Omni") == 1
    report = from_json(path.read_text(encoding="utf-8"))
    assert report.components[0].relation == "identical"
    assert report.run.command == "audit compare 'my model' --ref 'a'\"'\"'b'"
    assert (report.submission.team, report.submission.stage, report.submission.model) == ("Ours", "", "Omni")
    assert report.subject.files[0].digest_scope == "file", "a statement takes whole files, whoever asks for it"
    assert capsys.readouterr().out == ""


def test_a_stranger_ends_with_0_and_every_format_is_of_one_audit(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What goes to files and what is printed is one report; without a terminal stderr has nothing at all."""
    outputs = [word for name in FORMATS for word in ("-o", f"{name}={tmp_path / name}")]
    assert compare(models, "stranger", *outputs, "--format", "json") == 0
    shown = capsys.readouterr()
    report = from_json(shown.out)
    assert report.components[0].relation == "unrelated"
    for name, form in FORMATS.items():
        assert (tmp_path / name).read_text(encoding="utf-8") == form.render(report), name
    assert shown.err == ""


def test_how_grave_a_finding_ends_with_1_is_for_the_user_to_say(models: Path) -> None:
    """What weighs less is told; it is no finding, and no pass either."""
    policy = ("--policy", "control-and-licence", "-q")
    assert compare(models, "tuned", *policy, "--fail-on", "review") == 1
    assert compare(models, "tuned", *policy, "--fail-on", "not_met") == 3


@pytest.mark.parametrize(
    "options",
    [("--sign-key", "key.pem"), ("--init", "transformers"), ("-o", "json=a", "-o", "html=a"), ("--alpha", "nan")],
    ids=["nothing to sign", "no trajectory", "one file", "no level"],
)
def test_what_contradicts_itself_is_told_before_anything_is_read(
    options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Models that are not there would end with 4."""
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "nowhere", "--ref", "nowhere", *options]) == 2
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == ["error", "hint"]
