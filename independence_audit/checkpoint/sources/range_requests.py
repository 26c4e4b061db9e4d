"""Which range requests serve a list of wanted spans: close spans share one, long ones are cut; and checks of ranges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from independence_audit.checkpoint.tensors import ByteSource, Span
from independence_audit.core.outside_names import quoted
from independence_audit.errors import ReadError

GAP = 64 << 10
"""Bytes between two spans that are read along: they cost less than a round trip, and a sample stays a sample."""
LARGEST = 16 << 20
"""Bytes of one request at most: what is in memory, and what is asked for again when it fails."""


class Piece(NamedTuple):
    """Wanted bytes of a block, and the span that wants them."""

    span: int
    """Index of the span."""
    into: int
    """Offset in the span."""
    at: int
    """Offset in the block's wanted bytes."""
    length: int


@dataclass(frozen=True, slots=True)
class Block:
    """One range request: bytes from ``start`` to ``stop``, of which some are wanted."""

    start: int
    stop: int
    wanted: tuple[tuple[int, int], ...]
    """Begin and end in the file of the bytes to keep, ascending and disjoint."""
    pieces: tuple[Piece, ...]

    def wanted_of(self, content: bytes) -> bytes:
        """The wanted bytes among the block's own, one after the other."""
        if self.wanted == ((self.start, self.stop),):
            return content
        return b"".join(content[start - self.start : stop - self.start] for start, stop in self.wanted)


class _Cut(NamedTuple):
    """A part of a span that fits into one block; sorts by its place in the file."""

    start: int
    stop: int
    span: int
    into: int


def plan_blocks(spans: Iterable[tuple[int, int]], gap: int = GAP, largest: int = LARGEST) -> tuple[Block, ...]:
    """The blocks that hold every byte of the spans, in file order.

    Args:
        spans: Start and length of each in bytes, in any order.
        gap: Most bytes between two wanted ones that are read along.
        largest: Most bytes of a block.
    """
    cuts = sorted(
        _Cut(start + into, start + min(into + largest, length), index, into)
        for index, (start, length) in enumerate(spans)
        for into in range(0, length, largest)
    )
    blocks: list[Block] = []
    together: list[_Cut] = []
    stop = 0
    for cut in cuts:
        if together and (cut.start - stop > gap or max(stop, cut.stop) - together[0].start > largest):
            blocks.append(_block(together))
            together = []
        stop = max(stop, cut.stop)
        together.append(cut)
    if together:
        blocks.append(_block(together))
    return tuple(blocks)


def _block(cuts: list[_Cut]) -> Block:
    """The block of parts that lie close together."""
    wanted: list[tuple[int, int]] = []
    pieces: list[Piece] = []
    before = 0
    for cut in cuts:
        if wanted and cut.start <= wanted[-1][1]:
            start, stop = wanted.pop()
        else:
            before += wanted[-1][1] - wanted[-1][0] if wanted else 0
            start, stop = cut.start, cut.start
        wanted.append((start, max(stop, cut.stop)))
        pieces.append(Piece(cut.span, cut.into, before + cut.start - start, cut.stop - cut.start))
    return Block(wanted[0][0], wanted[-1][1], tuple(wanted), tuple(pieces))


def check_range(files: Mapping[str, int], name: str, start: int, length: int) -> None:
    """Raise unless ``length`` bytes from ``start`` on lie in the file ``name`` of ``files`` (sizes in bytes).

    Raises:
        ReadError: There is no such file, or the range is not inside it.
    """
    size = files.get(name)
    if size is None:
        raise ReadError(f"There is no file {quoted(name)} to read from.")
    if start < 0 or start + length > size:
        raise ReadError(f"Bytes {start} to {start + length} are not in {quoted(name)}, which has {size} bytes.")


class ReadsOneByOne:
    """Gives a byte source ``read_many`` by its own ``read``."""

    __slots__ = ()

    def read_many(self: ByteSource, name: str, spans: Sequence[Span]) -> None:
        """Fill the memory of every span of file ``name``, one after the other.

        Raises:
            ReadError: A span could not be read.
        """
        for start, into in spans:
            self.read(name, start, into)
