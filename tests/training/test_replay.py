"""A declared draw, drawn again and held against step 0 bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.errors import InputError, UsageError
from independence_audit.evidence.training_evidence import ReplayEvidence
from independence_audit.training.replay import Declared, Drawn, check_declared, compare_bits, draw
from tests.fingerprint.small_checkpoints import bf16, checkpoint_of
from tests.training.hand_made import drawn

DECLARED = Declared(7, function="own:weights")


def compared(generated: Mapping[str, NDArray[Any]], given: Mapping[str, NDArray[Any]]) -> ReplayEvidence:
    """What a draw comes to beside a checkpoint."""
    made = Drawn(Path("drawn"), "own:weights", "torch 1", "")
    return compare_bits(DECLARED, made, checkpoint_of(generated), checkpoint_of(given), "step-0")


@pytest.mark.parametrize("stored", [np.float64, np.float32, np.float16, "bfloat16"])
def test_a_draw_is_the_checkpoint_in_the_type_it_is_stored_in(stored: object) -> None:
    """A wider draw is rounded to that type, ties to even; constants are counted apart."""
    draw_ = {"w": drawn(1, 16, 16).astype(np.float64), "g": np.ones(8)}
    given = {name: bf16(each) if stored == "bfloat16" else each.astype(stored) for name, each in draw_.items()}  # type: ignore[call-overload]
    found = compared(draw_, given)
    assert (found.tensors, found.identical, found.different, found.constant) == (2, 2, (), 1)
    assert (found.seed, found.generator, found.checkpoint) == (7, "own:weights", "step-0")


def test_one_bit_is_a_difference() -> None:
    """With how far it is, and how like the two are all the same."""
    values = drawn(1, 16, 16).astype(np.float32)
    other = values.copy()
    other[3, 3] = np.nextafter(other[3, 3], np.float32(1))
    (different,) = compared({"w": values}, {"w": other}).different
    assert (different.name, different.status) == ("w", "differs")
    assert different.max_abs_diff is not None
    assert 0.0 < different.max_abs_diff < 1e-7


def test_another_seed_is_no_likeness() -> None:
    """Its correlation is that of chance."""
    (different,) = compared({"w": drawn(1).astype(np.float32)}, {"w": drawn(2).astype(np.float32)}).different
    assert different.correlation is not None
    assert abs(different.correlation) < 0.05


def test_what_only_one_side_has_is_named() -> None:
    """Tensors that the draw lacks, that the checkpoint lacks, and other shapes."""
    one, other = drawn(1, 4, 4).astype(np.float32), drawn(1, 4, 2).astype(np.float32)
    found = compared({"both": one, "drawn": one}, {"both": other, "given": one})
    assert {each.name: each.status for each in found.different} == {
        "both": "shape_differs",
        "drawn": "not_in_checkpoint",
        "given": "not_generated",
    }
    assert found.identical == 0


@pytest.mark.parametrize(
    "declared",
    [
        Declared(1),
        Declared(1, config="config.json", function="own:weights"),
        Declared(1, config="no such config.json"),
        Declared(1, function="own"),
        Declared(1, function=":weights"),
    ],
)
def test_what_cannot_draw_anything_is_refused(declared: Declared) -> None:
    """Before a process is started."""
    with pytest.raises(UsageError):
        check_declared(declared)


def test_a_python_that_is_not_there_ends_in_a_sentence(tmp_path: Path) -> None:
    """An error, and no evidence of anything."""
    with pytest.raises(InputError, match="did not work"):
        draw(Declared(1, function="own:weights", python=str(tmp_path / "python")), tmp_path)
