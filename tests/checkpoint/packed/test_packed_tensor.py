"""Runs of stored values in bytes, and the fields that words hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.checkpoint.packed.packed_tensor import fields, item, nibbles, run_of
from independence_audit.checkpoint.tensors import Run
from tests.checkpoint.packed.stored_arrays import info

BITS = st.sampled_from([2, 4, 8])


@pytest.mark.parametrize(("dtype", "size"), [("U8", 1), ("F8_E4M3", 1), ("BF16", 2), ("I32", 4), ("F64", 8)])
def test_runs_are_counted_in_bytes(dtype: str, size: int) -> None:
    """From the tensor's first byte, whatever stands before it in the file."""
    tensor = info("w", dtype, 4, 5, start=1000)
    assert item(tensor) == size
    assert run_of(tensor, 3, 7) == Run(tensor, 3 * size, 7 * size)
    assert run_of(tensor, 0, tensor.size).size == tensor.end - tensor.start


def test_the_low_half_of_a_byte_comes_first() -> None:
    """Along the last axis, which is twice as long."""
    found = nibbles(np.array([[0x21, 0x43], [0xF0, 0x0F]], np.uint8))
    np.testing.assert_array_equal(found, [[1, 2, 3, 4], [0, 15, 15, 0]])
    assert nibbles(np.zeros((3, 0), np.uint8)).shape == (3, 0)


@given(bits=BITS, words=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6))
def test_fields_put_together_are_the_word(bits: int, words: list[int]) -> None:
    """The lowest first, none negative: also where the word's highest bit is set."""
    found = fields(np.array(words, np.uint32).reshape(1, -1), bits)
    assert found.shape == (1, len(words) * 32 // bits)
    assert found.min() >= 0
    assert found.max() < 1 << bits
    for word, each in zip(words, found.reshape(len(words), -1).tolist(), strict=True):
        assert sum(field << place * bits for place, field in enumerate(each)) == word


def test_the_bytes_of_a_word_are_its_fields_of_eight_bits() -> None:
    """As files store words: the lowest byte first."""
    stored = np.arange(1, 13, dtype=np.uint8)
    np.testing.assert_array_equal(fields(stored.view("<u4"), 8), stored)
    np.testing.assert_array_equal(fields(stored.view("<u4"), 4), nibbles(stored))
