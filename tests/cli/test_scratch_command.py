"""``audit scratch`` as users start it: text and JSON, files, and bad input in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from independence_audit.cli.entry import main
from tests.cli.small_models import Weights, llama, save


def initial(seed: int) -> Weights:
    """Weights as they are drawn: gains exactly one."""
    return {name: np.ones_like(each) if "norm" in name else each for name, each in llama(seed).items()}


def test_an_untrained_model_is_called_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The text names the conclusion, the law, its scale and what else it could be."""
    assert main(["scratch", save(initial(1), tmp_path / "model.safetensors")]) == 0
    text = capsys.readouterr().out
    assert "untrained" in text
    assert "a normal law" in text
    assert "could also be" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_same_in_korean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--lang ko`` words the conclusion, the law and the alternatives in Korean."""
    assert main(["scratch", save(initial(1), tmp_path / "model.safetensors"), "--lang", "ko"]) == 0
    text = capsys.readouterr().out
    assert all(words in text for words in ("학습되지 않음", "정규분포", "다른 설명"))


def test_json_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON on stdout and in a file are the same but for the run."""
    subject = save(initial(1), tmp_path / "model.safetensors")
    assert main(["scratch", subject, "--format", "json", "-o", f"json={tmp_path / 'out.json'}"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown == json.loads((tmp_path / "out.json").read_text())
    assert [one["conclusion"] for one in shown["training"]["components"]] == ["untrained"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["missing.safetensors"], 4), (["missing.safetensors", "-o", "pdf=x"], 2), ([], 2)],
    ids=["no file", "no format", "no subject"],
)
def test_bad_input(arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence and the right status."""
    assert main(["scratch", *arguments]) == status
    assert "Traceback" not in capsys.readouterr().err
