"""The reading plan: which rows and columns of a matrix are sampled. Pure, and the same for subject and reference.

A plan depends on the matrix's shape and the salt alone, never on names, so that any two matrices of one width can be
compared. Row choices are nested: the rows of a small sample lie within those of a larger one, and two matrices that
differ in height (a vocabulary that was extended) still share most of their rows.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PUBLIC_SALT = b"independence-audit/1 public sampling salt"

METHOD = "rows-2"
"""How rows, columns and experts are chosen from the parameters; the first word of a sampler's name."""

OUTER = 1024
"""Windows of so many columns and fewer lie in one of so many, so that a smaller sample's is part of a larger one's."""


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
        expert_reads: Experts' matrices that are read, at most, over all layers and roles of a checkpoint: each is a
            request where the weights are far.
        router_rows: A router with so many rows is taken with all of them: they tell permuted experts apart.
        salt: Decides which rows and columns. The public one is known to everybody, a cheat included.
    """

    rows: int = 16
    values: int = 16384
    columns: int = 1024
    segment: int = 4
    pool_rows: int = 128
    expert_reads: int = 2900
    router_rows: int = 512
    salt: bytes = PUBLIC_SALT

    @property
    def name(self) -> str:
        """Every parameter that changes the sample, and the salt's digest."""
        salt = "public" if self.salt == PUBLIC_SALT else hashlib.sha256(b"salt digest" + self.salt).hexdigest()[:16]
        return (
            f"{METHOD}/rows={self.rows},values={self.values},columns={self.columns},segment={self.segment},"
            f"pool_rows={self.pool_rows},expert_reads={self.expert_reads},router_rows={self.router_rows},salt={salt}"
        )

    def plan(self, rows: int, columns: int, read: int = 1, *, router: bool = False) -> Plan:
        """What to read of one matrix.

        Args:
            rows: The matrix's rows.
            columns: The matrix's columns.
            read: How many experts share one sample and are read; 1 for a tensor that stands alone.
            router: Whether the rows are those of experts.
        """
        if rows <= 1 or columns == 0:
            return Plan(np.arange(rows, dtype=np.int64), 0, columns)
        start, stop = self.window(columns)
        if router and rows <= self.router_rows:
            return Plan(np.arange(rows, dtype=np.int64), start, stop)
        budget = max(self.rows if read == 1 else self.pool_rows, self.values // (stop - start))
        each = max(1, budget // read)
        if read > 1 and each > self.segment:
            each -= each % self.segment  # a few rows of a further segment would cost another request
        return Plan(self._rows(rows, each), start, stop)

    def members(self, count: int, pools: int = 1) -> NDArray[np.int64]:
        """Which of the experts of one layer and role are read, ascending; nested like the rows.

        Args:
            count: How many there are.
            pools: Among how many layers and roles with experts the requests are shared.
        """
        most = max(1, self.expert_reads // max(1, pools))
        if count <= most:
            return np.arange(count, dtype=np.int64)
        order = np.argsort(_stream(self.salt, "experts", count), kind="stable")
        return np.sort(order[:most]).astype(np.int64)

    def window(self, columns: int) -> tuple[int, int]:
        """The columns of a matrix of this width that are read: all, or a run of ``self.columns`` of them."""
        if columns <= self.columns:
            return 0, columns
        outer = min(columns, max(OUTER, self.columns))
        start = int(_stream(self.salt, f"columns/{columns}", 1)[0] % np.uint64(columns - outer + 1))
        start += int(_stream(self.salt, f"inner columns/{columns}", 1)[0] % np.uint64(outer - self.columns + 1))
        return start, start + self.columns

    def _rows(self, rows: int, wanted: int) -> NDArray[np.int64]:
        if wanted >= rows:
            return np.arange(rows, dtype=np.int64)
        segments = _segments(self.salt, -(-rows // self.segment))
        enough = segments[: -(-wanted // self.segment) + 1]  # one more: the last segment of a matrix can be short
        chosen = (enough[:, None] * self.segment + np.arange(self.segment)).ravel()
        return chosen[chosen < rows][:wanted]


SIZES = {
    "default": Sampler(),
    "small": Sampler(rows=8, values=2048, columns=256, pool_rows=16, expert_reads=1000, router_rows=0),
}
"""Samplers by the name of their size: the small one's rows, columns and experts are among those of the default."""


def sampler_of(size: str, salt: bytes | None = None) -> Sampler:
    """The sampler of a size, with the public salt unless another is given."""
    return SIZES[size] if salt is None else replace(SIZES[size], salt=salt)


@lru_cache(maxsize=256)
def _segments(salt: bytes, count: int) -> NDArray[np.int64]:
    """Segment numbers, in the order in which they are chosen: a segment's priority does not depend on the count."""
    return np.argsort(_stream(salt, "rows", count), kind="stable").astype(np.int64)


@lru_cache(maxsize=256)
def _stream(salt: bytes, label: str, count: int) -> NDArray[np.uint64]:
    """The first ``count`` words of a keyed pseudo-random stream (Philox, raw words: stable across numpy versions)."""
    key = hashlib.sha256(salt + b"\0" + label.encode()).digest()[:16]
    return np.random.Philox(key=np.frombuffer(key, dtype="<u8")).random_raw(count)
