"""Vocabularies beside the weights, in the usual forms and in broken ones."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from independence_audit.checkpoint import open_checkpoint, read_vocabulary


def vocabulary_of(folder: Path, file: str, content: bytes) -> dict[str, int]:
    """What a checkpoint with this tokenizer file gives."""
    save_file({"a": np.ones((2, 2), np.float32)}, folder / "model.safetensors")
    (folder / file).write_bytes(content)
    checkpoint = open_checkpoint(folder)
    try:
        return dict(read_vocabulary(checkpoint))
    finally:
        checkpoint.source.close()


def test_tokenizer_json(tmp_path: Path) -> None:
    """The fast tokenizers' file."""
    assert vocabulary_of(tmp_path, "tokenizer.json", b'{"model": {"vocab": {"a": 0, "b": 1}}}') == {"a": 0, "b": 1}


def test_unigram(tmp_path: Path) -> None:
    """Pairs of token and score stand in the order of their numbers."""
    assert vocabulary_of(tmp_path, "tokenizer.json", b'{"model": {"vocab": [["a", -1.5], ["b", -2]]}}') == {
        "a": 0,
        "b": 1,
    }


def test_plain_vocabulary(tmp_path: Path) -> None:
    """The older file holds the table itself."""
    assert vocabulary_of(tmp_path, "vocab.json", b'{"a": 3, "b": "no", "c": -1, "d": true}') == {"a": 3}


def test_tiktoken(tmp_path: Path) -> None:
    """Base64 and a number a line; bytes that are no text are left out."""
    lines = [base64.b64encode(token) + b" %d" % rank for rank, token in enumerate([b" the", b"\xff", b"x"])]
    assert vocabulary_of(tmp_path, "qwen.tiktoken", b"\n".join([*lines, b"nonsense", b""])) == {" the": 0, "x": 2}


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"model": [3]}', b"null", b'"a"', b"[" * 100_000])
def test_broken_files_are_no_vocabulary(tmp_path: Path, content: bytes) -> None:
    """A tokenizer that cannot be read is as good as none."""
    assert vocabulary_of(tmp_path, "tokenizer.json", content) == {}


def test_a_folder_is_no_tokenizer(tmp_path: Path) -> None:
    """What bears the name but is no file is not there."""
    save_file({"a": np.ones((2, 2), np.float32)}, tmp_path / "model.safetensors")
    (tmp_path / "tokenizer.json").mkdir()
    for name in (tmp_path, tmp_path / "model.safetensors"):
        checkpoint = open_checkpoint(name)
        assert read_vocabulary(checkpoint) == {}
        checkpoint.source.close()
