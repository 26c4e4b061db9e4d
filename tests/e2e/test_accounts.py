"""Every file of a repository is accounted for without downloading it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from tests.cli.small_models import llama
from tests.e2e.conftest import Audit
from tests.hub.fake_hub import FakeHub

NAME = "lab/own"
WORDS = " ".join(f"line {number} of what a model card says about itself" for number in range(40_000)).encode()
STOLEN = save(llama(1))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with what published ones have beside their weights."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(save(llama(2)))
    (folder / "CHANGES.md").write_bytes(WORDS)
    vocabulary = {f"Ġ{word}": number for number, word in enumerate(dict.fromkeys(WORDS.decode().split()))}
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": vocabulary}}, indent=1))
    (folder / "same").mkdir()
    shutil.copy(folder / "model.safetensors", folder / "same/model.safetensors")
    return folder


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """The reference."""
    path = tmp_path / "known.safetensors"
    path.write_bytes(STOLEN)
    return path


def accounts(report: dict[str, object]) -> dict[str, tuple[str, str]]:
    """What became of every file, and why."""
    subject = report["subject"]
    assert isinstance(subject, dict)
    return {each["name"]: (each["account"], each["reason"]) for each in subject["accounts"]}


def test_a_repository_is_accounted_for_in_samples(hub: FakeHub, audit: Audit, repository: Path, known: Path) -> None:
    """Text is told by blocks of it, a second copy by the digest that the Hub states; nothing is downloaded whole."""
    hub.add(NAME, repository)
    ended = audit("compare", NAME, "--ref", known, "--format", "json")
    assert accounts(ended.report) == {
        "model.safetensors": ("judged", None),
        "CHANGES.md": ("not_weights", "text"),
        "same/model.safetensors": ("same_as_judged", "same_file"),
        "tokenizer.json": ("not_weights", "text"),
    }
    assert not [each for each in ended.report["summary"]["incomplete"] if each["key"] == "incomplete.files_not_judged"]
    read = sum(seen.sent for seen in hub.seen if seen.path.endswith("CHANGES.md"))
    assert 0 < read < len(WORDS)
    assert audit("compare", NAME, "--ref", known, "--offline", "--format", "json").comparable == ended.comparable


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("extra/model.safetensors", STOLEN),
        (".hidden", STOLEN),
        ("pytorch_model.bin", STOLEN),
        ("notes.txt", WORDS + np.concatenate([v.ravel() for v in llama(1).values()]).astype(np.float16).tobytes()),
        ("logo.png", b"\x89PNG\r\n\x1a\n" + STOLEN),
    ],
)
def test_stolen_weights_in_a_repository_are_never_passed(  # noqa: PLR0917  fixtures
    hub: FakeHub, audit: Audit, repository: Path, known: Path, name: str, content: bytes
) -> None:
    """Without a download, and offline again."""
    path = repository / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    hub.add(NAME, repository)
    for arguments in ((), ("--offline",)):
        ended = audit("compare", NAME, "--ref", known, "--format", "json", *arguments)
        assert ended.code == 3
        assert accounts(ended.report)[name][0] == "not_judged"
