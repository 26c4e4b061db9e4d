"""Unknown names: placed by the words in them and the sizes that recur, and never a crash."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.anatomy import Axis, Kind, Part, place
from tests.anatomy import decoders
from tests.anatomy.decoders import HIDDEN, QUERY, Shapes
from tests.anatomy.gather import Array, assert_every_value_once, gather, numbered, place_arrays, tensor


def parts_of(shapes: Shapes) -> dict[str, Part]:
    """The one part of every tensor, by its name."""
    anatomy = place_arrays(numbered(shapes))
    assert_every_value_once(shapes, anatomy)
    assert len(anatomy.parts) == len(shapes)
    return {part.tensor: part for part in anatomy.parts}


CNN: Shapes = {
    "a.weight": (40, 3, 3, 3),
    "a.bias": (40,),
    "b.weight": (64, 40, 3, 3),
    "b.bias": (64,),
    "depthwise.weight": (64, 1, 5, 5),
    "pointwise.weight": (40, 64, 1, 1),
    "square.weight": (10, 10, 3, 3),
    "d.weight": (128, 64),
    "d.bias": (128,),
    "logits.weight": (100, 128),
    "logits.bias": (100,),
}


def test_kernels_and_matrices() -> None:
    """Columns are input channels where they recur, else output channels; classes never."""
    parts = parts_of(CNN)
    assert {name: (part.axis, part.view.rows, part.view.columns) for name, part in parts.items()} == {
        "a.weight": (Axis.HIDDEN, (3, 3, 3), 40),
        "a.bias": (Axis.HIDDEN, (), 40),
        "b.weight": (Axis.HIDDEN, (64, 3, 3), 40),
        "b.bias": (Axis.HIDDEN, (), 64),
        "depthwise.weight": (Axis.HIDDEN, (1, 5, 5), 64),
        "pointwise.weight": (Axis.HIDDEN, (40, 1, 1), 64),
        "square.weight": (Axis.NONE, (10, 3, 3), 10),
        "d.weight": (Axis.HIDDEN, (128,), 64),
        "d.bias": (Axis.HIDDEN, (), 128),
        "logits.weight": (Axis.HIDDEN, (100,), 128),
        "logits.bias": (Axis.NONE, (), 100),
    }
    assert parts["square.weight"].reason == parts["logits.bias"].reason == "no_exchangeable_axis"


def test_both_layouts_of_kernels_agree() -> None:
    """A network stored [taps, in, out] has the same values in the same places as one stored [out, in, taps]."""
    plain = numbered(CNN)
    other = {name: _inputs_first(array) for name, array in plain.items()}
    ours, theirs = place_arrays(plain), place_arrays(other)
    for first, second in zip(ours.parts, theirs.parts, strict=True):
        assert (first.tensor, first.role, first.axis, first.reason) == (
            second.tensor,
            second.role,
            second.axis,
            second.reason,
        )
        assert np.array_equal(gather(plain[first.tensor], first.view), gather(other[second.tensor], second.view))


def _inputs_first(array: Array) -> Array:
    if array.ndim == 4:
        return np.ascontiguousarray(array.transpose(2, 3, 1, 0))
    return np.ascontiguousarray(array.T)


def test_tokens_are_no_channels() -> None:
    """Of two sizes that matrices only write or only read, the smaller is the width, either way round."""
    for shape in ((5000, 300), (300, 5000)):
        parts = parts_of({"words.weight": shape, "contexts.weight": shape})
        assert {part.view.columns for part in parts.values()} == {300}


def test_a_lonely_classifier_has_no_axis() -> None:
    """A matrix and its bias do not make the number of classes a width."""
    parts = parts_of({"fc.weight": (100, 2048), "fc.bias": (100,)})
    assert {part.axis for part in parts.values()} == {Axis.NONE}


def test_heads_of_three_axes() -> None:
    """Of a stack of matrices the last axis is taken where its size recurs, else the commonest width."""
    shapes: Shapes = {"q": (8, 128, 16), "o": (8, 16, 128), "w": (128, 128), "patches": (128, 3, 14, 14)}
    parts = parts_of(shapes)
    assert {name: (part.view.rows, part.view.columns) for name, part in parts.items()} == {
        "q": ((8, 16), 128),
        "o": ((8, 16), 128),
        "w": ((128,), 128),
        "patches": ((3, 14, 14), 128),
    }


OTHERS = {"rnn.bias_hh_l9", "rnn.bias_hh_l0"}
"""Names of recurrent layers with shapes of others."""


@pytest.mark.parametrize("gates", [1, 3, 4])
def test_recurrent_layers_have_gates_as_rows(gates: int) -> None:
    """A recurrent layer's stacked gates are rows, its units columns."""
    shapes: Shapes = {
        "rnn.weight_ih_l0": (gates * 50, 7),
        "rnn.weight_hh_l0": (gates * 50, 50),
        "rnn.bias_ih_l0": (gates * 50,),
        "out.weight": (9, 50),
        "rnn.weight_ih_l1": (gates * 50, 50),
        "rnn.bias_hh_l9": (64,),
        "rnn.bias_ho_l0": (50,),
        "rnn.bias_hh_l0": (50,) if gates == 1 else (49,),
    }
    parts = parts_of(shapes)
    assert parts["rnn.weight_ih_l0"].view.rows == (gates, 7)
    assert parts["rnn.weight_hh_l0"].view.shape == (gates * 50, 50)
    assert parts["rnn.bias_ih_l0"].view.shape == (gates, 50)
    assert {part.view.columns for name, part in parts.items() if name not in OTHERS} == {50}


@pytest.mark.parametrize(
    ("name", "layer", "role"),
    [
        ("embedder.layers.0.2.module.W", 0, "generic:embedder.layers.2.module.W"),
        ("net/conv1/weights", None, "generic:net.conv1.weights"),
        ("onet.11", 11, "generic:onet"),
        ("7", 7, "generic:"),
        ("x.00000000000000000000012.y", None, "generic:x.00000000000000000000012.y"),
        ("x.²³.y", None, "generic:x.²³.y"),
        ("..", None, "generic:.."),
        ("", None, "generic:"),
    ],
)
def test_layer_and_role(name: str, layer: int | None, role: str) -> None:
    """The first plain number of a name is its layer, the rest its role, whatever separates the segments."""
    part = place([tensor(name, 40, 50)], {}).parts[0]
    assert (part.layer, part.role) == (layer, role)


@pytest.mark.parametrize(
    ("name", "component", "kind"),
    [
        ("image_encoder.stem.weight", "image_encoder", Kind.VISION_ENCODER),
        ("model/speech/stem/weight", "model.speech", Kind.AUDIO_ENCODER),
        ("text-tower.stem.weight", "text-tower", Kind.TEXT_DECODER),
        ("vision_resampler.stem.weight", "vision_resampler", Kind.PROJECTOR),
        ("policy.action_expert.stem.weight", "policy.action_expert", Kind.ACTION_HEAD),
        ("token2wav.vision.stem.weight", "token2wav", Kind.GENERATOR),
        ("a.b.c.vision.stem.weight", "other", Kind.OTHER),
        ("television.stem.weight", "other", Kind.OTHER),
        ("vision", "other", Kind.OTHER),
    ],
)
def test_words_tell_the_kind(name: str, component: str, kind: Kind) -> None:
    """Whole words in the first segments name a component and its kind; the strongest word decides."""
    found = place([tensor(name, 40, 50)], {}).components
    assert [(each.name, each.kind, each.family, each.parameters) for each in found] == [
        (component, kind, "unknown", 2000)
    ]


@pytest.mark.parametrize(
    ("name", "shape", "dtype", "reason"),
    [
        ("a.inv_freq", (40,), "F32", "computed"),
        ("a.A_log", (40, 40), "F32", "computed"),
        ("a.D", (40,), "F32", "computed"),
        ("a.steps", (40,), "I64", "integer"),
        ("a.flags", (40, 40), "BOOL", "integer"),
        ("a.qweight", (40, 40), "I32", "packed"),
        ("a.scale", (), "F32", "scalar"),
        ("a.scale", (1, 1), "F32", "scalar"),
        ("a.nothing", (0, 40), "F32", "empty"),
        ("a.cube", (3, 4, 5), "F32", "no_exchangeable_axis"),
    ],
)
def test_reasons(name: str, shape: tuple[int, ...], dtype: str, reason: str) -> None:
    """What can be no evidence says why."""
    others = [tensor(f"w{number}", 40, 40) for number in range(3)]
    part = place([*others, tensor(name, *shape, dtype=dtype)], {}).parts[-1]
    assert (part.axis, part.reason) == (Axis.NONE, reason)


@pytest.mark.parametrize(
    ("dtype", "beside", "axis", "reason"),
    [
        ("F8_E4M3", "weight_scale_inv", Axis.RESIDUAL, ""),
        ("U8", "weight.absmax", Axis.NONE, "packed"),
        ("I8", "SCB", Axis.NONE, "packed"),
        ("I8", "nothing", Axis.NONE, "integer"),
        ("F4", "nothing", Axis.NONE, "packed"),
        ("C64", "nothing", Axis.NONE, "computed"),
        ("BF16", "weight_scale", Axis.RESIDUAL, ""),
    ],
)
def test_stored_types(dtype: str, beside: str, axis: Axis, reason: str) -> None:
    """8-bit floats are weights, whole numbers are not, and those with a scale beside them are packed weights."""
    tensors = [tensor(f"model.{name}", *shape) for name, shape in decoders.llama((0,)).items()]
    stored = tensor("model.layers.1.self_attn.q_proj.weight", QUERY, HIDDEN, dtype=dtype)
    scale = tensor(f"model.layers.1.self_attn.q_proj.{beside}", 6)
    part = next(part for part in place([*tensors, stored, scale], {}).parts if part.tensor == stored.name)
    assert (part.role, part.axis, part.reason) == ("q", axis, reason)


NAMES = st.one_of(
    st.text(max_size=12),
    st.lists(
        st.sampled_from(
            [
                *("layers", "model", "visual", "mlp", "self_attn", "q_proj", "qkv", "attn", "blocks", "norm", "weight"),
                *("bias", "0", "1", "2", "mtp", "merger", "experts", "gate_up_proj", "embed_tokens", "weight_hh_l0"),
                "",
            ]
        ),
        min_size=1,
        max_size=7,
    ).map(".".join),
)
SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 32, 33, 64]), max_size=5).filter(lambda shape: np.prod(shape) < 2**16)
CONFIGS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda inner: st.dictionaries(
        st.sampled_from(["text_config", "num_attention_heads", "head_dim", "num_hidden_layers", "model_type"]), inner
    ),
)


@given(st.dictionaries(NAMES, SHAPES, max_size=12), CONFIGS)
def test_anything_can_be_placed(shapes: dict[str, list[int]], config: object) -> None:
    """Whatever names, shapes and config there are: no crash, and every value lies in exactly one part."""
    tensors = [tensor(name, *shape) for name, shape in shapes.items()]
    anatomy = place(tensors, config if isinstance(config, dict) else {})
    if shapes:
        assert_every_value_once(shapes, anatomy)
    assert len({component.name for component in anatomy.components}) == len(anatomy.components)
    assert all(bool(part.reason) == (part.axis is Axis.NONE) for part in anatomy.parts)
    assert [part.tensor for part in anatomy.parts] == sorted(
        (part.tensor for part in anatomy.parts), key=list(shapes).index
    )


def test_hostile_names() -> None:
    """Names of ten thousand characters, without letters or with thousands of segments are placed like others."""
    names = ["x" * 10_000, "1." * 5_000, "9" * 10_000, "a_" * 5_000, "model.layers." * 700 + "weight", "\x00\ud800"]
    anatomy = place([tensor(name, 40, 40) for name in names], {})
    assert [part.tensor for part in anatomy.parts] == names
