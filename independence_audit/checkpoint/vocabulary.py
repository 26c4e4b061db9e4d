"""The vocabulary beside the weights: which token has which number, from the usual tokenizer files."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from independence_audit.checkpoint.model import Checkpoint
from independence_audit.checkpoint.whole_files import file_bytes
from independence_audit.errors import ReadError

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
