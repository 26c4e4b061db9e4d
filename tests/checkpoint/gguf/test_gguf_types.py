"""Every type's values are those of the format's own library, whatever the bytes are."""

from __future__ import annotations

import numpy as np
import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, quants

from independence_audit.checkpoint.gguf import gguf_types
from independence_audit.checkpoint.gguf.gguf_types import PLAIN, BlockType, block_type, can_decode

NOT_DECODED = {"Q8_1", "Q8_K", "Q1_0"}
"""What the library keeps for sums of products, or has no formula for."""
KINDS = [kind for kind in GGMLQuantizationType if kind.name not in NOT_DECODED]
BLOCKED = [kind for kind in KINDS if kind.name not in PLAIN]


def known(kind: GGMLQuantizationType) -> BlockType:
    """The type of a number that is known."""
    found = block_type(int(kind))
    assert found is not None
    return found


def test_types_are_the_library_s() -> None:
    """Names and sizes of blocks are those of the format."""
    for kind in GGMLQuantizationType:
        assert known(kind) == BlockType(kind.name, *GGML_QUANT_SIZES[kind])
    assert block_type(4_000_000_000) is None
    assert {kind.name for kind in GGMLQuantizationType if not can_decode(known(kind))} == NOT_DECODED


@pytest.mark.parametrize("kind", BLOCKED, ids=lambda kind: kind.name)
def test_values_are_the_library_s(kind: GGMLQuantizationType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random bytes come to the same numbers in pieces as at once; scales that are no numbers stay none."""
    monkeypatch.setattr(gguf_types, "PIECE", 512)
    content = np.random.default_rng(int(kind)).integers(0, 256, (37, known(kind).bytes), dtype=np.uint8)
    with np.errstate(all="ignore"):
        meant = quants.dequantize(content, kind)
    np.testing.assert_array_equal(known(kind).decode(content.reshape(-1)), meant.reshape(-1))
    assert known(kind).decode(np.empty(0, np.uint8)).size == 0


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name in PLAIN], ids=lambda kind: kind.name)
def test_plain_values(kind: GGMLQuantizationType) -> None:
    """Values that stand one by one are read as numpy reads them."""
    content = np.arange(1, 49, dtype=np.uint8)
    found = known(kind).decode(content)
    if kind.name == "BF16":
        meant = quants.dequantize(content, kind)
    else:
        meant = content.view({"F": "f", "I": "i"}[kind.name[0]] + str(int(kind.name[1:]) // 8))
    np.testing.assert_array_equal(found, meant)
