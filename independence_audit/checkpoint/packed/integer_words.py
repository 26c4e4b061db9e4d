"""Whole numbers in 32-bit words with a scale for every group of inputs: compressed-tensors, GPTQ and AWQ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint.packed.packed_tensor import fields, run_of
from independence_audit.checkpoint.tensors import Bytes, Floats, Run, TensorInfo
from independence_audit.core.number_types import decode

WORD = 32


@dataclass(frozen=True, slots=True)
class ByRows:
    """compressed-tensors ``pack-quantized``: weight_packed int32 [out, in / 8], weight_scale [out, groups].

    value = (q - z) x s; without a zero point z is the middle of the range. Zero points are packed along the outputs.
    """

    name: str
    shape: tuple[int, ...]
    stored: tuple[TensorInfo, ...]
    """weight_packed, weight_scale and perhaps weight_zero_point."""
    bits: int
    scheme: str = "int"

    @classmethod
    def of(
        cls, name: str, shape: tuple[int, int], packed: TensorInfo, scale: TensorInfo, zero: TensorInfo | None
    ) -> ByRows | None:
        """The weight of a shape; None where the stored shapes do not fit it."""
        rows, columns = shape
        bits = next((b for b in (4, 8, 2) if packed.shape == (rows, -(-columns * b // WORD))), 0)
        fits = bits and len(scale.shape) == 2 and scale.shape[0] == rows and scale.shape[1] > 0  # noqa: PLR2004
        fits = fits and columns % scale.shape[1] == 0
        if fits and zero is not None:
            fits = zero.shape == (-(-rows * bits // WORD), scale.shape[1])
        if not fits or rows * columns == 0:
            return None
        stored = (packed, scale) if zero is None else (packed, scale, zero)
        return cls(name, shape, stored, bits, f"int{bits}")

    def _rows(self, start: int, stop: int) -> tuple[int, int]:
        return start // self.shape[1], (stop - 1) // self.shape[1] + 1

    def runs(self, start: int, stop: int) -> list[Run]:
        """Whole rows of words and scales, and the words that hold these rows' zero points."""
        first, last = self._rows(start, stop)
        found = [run_of(one, first * one.shape[1], last * one.shape[1]) for one in self.stored[:2]]
        for zero in self.stored[2:]:
            each = WORD // self.bits
            found.append(run_of(zero, first // each * zero.shape[1], ((last - 1) // each + 1) * zero.shape[1]))
        return found

    def values(self, start: int, stop: int, content: Sequence[Bytes]) -> Floats:
        """(q - z) x s."""
        first, last = self._rows(start, stop)
        packed, scale = self.stored[:2]
        height, columns = last - first, self.shape[1]
        words = content[0].view("<u4").reshape(height, packed.shape[1])
        whole = fields(words, self.bits)[:, :columns]
        scales = decode(content[1], scale.dtype).astype(np.float32).reshape(height, scale.shape[1])
        zeros: NDArray[np.int32] = np.full(scales.shape, 1 << (self.bits - 1), dtype=np.int32)
        if len(self.stored) > len(content[:2]):
            each = WORD // self.bits
            zero_words = content[2].view("<u4").reshape(-1, scale.shape[1])
            zeros = fields(zero_words.T, self.bits).T[first % each :][:height]
        group = np.arange(columns) // (columns // scale.shape[1])
        found = (whole - zeros[:, group]) * scales[:, group]
        offset = start - first * columns
        return np.asarray(found.reshape(-1)[offset : offset + stop - start], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class ByInputs:
    """GPTQ and AWQ, whose matrices are stored [in, out]: qweight, qzeros int32, scales [groups, out], perhaps g_idx.

    GPTQ packs the inputs, AWQ the outputs in an order of its own; value = (q - z) x s, z + 1 for GPTQ's first format.
    """

    name: str
    shape: tuple[int, ...]
    stored: tuple[TensorInfo, ...]
    """qweight, qzeros, scales and perhaps g_idx."""
    bits: int
    along_inputs: bool
    """Whether a word holds several inputs of one output (GPTQ) or several outputs of one input (AWQ)."""
    zero_shift: int
    scheme: str

    @classmethod
    def of(
        cls, name: str, stored: tuple[TensorInfo, TensorInfo, TensorInfo], order: TensorInfo | None, *, second: bool
    ) -> ByInputs | None:
        """The weight; None where the stored shapes do not fit each other.

        Args:
            name: Of the weight.
            stored: qweight, qzeros and scales.
            order: g_idx, the group of every input, where there is one.
            second: Whether GPTQ's second format is used, which stores zero points as they are.
        """
        weight, zeros, scales = stored
        if any(len(one.shape) != 2 or 0 in one.shape for one in stored):  # noqa: PLR2004  matrices
            return None
        groups, outputs = scales.shape
        bits, left = divmod(WORD * zeros.shape[1], outputs)
        if left or bits not in {2, 4, 8} or zeros.shape[0] != groups:
            return None
        along_inputs = weight.shape[1] == outputs
        if not along_inputs and weight.shape[1] != zeros.shape[1]:
            return None
        inputs = weight.shape[0] * (WORD // bits if along_inputs else 1)
        if inputs % groups or (order is not None and order.shape != (inputs,)):
            return None
        told = stored if order is None or not along_inputs else (*stored, order)
        shift = 1 if along_inputs and not second else 0
        return cls(name, (outputs, inputs), told, bits, along_inputs, shift, "gptq" if along_inputs else "awq")

    def _box(self, start: int, stop: int) -> tuple[int, int, int, int]:
        """Outputs and inputs, first and behind the last, that hold a run of values."""
        inputs = self.shape[1]
        first, last = start // inputs, (stop - 1) // inputs
        if first < last:
            return first, last + 1, 0, inputs
        return first, last + 1, start % inputs, (stop - 1) % inputs + 1

    def runs(self, start: int, stop: int) -> list[Run]:
        """Of every stored row the words of these outputs; the group numbers whole."""
        outputs = self._box(start, stop)[:2]
        each = WORD // self.bits
        words = outputs[0] // each, (outputs[1] - 1) // each + 1
        weight, zeros, scales, *order = self.stored
        found = []
        lowest, highest = self._weight_rows(start, stop)
        across = outputs if self.along_inputs else words
        for tensor, (low, high), rows in (
            (weight, across, range(lowest, highest)),
            (zeros, words, range(zeros.shape[0])),
            (scales, outputs, range(scales.shape[0])),
        ):
            found += [run_of(tensor, row * tensor.shape[1] + low, row * tensor.shape[1] + high) for row in rows]
        return found + [run_of(one, 0, one.size) for one in order]

    def _weight_rows(self, start: int, stop: int) -> tuple[int, int]:
        _, _, low, high = self._box(start, stop)
        each = WORD // self.bits if self.along_inputs else 1
        return low // each, (high - 1) // each + 1

    def values(self, start: int, stop: int, content: Sequence[Bytes]) -> Floats:
        """(q - z) x s, turned to [out, in]."""
        first, last, low, high = self._box(start, stop)
        lowest, highest = self._weight_rows(start, stop)
        _, _, scales, *order = self.stored
        groups, each = scales.shape[0], WORD // self.bits
        words, zero_words, scale_rows = (
            content[: highest - lowest],
            content[highest - lowest :][:groups],
            content[highest - lowest + groups :][:groups],
        )
        offset = first % each
        zero = self._outputs(np.stack([row.view("<u4") for row in zero_words]))[:, offset : offset + last - first]
        scale = np.stack([decode(row, scales.dtype) for row in scale_rows]).astype(np.float32)
        packed = np.stack([row.view("<u4") for row in words])
        if self.along_inputs:
            whole = fields(packed.T, self.bits)[:, low % each :][:, : high - low].T
        else:
            whole = self._outputs(packed)[:, offset : offset + last - first]
        group = np.arange(low, high) // (self.shape[1] // groups)
        if order:
            group = np.clip(decode(content[-1], order[0].dtype).astype(np.int64), 0, groups - 1)[low:high]
        found = ((whole - zero[group] - self.zero_shift) * scale[group]).T.reshape(-1)
        begin = start - first * self.shape[1] - low
        return np.asarray(found[begin : begin + stop - start], dtype=np.float32)

    def _outputs(self, words: NDArray[np.uint32]) -> NDArray[np.int32]:
        """The fields of words along the outputs, in the outputs' order."""
        found = fields(words, self.bits)
        if self.along_inputs or self.bits != AWQ_BITS:
            return found
        return np.asarray(found.reshape(*found.shape[:-1], -1, len(AWQ_PLACES))[..., AWQ_PLACES].reshape(found.shape))


AWQ_BITS = 4
AWQ_PLACES = (0, 4, 1, 5, 2, 6, 3, 7)
"""Which field of a word holds its first, second, ... output (AutoAWQ's GEMM layout)."""
