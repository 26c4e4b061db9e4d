"""A scan reads a subject from front to back and finds a reference's matrices in any layout and number type."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.lineage.scan import Scan, targets_of
from tests.fingerprint.small_checkpoints import bf16, checkpoint_of
from tests.lineage.hand_made import fingerprint_of, noise, sample_of

HEIGHT, WIDTH = 64, 128
OWN = noise(HEIGHT, WIDTH, seed=1)
REFERENCE = fingerprint_of(sample_of(OWN, role="up"), name="known")


def pieces(values: NDArray[np.generic]) -> list[tuple[str, int]]:
    """What is found in one tensor: the role of each matrix, and how many of its values stand there."""
    checkpoint = checkpoint_of({"blob": values})
    scan = Scan(checkpoint, targets_of([REFERENCE]), values.size)
    scan.read(checkpoint.tensors["blob"], closely=True)
    return [(target.sample.role, piece.measured.subject.parameters) for target, piece in scan.pieces()]


def test_what_can_be_looked_for_is_matrices_of_weights() -> None:
    """A vector has one row, and stands in every model; pools are looked for expert by expert."""
    experts = np.repeat([0, 1], 8)
    fingerprint = fingerprint_of(
        sample_of(noise(16, WIDTH, seed=1), role="up"),
        sample_of(noise(WIDTH, seed=2), role="attn_norm"),
        sample_of(noise(16, WIDTH, seed=3), role="expert.up", members=2, experts=experts, shape=(8, WIDTH)),
    )
    targets = targets_of([fingerprint])
    assert [target.sample.role for target in targets] == ["up", "expert.up", "expert.up"]
    assert [len(target.rows.rows) for target in targets] == [16, 8, 8]
    assert {target.reference for target in targets} == {"memory"}


@pytest.mark.parametrize(
    "stored",
    [OWN.ravel(), OWN.T, np.concatenate([noise(500, seed=8), OWN.ravel(), noise(300, seed=9)]), bf16(OWN)],
    ids=["as a vector", "transposed", "among others", "as bfloat16"],
)
def test_a_copy_is_found_in_any_layout(stored: NDArray[np.generic]) -> None:
    """All of it, once."""
    assert pieces(np.ascontiguousarray(stored)) == [("up", HEIGHT * WIDTH)]


def test_bits_under_another_type_are_found() -> None:
    """Integers of eight bytes that hold four bfloat16 values each."""
    disguised = np.frombuffer(bf16(OWN).tobytes(), np.int64)
    assert pieces(disguised) == [("up", HEIGHT * WIDTH)]


def test_a_changed_copy_is_found_and_chance_is_not() -> None:
    """r = 0.9 in another tensor of another shape; unrelated values of any kind are nothing."""
    changed = (0.9 * OWN + np.sqrt(1 - 0.81) * noise(HEIGHT, WIDTH, seed=5)).astype(np.float32)
    assert pieces(changed.ravel()) == [("up", HEIGHT * WIDTH)]
    assert pieces(noise(4 * HEIGHT * WIDTH, seed=6)) == []
    assert pieces(np.zeros(HEIGHT * WIDTH, np.float32)) == []


def test_every_place_counts_in_the_level() -> None:
    """More values are more tests."""

    def tests(size: int) -> int:
        checkpoint = checkpoint_of({"blob": noise(size, seed=1)})
        scan = Scan(checkpoint, targets_of([REFERENCE]), size)
        scan.read(checkpoint.tensors["blob"], closely=True)
        return scan.tests

    assert tests(20_000) > 1.8 * tests(10_000) > 0
