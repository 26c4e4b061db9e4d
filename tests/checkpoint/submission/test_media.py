"""Pictures, sounds and documents as programs write them pass; the same with weights inside or behind do not."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from independence_audit.checkpoint.submission.media import begins, looks_like_floats, media_reason
from independence_audit.checkpoint.tensors import SMALLEST
from tests.checkpoint.submission.made_weights import BRAIN, HALF, NIBBLES, RANDOM, VALUES


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


def test_a_picture_that_ends_at_any_byte_is_none() -> None:
    """At a chunk's end as well, behind which nothing is a chunk of no length with the right sum."""
    whole = drawn("PNG", photograph(16))
    assert media_reason(whole) is not None
    assert {media_reason(whole[:cut]) for cut in range(8, len(whole))} == {None}


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


def wave(content: bytes, beside: bytes = b"") -> bytes:
    """A sound, with something else in a chunk of its own."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return name + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)

    head = chunk(b"fmt ", b"\1\0\1\0\x44\xac\0\0\x88\x58\1\0\2\0\x10\0")
    body = b"WAVE" + head + (chunk(b"LIST", beside) if beside else b"") + chunk(b"data", content)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def test_sounds() -> None:
    """A recording passes; weights as its samples, beside it or behind it do not."""
    sound = np.cumsum(np.random.default_rng(3).normal(0, 90, 60_001)).astype(np.int16).tobytes()
    assert media_reason(wave(sound)) == media_reason(wave(sound, b"INFO of an odd length")) == "media"
    assert media_reason(wave(HALF)) is None
    assert media_reason(wave(sound, NIBBLES[: 2 * SMALLEST])) is None
    assert media_reason(wave(sound) + NIBBLES[: 2 * SMALLEST]) is None


def test_few_bytes_are_no_array() -> None:
    """Of less than a sixth of a layer nothing is said."""
    assert not looks_like_floats(HALF[:16_000])
    assert not looks_like_floats(b"")
    assert looks_like_floats(HALF[: 1 << 15])


@pytest.mark.parametrize(
    ("first", "media"),
    [
        (b"\x89PNG\r\n\x1a\n", True),
        (b"RIFF\0\0\0\0", True),
        (b"\xff\xd8\xff\xe0\0\x10JF", True),
        (b"GIF89a\0\0", True),
        (b"%PDF-1.7", True),
        (b"\x89PNG\n\n\n\n", False),
        (b"\xff\xd8", False),
        (b"", False),
    ],
)
def test_first_bytes(first: bytes, media: bool) -> None:  # noqa: FBT001  a case's parameter
    """Eight of them tell what is worth looking at."""
    assert begins(first) == media


@pytest.mark.parametrize(
    "content", [b"RIFF\0\0\0\0", b"\xff\xd8\xff", b"GIF89a", b"%PDF-1.7\n", b"GIF8" + bytes(99), b""]
)
def test_what_only_begins_so_is_none(content: bytes) -> None:
    """A first word alone is no picture and no document."""
    assert media_reason(content) is None
