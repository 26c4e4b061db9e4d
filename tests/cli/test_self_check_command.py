"""audit self-check: a strict configuration, the command line before the environment before it, suppressions."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from independence_audit.cli.entry import main
from independence_audit.cli.run import audit
from independence_audit.evidence.audit_report import AuditReport, Outcome
from independence_audit.evidence.report_json import from_json
from tests.cli.small_models import llama, save
from tests.conftest import ROOT

if TYPE_CHECKING:
    from click import Command

TODAY = datetime.now(UTC).date()
SUPPRESS = """
[[suppress]]
criterion = "no_shared_weights"
component = "model"
reason = "our own earlier model"
owner = "lead@example.org"
expires = {expires}
"""
CONFIGURATION = """
subject = "subject"
references = ["known"]
team = "Team"
[outputs]
json = "out/report.json"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder with a model that shares its weights with a reference; the working folder."""
    save(llama(1), tmp_path / "subject" / "model.safetensors")
    save(llama(1), tmp_path / "known" / "model.safetensors")
    save(llama(2), tmp_path / "stranger" / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report_of(project: Path) -> AuditReport:
    """The report that the configuration asks for."""
    return from_json((project / "out" / "report.json").read_text(encoding="utf-8"))


def configured(project: Path, text: str, name: str = "audit.toml") -> None:
    """Write the configuration."""
    (project / name).write_text(text, encoding="utf-8")


def test_the_file_says_what_to_do(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Subject, references, outputs and team; from another folder, paths are the file's."""
    configured(project, CONFIGURATION)
    assert main(["self-check", "-q"]) == 1
    assert report_of(project).submission.team == "Team"
    assert "no declaration was found" in capsys.readouterr().err
    (project / "elsewhere").mkdir()
    assert main(["self-check", "-q", "--config", str(project / "audit.toml")]) == 1


def test_pyproject_has_a_table(project: Path) -> None:
    """[tool.audit], and nothing where there is no such table."""
    configured(project, '[tool.audit]\nsubject = "subject"\nreferences = ["stranger"]\n', "pyproject.toml")
    assert main(["self-check", "-q"]) == 0
    configured(project, "[tool.other]\n", "pyproject.toml")
    assert main(["self-check", "-q"]) == 2


def test_the_command_line_goes_before_the_environment_before_the_file(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three places, one order."""
    configured(project, 'fail-on = "review"\n' + CONFIGURATION)
    assert main(["self-check", "-q"]) == 1
    monkeypatch.setenv("AUDIT_REFERENCES", "stranger")
    assert main(["self-check", "-q"]) == 0
    assert main(["self-check", "-q", "--ref", "known"]) == 1
    monkeypatch.setenv("AUDIT_POLICY", "no-such-policy")
    assert main(["self-check", "-q"]) == 2
    assert main(["self-check", "-q", "--policy", "kai-stage1"]) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CONFIGURATION + "colour = 'red'", "colour"),
        ("subjekt = 'x'\n", "subjekt"),
        ("references = 'x'\n", "references"),
        ("fail-on = 'never'\n", "fail-on"),
        ("offline = 'yes'\n", "offline"),
        ("a = = 1", ""),
        ("suppress = [1]\n", "not a table"),
        (SUPPRESS.format(expires='"soon"'), "expires"),
        (SUPPRESS.format(expires="2026-01-01T00:00:00"), "time"),
        (SUPPRESS.format(expires="2026-01-01").replace("our own earlier model", " "), "reason"),
        (SUPPRESS.format(expires="2026-01-01").replace('owner = "lead@example.org"', ""), "owner"),
        (SUPPRESS.format(expires="2026-01-01") + "forever = true\n", "forever"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    text: str, said: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown keys, other types, a suppression that nobody answers for or that never ends: exit 2, one sentence."""
    configured(project, text)
    assert main(["self-check", "-q"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert said in error


def test_a_suppression_holds_and_stays_visible(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The outcome stays, the exit code does not fail, and everybody sees who answers for it."""
    configured(project, CONFIGURATION + SUPPRESS.format(expires=TODAY))
    assert main(["self-check"]) == 0
    said = capsys.readouterr()
    assert "our own earlier model" in " ".join(said.out.split())
    assert "suppressed until" in said.err
    (criterion,) = report_of(project).opinion.criteria
    assert criterion.outcome is Outcome.NOT_MET
    assert criterion.suppression is not None
    assert main(["verify", str(project / "out" / "report.json"), "--subject", "subject", "--ref", "known", "-q"]) == 0


def test_an_expired_suppression_suppresses_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The day after, the audit fails and says that the suppression expired; saying otherwise is a difference."""
    configured(project, CONFIGURATION + SUPPRESS.format(expires=TODAY - timedelta(days=1)))
    assert main(["self-check", "-q"]) == 1
    assert "expired on" in capsys.readouterr().err
    path = project / "out" / "report.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["opinion"]["criteria"][0]["suppression"]["expired"] = False
    path.write_text(json.dumps(document), encoding="utf-8")
    assert main(["verify", str(path), "-q"]) == 1
    assert "expired" in capsys.readouterr().out


def test_a_suppression_of_nothing_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Misspelt or no longer needed: never in silence, and it suppresses nothing else."""
    configured(project, CONFIGURATION + SUPPRESS.format(expires=TODAY).replace("no_shared_weights", "no_weights"))
    assert main(["self-check", "-q"]) == 1
    assert "suppresses nothing" in capsys.readouterr().err


def option_names(command: Command) -> set[str]:
    """Every spelling of a command's options."""
    return {"--help", *(name for each in command.params for name in (*each.opts, *each.secondary_opts))}


@pytest.mark.parametrize("file", ["action.yml", "Containerfile", "docs/self-check.md"])
def test_what_others_run_exists(file: str) -> None:
    """Every `audit` command in the action, the container file and the page names options that there are."""
    text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
    calls = re.findall(
        r"(?:(?:^|[\s$])audit|independence-audit) (self-check|compare|verify|report|declare)\b([^\n|#`&]*)", text
    )
    assert calls
    for name, rest in calls:
        command = audit.commands[name]
        options = [word for word in shlex.split(rest.partition(" || ")[0]) if re.fullmatch(r"--?[a-z][a-z-]*", word)]
        assert set(options) <= option_names(command), (name, options)


def test_the_action_passes_what_the_command_reads() -> None:
    """Inputs reach the program by environment variables that it reads, and the shell never as text."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    steps = action["runs"]["steps"]
    variables = {name for step in steps for name in step.get("env", {}) if name.startswith("AUDIT_")}
    read = {parameter.envvar for parameter in audit.commands["self-check"].params}
    assert variables
    assert variables <= read
    assert not [step for step in steps if "${{" in step.get("run", "")]
    used = re.findall(r"inputs\.([a-z-]+)", json.dumps(steps))
    assert set(used) == set(action["inputs"])
    extras = re.findall(r"\[([a-z,]+)\]", " ".join(step.get("run", "") for step in steps))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(f"\n{extra} = [" in project for group in extras for extra in group.split(","))
