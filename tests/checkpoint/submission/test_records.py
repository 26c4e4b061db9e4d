"""Tokenizers and logs are parsed to their end: what is no record of theirs is counted, and is soon too much."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.summary.writer.record_writer import RecordWriter

from independence_audit.checkpoint.submission.records import begins, is_events, is_sentencepiece
from independence_audit.checkpoint.tensors import SMALLEST
from tests.checkpoint.submission.made_weights import HALF, RANDOM


def log(path: Path, *values: Summary.Value, records: int = 1) -> bytes:
    """What TensorBoard's own writer makes of some values, in as many records."""
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=1e9, file_version="brain.Event:2").SerializeToString())
        for step in range(records):
            event = Event(wall_time=1e9 + step, step=step, summary=Summary(value=values))
            writer.write(event.SerializeToString())
    return path.read_bytes()


def field(number: int, content: bytes) -> bytes:
    """A field of a protocol buffer's message."""
    length, out = len(content), bytearray((number << 3 | 2,))
    while length > 0x7F:
        out.append(length & 0x7F | 0x80)
        length >>= 7
    return bytes(out) + bytes((length,)) + content


def piece(text: bytes, more: bytes = b"") -> bytes:
    """A piece of a vocabulary with its score and its type."""
    return field(1, field(1, text) + b"\x15\0\0\xc0\xbf" + b"\x18\x01" + more)


PIECES = b"".join(piece(f"▁word{number}".encode()) for number in range(1000))
LOSS = Summary.Value(tag="train/loss", simple_value=0.5)


def test_a_log_of_scalars_is_a_log(tmp_path: Path) -> None:
    """As the library writes it, old scalars and new ones, however many."""
    new = Summary.Value(tag="eval/accuracy", tensor=TensorProto(dtype=1, float_val=[0.75]))
    content = log(tmp_path / "events", LOSS, new, records=500)
    assert is_events(content)
    assert begins(content[:12])
    assert not is_sentencepiece(content)


@pytest.mark.parametrize("records", [1, 50])
def test_weights_in_a_log(tmp_path: Path, records: int) -> None:
    """As one tensor, or a little in every record: a layer's bytes are too much, a small picture is not."""
    share = SMALLEST // records + 1
    tensor = Summary.Value(tag="weights", tensor=TensorProto(tensor_content=HALF[:share]))
    assert not is_events(log(tmp_path / "events", tensor, records=records))
    picture = Summary.Value(tag="sample", image=Summary.Image(encoded_image_string=HALF[: share // 2]))
    assert is_events(log(tmp_path / "events", picture, records=records))


def test_tags_hide_nothing(tmp_path: Path) -> None:
    """A tag of kilobytes is no name."""
    tag = Summary.Value(tag="x" * SMALLEST, simple_value=1.0)
    assert not is_events(log(tmp_path / "events", tag))


def test_a_log_that_is_cut_or_changed(tmp_path: Path) -> None:
    """Records are whole, and their lengths have their checksum."""
    content = log(tmp_path / "events", LOSS, records=3)
    assert not is_events(content[:-1])
    assert not is_events(content + b"\0")
    assert not is_events(b"\1" + content[1:])
    assert not begins(b"\1" + content[1:12])


def test_a_tokenizer_is_a_tokenizer() -> None:
    """Pieces with scores, the trainer's settings, and a table of characters."""
    content = PIECES + field(2, b"settings") + field(3, field(1, b"nmt_nfkc") + field(2, RANDOM.bytes(240_000)))
    assert is_sentencepiece(content)
    assert begins(content[:12])
    assert not is_events(content)


@pytest.mark.parametrize(
    "content",
    [
        PIECES + field(3, bytes(1 << 19)),
        PIECES + field(9, b"more"),
        PIECES + piece(b"word", field(4, b"more")),
        PIECES + piece(b"w" * 600),
        PIECES + piece(b"\xff\xfe"),
        PIECES[:-1],
        field(3, b"settings"),
        b"".join(piece(HALF[at : at + 250].hex().encode()) for at in range(0, 200_000, 250)),
    ],
    ids=[
        "a large table",
        "another field",
        "more in a piece",
        "a long piece",
        "no text",
        "cut",
        "no pieces",
        "hexadecimal",
    ],
)
def test_weights_in_a_tokenizer(content: bytes) -> None:
    """In its table, in fields that it does not have, or written as its pieces."""
    assert not is_sentencepiece(content)


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
