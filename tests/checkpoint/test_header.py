"""The header of a safetensors file: what the library reads is read alike, everything else is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize, safe_open
from safetensors.numpy import save_file
from safetensors.torch import save

from independence_audit.checkpoint import TensorInfo, parse_header, read_header
from independence_audit.checkpoint.header import LEAST_MEAN, MANY, MAX_EMPTY, MAX_HEADER_BYTES, MAX_TENSORS
from independence_audit.checkpoint.tensors import SMALLEST
from independence_audit.errors import AuditError, MalformedError, MissingError, UnsupportedError
from tests.checkpoint.container_contract import ContainerContract
from tests.checkpoint.hostile_names import HOSTILE
from tests.checkpoint.memory_source import MemorySource
from tests.checkpoint.safetensors_files import entry, file_bytes, many_entries

DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.float8_e8m0fnu: "F8_E8M0",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.int16: "I16",
    torch.uint16: "U16",
    torch.int32: "I32",
    torch.uint32: "U32",
    torch.int64: "I64",
    torch.uint64: "U64",
    torch.bool: "BOOL",
    torch.complex64: "C64",
}
NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name != "__metadata__")
SHAPES = st.lists(st.integers(0, 4), max_size=4)
GOOD = file_bytes({"a": entry(0, 4), "b": entry(4, 12, dtype="F32", shape=[2])}, bytes(12))


@st.composite
def tensor_sets(draw: st.DrawFn) -> dict[str, torch.Tensor]:
    """Tensors of all dtypes and small shapes, zero-size ones among them, with random bytes."""
    tensors = {}
    for name in draw(st.lists(NAMES, max_size=6, unique=True)):
        dtype, shape = draw(st.sampled_from(list(DTYPES))), draw(SHAPES)
        count = int(np.prod(shape))
        raw = bytearray(draw(st.binary(min_size=count * dtype.itemsize, max_size=count * dtype.itemsize)))
        flat = torch.frombuffer(raw, dtype=torch.uint8).view(dtype) if raw else torch.empty(0, dtype=dtype)
        tensors[name] = flat.reshape(shape)
    return tensors


def read(content: bytes) -> Any:
    """The header of a file with this content."""
    return read_header(MemorySource({"f.safetensors": content}), "f.safetensors")


def refusal(raw_json: bytes, file_size: int) -> str:
    """The message with which a header is refused; empty where it is read."""
    try:
        parse_header(raw_json, file_size, "f")
    except AuditError as error:
        return error.message
    return ""


@given(tensor_sets(), st.none() | st.dictionaries(st.text(), st.text(), min_size=1, max_size=3))
def test_same_view_as_the_library(tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None) -> None:
    """Names, dtypes, shapes, bytes and metadata of any file that the library writes are those that it reads."""
    content = save(tensors, metadata)
    header = read(content)
    library = {name: (value["dtype"], value["shape"], bytes(value["data"])) for name, value in deserialize(content)}
    mine = {t.name: (t.dtype, list(t.shape), content[t.start : t.end]) for t in header.tensors}
    assert mine == library
    assert {t.name: DTYPES[tensors[t.name].dtype] for t in header.tensors} == {t.name: t.dtype for t in header.tensors}
    assert header.metadata == (metadata or {})
    assert [t.start for t in header.tensors] == sorted(t.start for t in header.tensors)


def test_offsets_are_absolute() -> None:
    """Offsets in a header count from its end; a tensor's count from the beginning of the file."""
    raw = json.dumps({"a": entry(0, 4), "b": entry(4, 12, dtype="F32", shape=[2])}).encode()
    header = parse_header(raw, 8 + len(raw) + 12, "f")
    start = 8 + len(raw)
    assert header.tensors == [
        TensorInfo("a", "U8", (4,), "f", start, start + 4),
        TensorInfo("b", "F32", (2,), "f", start + 4, start + 12),
    ]
    assert header.metadata == {}
    assert header.notices == []


def test_order_is_that_of_the_bytes() -> None:
    """Tensors come in the order in which they lie in the file, not that of the header."""
    header = read(file_bytes({"b": entry(4, 8), "a": entry(0, 4)}, bytes(8)))
    assert [tensor.name for tensor in header.tensors] == ["a", "b"]


def test_padded_header() -> None:
    """Writers pad headers with spaces so that the data begin at a multiple of 8."""
    assert read(file_bytes(b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}      ', b"x")).tensors[0].name == "a"


def test_file_without_tensors() -> None:
    """A file may hold metadata only."""
    header = read(file_bytes({"__metadata__": {"format": "pt"}}))
    assert (header.tensors, header.metadata) == ([], {"format": "pt"})


def test_scalar() -> None:
    """A tensor without dimensions has one value."""
    (tensor,) = read(file_bytes({"a": entry(0, 4, dtype="F32", shape=[])}, bytes(4))).tensors
    assert (tensor.shape, tensor.size) == ((), 1)


@pytest.mark.parametrize(("dtype", "shape", "size"), [("F4", [2, 3], 3), ("F6_E2M3", [4], 3), ("F6_E3M2", [8], 6)])
def test_packed_dtypes(dtype: str, shape: list[int], size: int) -> None:
    """Packed types are counted in bits: two F4 values, or four F6 values in three bytes."""
    header = read(file_bytes({"a": entry(0, size, dtype=dtype, shape=shape)}, bytes(size)))
    assert header.tensors[0].shape == tuple(shape)
    with pytest.raises(MalformedError, match="bits, but its data_offsets span"):
        read(file_bytes({"a": entry(0, size, dtype=dtype, shape=[*shape, 3])}, bytes(size)))


def test_half_a_byte() -> None:
    """An odd number of F4 values fills no whole byte."""
    with pytest.raises(MalformedError, match="12 bits"):
        read(file_bytes({"a": entry(0, 2, dtype="F4", shape=[3])}, bytes(2)))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_noticed(name: str) -> None:
    """A misleading name is legal, so that it is read and noticed."""
    header = read(file_bytes({name: entry(0, 1)}, bytes(1)))
    assert header.tensors[0].name == name
    assert [(notice.key, notice.data) for notice in header.notices] == [("hostile_name", {"tensor": name})]


def test_shared_offsets_are_noticed() -> None:
    """A tensor without bytes that begins where another does is legal and noticed; at the file's end it shares none."""
    tensors = {"a": entry(0, 1), "zero": entry(1, 1), "none": entry(1, 1), "b": entry(1, 2), "end": entry(2, 2)}
    header = read(file_bytes(tensors, bytes(2)))
    assert [tensor.name for tensor in header.tensors] == ["a", "zero", "none", "b", "end"]
    assert [(notice.key, notice.data) for notice in header.notices] == [
        ("shared_offset", {"tensor": "zero", "other": "none"}),
        ("shared_offset", {"tensor": "none", "other": "b"}),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is cut short: it has only 0 bytes"),
        (bytes(7), "is cut short: it has only 7 bytes"),
        (bytes(8), "is not a safetensors file"),
        (GOOD[:40], "is cut short: its header should have"),
        (GOOD[:-1], "is cut short: tensor 'b' ends at byte"),
        (GOOD + b"\0", r"has 1 bytes behind tensor 'b' that belong to no tensor"),
        (file_bytes({}, b"x"), "has 1 bytes behind the header"),
        (
            (MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b"{}",
            "a header of 25,000,001 bytes, and no more than 25,000,000",
        ),
        (b"<!DOCTYPE html>", "is not a safetensors file"),
        (file_bytes(b'[{"a": 1}]'), "is not a safetensors file"),
        (file_bytes(b" {}"), "is not a safetensors file"),
        (file_bytes(b"\xef\xbb\xbf{}"), "is not a safetensors file"),
        (file_bytes("{}".encode("utf-16")), "is not a safetensors file"),
        (file_bytes(b'{"a": '), "is not valid JSON"),
        (file_bytes(b"{} {}"), "is not valid JSON"),
        (file_bytes(b'{"a\xff": 1}'), "not valid Unicode"),
        (file_bytes(b'{"a": ' * 50_000), "nested too deeply"),
        (file_bytes(b'{"a": ' + b"[" * 50_000), "nested too deeply"),
    ],
)
def test_malformed_file(content: bytes, message: str) -> None:
    """A damaged or foreign file is refused by name, in one sentence, with a way out."""
    with pytest.raises(MalformedError, match=message) as caught:
        read(content)
    assert "'f.safetensors'" in caught.value.message
    assert caught.value.message.count(". ") == 0
    assert caught.value.hint


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}',
        b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}',
        b'{"__metadata__":{"k":"v","k":"w"},"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}',
    ],
)
def test_doubled_keys(header: bytes) -> None:
    """The library lets the last of two keys win; a file that hides one tensor behind another is refused."""
    assert deserialize(file_bytes(header, b"x"))
    with pytest.raises(MalformedError, match="twice"):
        read(file_bytes(header, b"x"))


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (None, "exactly dtype, shape and data_offsets"),
        ([], "exactly dtype, shape and data_offsets"),
        ({"dtype": "U8", "shape": [1]}, "exactly dtype, shape and data_offsets"),
        ({**entry(0, 1), "extra": 1}, "exactly dtype, shape and data_offsets"),
        (entry(0, 1, dtype="F7"), "unknown dtype 'F7'"),
        (entry(0, 1, dtype="u8"), "unknown dtype 'u8'"),
        ({**entry(0, 1), "dtype": None}, "unknown dtype 'None'"),
        ({**entry(0, 1), "dtype": ["U8"]}, "unknown dtype"),
        ({**entry(0, 1), "shape": 1}, "impossible shape"),
        ({**entry(0, 1), "shape": {"0": 1}}, "impossible shape"),
        (entry(0, 1, shape=[-1]), "impossible shape"),
        (entry(0, 1, shape=[-1, -1]), "impossible shape"),
        (entry(0, 1, shape=[1.0]), "impossible shape"),
        (entry(0, 1, shape=["1"]), "impossible shape"),
        (entry(0, 1, shape=[True]), "impossible shape"),
        (entry(0, 1, shape=[[1]]), "impossible shape"),
        (entry(0, 1, shape=[2**63]), "impossible shape"),
        (entry(0, 0, shape=[0, 2**62, 2**62]), "impossible shape"),
        (entry(0, 1, shape=[1] * 65), "impossible shape"),
        ({**entry(0, 1), "data_offsets": [0]}, "impossible data_offsets"),
        ({**entry(0, 1), "data_offsets": [0, 1, 1]}, "impossible data_offsets"),
        ({**entry(0, 1), "data_offsets": [-1, 0]}, "impossible data_offsets"),
        ({**entry(0, 1), "data_offsets": [1, 0]}, "impossible data_offsets"),
        ({**entry(0, 1), "data_offsets": [False, True]}, "impossible data_offsets"),
        ({**entry(0, 1), "data_offsets": [0, 1.0]}, "impossible data_offsets"),
        ({**entry(0, 1), "data_offsets": [0, 2**64]}, "impossible data_offsets"),
        ({**entry(0, 1), "data_offsets": None}, "impossible data_offsets"),
        (entry(0, 1, shape=[2]), "16 bits, but its data_offsets span 8"),
        (entry(0, 1, dtype="F32", shape=[1]), "32 bits, but its data_offsets span 8"),
        (entry(1, 2), "leaves a gap behind the header"),
    ],
)
def test_malformed_tensor(tensor: object, message: str) -> None:
    """A wrong entry is refused with the names of tensor and file."""
    with pytest.raises(MalformedError, match=message) as caught:
        read(file_bytes({"wrong": tensor}, bytes(1)))
    assert "'wrong'" in caught.value.message
    assert "'f.safetensors'" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"a": entry(0, 2), "b": entry(1, 3)}, "'b' of .* overlaps tensor 'a'"),
        ({"a": entry(0, 2), "b": entry(0, 2), "c": entry(2, 3)}, "'b' of .* overlaps tensor 'a'"),
        ({"a": entry(0, 3), "b": entry(1, 2)}, "'b' of .* overlaps tensor 'a'"),
        ({"a": entry(0, 3), "b": entry(1, 1)}, "'b' of .* overlaps tensor 'a'"),
        ({"a": entry(0, 1), "b": entry(2, 3)}, "'b' of .* leaves a gap behind tensor 'a'"),
        ({"a": entry(0, 2)}, "1 bytes behind tensor 'a'"),
        ({"a": entry(0, 4)}, "tensor 'a' ends at byte"),
    ],
)
def test_tensors_that_do_not_cover_the_file(tensors: dict[str, Any], message: str) -> None:
    """Each byte behind the header belongs to exactly one tensor."""
    with pytest.raises(MalformedError, match=message):
        read(file_bytes(tensors, bytes(3)))


def test_metadata_of_nothing() -> None:
    """MLX writes null where it has none, and the library reads it."""
    content = file_bytes({"__metadata__": None, "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}, b"x")
    assert read(content).metadata == {}
    assert [name for name, _ in deserialize(content)] == ["a"]


@pytest.mark.parametrize("metadata", [[], "text", {"k": 1}, {"k": None}, {"k": {"a": "b"}}, {"k": True}])
def test_malformed_metadata(metadata: object) -> None:
    """Metadata are texts by text keys."""
    with pytest.raises(MalformedError, match=r"__metadata__ of 'f\.safetensors'"):
        read(file_bytes({"__metadata__": metadata}))


@pytest.mark.parametrize(
    ("first", "expected", "message"),
    [
        (b"GGUF\x03\0\0\0", UnsupportedError, "a GGUF file"),
        (b"PK\x03\x04\x00\x00\x08\x08", UnsupportedError, "a ZIP archive"),
        (b"\x80\x02\x8a\x0al\xfc\x9cF", UnsupportedError, "a pickle"),
        (b"\x80\x04\x95\x00\x10\x00\x01\x00", UnsupportedError, "a pickle"),
        (b"\x93NUMPY\x01\x00", UnsupportedError, "NumPy"),
        (b"\x89HDF\r\n\x1a\n", UnsupportedError, "HDF5"),
        (b"version https://git-lfs.github.com/spec/v1\n", MissingError, "Git LFS pointer"),
    ],
)
def test_other_formats_by_their_first_bytes(first: bytes, expected: type[AuditError], message: str) -> None:
    """A file that only calls itself safetensors is named for what it is."""
    with pytest.raises(expected, match=message) as caught:
        read(first + bytes(100))
    assert caught.value.hint


def test_length_that_looks_like_a_pickle() -> None:
    """A header of 640 bytes begins like a pickle of protocol 2; it is a header all the same."""
    raw = json.dumps({"a": entry(0, 1)}).encode().ljust(640)
    content = file_bytes(raw, b"x")
    assert content.startswith(b"\x80\x02")
    assert read(content).tensors[0].name == "a"


def test_header_given_too_long() -> None:
    """The limit holds for a header from any source, before it is parsed."""
    with pytest.raises(MalformedError, match="over 25,000,000 bytes"):
        parse_header(b"{" + b" " * MAX_HEADER_BYTES, 2 * MAX_HEADER_BYTES, "f")


@given(position=st.integers(0, 200), piece=st.binary(max_size=6), removed=st.integers(0, 6))
def test_mutated_header(position: int, piece: bytes, removed: int) -> None:
    """Whatever happens to the bytes of a header, it is read or refused, never a crash."""
    raw = GOOD[8:-12]
    position %= len(raw)
    mutated = raw[:position] + piece + raw[position + removed :]
    assert refusal(mutated, 8 + len(mutated) + 12).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(["U8", "F32"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "__metadata__"]), JSON), st.integers(0, 9))
def test_any_json_as_a_header(header: dict[str, object], size: int) -> None:
    """Any object in the header's place is read or refused, and what is read the library reads as well."""
    content = file_bytes(header, bytes(size))
    try:
        parsed = read(content)
    except AuditError:
        return
    assert {tensor.name for tensor in parsed.tensors} == {name for name, _ in deserialize(content)}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=4), st.integers(0, 6))
def test_never_laxer_than_the_library(spans: list[tuple[int, int]], size: int) -> None:
    """Among files of any spans, those accepted are exactly those that the library accepts."""
    header = {
        f"t{i}": {"dtype": "U8", "shape": [max(e - b, 0)], "data_offsets": [b, e]} for i, (b, e) in enumerate(spans)
    }
    content = file_bytes(header, bytes(size))
    try:
        deserialize(content)
    except SafetensorError:
        with pytest.raises(MalformedError):
            read(content)
    else:
        assert len(read(content).tensors) == len(spans)


def test_real_file(shared_cases: Path) -> None:
    """A real network's file reads as the library reads it."""
    path = shared_cases / "12_stories260k" / "original.safetensors"
    header = read(path.read_bytes())
    with safe_open(path, "np") as file:
        assert {t.name: list(t.shape) for t in header.tensors} == {
            name: file.get_slice(name).get_shape()
            for name in file.keys()  # noqa: SIM118 - no mapping
        }


@pytest.mark.parametrize(
    ("count", "size", "message"),
    [
        (MAX_TENSORS + 1, 0, "over 250,000 tensors"),
        (MANY + 1, 0, "8,001 tensors, but only 0 bytes"),
        (MANY + 1, LEAST_MEAN - 1, "8,001 tensors, but only 8,185,023 bytes"),
    ],
)
def test_more_tensors_than_are_worth_reading(count: int, size: int, message: str) -> None:
    """Junk is refused before it is parsed."""
    raw = many_entries(count, size)
    with pytest.raises(MalformedError, match=message):
        parse_header(raw, 8 + len(raw) + count * size, "f")


def test_empty_tensors_beside_one_with_bytes() -> None:
    """Each costs as much as one with weights, whatever the others weigh."""
    entries = json.loads(many_entries(MAX_EMPTY + 1, 0)) | {"w": entry(0, 1 << 24)}
    raw = json.dumps(entries).encode()
    with pytest.raises(MalformedError, match="over 10,000 tensors without a single byte"):
        parse_header(raw, 8 + len(raw) + (1 << 24), "f")


def test_many_tensors_of_a_published_model() -> None:
    """As many experts as the largest have in one file are read."""
    raw = many_entries(60_000, LEAST_MEAN)
    assert len(parse_header(raw, 8 + len(raw) + 60_000 * LEAST_MEAN, "f").tensors) == 60_000


@pytest.mark.parametrize("beside", [{}, {"__metadata__": {"format": "pt", "note": "x" * 1000}}])
def test_headers_of_models_say_nothing_of_their_size(beside: dict[str, Any]) -> None:
    """Nor does what trainers write beside the tensors."""
    raw = json.dumps(json.loads(many_entries(10, 100)) | beside).encode()
    assert parse_header(raw, 8 + len(raw) + 1000, "f").notices == []


def test_a_header_with_room_for_a_layer_is_noticed() -> None:
    """In its metadata, in names of tensors, or in blanks."""
    tensors = json.loads(many_entries(10, 100))
    metadata = json.dumps(tensors | {"__metadata__": {"note": "x" * SMALLEST}}).encode() + b" " * 4096
    blanks = json.dumps(tensors).encode() + b" " * (SMALLEST + 4096)
    named = json.dumps(tensors | {"x" * 1000 + str(number): entry(0, 0) for number in range(200)}).encode()
    for raw in (metadata, blanks, named):
        (notice,) = [n for n in parse_header(raw, 8 + len(raw) + 1000, "f").notices if n.key == "large_header"]
        assert int(notice.data["bytes"]) >= SMALLEST


class TestContainer(ContainerContract):
    """Safetensors files do what every container does."""

    suffix = ".safetensors"

    def write(self, path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Write tensors with the format's library."""
        save_file(dict(tensors), path)
