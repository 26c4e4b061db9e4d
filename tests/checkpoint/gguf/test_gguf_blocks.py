"""A stored tensor is the weight that the model has, whatever run of its values is read."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from independence_audit.checkpoint.gguf.gguf_blocks import GgufBlocks
from independence_audit.checkpoint.gguf.gguf_types import block_type
from independence_audit.checkpoint.tensors import Floats, TensorInfo
from tests.checkpoint.gguf.gguf_files import paired

HEADS = 3


def stored(values: Floats, kind: str, *, heads: int = 0, added: float = 0.0) -> tuple[GgufBlocks, NDArray[np.uint8]]:
    """A weight as a converter stores it, and its bytes."""
    of = GGMLQuantizationType[kind]
    told = paired(values, heads) if heads else values
    content = np.ascontiguousarray(quants.quantize(told + np.float32(added), of)).view(np.uint8).reshape(-1)
    info = TensorInfo("w", "U8", (content.size,), "file", 0, content.size)
    number = block_type(int(of))
    assert number is not None
    return GgufBlocks("w", values.shape, info, number, heads=heads, added=added), content


def worked_out(weight: GgufBlocks, content: NDArray[np.uint8], start: int, stop: int) -> Floats:
    """A run of values, from no more bytes than it asks for."""
    return weight.values(start, stop, [content[run.start : run.stop] for run in weight.runs(start, stop)])


def meant(values: Floats, kind: str) -> Floats:
    """What is left of values in a type."""
    of = GGMLQuantizationType[kind]
    return np.asarray(quants.dequantize(quants.quantize(values, of), of), dtype=np.float32)


@pytest.mark.parametrize("heads", [0, HEADS])
@pytest.mark.parametrize("kind", ["F32", "F16", "Q4_0", "Q8_0"])
def test_any_run_of_values(kind: str, heads: int) -> None:
    """Runs that begin and end anywhere, within blocks, rows and heads, hold the model's values in the model's order."""
    values = np.random.default_rng(0).normal(0, 0.02, (24, 96)).astype(np.float32)
    weight, content = stored(values, kind, heads=heads)
    flat = meant(values, kind).reshape(-1)

    @settings(max_examples=80, deadline=None, database=None)
    @given(st.integers(0, flat.size - 1), st.integers(1, 400))
    def holds(start: int, length: int) -> None:
        stop = min(flat.size, start + length)
        np.testing.assert_array_equal(worked_out(weight, content, start, stop), flat[start:stop])

    holds()
    np.testing.assert_array_equal(worked_out(weight, content, 0, flat.size), flat)


def test_biases_of_heads() -> None:
    """A vector of a head's rows is put back like its matrix."""
    bias = np.arange(24, dtype=np.float32)
    weight, content = stored(bias, "F32", heads=HEADS)
    assert not np.array_equal(content.view(np.float32), bias)
    np.testing.assert_array_equal(worked_out(weight, content, 5, 20), bias[5:20])


def test_what_was_added_is_taken_away() -> None:
    """Gains that the converter added 1 to are those of the model: a bf16 number is exact in float32 plus 1."""
    gains = np.random.default_rng(1).normal(0, 0.3, 64).astype(np.float32)
    gains = (gains.view(np.uint32) & 0xFFFF0000).view(np.float32)
    gains[0], gains[1] = 2.0**-16, -1.0
    weight, content = stored(gains, "F32", added=1.0)
    np.testing.assert_array_equal(worked_out(weight, content, 0, 64), np.float32(gains + np.float32(1)) - np.float32(1))
    np.testing.assert_allclose(worked_out(weight, content, 0, 64), gains, atol=2.0**-24)


def test_reports_call_a_packing_by_its_type() -> None:
    """A type that quantises has a name in reports; values that stand one by one are not packed."""
    values = np.zeros((2, 32), np.float32)
    assert stored(values, "Q4_0")[0].scheme == "q4_0"
    assert stored(values, "F16", heads=1)[0].scheme == ""
