"""Fingerprints as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from independence_audit.anatomy import Axis, Component, Kind
from independence_audit.checkpoint import DTYPES, Checkpoint, open_checkpoint
from independence_audit.checkpoint.header import KEY
from independence_audit.errors import AuditError, MalformedError, UnsupportedError
from independence_audit.evidence.audit_report import FileEvidence
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint.fingerprint_file import SUFFIX, read_fingerprint, write_fingerprint
from independence_audit.fingerprint.samples import Fingerprint, Sample
from independence_audit.fingerprint.whole_tensor import SIDE, Whole

DECODABLE = [name for name, dtype in DTYPES.items() if dtype.decodable]


def sample_of(dtype: str = "F32", shape: tuple[int, int] = (7, 5), **facts: Any) -> Sample:
    """Three rows, or all there are, with random bytes for values."""
    height, width = shape
    rows = np.arange(min(3, height))[::-1].copy()
    raw = np.random.default_rng(3).integers(0, 2, (len(rows), width, DTYPES[dtype].bits // 8), np.uint8)
    known: dict[str, Any] = {
        "component": "model",
        "layer": 0,
        "role": "q",
        "axis": Axis.RESIDUAL,
        "name": f"layers.0.{dtype}",
        "members": 1,
        "shape": shape,
        "dtype": dtype,
        "rows": rows,
        "experts": np.zeros(len(rows), np.int64),
        "start": 0,
        "stop": width,
        "window": (0, width),
        "raw": raw,
    }
    return Sample(**known | facts)


def fingerprint_of(*samples: Sample) -> Fingerprint:
    """A fingerprint with something in every field."""
    return Fingerprint(
        name='a "model" 모델',
        sampler="rows-1/rows=3",
        components=(
            Component("model", Kind.TEXT_DECODER, "llama", 300),
            Component("tower", Kind.AUDIO_ENCODER, "whisper_encoder", 1, fixed_positions=True),
        ),
        samples=samples,
        files=(FileEvidence("shard", 1234, "ab" * 32, "sample"), FileEvidence("other", 5, None, None)),
        parameters=301,
        read_bytes=77,
        metadata={"synthetic": "true", "format": "pt"},
        notices=(Message("notice.hostile_name", {"name": "\x1b[31m", "size": 3}),),
    )


WHOLE = fingerprint_of(
    sample_of("F32", whole=Whole("ab" * 32, "cd" * 32, 34, 1, 2.5, np.eye(SIDE, dtype=np.float32))),
    sample_of("BF16", layer=None, role="final_norm", shape=(1, 9), axis=Axis.NONE, reason="sinusoid"),
    sample_of("F8_E4M3", members=3, experts=np.array([0, 1, 1]), name="experts.*.gate"),
    sample_of("C64", raw=None, reason="undecodable"),
)


@pytest.fixture
def reopened(tmp_path: Path) -> Iterator[Callable[[Fingerprint], Checkpoint]]:
    """Writes a fingerprint and opens the file as a checkpoint."""
    opened: list[Checkpoint] = []

    def reopen(fingerprint: Fingerprint) -> Checkpoint:
        path = tmp_path / f"model{len(opened)}{SUFFIX}"
        write_fingerprint(fingerprint, path)
        opened.append(open_checkpoint(path))
        return opened[-1]

    yield reopen
    for checkpoint in opened:
        checkpoint.source.close()


Reopen = Callable[[Fingerprint], Checkpoint]


def check_same(one: Sample, other: Sample) -> None:
    """Two samples agree in every field, arrays in value and type."""
    for field in fields(Sample):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype, field.name
            np.testing.assert_array_equal(mine, theirs, err_msg=field.name)
        elif isinstance(mine, Whole):
            assert replace(mine, sketch=None) == replace(theirs, sketch=None)  # type: ignore[arg-type]
            np.testing.assert_array_equal(mine.sketch, theirs.sketch)
        else:
            assert mine == theirs, field.name
            assert type(mine) is type(theirs), field.name


def test_round_trip(reopened: Reopen) -> None:
    """Everything that was written is read again."""
    back = read_fingerprint(reopened(WHOLE))
    for one, other in zip(back.samples, WHOLE.samples, strict=True):
        check_same(one, other)
    assert replace(back, samples=()) == replace(WHOLE, samples=())


@pytest.mark.parametrize("dtype", DECODABLE)
def test_every_type_travels_as_stored(dtype: str, reopened: Reopen) -> None:
    """No type is widened: the file holds the checkpoint's own bytes, under its own type's name."""
    sample = sample_of(dtype)
    checkpoint = reopened(fingerprint_of(sample))
    assert [tensor.dtype for tensor in checkpoint.tensors.values()] == [dtype]
    check_same(read_fingerprint(checkpoint).samples[0], sample)


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (0, 0), (1, 1)])
def test_empty_tensors_travel(shape: tuple[int, int], reopened: Reopen) -> None:
    """A checkpoint may hold tensors without values; its fingerprint can still be written."""
    sample = sample_of(shape=shape)
    check_same(read_fingerprint(reopened(fingerprint_of(sample, sample_of()))).samples[0], sample)


def test_samples_cut_from_larger_arrays_travel(reopened: Reopen) -> None:
    """A sample's bytes need not be contiguous in memory, nor writable."""
    whole = np.random.default_rng(4).integers(0, 256, (6, 10, 4), np.uint8)
    whole.flags.writeable = False
    sample = sample_of(raw=whole[::2, 3:8])
    check_same(read_fingerprint(reopened(fingerprint_of(sample))).samples[0], sample)


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    """Written twice, byte for byte the same file, with nothing left beside it."""
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        write_fingerprint(WHOLE, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == paths


def test_writing_over_a_file_replaces_it_whole(tmp_path: Path) -> None:
    """An older fingerprint under that name is gone, all of it."""
    path = tmp_path / "f"
    path.write_bytes(b"x" * 100_000)
    write_fingerprint(WHOLE, path)
    assert len(path.read_bytes()) < 100_000


def test_any_safetensors_library_reads_it(tmp_path: Path) -> None:
    """The samples are plain tensors and the table is one metadata entry."""
    path = tmp_path / f"model{SUFFIX}"
    sample = sample_of("F32")
    write_fingerprint(fingerprint_of(sample), path)
    with safe_open(path, "numpy") as file:
        assert list(file.keys()) == ["sample.000000"]
        np.testing.assert_array_equal(file.get_tensor("sample.000000"), sample.values())
        assert set(file.metadata()) == {KEY}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkpoint]:
    """The file of a whole fingerprint, opened."""
    path = tmp_path_factory.mktemp("written") / f"model{SUFFIX}"
    write_fingerprint(WHOLE, path)
    checkpoint = open_checkpoint(path)
    yield checkpoint
    checkpoint.source.close()


def table_of(checkpoint: Checkpoint) -> Any:
    """The table of a fingerprint, as plain JSON, to be damaged."""
    return json.loads(checkpoint.metadata[KEY])


def with_text(checkpoint: Checkpoint, text: str) -> Checkpoint:
    """The file with another table."""
    return replace(checkpoint, metadata={**checkpoint.metadata, KEY: text})


@pytest.mark.parametrize("text", ["", "no JSON", "{", "[]", "null", "3", '"text"', "[" * 100_000, "{}"])
def test_text_that_is_no_table(text: str, written: Checkpoint) -> None:
    """What stands there is no table at all."""
    with pytest.raises(MalformedError, match="damaged") as caught:
        read_fingerprint(with_text(written, text))
    assert written.name in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("version", [1, 3, 99, 0, "2", None, 2.5])
def test_another_version_is_unsupported(version: object, written: Checkpoint) -> None:
    """A newer file is not read as if it were known; the way out is said."""
    with pytest.raises(UnsupportedError, match="format version") as caught:
        read_fingerprint(with_text(written, json.dumps(table_of(written) | {"version": version})))
    assert "Update" in caught.value.hint


@pytest.mark.parametrize("place", ["", "samples", "components", "files", "notices"])
def test_missing_keys(place: str, written: Checkpoint) -> None:
    """Without any one of its keys a table is damaged; no key is there for nothing."""
    entry = table_of(written)
    keys = list(entry[place][0] if place else entry)
    optional = {"components": {"fixed_positions"}, "notices": {"data"}}.get(place, set())
    for key in sorted(set(keys) - optional):
        table = table_of(written)
        del (table[place][0] if place else table)[key]
        with pytest.raises(MalformedError):
            read_fingerprint(with_text(written, json.dumps(table)))


DAMAGES: dict[str, tuple[str, object]] = {
    "a row beyond the tensor": ("rows", [0, 1, 7]),
    "a negative row": ("rows", [-1, 0, 1]),
    "a row twice": ("rows", [1, 1, 2]),
    "fewer rows than values": ("rows", [0, 1]),
    "more experts than rows": ("experts", [0, 0, 0, 1]),
    "rows that are no numbers": ("rows", ["a", "b", "c"]),
    "rows that are no list": ("rows", None),
    "rows of rows": ("rows", [[0], [1, 2]]),
    "a row beyond any integer": ("rows", [0, 1, 10**30]),
    "an infinite shape": ("shape", [float("inf"), 5]),
    "a shape of three": ("shape", [7, 5, 1]),
    "columns beyond the width": ("columns", [1, 6]),
    "columns backwards": ("columns", [5, 0]),
    "a window beyond the width": ("window", [0, 6]),
    "another shape than the values": ("columns", [0, 4]),
    "another type than the values": ("dtype", "BF16"),
    "an unknown type": ("dtype", "F7"),
    "an unknown axis": ("axis", "diagonal"),
    "a layer that is no number": ("layer", "first"),
    "members that are no number": ("members", "many"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_samples(damage: str, written: Checkpoint) -> None:
    """A table that contradicts itself or the tensors is refused with a sentence, never with a traceback."""
    key, value = DAMAGES[damage]
    table = table_of(written)
    table["samples"][0][key] = value
    with pytest.raises(MalformedError):
        read_fingerprint(with_text(written, json.dumps(table)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("components", [{"name": "model", "kind": "engine", "family": "x", "parameters": 1}]),
        ("components", [{"name": "model", "kind": "other", "family": "x", "parameters": "many"}]),
        ("components", [{"name": "model", "kind": "other", "family": "x", "parameters": 1, "colour": "red"}]),
        ("components", 5),
        ("files", [{"name": "shard"}]),
        ("notices", ["text"]),
        ("parameters", "many"),
        ("read_bytes", float("inf")),
        ("metadata", ["synthetic"]),
    ],
)
def test_damaged_facts(key: str, value: object, written: Checkpoint) -> None:
    """The same for everything beside the samples."""
    with pytest.raises(MalformedError):
        read_fingerprint(with_text(written, json.dumps(table_of(written) | {key: value})))


@pytest.mark.parametrize("sketch", [np.zeros((SIDE, SIDE - 1), np.float32), np.full((SIDE, SIDE), np.nan, np.float32)])
def test_damaged_sketches(sketch: Any, reopened: Reopen) -> None:
    """A sketch of another shape, or of no numbers, is refused."""
    whole = Whole("ab", "cd", 34, 1, 2.5, sketch)
    with pytest.raises(MalformedError, match="sketch"):
        read_fingerprint(reopened(fingerprint_of(sample_of(whole=whole))))


def test_values_that_are_missing(written: Checkpoint) -> None:
    """The table promises a sample that the file does not hold."""
    tensors = {name: tensor for name, tensor in written.tensors.items() if name != "sample.000001"}
    with pytest.raises(MalformedError):
        read_fingerprint(replace(written, tensors=tensors))


def test_file_without_a_table(written: Checkpoint) -> None:
    """Any other safetensors file is no fingerprint."""
    with pytest.raises(MalformedError):
        read_fingerprint(replace(written, metadata={"format": "pt"}))


JSON_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.lists(st.integers(-3, 9), max_size=4),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


def places_in(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a JSON value with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from places_in(value[key])


@given(st.data())
def test_whatever_is_damaged_is_refused_or_read(written: Checkpoint, data: st.DataObject) -> None:
    """Any value anywhere in the table gives a fingerprint or one of this program's errors, nothing else."""
    table = table_of(written)
    container, key = data.draw(st.sampled_from(list(places_in(table))))
    container[key] = data.draw(JSON_VALUES)
    try:
        fingerprint = read_fingerprint(with_text(written, json.dumps(table)))
    except AuditError as error:
        assert error.hint  # noqa: PT017  either way is allowed
    else:
        assert all(sample.values().shape[0] in (0, len(sample.rows)) for sample in fingerprint.samples)


def test_suffix_is_that_of_a_safetensors_file() -> None:
    """A fingerprint is opened as what it is."""
    assert SUFFIX.endswith(".safetensors")
