"""Which way round a component's matrices are stored, [out, in] or [in, out], told by its residual width."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from independence_audit.anatomy.families import Entry
from independence_audit.anatomy.recognise import Match
from independence_audit.anatomy.roles import Form, Role, is_bias, role_of
from independence_audit.checkpoint.model import TensorInfo

MATRIX_RANK = 2


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a component's matrices are stored.

    Attributes:
        width: The residual width; None where no tensor tells it.
        reversed_matrices: Whether most matrices lie the other way round than their family's table says.
        reversed_stacks: The same for stacked experts.
    """

    width: int | None
    reversed_matrices: bool
    reversed_stacks: bool

    def is_transposed(self, entry: Entry, shape: Sequence[int]) -> bool:
        """Whether a matrix of this shape, without its expert axis, is stored [in, out].

        Its shape decides where one side alone is the residual width; else it follows the component's other matrices.
        """
        reversed_here = _is_reversed(entry, shape, self.width)
        if reversed_here is None:
            reversed_here = self.reversed_stacks if entry.stacked else self.reversed_matrices
        return entry.transposed != reversed_here


def orientation(matches: Iterable[Match], tensors: Mapping[str, TensorInfo]) -> Orientation:
    """How the matrices of one component are stored."""
    found = [(match.rule.entry, tensors[match.tensor].shape) for match in matches if _speaks(match)]
    width = _residual_width(found)
    votes: dict[bool, Counter[bool]] = {False: Counter(), True: Counter()}
    for entry, shape in found:
        reversed_here = _is_reversed(entry, shape[1:] if entry.stacked else shape, width)
        if reversed_here is not None:
            votes[entry.stacked][reversed_here] += 1
    majority = {stacked: counts[True] > counts[False] for stacked, counts in votes.items()}
    return Orientation(width, majority[False], majority[True])


def _speaks(match: Match) -> bool:
    return not match.reading.packed and not match.reading.suffix and not is_bias(match.rule.entry.roles[0])


def _residual_width(found: Sequence[tuple[Entry, tuple[int, ...]]]) -> int | None:
    """The commonest size of the vectors that lie on the residual stream."""
    sizes = Counter(max(shape) for entry, shape in found if shape and max(shape) > 1 and _is_gain(entry))
    return min(sizes, key=lambda size: (-sizes[size], size), default=None)


def _is_gain(entry: Entry) -> bool:
    role = role_of(entry.roles[0])
    return role.form is Form.VECTOR and role.columns == "residual"


def _is_reversed(entry: Entry, shape: Sequence[int], width: int | None) -> bool | None:
    """Whether a shape contradicts the table; None where the width does not tell."""
    role: Role = role_of(entry.roles[0])
    if (
        len(shape) != MATRIX_RANK
        or not (role.reads_residual or role.writes)
        or (shape[0] == width) == (shape[1] == width)
    ):
        return None
    residual_last = role.reads_residual != entry.transposed
    return (shape[1] == width) != residual_last
