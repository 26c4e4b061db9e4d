"""The shells' completion is answered, and never turns an audit into nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from independence_audit.cli.entry import main

BASH = shutil.which("bash") or ""
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("program", ["audit", "independence-audit"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_script_is_printed(
    shell: str, program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under both names of the program."""
    monkeypatch.setenv(f"_{program.replace('-', '_').upper()}_COMPLETE", f"{shell}_source")
    assert main([]) == 0
    shown = capsys.readouterr()
    assert program in shown.out
    assert f"{shell}_complete" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("audit comp", "compare"),
        ("audit compare a --ref b --form", "--format"),
        ("audit compare a --ref b --format js", "json"),
        ("audit refs pu", "pull"),
        ("audit compare mod", "file"),
        ("audit compare a --ref mod", "file"),
        ("audit nonsense x", ""),
        ("audit compare 'unclosed", ""),
    ],
)
def test_what_is_typed_is_completed(
    typed: str, expected: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands, options and choices by click; whatever may be a path by the shell."""
    monkeypatch.setenv("_AUDIT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    assert main([]) == 0
    shown = capsys.readouterr()
    assert expected in shown.out
    assert shown.err == ""


@pytest.mark.parametrize("wanted", ["junk", "bash", "bash_junk", "powershell2_source", "bash_complete"])
def test_what_no_shell_asks_is_a_usage_error(
    wanted: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the line that would be right; not 1, which is a finding, nor an internal error."""
    monkeypatch.setenv("_AUDIT_COMPLETE", wanted)
    monkeypatch.delenv("COMP_WORDS", raising=False)
    assert main([]) == 2
    assert "bash_source" in capsys.readouterr().err


def test_a_variable_left_behind_lets_an_audit_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or every audit would pass without having looked at anything."""
    monkeypatch.setenv("_AUDIT_COMPLETE", "bash_source")
    assert main(["compare", "nowhere", "--ref", "nowhere"]) == 4
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.skipif(not BASH, reason="there is no bash")
def test_bash_completes_with_it(tmp_path: Path) -> None:
    """The function that bash gets answers as bash asks."""
    program = tmp_path / "audit"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nfrom independence_audit.cli.entry import main\nsys.exit(main())\n"
    )
    program.chmod(0o755)
    script = (
        'eval "$(_AUDIT_COMPLETE=bash_source audit)"; '
        'COMP_WORDS=(audit sel) COMP_CWORD=1; _audit_completion audit; echo "${COMPREPLY[@]}"'
    )
    variables = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    ended = subprocess.run([BASH, "-c", script], env=variables, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["self-check"]
