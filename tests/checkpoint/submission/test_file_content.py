"""What a file is by its content: the innocent of every kind, and the same kinds with weights inside."""

from __future__ import annotations

import base64
import io
import json
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from independence_audit.checkpoint.submission.file_content import Content, reads_as_text, strange_bytes
from independence_audit.checkpoint.submission.media import looks_like_floats, media_reason
from independence_audit.checkpoint.submission.records import is_events, is_sentencepiece
from independence_audit.checkpoint.tensors import SMALLEST
from tests.checkpoint.memory_source import MemorySource

RANDOM = np.random.default_rng(0)
VALUES = (0.02 * RANDOM.standard_normal(400_000)).astype(np.float32)
HALF = VALUES.astype(np.float16).tobytes()
BRAIN = (VALUES.view(np.uint32) >> 16).astype(np.uint16).tobytes()
CODES = np.clip(np.round(VALUES / 0.008) + 8, 0, 15).astype(np.uint8)
NIBBLES = (CODES[::2] | CODES[1::2] << 4).tobytes()


def photograph(side: int = 700) -> np.ndarray:
    """Smooth shapes with a little noise, as cameras see them."""
    x, y = np.meshgrid(np.linspace(0, 6, side), np.linspace(0, 4, side))
    waves = np.stack([np.sin(x + y), np.cos(2 * x - y), np.sin(x * y)], axis=-1)
    return np.clip(120 + 90 * waves + RANDOM.normal(0, 3, waves.shape), 0, 255).astype(np.uint8)


def drawn(name: str, picture: np.ndarray, **options: int) -> bytes:
    """A picture in a format."""
    content = io.BytesIO()
    Image.fromarray(picture).save(content, name, **options)
    return content.getvalue()


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "WEBP"])
@pytest.mark.parametrize("side", [64, 700])
def test_pictures_are_pictures(name: str, side: int) -> None:
    """As programs write them, in gray, in colours, with transparency, progressive and interlaced."""
    picture = photograph(side)
    assert media_reason(drawn(name, picture)) in {"image", "media"}
    assert media_reason(drawn(name, picture[..., 0])) in {"image", "media"}
    if name in {"PNG", "WEBP"}:
        assert media_reason(drawn(name, np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)]))) is not None
    if name == "JPEG":
        assert media_reason(drawn(name, picture, progressive=True, quality=95)) == "image"


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "WEBP"])
@pytest.mark.parametrize("weights", [HALF, BRAIN, VALUES.tobytes(), NIBBLES], ids=["half", "brain", "full", "nibbles"])
def test_weights_behind_a_picture(name: str, weights: bytes) -> None:
    """What a viewer does not show is not passed with what it shows."""
    picture = drawn(name, photograph(64))
    assert media_reason(picture + weights[: 2 * SMALLEST]) is None


@pytest.mark.parametrize("weights", [HALF, BRAIN, VALUES.tobytes()], ids=["half", "brain", "full"])
def test_weights_as_pixels(weights: bytes) -> None:
    """Drawn without loss they look like what they are."""
    side = int(np.sqrt(len(weights)))
    pixels = np.frombuffer(weights, np.uint8, side * side).reshape(side, side)
    assert media_reason(drawn("PNG", pixels)) is None


def test_a_picture_that_is_cut_or_changed() -> None:
    """Is none any more; nor does anything crash."""
    whole = drawn("PNG", photograph(64))
    for cut in range(1, len(whole), 997):
        assert media_reason(whole[:cut]) is None
    for name in ("JPEG", "GIF", "WEBP"):
        other = drawn(name, photograph(64))
        for cut in range(1, len(other), 501):
            media_reason(other[:cut])
            media_reason(other[:cut] + RANDOM.bytes(50) + other[cut:])


def pdf(streams: list[bytes]) -> bytes:
    """A document with streams."""
    body = b"".join(b"%d 0 obj <<>>\nstream\n%b\nendstream\nendobj\n" % pair for pair in enumerate(streams))
    return b"%PDF-1.7\n" + body + b"startxref\n9\n%%EOF\n"


def test_documents() -> None:
    """Compressed pages and pictures, not weights, raw or compressed."""
    page = zlib.compress(b" ".join(b"(word %d) Tj" % number for number in range(100_000)))
    assert media_reason(pdf([page, drawn("JPEG", photograph()), page])) == "document"
    for weights in (HALF, BRAIN, NIBBLES):
        assert media_reason(pdf([page, weights + weights])) is None
    assert media_reason(pdf([zlib.compress(HALF, 1)])) is None
    assert media_reason(b"%PDF-1.7\n" + HALF) is None


@pytest.mark.parametrize("width", [2, 4])
@pytest.mark.parametrize("offset", [0, 1, 2, 3])
def test_floats_at_any_place(width: int, offset: int) -> None:
    """Whatever stands in front of them."""
    stored = {2: HALF, 4: VALUES.tobytes()}[width]
    assert looks_like_floats((bytes(offset) + stored)[: 1 << 16])


@pytest.mark.parametrize(
    "content",
    [
        RANDOM.bytes(1 << 16),
        bytes(1 << 16),
        photograph().tobytes()[: 1 << 16],
        np.cumsum(RANDOM.normal(0, 90, 40_000)).astype(np.int16).tobytes(),
        zlib.compress(HALF)[: 1 << 16],
        " ".join(map(str, range(20_000))).encode()[: 1 << 16],
    ],
    ids=["noise", "zeros", "pixels", "sound", "compressed", "text"],
)
def test_what_is_no_array_of_floats(content: bytes) -> None:
    """Noise, pictures, sound and text."""
    assert not looks_like_floats(content)


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


@pytest.mark.parametrize("check", [is_events, is_sentencepiece])
def test_records_of_nothing(check: Callable[[bytes], bool]) -> None:
    """Bytes that end early, run on or mean nothing are neither."""
    for content in (
        b"",
        b"\x0a",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        bytes(1000),
        HALF,
        RANDOM.bytes(999),
    ):
        assert not check(content)
