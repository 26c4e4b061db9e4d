"""Stored bytes become the numbers that torch reads, bit by bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from independence_audit.checkpoint import DTYPES, decode, decode_into
from independence_audit.errors import UnsupportedError

TORCH = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E8M0": torch.float8_e8m0fnu,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
    "I8": torch.int8,
    "U8": torch.uint8,
    "I16": torch.int16,
    "U16": torch.uint16,
    "I32": torch.int32,
    "U32": torch.uint32,
    "I64": torch.int64,
    "U64": torch.uint64,
    "BOOL": torch.bool,
}
NARROW = [name for name in TORCH if DTYPES[name].bits <= 16 and name != "BOOL"]
WIDE = ["F64", "I32", "U32", "I64", "U64"]


def every_code(bits: int) -> NDArray[np.uint8]:
    """All codes of a width of 8 or 16 bits, as bytes."""
    return np.arange(1 << bits, dtype="<u2" if bits == 16 else "u1").view(np.uint8)


def by_torch(raw: NDArray[np.uint8], dtype: str, wanted: torch.dtype = torch.float32) -> NDArray[Any]:
    """The values as torch converts them."""
    padded = np.append(raw, np.zeros(8, np.uint8))  # torch cannot reinterpret an empty tensor
    return torch.from_numpy(padded).view(TORCH[dtype]).to(wanted).numpy()[: raw.size * 8 // DTYPES[dtype].bits]


def assert_same_bits(mine: NDArray[Any], theirs: NDArray[Any]) -> None:
    """Equal to the bit, minus zero included; any NaN is as good as another (torch's own kernels differ there)."""
    assert mine.dtype == theirs.dtype
    is_nan = np.isnan(theirs)
    assert np.array_equal(np.isnan(mine), is_nan)
    bits = f"u{mine.dtype.itemsize}"
    assert np.array_equal(mine.view(bits)[~is_nan], theirs.view(bits)[~is_nan])


@pytest.mark.parametrize("dtype", NARROW)
def test_every_code_as_torch_reads_it(dtype: str) -> None:
    """All patterns of 8 and 16 bits, subnormal numbers, infinities and minus zero among them."""
    raw = every_code(DTYPES[dtype].bits)
    assert_same_bits(decode(raw, dtype), by_torch(raw, dtype))


def test_bfloat16_keeps_the_bits_of_nan() -> None:
    """Every bfloat16 is the upper half of its float32, so that equal bytes stay equal."""
    raw = every_code(16)
    assert np.array_equal(decode(raw, "BF16").view(np.uint32), np.arange(1 << 16, dtype=np.uint32) << 16)


@pytest.mark.parametrize("dtype", ["F32", *WIDE])
def test_random_bytes_as_torch_reads_them(dtype: str) -> None:
    """Wide types, from bytes of which any may occur."""
    raw = np.random.default_rng(1).integers(0, 256, 8000, dtype=np.uint8)
    wanted = torch.float64 if dtype in WIDE else torch.float32
    assert_same_bits(decode(raw, dtype), by_torch(raw, dtype, wanted))
    out = np.empty(raw.size * 8 // DTYPES[dtype].bits, np.float32)
    decode_into(raw, dtype, out)
    assert_same_bits(out, by_torch(raw, dtype))


def test_truth_values() -> None:
    """BOOL is 0 or 1, whatever byte stands for true."""
    assert decode(np.array([0, 1, 2, 255], np.uint8), "BOOL").tolist() == [0.0, 1.0, 1.0, 1.0]


def test_values_beyond_float32() -> None:
    """F64 beyond float32's range becomes infinity without a warning; decode keeps it."""
    raw = np.array([1e300, -1e300, 1e-300, 0.1]).view(np.uint8)
    out = np.empty(4, np.float32)
    decode_into(raw, "F64", out)
    assert out.tolist() == [np.inf, -np.inf, 0.0, np.float32(0.1)]
    assert decode(raw, "F64").tolist() == [1e300, -1e300, 1e-300, 0.1]


def test_integers_beyond_float32() -> None:
    """32-bit integers are exact in what decode gives; float32 would round them."""
    raw = np.array([2**24 + 1, -(2**31)], "<i4").view(np.uint8)
    assert decode(raw, "I32").tolist() == [2**24 + 1, -(2**31)]


@pytest.mark.parametrize("dtype", TORCH)
@pytest.mark.parametrize("count", [0, 1, 5, 16384, 40_001])
def test_any_address_and_count(dtype: str, count: int) -> None:
    """Tensors begin at any byte of a file and end inside a block of the lookup; nothing is written beyond them."""
    width = DTYPES[dtype].bits // 8
    raw = np.random.default_rng(2).integers(0, 2, count * width, dtype=np.uint8)
    shifted = np.concatenate([np.zeros(1, np.uint8), raw])[1:]
    out = np.full(count + 1, 7.0, np.float32)
    decode_into(shifted, dtype, out[:count])
    assert_same_bits(out[:count], by_torch(raw, dtype))
    assert out[count] == 7.0


def test_table_is_the_format_as_the_library_knows_it() -> None:
    """Widths are those of the format; whatever torch can read is decoded, and nothing else."""
    assert {name for name, dtype in DTYPES.items() if dtype.decodable} == set(TORCH)
    assert {name: dtype.bits for name, dtype in DTYPES.items() if not dtype.decodable} == {
        "C64": 64,
        "F4": 4,
        "F6_E2M3": 6,
        "F6_E3M2": 6,
    }
    assert all(DTYPES[name].bits == 8 * dtype.itemsize for name, dtype in TORCH.items())


@pytest.mark.parametrize("dtype", ["C64", "F4", "F6_E2M3", "F6_E3M2", "F7"])
def test_not_decodable(dtype: str) -> None:
    """A type that is not decoded is refused by name."""
    with pytest.raises(UnsupportedError, match=f"'{dtype}' cannot be decoded"):
        decode(np.zeros(8, np.uint8), dtype)
    with pytest.raises(UnsupportedError):
        decode_into(np.zeros(8, np.uint8), dtype, np.empty(8, np.float32))
