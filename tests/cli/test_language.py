"""One report, one text: whoever renders the JSON gets the bytes of the audit, in the language that was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from independence_audit.cli.entry import main
from independence_audit.report.formats import ALL
from tests.cli.small_models import llama, save


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    """A subject and a stranger."""
    return save(llama(1), tmp_path / "subject.safetensors"), save(llama(2), tmp_path / "known.safetensors")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_report_renders_as_the_audit_did(pair: tuple[str, str], lang: str, tmp_path: Path, capsys: Any) -> None:
    """Floats are rounded once, before anything is worded: every format comes out equal from the JSON."""
    outputs = [f"{name}={tmp_path / name}" for name in ALL]
    arguments = [argument for each in outputs for argument in ("-o", each)]
    main(["compare", pair[0], "--ref", pair[1], *arguments, "--lang", lang, "-q"])
    for name in ALL:
        capsys.readouterr()
        assert main(["report", str(tmp_path / "json"), "--format", name, "--lang", lang]) == 0
        assert capsys.readouterr().out == (tmp_path / name).read_text(encoding="utf-8"), name


def commands(pair: tuple[str, str], folder: Path) -> dict[str, list[str]]:
    """Every command that writes reports, with what it needs."""
    return {
        "compare": ["compare", pair[0], "--ref", pair[1]],
        "self-check": ["self-check", pair[0], "--ref", pair[1]],
        "report": ["report", str(folder / "report.json")],
        "scratch": ["scratch", pair[0]],
        "trajectory": ["trajectory", pair[1], pair[0]],
    }


@pytest.mark.parametrize("command", ["compare", "self-check", "report", "scratch", "trajectory"])
def test_the_environment_names_the_language(
    command: str, pair: tuple[str, str], tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AUDIT_LANG is asked by every command, and gives way to --lang."""
    main(["compare", pair[0], "--ref", pair[1], "-q", "-o", f"json={tmp_path / 'report.json'}"])
    monkeypatch.setenv("AUDIT_LANG", "ko")
    arguments = commands(pair, tmp_path)[command]
    capsys.readouterr()
    main(arguments)
    assert "기술 검토 참고자료" in capsys.readouterr().out
    main([*arguments, "--lang", "en"])
    assert "기술 검토 참고자료" not in capsys.readouterr().out
    monkeypatch.setenv("AUDIT_LANG", "xx")
    assert main(arguments) == 2
