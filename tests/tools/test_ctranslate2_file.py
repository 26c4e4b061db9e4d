"""The reader of CTranslate2 files: a small Whisper encoder written by the format's description, and broken files."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tools.ctranslate2_file import TYPES, FormatError, read_variables, whisper_encoder

WIDTH = 4


def name_of(text: str) -> bytes:
    """A name as the format has it."""
    raw = text.encode() + b"\0"
    return struct.pack("<H", len(raw)) + raw


def written(variables: Mapping[str, NDArray[np.generic]], aliases: Mapping[str, str] | None = None) -> bytes:
    """A file with these variables."""
    out = struct.pack("<I", 6) + name_of("WhisperSpec") + struct.pack("<II", 3, len(variables))
    for name, values in variables.items():
        shape = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        out += name_of(name) + shape + struct.pack("<BI", TYPES.index(values.dtype), values.nbytes) + values.tobytes()
    aliases = aliases or {}
    return out + struct.pack("<I", len(aliases)) + b"".join(name_of(a) + name_of(b) for a, b in aliases.items())


def encoder() -> dict[str, NDArray[np.generic]]:
    """One layer, a fused projection with a bias of zero for keys, and what is not the encoder's."""
    layer = "encoder/layer_0/self_attention"
    bias = np.arange(3 * WIDTH, dtype="<f2")
    bias[WIDTH : 2 * WIDTH] = 0
    return {
        "encoder/conv1/weight": np.ones((WIDTH, 2, 3), "<f2"),
        f"{layer}/linear_0/weight": np.arange(3 * WIDTH * WIDTH, dtype="<f4").reshape(3 * WIDTH, WIDTH),
        f"{layer}/linear_0/bias": bias,
        f"{layer}/layer_norm/gamma": np.ones(WIDTH, "<f2"),
        "encoder/num_heads": np.array(2, "<i2"),
        "decoder/embeddings/weight": np.ones((5, WIDTH), "<f2"),
    }


def test_an_encoder_gets_its_names_and_three_projections() -> None:
    """In the order queries, keys, values; the decoder stays behind."""
    wanted = encoder()
    tensors = whisper_encoder(read_variables(memoryview(written(wanted))))
    fused = wanted["encoder/layer_0/self_attention/linear_0/weight"]
    prefix = "model.encoder.layers.0"
    assert set(tensors) == {
        "model.encoder.conv1.weight",
        f"{prefix}.self_attn_layer_norm.weight",
        *(f"{prefix}.self_attn.{role}.weight" for role in ("q_proj", "k_proj", "v_proj")),
        *(f"{prefix}.self_attn.{role}.bias" for role in ("q_proj", "v_proj")),
    }
    for number, role in enumerate(("q_proj", "k_proj", "v_proj")):
        part = fused[number * WIDTH : (number + 1) * WIDTH]
        assert np.array_equal(tensors[f"{prefix}.self_attn.{role}.weight"], part)


def test_what_has_no_place_is_refused() -> None:
    """An unknown variable, and keys with a bias."""
    with pytest.raises(FormatError, match="no variable of a Whisper encoder"):
        whisper_encoder({"encoder/other": np.ones(3)})
    biased = encoder() | {"encoder/layer_0/self_attention/linear_0/bias": np.ones(3 * WIDTH, "<f2")}
    with pytest.raises(FormatError, match="gives keys a bias"):
        whisper_encoder(biased)


FILE = written(encoder(), {"decoder/projection/weight": "decoder/embeddings/weight"})


@given(st.integers(0, len(FILE) - 1))
def test_a_file_that_ends_early_is_refused(size: int) -> None:
    """Wherever it ends."""
    with pytest.raises(FormatError):
        read_variables(memoryview(FILE[:size]))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (FILE + b"\0", "1 bytes follow"),
        (struct.pack("<I", 5) + FILE[4:], "version is 5"),
        (written({}, {"a": "b"}), "leads to 'b'"),
        (written({"a": np.ones(2, "<f4")}).replace(struct.pack("<BI", 0, 8), struct.pack("<BI", 9, 8)), "unknown type"),
        (written({"a": np.ones(2, "<f4")}).replace(struct.pack("<BI", 0, 8), struct.pack("<BI", 0, 7)), "7 bytes"),
        (written({"a": np.ones((1,) * 9, "<f4")}), "9 dimensions"),
        (struct.pack("<I", 6) + name_of("x") + struct.pack("<II", 3, 1 << 31), "variables"),
    ],
)
def test_what_contradicts_itself_is_refused(content: bytes, why: str) -> None:
    """With the reason."""
    with pytest.raises(FormatError, match=why):
        read_variables(memoryview(content))
