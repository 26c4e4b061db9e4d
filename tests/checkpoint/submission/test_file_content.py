"""Text is told from numbers that were written as text, in whatever letters."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import numpy as np
import pytest

from independence_audit.checkpoint.submission.file_content import Content, reads_as_text, strange_bytes
from independence_audit.checkpoint.tensors import SMALLEST
from tests.checkpoint.memory_source import MemorySource
from tests.checkpoint.submission.made_weights import BRAIN, CODES, HALF, NIBBLES, RANDOM, VALUES

SENTENCE = "The {n}th example shows how a model of language reads {m} words in Seoul; 한국어 문장도 {n}개 있다. "
TEXTS: dict[str, Callable[[], str]] = {
    "prose": lambda: "".join(SENTENCE.format(n=n, m=n * 7) for n in range(3000)),
    "code": lambda: "".join(
        f"def function_{n}(self, value: int) -> int:\n    return value + {n}\n\n" for n in range(4000)
    ),
    "log": lambda: json.dumps([{"step": n, "loss": 1 / (n + 1), "grad_norm": n**0.5, "lr": 1e-4} for n in range(9000)]),
    "blanks": lambda: " " * 300_000,
    "old": lambda: "The size of a model, its Größe, is what it can hold, and its measure, or so one says. " * 3000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=list(TEXTS))
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_text_is_text(text: Callable[[], str], encoding: str) -> None:
    """Also with the odd byte of an older encoding."""
    content = text().encode(encoding, "ignore")
    assert strange_bytes(Content(MemorySource({"f": content}), "f")) == 0


NUMBERS: dict[str, bytes] = {
    "raw": HALF,
    "base64": base64.b64encode(BRAIN),
    "base64 of codes": base64.b64encode(NIBBLES * 2),
    "lines of base64": base64.encodebytes(BRAIN),
    "base85": base64.b85encode(BRAIN),
    "hexadecimal": HALF.hex().encode(),
    "letters": bytes(97 + code for code in CODES),
    "decimals": json.dumps([round(float(value), 5) for value in VALUES[:100_000]]).encode(),
    "digits": " ".join(map(str, CODES)).encode(),
    "code points": "".join(chr(0x4E00 + int(x) % 20_000) for x in np.frombuffer(BRAIN, np.uint16)).encode(),
}


@pytest.mark.parametrize("content", NUMBERS.values(), ids=list(NUMBERS))
@pytest.mark.parametrize("front", [b"", b"# A model\n\nIt reads words and says others.\n" * 3000])
def test_numbers_written_as_text_are_no_text(content: bytes, front: bytes) -> None:
    """By themselves, and behind a page of text."""
    assert strange_bytes(Content(MemorySource({"f": front + content}), "f")) >= SMALLEST


def test_a_little_of_anything_is_text() -> None:
    """An embedded picture smaller than a layer, in a page of text."""
    page = TEXTS["prose"]().encode()
    small = base64.b64encode(RANDOM.bytes(SMALLEST // 4))
    assert strange_bytes(Content(MemorySource({"f": page + small + page}), "f")) < SMALLEST
    assert reads_as_text(b"")
