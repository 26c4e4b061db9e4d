"""A base's weight with an adapter's low-rank change in it, worked out as it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint.packed.packed_tensor import run_of
from independence_audit.checkpoint.tensors import Bytes, Floats, Run, TensorInfo
from independence_audit.core.number_types import decode

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LowRank:
    """W + s x B A (Hu et al., *LoRA*, 2021); m x (W + s x B A) / ||W + s x B A|| by outputs (Liu et al., *DoRA*, 2024).

    W [out, in ...], A [r, in ...], B [out, r, 1 ...], m of ``out`` values; kernels count as inputs. Where W is turned,
    [in, out] as of GPT-2 or [tokens, width] of a table, the change is (B A) turned. Implements ``Packed``.
    """

    name: str
    shape: tuple[int, ...]
    stored: tuple[TensorInfo, ...]
    """W, A, B and perhaps m."""
    scaling: float
    turned: bool
    scheme: str = ""
    """None: what is read is no packing's level."""

    @classmethod
    def of(  # noqa: PLR0913  the parts of one formula
        cls,
        weight: TensorInfo,
        inner: TensorInfo,
        outer: TensorInfo,
        magnitude: TensorInfo | None,
        scaling: float,
        *,
        turned: bool,
    ) -> LowRank | None:
        """The merged weight; None where the shapes do not fit each other.

        Args:
            weight: W.
            inner: A.
            outer: B.
            magnitude: m, where there is one.
            scaling: s.
            turned: Whether W is stored turned.
        """
        if min(len(one.shape) for one in (weight, inner, outer)) < 2 or 0 in weight.shape or 0 in inner.shape:  # noqa: PLR2004
            return None
        rank = inner.shape[0]
        factors = (prod(outer.shape) // max(1, rank), prod(inner.shape[1:]))
        own = (weight.shape[0], prod(weight.shape[1:]))
        if outer.shape[:2] != (factors[0], rank) or (factors[::-1] if turned else factors) != own:
            return None
        if magnitude is not None and (turned or magnitude.size != own[0]):
            return None
        stored = (weight, inner, outer) if magnitude is None else (weight, inner, outer, magnitude)
        return cls(weight.name, weight.shape, stored, scaling, turned)

    @property
    def _columns(self) -> int:
        return prod(self.shape[1:])

    @property
    def _rank(self) -> int:
        return self.stored[1].shape[0]

    def _box(self, start: int, stop: int) -> tuple[int, int, int, int]:
        """Rows and columns, first and behind the last, that hold a run of values; a magnitude needs whole rows."""
        first, last = start // self._columns, (stop - 1) // self._columns + 1
        if last - first > 1 or len(self.stored) > 3:  # noqa: PLR2004  W, A and B
            return first, last, 0, self._columns
        return first, last, start - first * self._columns, stop - first * self._columns

    def runs(self, start: int, stop: int) -> list[Run]:
        """Of W and m the values, of the factors the rows and columns that these need."""
        first, last, low, high = self._box(start, stop)
        weight, inner, outer, *magnitude = self.stored
        lines, across = ((low, high), (first, last)) if self.turned else ((first, last), (low, high))
        width = prod(inner.shape[1:])
        found = [run_of(weight, first * self._columns + low, (last - 1) * self._columns + high)]
        found.append(run_of(outer, lines[0] * self._rank, lines[1] * self._rank))
        if across == (0, width):
            found.append(run_of(inner, 0, inner.size))
        else:
            found += [run_of(inner, row * width + across[0], row * width + across[1]) for row in range(self._rank)]
        return found + [run_of(one, first, last) for one in magnitude]

    def values(self, start: int, stop: int, content: Sequence[Bytes]) -> Floats:
        """The merged values; in double precision, so that they are the same whatever run they are read in."""
        first, last, low, high = self._box(start, stop)
        height, width = last - first, high - low
        weight, inner, outer, *magnitude = self.stored
        factors = content[2 : len(content) - len(magnitude)]
        left = _doubles(outer, content[1:2]).reshape(-1, self._rank)
        right = _doubles(inner, factors).reshape(self._rank, -1)
        change = (left @ right).T if self.turned else left @ right
        merged = _doubles(weight, content[:1]).reshape(height, width) + self.scaling * change
        for one in magnitude:
            norms = np.sqrt(np.square(merged).sum(axis=1, keepdims=True))
            with np.errstate(divide="ignore", invalid="ignore"):
                merged *= _doubles(one, content[-1:])[:, None] / norms
        offset = start - first * self._columns - low
        with np.errstate(over="ignore"):
            return np.asarray(merged.reshape(-1)[offset : offset + stop - start], dtype=np.float32)


def _doubles(tensor: TensorInfo, content: Sequence[Bytes]) -> Doubles:
    """The values in runs of a tensor's bytes, one behind the other."""
    joined = content[0] if len(content) == 1 else np.concatenate(content)
    return np.asarray(decode(joined, tensor.dtype), dtype=np.float64)
