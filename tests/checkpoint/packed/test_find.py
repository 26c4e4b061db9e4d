"""Packed weights are found by names, types and shapes; what contradicts itself is found as nothing that can be used."""

from __future__ import annotations

import json
from typing import Any

import pytest

from independence_audit.checkpoint.packed.codes import Bitsandbytes, Mxfp4
from independence_audit.checkpoint.packed.find import SMALL, Found, find_packed
from independence_audit.checkpoint.packed.fp8 import Fp8Scaled
from independence_audit.checkpoint.packed.integer_words import ByInputs, ByRows
from independence_audit.checkpoint.tensors import TensorInfo
from independence_audit.errors import ReadError
from tests.checkpoint.memory_source import MemorySource
from tests.checkpoint.packed.stored_arrays import info

SHAPE_BYTES = (48).to_bytes(8, "little") + (256).to_bytes(8, "little")
STATE = {"shape": [48, 256], "blocksize": 64}
NESTED = STATE | {"nested_blocksize": 256, "nested_offset": 0.5}
STATE_NAME = "weight.quant_state.bitsandbytes__nf4"


def found_in(tensors: dict[str, TensorInfo], said: bytes = b"", config: dict[str, Any] | None = None) -> list[Found]:
    """What is found among tensors, of which all that are read say the same."""
    source = MemorySource({"model.safetensors": said})
    return find_packed(source, tensors, config or {})


def named(**shapes: tuple[Any, ...]) -> dict[str, TensorInfo]:
    """Tensors of one weight by the last part of their names, with type and shape; a double underscore is a dot."""
    tensors = [info(f"m.{name.replace('__', '.')}", *shape) for name, shape in shapes.items()]
    return {tensor.name: tensor for tensor in tensors}


def bitsandbytes(state: object, absmax: tuple[Any, ...] = ("F32", 192)) -> tuple[dict[str, TensorInfo], bytes]:
    """Codes of a weight [48, 256], and what is said of them."""
    said = state if isinstance(state, bytes) else json.dumps(state).encode()
    tensors = named(weight=("U8", 6144, 1), weight__absmax=absmax, weight__quant_map=("F32", 16))
    nested = named(weight__nested_absmax=("F32", 1), weight__nested_quant_map=("F32", 256))
    return tensors | {f"m.{STATE_NAME}": info(f"m.{STATE_NAME}", "U8", len(said))} | nested, said


FP8 = named(weight=("F8_E4M3", 48, 256), weight_scale_inv=("F32", 1, 2))
ROWS = named(weight_packed=("I32", 48, 32), weight_scale=("BF16", 48, 2), weight_shape=("I64", 2))
GPTQ = named(qweight=("I32", 32, 48), qzeros=("I32", 2, 6), scales=("F16", 2, 48), g_idx=("I32", 256))
AWQ = named(qweight=("I32", 256, 6), qzeros=("I32", 2, 6), scales=("F16", 2, 48))
MX = named(up_blocks=("U8", 3, 8, 2, 16), up_scales=("U8", 3, 8, 2))

MLX = named(weight=("U32", 48, 32), scales=("BF16", 48, 4), biases=("BF16", 48, 4))
MLX_FP4 = named(weight=("U32", 3, 8, 8), scales=("U8", 3, 8, 2))


@pytest.mark.parametrize(
    ("tensors", "said", "kind", "name", "shape"),
    [
        (FP8, b"", Fp8Scaled, "m.weight", (48, 256)),
        (ROWS, SHAPE_BYTES, ByRows, "m.weight", (48, 256)),
        (GPTQ, b"", ByInputs, "m.weight", (48, 256)),
        (AWQ, b"", ByInputs, "m.weight", (48, 256)),
        (*bitsandbytes(STATE), Bitsandbytes, "m.weight", (48, 256)),
        (*bitsandbytes(NESTED, ("U8", 192)), Bitsandbytes, "m.weight", (48, 256)),
        (MX, b"", Mxfp4, "m.up", (3, 8, 64)),
    ],
    ids=["fp8", "by rows", "gptq", "awq", "nf4", "nf4 nested", "mxfp4"],
)
def test_every_packing_is_found_with_all_that_it_is_made_of(
    tensors: dict[str, TensorInfo], said: bytes, kind: type, name: str, shape: tuple[int, ...]
) -> None:
    """Under the name of the weight that it stands for; no tensor of it is left over, and others stay out of it."""
    (found,) = found_in(tensors | named(norm=("F32", 256)), said)
    assert found.packed is not None
    assert type(found.packed) is kind
    assert (found.name, found.packed.name, found.packed.shape) == (name, name, shape)
    assert set(found.consumed) == set(tensors)


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        named(weight=("F8_E4M3", 48, 256)),
        named(weight=("BF16", 48, 256), weight_scale=("F32", 1)),
        named(qweight=("F32", 32, 48), qzeros=("I32", 2, 6), scales=("F16", 2, 48)),
        named(weight=("U8", 6144, 1)),
        named(up_blocks=("U8", 3, 8, 2, 16)),
        named(up_blocks=("U8", 3, 8, 2, 16), up_scales=("F32", 3, 8, 2)),
    ],
)
def test_what_is_no_packing_is_not_found(tensors: dict[str, TensorInfo]) -> None:
    """Plain 8-bit floats, scales beside plain weights, words of another type, codes without their scales."""
    assert found_in(tensors) == []


def without(tensors: dict[str, TensorInfo], name: str) -> dict[str, TensorInfo]:
    """The tensors but one."""
    return {own: tensor for own, tensor in tensors.items() if own != f"m.{name}"}


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (FP8 | named(weight_scale_inv=("F32", 11, 2)), b""),
        (without(ROWS, "weight_scale"), SHAPE_BYTES),
        (without(ROWS, "weight_shape"), b""),
        (ROWS | named(weight_shape=("I64", 3)), SHAPE_BYTES + bytes(8)),
        (ROWS | named(weight_g_idx=("I32", 256)), SHAPE_BYTES),
        (ROWS, SHAPE_BYTES[8:] + SHAPE_BYTES[:8]),
        (without(GPTQ, "qzeros"), b""),
        (without(AWQ, "scales"), b""),
        (MX | named(up_scales=("U8", 3, 8, 3)), b""),
    ],
)
def test_what_contradicts_itself_stands_for_nothing(tensors: dict[str, TensorInfo], said: bytes) -> None:
    """It is found by its name, so that a report can say so, and is no weight."""
    (found,) = found_in(tensors, said)
    assert found.packed is None
    assert set(found.consumed) <= set(tensors)


@pytest.mark.parametrize(
    "state",
    [
        b"{",
        b"[]",
        b" " * (SMALL + 1),
        {},
        STATE | {"shape": [48, 255]},
        STATE | {"shape": [48, -256]},
        STATE | {"shape": ["48", 256]},
        STATE | {"shape": 12288},
        STATE | {"blocksize": 0},
        STATE | {"blocksize": 64.0},
        STATE | {"shape": [1 << 70, 1 << 70]},
    ],
)
def test_descriptions_that_do_not_describe_the_codes(state: object) -> None:
    """No JSON, megabytes of it, or another shape or block than there are codes and scales for."""
    (found,) = found_in(*bitsandbytes(state))
    assert found.packed is None


@pytest.mark.parametrize(
    "state",
    [STATE, NESTED | {"nested_blocksize": 16}, NESTED | {"nested_offset": "0.5"}, NESTED | {"nested_blocksize": 0}],
)
def test_scales_that_are_codes_need_their_own_description(state: object) -> None:
    """Without block and offset nobody knows what they stand for."""
    (found,) = found_in(*bitsandbytes(state, ("U8", 192)))
    assert found.packed is None


def test_the_config_is_believed_where_shapes_agree() -> None:
    """It tells GPTQ's second format and the sides of blocks; what it says in other types says nothing."""

    def shift(settings: object) -> int:
        (found,) = found_in(GPTQ, config={"quantization_config": settings})
        assert isinstance(found.packed, ByInputs)
        return found.packed.zero_shift

    assert [
        shift(each) for each in ({"checkpoint_format": "gptq_v2"}, {"checkpoint_format": "gptq"}, "gptq_v2", None)
    ] == [
        *(0, 1, 1, 1),
    ]
    blocks = named(weight=("F8_E4M3", 6, 8), weight_scale=("F32", 2, 3))
    for sides, block in (([4, 3], (4, 3)), (["4", "3"], (3, 3)), ([4], (3, 3))):
        (found,) = found_in(blocks, config={"quantization_config": {"weight_block_size": sides}})
        assert isinstance(found.packed, Fp8Scaled)
        assert found.packed.block == block


def test_a_description_that_cannot_be_read_is_an_error() -> None:
    """What was not read is not taken for what is not there."""
    with pytest.raises(ReadError):
        found_in(ROWS, SHAPE_BYTES[:8])


def test_mlx_is_told_by_its_config() -> None:
    """4 bits in groups of 64 and 8 bits in groups of 32 have one shape; a layer's own settings go before all others."""

    def shape(**told: object) -> tuple[int, ...] | None:
        (found,) = found_in(MLX, config={"quantization": told})
        assert set(found.consumed) == set(MLX)
        return found.packed.shape if found.packed else None

    assert shape(bits=4, group_size=64) == (48, 256)
    assert shape(bits=8, group_size=32) == (48, 128)
    assert shape(bits=4, group_size=64, m={"bits": 8, "group_size": 32}) == (48, 128)
    wrong: list[dict[str, object]] = [{"bits": 4, "group_size": 32}, {"bits": 7, "group_size": 64}]
    wrong += [{"bits": 0, "group_size": 64}, {"bits": True, "group_size": 256}, {"bits": 4, "group_size": "64"}]
    assert [shape(**told) for told in wrong] == [None] * len(wrong)
    assert found_in(MLX) == found_in(MLX, config={"quantization": {"bits": 4}}) == []


def test_mlx_in_microscaling_blocks() -> None:
    """The words of mode mxfp4 are the bytes of MXFP4; other modes are not known and stay as they are stored."""
    told = {"group_size": 32, "bits": 4}
    (found,) = found_in(MLX_FP4, config={"quantization": {**told, "mode": "mxfp4"}})
    assert isinstance(found.packed, Mxfp4)
    assert found.packed.shape == (3, 8, 64)
    assert found_in(MLX_FP4, config={"quantization": {**told, "mode": "nvfp4"}}) == []
    assert found_in(MLX_FP4, config={"quantization": told}) == []
    odd = MLX_FP4 | named(scales=("U8", 3, 8, 3))
    (found,) = found_in(odd, config={"quantization": {**told, "mode": "mxfp4"}})
    assert found.packed is None
