"""The value types of safetensors: their widths, and how stored bytes become floating-point numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from independence_audit.core.outside_names import quoted
from independence_audit.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_Decoder = Literal["cast", "shift", "table", "truth", "none"]


@dataclass(frozen=True, slots=True)
class Dtype:
    """A value type as safetensors knows it."""

    name: str
    bits: int
    """Width of one value; F4 and F6 are packed, so that a tensor's bits are a multiple of 8 but a value's are not."""
    decoder: _Decoder
    """How bytes become numbers; ``none`` where this tool does not decode them."""
    storage: str = "u1"
    """The numpy type as which the bytes are taken."""
    wide: bool = False
    """Whether float32 cannot hold every value."""
    mantissa: int | None = None
    """Stored bits of a float's mantissa; None of whole numbers, exponents and what is not decoded."""
    torch: str = ""
    """What torch calls it; empty where this tool writes none."""

    @property
    def decodable(self) -> bool:
        """Whether :func:`decode` and :func:`decode_into` know it."""
        return self.decoder != "none"

    @property
    def is_float(self) -> bool:
        """Whether its values are numbers that training may have reached."""
        return self.mantissa is not None

    @property
    def rounding(self) -> float:
        """Largest relative error of a float that was rounded to it, half a unit in the last place; 0 for others."""
        return 0.0 if self.mantissa is None else 2.0 ** -(self.mantissa + 1)


DTYPES: Mapping[str, Dtype] = MappingProxyType(
    {
        dtype.name: dtype
        for dtype in (
            Dtype("F64", 64, "cast", "<f8", wide=True, mantissa=52, torch="float64"),
            Dtype("F32", 32, "cast", "<f4", mantissa=23, torch="float32"),
            Dtype("F16", 16, "table", "<u2", mantissa=10, torch="float16"),
            Dtype("BF16", 16, "shift", "<u2", mantissa=7, torch="bfloat16"),
            Dtype("F8_E4M3", 8, "table", mantissa=3, torch="float8_e4m3fn"),
            Dtype("F8_E5M2", 8, "table", mantissa=2, torch="float8_e5m2"),
            Dtype("F8_E8M0", 8, "table", torch="float8_e8m0fnu"),
            Dtype("F8_E4M3FNUZ", 8, "table", mantissa=3, torch="float8_e4m3fnuz"),
            Dtype("F8_E5M2FNUZ", 8, "table", mantissa=2, torch="float8_e5m2fnuz"),
            Dtype("I8", 8, "cast", "i1", torch="int8"),
            Dtype("U8", 8, "cast", "u1", torch="uint8"),
            Dtype("I16", 16, "cast", "<i2", torch="int16"),
            Dtype("U16", 16, "cast", "<u2", torch="uint16"),
            Dtype("I32", 32, "cast", "<i4", wide=True, torch="int32"),
            Dtype("U32", 32, "cast", "<u4", wide=True, torch="uint32"),
            Dtype("I64", 64, "cast", "<i8", wide=True, torch="int64"),
            Dtype("U64", 64, "cast", "<u8", wide=True, torch="uint64"),
            Dtype("BOOL", 8, "truth", torch="bool"),
            Dtype("C64", 64, "none"),
            Dtype("F4", 4, "none"),
            Dtype("F6_E2M3", 6, "none"),
            Dtype("F6_E3M2", 6, "none"),
        )
    }
)
"""Every dtype of the safetensors format by its name there."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Fields of a narrow float: sign, exponent, mantissa from the top, and which codes are no numbers.

    Sources: IEEE 754 (F16), OCP 8-bit floating point 1.0 (E5M2, E4M3), Noune et al. 2022 (FNUZ).
    """

    exponent_bits: int
    mantissa_bits: int
    bias: int
    special: Literal["ieee", "all_ones", "negative_zero"]
    """NaN is: the top exponent (with infinity), the all-ones magnitude, or the code of minus zero."""


_LAYOUTS: Mapping[str, _Layout] = MappingProxyType(
    {
        "F16": _Layout(5, 10, 15, "ieee"),
        "F8_E5M2": _Layout(5, 2, 15, "ieee"),
        "F8_E4M3": _Layout(4, 3, 7, "all_ones"),
        "F8_E4M3FNUZ": _Layout(4, 3, 8, "negative_zero"),
        "F8_E5M2FNUZ": _Layout(5, 2, 16, "negative_zero"),
    }
)

_BLOCK = 16384
"""Values looked up at a time: ``np.take`` widens its indices to 8 bytes, and 128 KiB of them stay in the cache."""


def decode(raw: NDArray[np.uint8], dtype: str) -> NDArray[np.float32] | NDArray[np.float64]:
    """The values stored in ``raw``, uint8 [bytes], as a new array [values].

    float32 where it holds every value of the dtype, else float64 (F64 and integers of 32 and 64 bits; 64-bit integers
    beyond 2**53 are rounded).

    Raises:
        UnsupportedError: The dtype is unknown or is not decoded.
    """
    known = _decodable(dtype)
    if known.wide:
        return raw.view(known.storage).astype(np.float64)
    out = np.empty(raw.size * 8 // known.bits, np.float32)
    decode_into(raw, dtype, out)
    return out


def decode_into(raw: NDArray[np.uint8], dtype: str, out: NDArray[np.float32]) -> None:
    """Write the values stored in ``raw``, uint8 [bytes], into ``out``, float32 [values], without large temporaries.

    Exact except for F64 and integers of 32 and 64 bits, which are rounded to float32 (infinity beyond its range).
    ``raw`` must be contiguous, but may begin at any address.

    Raises:
        UnsupportedError: The dtype is unknown or is not decoded.
    """
    known = _decodable(dtype)
    stored: NDArray[Any] = raw.view(known.storage)
    if known.decoder == "shift":
        # A bfloat16 is the upper half of a float32. Widening first and shifting in place needs two vectorised passes
        # and no temporary; writing only the upper halves is strided and three times slower.
        bits = out.view(np.uint32)
        np.copyto(bits, stored)
        np.left_shift(bits, 16, out=bits)
    elif known.decoder == "table":
        _look_up(stored, _table(dtype), out)
    elif known.decoder == "truth":
        np.not_equal(stored, 0, out=out)
    else:
        with np.errstate(over="ignore"):
            np.copyto(out, stored, casting="same_kind")


def _decodable(dtype: str) -> Dtype:
    """The entry of a dtype that can be decoded."""
    known = DTYPES.get(dtype)
    if known is None or not known.decodable:
        raise UnsupportedError(
            f"Values of the dtype {quoted(dtype)} cannot be decoded.",
            "Export the weights in a plain floating-point type, such as BF16.",
        )
    return known


def _look_up(codes: NDArray[Any], table: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Write ``table[codes]`` into ``out``, block by block."""
    for first in range(0, codes.size, _BLOCK):
        block = slice(first, first + _BLOCK)
        np.take(table, codes[block], out=out[block], mode="clip")


@cache
def _table(dtype: str) -> NDArray[np.float32]:
    """The value of every code of a narrow float: float32 [2**bits], read-only.

    A table rather than arithmetic on the bits: it is exact even where a library has switched the processor to flush
    subnormal numbers to zero.
    """
    table = _power_table() if dtype == "F8_E8M0" else _layout_table(_LAYOUTS[dtype])
    table.flags.writeable = False
    return table


def _power_table() -> NDArray[np.float32]:
    """Values of F8_E8M0, which has an exponent only: 2**(code - 127), the last code NaN. Source: OCP MX 1.0."""
    values: NDArray[np.float64] = np.ldexp(1.0, np.arange(256) - 127)
    values[-1] = np.nan
    return values.astype(np.float32)


def _layout_table(layout: _Layout) -> NDArray[np.float32]:
    """Values of all codes of a narrow float with sign, exponent and mantissa."""
    top_exponent = (1 << layout.exponent_bits) - 1
    top_mantissa = (1 << layout.mantissa_bits) - 1
    codes = np.arange(2 << (layout.exponent_bits + layout.mantissa_bits))
    magnitudes = codes & (len(codes) // 2 - 1)
    exponents = magnitudes >> layout.mantissa_bits
    mantissas = magnitudes & top_mantissa
    significands = mantissas + (exponents > 0) * (top_mantissa + 1)
    powers = np.maximum(exponents, 1) - layout.bias - layout.mantissa_bits
    values: NDArray[np.float64] = np.ldexp(significands.astype(np.float64), powers)
    if layout.special == "ieee":
        values[exponents == top_exponent] = np.where(mantissas[exponents == top_exponent] > 0, np.nan, np.inf)
    elif layout.special == "all_ones":
        values[magnitudes == len(codes) // 2 - 1] = np.nan
    values[len(codes) // 2 :] *= -1.0
    if layout.special == "negative_zero":
        values[len(codes) // 2] = np.nan
    return values.astype(np.float32)


ANY_SCALE = np.errstate(over="ignore", invalid="ignore", under="ignore")
"""Decorates arithmetic on weights of any scale: a product that overflows is a number that could not be had, no warning;
:func:`independence_audit.evidence.report_json.without_overflow` takes it out of a report."""
