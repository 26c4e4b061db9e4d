"""A GGUF header is read as it is meant, or refused in one sentence."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from independence_audit.checkpoint.gguf.gguf_header import (
    LONGEST_LIST,
    LONGEST_TEXT,
    GgufHeader,
    Skipped,
    read_gguf_header,
    read_texts,
)
from independence_audit.errors import AuditError, MalformedError, UnsupportedError
from tests.checkpoint.gguf.gguf_files import Array, entry, key, raw, text, write
from tests.checkpoint.memory_source import MemorySource

NUMBER = struct.pack("<I", 7)


def header_of(content: bytes) -> GgufHeader:
    """The header of a file of these bytes."""
    return read_gguf_header(MemorySource({"m.gguf": content}), "m.gguf")


def listed(kind: int, count: int, content: bytes) -> bytes:
    """A list as the format writes it."""
    return struct.pack("<IQ", kind, count) + content


def test_what_the_library_writes(tmp_path: Path) -> None:
    """Names, dimensions, types, places and metadata are those that the format's own reader finds."""
    tensors: dict[str, Array | tuple[Array, str]] = {
        "token_embd.weight": (np.ones((5, 64), np.float32), "Q8_0"),
        "blk.0.x.weight": np.ones((2, 3, 4), np.float16),
        "output_norm.weight": np.ones(7, np.float32),
    }
    path = write(tmp_path / "m.gguf", "llama", tensors, {"block_count": 3, "sections": [1, 2]}, ["a", "b"])
    read, theirs = header_of(path.read_bytes()), gguf.GGUFReader(path)
    assert [
        (tensor.name, tensor.kind.name, tensor.shape[::-1], tensor.start, tensor.end - tensor.start)
        for tensor in read.tensors
    ] == [
        (each.name, each.tensor_type.name, tuple(each.shape), each.data_offset, each.n_bytes) for each in theirs.tensors
    ]
    assert read.metadata["llama.sections"] == [1, 2]
    assert read.metadata["llama.block_count"] == 3
    tokens = read.metadata["tokenizer.ggml.tokens"]
    assert isinstance(tokens, Skipped)
    assert read_texts(MemorySource({"m.gguf": path.read_bytes()}), "m.gguf", tokens) == ["a", "b"]


def test_values_of_metadata() -> None:
    """Every type is read; long texts and lists are stepped over."""
    long_list = listed(4, LONGEST_LIST + 1, bytes(4 * (LONGEST_LIST + 1)))
    keys = [
        key("a", 7, b"\1"),
        key("b", 12, struct.pack("<d", 0.5)),
        key("c", 11, struct.pack("<q", -3)),
        key("d", 8, text("한")),
        key("e", 8, text("x" * (LONGEST_TEXT + 1))),
        key("f", 9, long_list),
        key("g", 9, listed(7, 2, b"\0\1")),
        key("h", 9, listed(8, 2, text("a") + text(""))),
        key("i", 8, text(b"\xff")),
    ]
    read = header_of(raw(keys)).metadata
    assert (read["a"], read["b"], read["c"], read["d"], read["g"], read["i"]) == (
        True, 0.5, -3, "한", [False, True], "\ufffd",
    )  # fmt: skip
    for name, count in (("e", 1), ("f", LONGEST_LIST + 1), ("h", 2)):
        skipped = read[name]
        assert isinstance(skipped, Skipped)
        assert skipped.count == count


def test_alignment_of_its_own() -> None:
    """Tensors begin at multiples of what the metadata says."""
    keys = [key("general.alignment", 4, struct.pack("<I", 64))]
    entries = [entry("a"), entry("b", offset=64)]
    read = header_of(raw(keys, entries, bytes(64 + 16), alignment=64))
    assert [tensor.start % 64 for tensor in read.tensors] == [0, 0]


@pytest.mark.parametrize(
    ("content", "expected", "message"),
    [
        (b"", MalformedError, "not a GGUF file"),
        (b"GGUF", MalformedError, "not a GGUF file"),
        (b"version https://git-lfs.github.com/spec/v1", MalformedError, "not a GGUF file"),
        (raw(version=1), UnsupportedError, "version 1; versions 2 and 3"),
        (raw(version=3 << 24), UnsupportedError, "big-endian"),
        (raw(counts=(2**60, 0)), MalformedError, "announces 1,152,921,504,606,846,976 tensors"),
        (raw(counts=(0, 2**64 - 1)), MalformedError, "keys; no more than"),
        (raw(counts=(200_000, 0), data=bytes(99)), MalformedError, "but has only"),
        (raw(counts=(3, 0)), MalformedError, "cut short"),
        (raw(counts=(0, 3)), MalformedError, "impossible|cut short|unknown"),
        (raw([key("a", 4, NUMBER), key("a", 4, NUMBER)]), MalformedError, "key 'a' twice"),
        (raw([key("a", 99, NUMBER)]), MalformedError, "unknown type"),
        (raw([key("a", 9, listed(9, 1, listed(4, 0, b"")))]), MalformedError, "unknown type"),
        (raw([key("a", 9, listed(4, 2**62, b""))]), MalformedError, "cut short"),
        (raw([key("a", 9, listed(8, 2**62, b""))]), MalformedError, "cut short"),
        (raw([key("a", 8, struct.pack("<Q", 2**63))]), MalformedError, "cut short"),
        (raw([text("k" * 70_000) + NUMBER]), MalformedError, "a key of 70,000 bytes"),
        (raw([text(b"\xff") + NUMBER]), MalformedError, "a key that is no text"),
        (raw(entries=[entry("n" * 2000)]), MalformedError, "name of 2,000 bytes"),
        (raw(entries=[entry("a", ())]), MalformedError, "0 dimensions"),
        (raw(entries=[entry("a", (1, 1, 1, 1, 1))]), MalformedError, "5 dimensions"),
        (raw(entries=[entry("a", (0,))]), MalformedError, "impossible shape"),
        (raw(entries=[entry("a", (2**40, 2**40))]), MalformedError, "impossible shape"),
        (raw(entries=[entry("a", (33,), 2)]), MalformedError, "impossible shape"),
        (raw(entries=[entry("a", kind=4_000)]), UnsupportedError, "type 4000, which the gguf library does not know"),
        (raw(entries=[entry("a", (256,), 15)]), UnsupportedError, "Q8_K, which the gguf library does not dequantise"),
        (raw(entries=[entry("a"), entry("a", offset=32)], data=bytes(48)), MalformedError, "'a' is in 'm.gguf' twice"),
        (raw(entries=[entry("a"), entry("b")], data=bytes(48)), MalformedError, "'b' of 'm.gguf' overlaps tensor 'a'"),
        (raw(entries=[entry("a", offset=32)], data=bytes(48)), MalformedError, "leaves a gap behind the header"),
        (raw(entries=[entry("a"), entry("b", offset=64)], data=bytes(80)), MalformedError, "leaves a gap behind"),
        (raw(entries=[entry("a", offset=2**64 - 1)], data=bytes(16)), MalformedError, "leaves a gap"),
        (raw(entries=[entry("a")], data=bytes(15)), MalformedError, "cut short: tensor 'a' ends"),
        (raw(entries=[entry("a")], data=bytes(33)), MalformedError, "1 bytes behind tensor 'a' that belong to no"),
        *(
            (raw([key("general.alignment", 4, struct.pack("<I", each))]), MalformedError, "impossible alignment")
            for each in (0, 4, 12)
        ),
        (raw([key("general.alignment", 7, b"\1")]), MalformedError, "impossible alignment"),
    ],
)
def test_file_that_is_refused(content: bytes, expected: type[AuditError], message: str) -> None:
    """What contradicts itself or the format is refused before any tensor is read, with a way out."""
    with pytest.raises(expected, match=message) as caught:
        header_of(content)
    assert type(caught.value) is expected
    assert caught.value.hint


GOOD = raw([key("general.architecture", 8, text("llama"))], [entry("a"), entry("b", (32, 2), 8, 32)], bytes(32 + 68))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255), st.integers(0, len(GOOD)))
def test_damage_is_one_sentence(place: int, byte: int, length: int) -> None:
    """One changed byte, or a file cut anywhere, is read or refused; nothing else comes of it."""
    damaged = bytearray(GOOD)
    damaged[place] = byte
    for content in (bytes(damaged), GOOD[:length]):
        with suppress(MalformedError, UnsupportedError):
            assert all(tensor.end <= len(content) for tensor in header_of(content).tensors)


def test_texts_that_do_not_fill_their_place() -> None:
    """A list that claims more texts than its bytes hold is no list."""
    with pytest.raises(ValueError, match="do not fill"):
        read_texts(MemorySource({"m": text("a")}), "m", Skipped(2, 0, 9, is_texts=True))
