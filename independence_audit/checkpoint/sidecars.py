"""Files that stand beside a checkpoint's weights: model card, config, vocabulary, and whole files by their digests.

What they say is context for a report: one that is broken is a notice and no error.
"""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from independence_audit.checkpoint.gguf import read_gguf_tokens
from independence_audit.checkpoint.refused_formats import GGUF_SUFFIX
from independence_audit.checkpoint.tensors import ByteSource, Checkpoint, Notice
from independence_audit.core.bounded import read_bounded
from independence_audit.core.outside_names import quoted
from independence_audit.core.strict_json import JsonError, parse_object
from independence_audit.errors import InputError, MalformedError, ReadError

LARGEST = 4_000_000
"""Bytes of a file that is read whole; cards, declarations and signatures have some thousand."""


def folder_of(name: str) -> Path | None:
    """The folder on this machine that a checkpoint's files lie in; None where it lies elsewhere."""
    if not os.path.lexists(name):
        return None
    path = Path(name)
    return path if path.is_dir() else path.parent


def read_sidecar(name: str, source: ByteSource, file: str) -> bytes | None:
    """All bytes of a file beside a checkpoint's weights; None where there is none.

    Args:
        name: What the user called the checkpoint: on this machine its folder is looked into.
        source: The checkpoint's source, which is asked where it lies elsewhere.
        file: The file's name.

    Raises:
        MalformedError: The file is far too large for what it is said to be.
        ReadError: It is there and could not be read.
    """
    if folder_of(name) is not None:
        return read_local_sidecar(name, file)
    size = source.files().get(file)
    if size is None:
        return None
    if size > LARGEST:
        raise _too_large(file)
    return file_bytes(source, file)


def read_local_sidecar(name: str, file: str) -> bytes | None:
    """All bytes of a file beside a checkpoint on this machine; None where there is none, or the checkpoint elsewhere.

    Raises:
        MalformedError: The file is far too large for what it is said to be.
        ReadError: It is there and could not be read.
    """
    folder = folder_of(name)
    path = folder / file if folder is not None else None
    if path is None or not path.is_file():
        return None
    try:
        return read_bounded(path, LARGEST)
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise _too_large(path.name) from error
        raise ReadError(
            f"{quoted(path.name)} could not be read: {error.strerror}.", "Check its permissions."
        ) from error


def _too_large(file: str) -> MalformedError:
    return MalformedError(f"{quoted(file)} has over {LARGEST} bytes, too many for what it is.", "Remove it.")


MAX_CONFIG_BYTES = 10_000_000
"""The largest config that is read; real ones have some kilobytes."""

MOST_VALUES = 1_000_000
"""Values that it may hold; the most have some thousand."""


def read_config(source: ByteSource, file: str) -> tuple[dict[str, object], tuple[Notice, ...]]:
    """The parsed config, or an empty one and the notice ``broken_config`` with the reason.

    Raises:
        ReadError: Its bytes could not be read.
    """
    if source.files()[file] > MAX_CONFIG_BYTES:
        return {}, (
            Notice(
                "broken_config", {"file": file, "reason": f"has over {MAX_CONFIG_BYTES} bytes", "cause": "too_large"}
            ),
        )
    try:
        # Some published configs hold Infinity, as a limit of time steps for instance.
        return parse_object(file_bytes(source, file), infinities=True, most_values=MOST_VALUES), ()
    except JsonError as error:
        return {}, (Notice("broken_config", {"file": file, "reason": str(error), "cause": "malformed"}),)


BUFFER_SIZE = 16 << 20
"""Bytes read at a time: large enough for disks and networks, small beside everything else in memory."""


def file_bytes(source: ByteSource, name: str) -> bytes:
    """All bytes of one file, which must be known to be small.

    Raises:
        ReadError: The file could not be read completely.
    """
    content = bytearray(source.files()[name])
    source.read(name, 0, memoryview(content))
    return bytes(content)


def file_sha256(source: ByteSource, name: str, buffer_size: int = BUFFER_SIZE) -> str:
    """The SHA-256 of all bytes of one file, in hexadecimal; at most ``buffer_size`` bytes are in memory.

    Raises:
        ReadError: The file could not be read completely.
    """
    size = source.files()[name]
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(min(buffer_size, size)))
    for start in range(0, size, buffer_size):
        piece = buffer[: min(buffer_size, size - start)]
        source.read(name, start, piece)
        digest.update(piece)
    return digest.hexdigest()


MAX_BYTES = 40_000_000
"""The largest tokenizer file that is read; those with 260,000 tokens have 35 million bytes."""

MAX_TOKENS = 1_000_000
MAX_VALUES = 4 * MAX_TOKENS
"""Values of a tokenizer file, at most; those with 260,000 tokens and twice as many merges have two million."""


def read_vocabulary(checkpoint: Checkpoint) -> Mapping[str, int]:
    """Numbers of tokens as the tokenizer spells them: ``Ġthe`` in byte-level ones, ``▁the`` in sentencepiece's.

    A tokenizer is a help and no evidence: one that is missing, damaged or of another kind gives an empty vocabulary.
    """
    file = checkpoint.vocabulary
    if file.endswith(GGUF_SUFFIX):
        try:
            return read_gguf_tokens(checkpoint.source, file)
        except (InputError, ValueError):
            return {}
    if not file or not 0 < checkpoint.source.files().get(file, 0) <= MAX_BYTES:
        return {}
    try:
        raw = file_bytes(checkpoint.source, file)
        if sum(map(raw.count, (b",", b"[", b"{", b"\n"))) > MAX_VALUES:
            return {}
        numbers = _ranks(raw) if file.endswith(".tiktoken") else _json_numbers(json.loads(raw))
    except (ReadError, ValueError, RecursionError):
        return {}
    return numbers if len(numbers) <= MAX_TOKENS else {}


def _json_numbers(document: Any) -> dict[str, int]:  # noqa: ANN401  whatever somebody wrote
    """The vocabulary of a parsed ``tokenizer.json`` or ``vocab.json``."""
    model = document.get("model") if isinstance(document, dict) else None
    table = model.get("vocab") if isinstance(model, dict) else document
    if isinstance(table, list):  # unigram: pairs of token and score, in the order of their numbers
        tokens = [pair[0] for pair in table if isinstance(pair, list) and pair]
        return {token: number for number, token in enumerate(tokens) if isinstance(token, str)}
    if not isinstance(table, dict):
        return {}
    return {
        token: number
        for token, number in table.items()
        if isinstance(number, int) and not isinstance(number, bool) and number >= 0
    }


def _ranks(raw: bytes) -> dict[str, int]:
    """The vocabulary of a tiktoken file: a line for each token, its bytes in base64 and its number."""
    numbers = {}
    for line in raw.splitlines():
        token, _, number = line.partition(b" ")
        try:
            text = base64.b64decode(token, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue  # bytes that are no text of their own
        if number.strip().isdigit() and len(number) < 12:  # noqa: PLR2004  no vocabulary is larger
            numbers[text] = int(number)
    return numbers
