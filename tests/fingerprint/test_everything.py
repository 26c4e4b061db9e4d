"""Reading every byte: digests, norms and sketches of all values."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.anatomy import Part, View
from independence_audit.checkpoint import Checkpoint
from independence_audit.errors import ReadError
from independence_audit.fingerprint import everything
from independence_audit.fingerprint.build import build_fingerprint
from independence_audit.fingerprint.everything import read_everything
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.whole_tensor import Whole, sketch_of
from tests.checkpoint.memory_source import MemorySource
from tests.fingerprint.small_checkpoints import anatomy_of, bf16, checkpoint_of, dense, part_of, transposed


def noise(*shape: int) -> NDArray[np.float32]:
    """Normal values, the same ones every time."""
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def wholes(checkpoint: Checkpoint, *parts: Part) -> list[Whole | None]:
    """What the parts of a checkpoint come to."""
    return list(read_everything(checkpoint, anatomy_of(parts), lambda *_: None).wholes.values())


def whole_of(values: NDArray[Any], part: Part) -> Whole:
    """What the one tensor of a checkpoint comes to."""
    (whole,) = wholes(checkpoint_of({part.tensor: values}), part)
    assert whole is not None
    return whole


def check_equal(one: Whole, other: Whole) -> None:
    """Equal in all but the rounding of sums."""
    assert (one.content, one.content_bf16, one.values) == (other.content, other.content_bf16, other.values)
    assert one.squared_norm == pytest.approx(other.squared_norm, rel=1e-6)
    np.testing.assert_allclose(one.sketch, other.sketch, atol=1e-3)


def recomputed(values: NDArray[Any], dtype: str) -> str:
    """The digest as the documentation has it, in the plainest words."""
    digest = hashlib.sha256(f"{dtype} {values.shape[0]} {values.shape[1]}\n".encode())
    for row in range(0, values.shape[0], 256):
        for column in range(0, values.shape[1], 256):
            digest.update(hashlib.sha256(values[row : row + 256, column : column + 256].tobytes()).digest())
    return hashlib.sha256(digest.digest()).hexdigest()


def test_digests_norm_and_sketch_are_those_of_all_values() -> None:
    """Against the plainest computation that there is."""
    values = noise(600, 700)
    whole = whole_of(values, part_of("w", dense(600, 700)))
    assert whole.content == recomputed(values, "F32")
    assert whole.content_bf16 == recomputed(bf16(values), "BF16")
    assert (whole.values, whole.non_finite) == (420_000, 0)
    assert whole.squared_norm == pytest.approx(float((values.astype(np.float64) ** 2).sum()), rel=1e-6)
    np.testing.assert_allclose(whole.sketch, sketch_of(values, 0, 0), atol=1e-3)


@pytest.mark.parametrize("band", [1, 1 << 20, 1 << 30])
def test_layout_and_size_of_pieces_do_not_matter(band: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stored by rows or by columns, read in large pieces or small ones: the same matrix."""
    values = noise(600, 700)
    expected = whole_of(values, part_of("w", dense(600, 700)))
    monkeypatch.setattr(everything, "BAND", band)
    monkeypatch.setattr(everything, "STRIP", 256)
    check_equal(whole_of(values, part_of("w", dense(600, 700))), expected)
    check_equal(whole_of(np.ascontiguousarray(values.T), part_of("w", transposed(600, 700))), expected)


def test_interleaved_parts_are_those_that_stood_alone() -> None:
    """Gate and up rows in turn, and kernels with their taps as rows: the matrices that they hold."""
    values = noise(40, 2, 30)
    parts = [part_of("gu", View(30 * i, (40,), (60,), 30, 1), role=role) for i, role in enumerate(("gate", "up"))]
    kernel = noise(6, 5, 3)
    parts.append(part_of("conv", View(0, (6, 3), (15, 1), 5, 3)))
    gate, up, conv = wholes(checkpoint_of({"gu": values, "conv": kernel}), *parts)
    for found, matrix in ((gate, values[:, 0]), (up, values[:, 1]), (conv, kernel.transpose(0, 2, 1).reshape(18, 5))):
        assert found is not None
        alone = np.ascontiguousarray(matrix)
        check_equal(found, whole_of(alone, part_of("w", dense(*alone.shape))))


def test_experts_are_stacked_in_the_order_of_their_numbers() -> None:
    """One tensor of all experts, or one an expert in any order of the file: the same content and sketch."""
    values = noise(3, 50, 20)
    names = [f"experts.{number}.gate" for number in range(3)]
    single = [part_of(name, dense(50, 20), role="gate", expert=number) for number, name in enumerate(names)]
    backwards = checkpoint_of({names[number]: values[number] for number in (2, 1, 0)})
    stacked = [part_of("gates", dense(50, 20, offset=1000 * i), role="gate", expert=i) for i in range(3)]
    (one,), (other,) = wholes(backwards, *single), wholes(checkpoint_of({"gates": values}), *stacked)
    assert one is not None
    assert other is not None
    check_equal(one, other)
    np.testing.assert_allclose(one.sketch, sketch_of(values.reshape(150, 20), 0, 0), atol=1e-3)


def test_bfloat16_copy_has_the_same_narrow_digest() -> None:
    """A model stored in single precision and its bfloat16 copy meet; so does one with NaN of another code."""
    values = noise(10, 30)
    values[0, 0] = np.nan
    codes = bf16(noise(10, 30))
    codes[0, 0] = 0xFFC1
    wide, narrow = (whole_of(each, part_of("w", dense(10, 30))) for each in (values, codes))
    assert wide.content != narrow.content
    assert wide.content_bf16 == narrow.content_bf16


def test_values_that_are_not_finite_count_apart() -> None:
    """They are zeros of the norm and the sketch, and content like any other."""
    values = noise(10, 30)
    values[3, 4], values[5, 6] = np.inf, np.nan
    whole = whole_of(values, part_of("w", dense(10, 30)))
    zeroed = np.nan_to_num(values, nan=0.0, posinf=0.0)
    assert (whole.values, whole.non_finite) == (298, 2)
    assert whole.squared_norm == pytest.approx(float((zeroed**2).sum()), rel=1e-6)
    assert whole.content == recomputed(values, "F32")


@pytest.mark.parametrize("scale", [1e-30, 1e25])
def test_squares_beyond_single_precision(scale: float) -> None:
    """Tiny and huge values have a norm."""
    values = noise(10, 30).astype(np.float64) * scale
    whole = whole_of(values.astype(np.float32), part_of("w", dense(10, 30)))
    assert whole.squared_norm == pytest.approx(float((values**2).sum()), rel=1e-6)


def test_files_have_the_digest_of_all_their_bytes() -> None:
    """Also of the bytes that no tensor holds, and of bytes that two tensors share; each byte is read once."""
    checkpoint = checkpoint_of({"a": noise(8, 8), "b": noise(9)}, {"c": noise(5, 7)})
    tensors = {name: tensor for name, tensor in checkpoint.tensors.items() if name != "b"}
    tensors["tied"] = replace(tensors["c"], name="tied")
    parts = [part_of("a", dense(8, 8)), part_of("c", dense(5, 7)), part_of("tied", dense(5, 7))]
    read = read_everything(replace(checkpoint, tensors=tensors), anatomy_of(parts), lambda *_: None)
    content = checkpoint.source.content  # type: ignore[attr-defined]
    assert {file.name: file.sha256 for file in read.files} == {
        name: hashlib.sha256(data).hexdigest() for name, data in content.items()
    }
    assert {file.digest_scope for file in read.files} == {"file"}
    assert read.read_bytes == sum(map(len, content.values())) + 5 * 7 * 4


def test_file_that_is_not_the_stated_one_is_refused() -> None:
    """A repository that states a digest is held to it."""
    checkpoint = replace(checkpoint_of({"w": noise(8, 8)}), digests={"shard-0": "ab" * 32})
    with pytest.raises(ReadError, match="not the file"):
        wholes(checkpoint, part_of("w", dense(8, 8)))


def test_unreadable_bytes_are_an_error() -> None:
    """A digest of everything is never one of a part."""
    checkpoint = checkpoint_of({"w": noise(8, 8)})
    cut = {name: data[:-1] for name, data in checkpoint.source.content.items()}  # type: ignore[attr-defined]
    with pytest.raises(ReadError):
        wholes(replace(checkpoint, source=MemorySource(cut)), part_of("w", dense(8, 8)))


def test_types_that_are_not_decoded_have_no_sums() -> None:
    """Nor have tensors without values any trouble."""
    checkpoint = checkpoint_of({"p": noise(8, 8), "e": noise(0, 4)})
    tensors = {**checkpoint.tensors, "p": replace(checkpoint.tensors["p"], dtype="C64", shape=(8, 4))}
    packed, empty = wholes(replace(checkpoint, tensors=tensors), part_of("p", dense(8, 4)), part_of("e", dense(0, 4)))
    assert packed is None
    assert empty is not None
    assert (empty.values, empty.squared_norm) == (0, 0.0)


def test_fingerprint_of_everything_is_the_sample_with_more() -> None:
    """The samples are those of any fingerprint; the sums, the files' digests and the count of bytes come on top."""
    checkpoint, anatomy = checkpoint_of({"a": noise(40, 8)}), anatomy_of([part_of("a", dense(40, 8))])
    told: list[tuple[str, int, int]] = []
    plain = build_fingerprint(checkpoint, anatomy, Sampler())
    full = build_fingerprint(checkpoint, anatomy, Sampler(), lambda *step: told.append(step), everything=True)
    assert plain.samples[0].whole is None
    assert full.samples[0].whole is not None
    assert full.samples[0].digest == plain.samples[0].digest
    assert [file.digest_scope for file in full.files] == ["file"]
    assert full.read_bytes == sum(checkpoint.files.values())
    assert told == [("a", 1, 1)]
