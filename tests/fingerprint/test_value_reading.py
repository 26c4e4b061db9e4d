"""What is read of a checkpoint, and in which batches."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.anatomy import Part
from independence_audit.fingerprint import value_reading
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.value_reading import Reader, Wanted, batches, wanted
from tests.fingerprint.small_checkpoints import anatomy_of, checkpoint_of, dense, part_of

VALUES = np.arange(64 * 8, dtype=np.float32).reshape(64, 8)
FILES = [{"a": VALUES, "b": VALUES}, {"c": VALUES}]
PARTS = [part_of(name, dense(64, 8)) for name in "abc"]
FEW = Sampler(rows=4, values=1, segment=4, pool_rows=12, expert_reads=5)


def names(batch: list[Wanted]) -> list[str]:
    """The tensors of a batch."""
    return [one.tensor.name for one in batch]


def wanted_of(parts: list[Part]) -> list[Wanted]:
    """What is wanted of two files."""
    return list(wanted(checkpoint_of(*FILES), anatomy_of(parts), FEW))


def test_parts_come_in_file_order() -> None:
    """Whatever order the anatomy has."""
    assert names(wanted_of(PARTS[::-1])) == ["a", "b", "c"]


def test_batches_end_with_their_file() -> None:
    """One request goes to one file."""
    assert [names(batch) for batch in batches(wanted_of(PARTS))] == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("limit", "expected"), [(128, [["a"], ["b"], ["c"]]), (256, [["a", "b"], ["c"]]), (1, [["a"], ["b"], ["c"]])]
)
def test_batches_keep_to_a_size(monkeypatch: pytest.MonkeyPatch, limit: int, expected: list[list[str]]) -> None:
    """Four rows of 32 bytes each: no more are asked for at a time than fit, but always one part."""
    monkeypatch.setattr(value_reading, "BATCH", limit)
    assert [names(batch) for batch in batches(wanted_of(PARTS))] == expected


def test_nothing_wanted() -> None:
    """No parts, no batches."""
    assert list(batches([])) == []


def test_batch_gives_every_part_its_own_values() -> None:
    """Values that were read together are told apart again."""
    reader = Reader(checkpoint_of(*FILES))
    batch = wanted_of(PARTS)[:2]
    for one, piece in zip(batch, reader.read(batch), strict=True):
        assert piece.part is one.part
        assert piece.raw is not None
        assert np.array_equal(piece.raw.view(np.float32)[..., 0], VALUES[one.plan.rows])
    assert (reader.read_bytes, reader.seen) == (256, 2)


def test_values_outlive_the_next_batch() -> None:
    """The buffer is used again; what was read before keeps its values."""
    reader = Reader(checkpoint_of({"a": VALUES}, {"c": VALUES + 1000}))
    first, second = list(wanted(checkpoint_of({"a": VALUES}, {"c": VALUES}), anatomy_of([PARTS[0], PARTS[2]]), FEW))
    (piece,) = reader.read([first])
    assert piece.raw is not None
    before = piece.raw.copy()
    reader.read([second])
    assert np.array_equal(piece.raw, before)


def test_only_some_of_many_experts_are_read() -> None:
    """A pool of many experts is sampled, and every one that is read gives its share of the rows."""
    stack = np.zeros((40, 8, 6), np.float32)
    parts = [part_of("e", dense(8, 6, 48 * number), role="gate", expert=number) for number in range(40)]
    found = list(wanted(checkpoint_of({"e": stack}), anatomy_of(parts), FEW))
    assert [one.part.expert for one in found] == FEW.members(40).tolist()
    assert {len(one.plan.rows) for one in found} == {2}
