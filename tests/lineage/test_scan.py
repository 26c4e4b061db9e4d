"""A scan reads a subject from front to back and finds a reference's matrices in any layout and number type."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.anatomy import Axis
from independence_audit.errors import ReadError
from independence_audit.lineage import scan as scanning
from independence_audit.lineage.outcomes import Undone
from independence_audit.lineage.scan import PRODUCTS, Scan, targets_of
from tests.fingerprint.small_checkpoints import bf16, checkpoint_of
from tests.lineage.hand_made import fingerprint_of, noise, sample_of
from tests.lineage.models_in_memory import Gone

HEIGHT, WIDTH = 64, 128
OWN = noise(HEIGHT, WIDTH, seed=1)
REFERENCE = fingerprint_of(sample_of(OWN, role="up"), name="known")


def pieces(
    *tensors: NDArray[np.generic], closely: bool = True, known: int | None = None, blind: bool = False
) -> list[tuple[str, int]]:
    """What is found in tensors: the role of each matrix, and how many of its values stand there.

    Args:
        tensors: The subject's.
        closely: Whether they are looked through for everything.
        known: How many values are said to be looked through; None for as many as there are.
        blind: Whether changed copies are expected to be left out.
    """
    checkpoint = checkpoint_of({f"blob{number}": values for number, values in enumerate(tensors)})
    size = sum(values.size for values in tensors) if known is None else known
    scan = Scan(checkpoint, targets_of([REFERENCE]), size)
    for tensor in checkpoint.tensors.values():
        scan.read(tensor, closely=closely)
    assert scan.verbatim_only == blind
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


def test_what_says_nothing_is_not_looked_for() -> None:
    """Computed tables, values that were not read, and an expert of which one row is there."""
    single = sample_of(noise(3, WIDTH), role="expert.up", members=2, experts=np.array([0, 0, 1]), shape=(8, WIDTH))
    fingerprint = fingerprint_of(
        sample_of(noise(16, WIDTH), role="rope", axis=Axis.NONE),
        replace(sample_of(noise(16, WIDTH), role="gone"), raw=None),
        replace(sample_of(noise(1, WIDTH), role="one row"), shape=(16, WIDTH)),
        single,
    )
    (target,) = targets_of([fingerprint])
    assert target.sample is fingerprint.samples[-1]
    np.testing.assert_array_equal(target.rows.values(), single.values()[:2])


@pytest.mark.parametrize(
    "stored",
    [OWN.ravel(), OWN.T, np.concatenate([noise(500, seed=8), OWN.ravel(), noise(300, seed=9)]), bf16(OWN)],
    ids=["as a vector", "transposed", "among others", "as bfloat16"],
)
def test_a_copy_is_found_in_any_layout(stored: NDArray[np.generic]) -> None:
    """All of it, once."""
    assert pieces(np.ascontiguousarray(stored)) == [("up", HEIGHT * WIDTH)]


def test_a_changed_copy_is_found_and_chance_is_not() -> None:
    """r = 0.9 in another tensor of another shape; unrelated values of any kind are nothing."""
    changed = (0.9 * OWN + np.sqrt(1 - 0.81) * noise(HEIGHT, WIDTH, seed=5)).astype(np.float32)
    assert pieces(changed.ravel()) == [("up", HEIGHT * WIDTH)]
    assert pieces(noise(4 * HEIGHT * WIDTH, seed=6)) == []
    assert pieces(np.zeros(HEIGHT * WIDTH, np.float32)) == []


@pytest.mark.parametrize(
    "stored",
    [np.stack([OWN, noise(HEIGHT, WIDTH, seed=8)], axis=-1).ravel(), np.frombuffer(bf16(OWN).tobytes(), np.int64)],
    ids=["interleaved", "under another type"],
)
def test_what_is_hidden_is_found_by_looking_closely(stored: NDArray[np.generic]) -> None:
    """Else a tensor is taken as it is stored, by its own rows and columns."""
    assert pieces(stored) == [("up", HEIGHT * WIDTH)]
    assert pieces(stored, closely=False) == []
    assert pieces(OWN, closely=False) == [("up", HEIGHT * WIDTH)]


@pytest.mark.parametrize("columns_first", [False, True])
@pytest.mark.parametrize(("chunk", "rows_before"), [(256, 0), (4096, 320)])
def test_a_large_tensor_is_worked_on_in_runs(
    columns_first: bool,  # noqa: FBT001  a case's parameter
    chunk: int,
    rows_before: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However short they are, what lies across their ends is found; and in its place behind runs that hold nothing."""
    monkeypatch.setattr(scanning, "CHUNK", chunk)
    matrix = OWN.T if columns_first else OWN
    stored = np.concatenate([noise(rows_before, matrix.shape[1], seed=8), matrix])
    assert pieces(stored, known=PRODUCTS + 1, blind=True) == [("up", HEIGHT * WIDTH)]


def test_rows_that_were_scattered_are_found_together() -> None:
    """Each in a tensor of its own, in another order: every one is told, and the evidence counts once."""
    order = np.random.default_rng(3).permutation(HEIGHT)
    checkpoint = checkpoint_of({f"blob{number}": row for number, row in enumerate(OWN[order])})
    scan = Scan(checkpoint, targets_of([REFERENCE]), OWN.size)
    for tensor in checkpoint.tensors.values():
        scan.read(tensor, closely=True)
    found = [piece for _, piece in scan.pieces()]
    apart = [piece for piece in found if piece.measured.undone == Undone.SCATTERED_ROWS]
    assert {piece.tensor for piece in found} == set(checkpoint.tensors)
    assert len(apart) > 0.9 * HEIGHT
    assert [piece.measured.repeated for piece in apart].count(False) == 1


def test_changed_copies_have_a_budget() -> None:
    """Beyond it only what is unchanged is found, and the scan says so."""
    changed = (0.9 * OWN + np.sqrt(1 - 0.81) * noise(HEIGHT, WIDTH, seed=5)).astype(np.float32)
    assert pieces(changed, known=PRODUCTS + 1, blind=True) == []
    assert pieces(OWN, known=PRODUCTS + 1, blind=True) == [("up", HEIGHT * WIDTH)]


def test_bytes_that_cannot_be_read_are_an_error() -> None:
    """What is found then is for the caller to say."""
    checkpoint = checkpoint_of({"blob": OWN})
    gone = replace(checkpoint, source=Gone(dict.fromkeys(checkpoint.files, b"")))
    with pytest.raises(ReadError, match="The connection is gone"):
        Scan(gone, targets_of([REFERENCE]), OWN.size).read(checkpoint.tensors["blob"], closely=False)


def test_every_place_counts_in_the_level() -> None:
    """More values are more tests."""

    def tests(size: int) -> int:
        checkpoint = checkpoint_of({"blob": noise(size, seed=1)})
        scan = Scan(checkpoint, targets_of([REFERENCE]), size)
        scan.read(checkpoint.tensors["blob"], closely=True)
        return scan.tests

    assert tests(20_000) > 1.8 * tests(10_000) > 0
