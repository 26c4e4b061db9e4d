"""The reading plan: which rows and columns of a matrix are sampled. Pure, and the same for subject and reference.

A plan depends on the matrix's shape and the salt alone, never on names, so that any two matrices of one width can be
compared. Row choices are nested: the rows of a small sample lie within those of a larger one, and two matrices that
differ in height (a vocabulary that was extended) still share most of their rows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PUBLIC_SALT = b"independence-audit/1 public sampling salt"


@dataclass(frozen=True, slots=True)
class Plan:
    """Rows, in reading order, and a window of columns of one matrix."""

    rows: NDArray[np.int64]
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Sampler:
    """Chooses segments of rows and a window of columns.

    Attributes:
        rows: Rows of a matrix, at least, where it has them.
        values: Values of a matrix, about; a narrow matrix gives more rows.
        columns: Columns, at most; a vector is always taken whole.
        segment: Adjacent rows read together.
        pool_rows: Rows of all experts of a layer and role together.
        pool_members: Experts of a layer and role that are read, at most: each is a request where the weights are far.
        salt: Decides which rows and columns. The public one is known to everybody, a cheat included.
    """

    rows: int = 16
    values: int = 16384
    columns: int = 1024
    segment: int = 4
    pool_rows: int = 128
    pool_members: int = 24
    salt: bytes = PUBLIC_SALT

    @property
    def name(self) -> str:
        """Every parameter that changes the sample, and the salt's digest."""
        salt = "public" if self.salt == PUBLIC_SALT else hashlib.sha256(b"salt digest" + self.salt).hexdigest()[:16]
        return (
            f"rows-1/rows={self.rows},values={self.values},columns={self.columns},segment={self.segment},"
            f"pool_rows={self.pool_rows},pool_members={self.pool_members},salt={salt}"
        )

    def plan(self, rows: int, columns: int, members: int) -> Plan:
        """What to read of one matrix.

        Args:
            rows: The matrix's rows.
            columns: The matrix's columns.
            members: How many experts share one sample; 1 for a tensor that stands alone.
        """
        if rows <= 1 or columns == 0:
            return Plan(np.arange(rows, dtype=np.int64), 0, columns)
        start, stop = self.window(columns)
        budget = max(self.rows if members == 1 else self.pool_rows, self.values // (stop - start))
        return Plan(self._rows(rows, max(1, budget // min(members, self.pool_members))), start, stop)

    def members(self, count: int) -> NDArray[np.int64]:
        """Which of the experts of one layer and role are read, ascending; nested like the rows."""
        if count <= self.pool_members:
            return np.arange(count, dtype=np.int64)
        order = np.argsort(_stream(self.salt, "experts", count), kind="stable")
        return np.sort(order[: self.pool_members]).astype(np.int64)

    def window(self, columns: int) -> tuple[int, int]:
        """The columns of a matrix of this width that are read: all, or a run of ``self.columns`` of them."""
        if columns <= self.columns:
            return 0, columns
        start = int(_stream(self.salt, f"columns/{columns}", 1)[0] % np.uint64(columns - self.columns + 1))
        return start, start + self.columns

    def _rows(self, rows: int, wanted: int) -> NDArray[np.int64]:
        if wanted >= rows:
            return np.arange(rows, dtype=np.int64)
        segments = _segments(self.salt, -(-rows // self.segment))
        enough = segments[: -(-wanted // self.segment) + 1]  # one more: the last segment of a matrix can be short
        chosen = (enough[:, None] * self.segment + np.arange(self.segment)).ravel()
        return chosen[chosen < rows][:wanted]


@lru_cache(maxsize=256)
def _segments(salt: bytes, count: int) -> NDArray[np.int64]:
    """Segment numbers, in the order in which they are chosen: a segment's priority does not depend on the count."""
    return np.argsort(_stream(salt, "rows", count), kind="stable").astype(np.int64)


@lru_cache(maxsize=256)
def _stream(salt: bytes, label: str, count: int) -> NDArray[np.uint64]:
    """The first ``count`` words of a keyed pseudo-random stream (Philox, raw words: stable across numpy versions)."""
    key = hashlib.sha256(salt + b"\0" + label.encode()).digest()[:16]
    return np.random.Philox(key=np.frombuffer(key, dtype="<u8")).random_raw(count)
