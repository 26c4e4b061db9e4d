"""Names between their dots: segments, numbers, ways to read them, and the words that say what a tensor is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.anatomy import Kind
from independence_audit.anatomy.tensor_names import Reading, is_number, readings, split_name, template, words

SEGMENTS = st.lists(
    st.one_of(
        st.sampled_from(["layers", "0", "12", "weight", "bias", "scales", "weight_scale", ""]), st.text(max_size=5)
    ),
    min_size=1,
    max_size=6,
)


def test_dots_and_slashes_separate() -> None:
    """Names of either convention have the same segments; nothing is dropped, not even nothing."""
    assert split_name("model/layers/0/kernel") == split_name("model.layers.0.kernel")
    assert split_name("..a") == ("", "", "a")
    assert split_name("") == ("",)


@pytest.mark.parametrize(
    ("segment", "number"),
    [
        ("0", True),
        ("007", True),
        ("123456789", True),
        ("1234567890", False),
        ("", False),
        ("-1", False),
        ("1.0", False),
        ("²", False),
        ("\u0661", False),
        ("1_0", False),
        (" 1", False),
    ],
)
def test_numbers_that_count(segment: str, number: bool) -> None:  # noqa: FBT001  a case's parameter
    """A few plain digits count layers; signs, other scripts and long numbers do not."""
    assert is_number(segment) == number
    assert template(("layers", segment)) == ("layers", "#" if number else segment)


@given(SEGMENTS)
def test_every_reading_is_the_beginning_of_its_name(segments: list[str]) -> None:
    """The whole name comes first; the others leave out its end, all of the same segments before it."""
    found = list(readings(tuple(segments), words()))
    assert found[0] == Reading(tuple(segments))
    for reading in found[1:]:
        assert len(reading.stem) <= len(segments)
        assert reading.stem[:-1] == tuple(segments)[: len(reading.stem) - 1]
        assert reading.suffix or segments[-1] == "weight"


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("mlp.up.weight", Reading(("mlp", "up"))),
        ("mlp.up.bias", Reading(("mlp", "up"), "bias")),
        ("mlp.up.qweight", Reading(("mlp", "up"), "qweight", packed=True)),
        ("mlp.up.weight_scale_inv", Reading(("mlp", "up"), "weight_scale_inv", packed=True)),
        ("mlp.up.weight.absmax", Reading(("mlp", "up"), "absmax", packed=True)),
        ("experts.up_proj_blocks", Reading(("experts", "up_proj"), "blocks", packed=True)),
    ],
)
def test_what_a_tensor_is_of_the_module_it_names(name: str, reading: Reading) -> None:
    """Weight, bias, or one of the tensors that a quantiser stores."""
    assert reading in list(readings(split_name(name), words()))


def test_the_strongest_word_at_the_beginning_tells_the_kind() -> None:
    """A projector of vision projects; words count whole, in the first three segments, wherever a hyphen parts them."""
    region = words().region
    assert region(("model", "vision_projector", "0")) == (Kind.PROJECTOR, 2)
    assert region(("visual", "merger")) == (Kind.PROJECTOR, 2)
    assert region(("audio-tower", "visual")) == (Kind.VISION_ENCODER, 2)
    assert region(("a", "b", "c", "visual")) is None
    assert region(("television", "provision")) is None
    assert region(()) is None
    assert region(("x" * 10_000_000, "visual")) == (Kind.VISION_ENCODER, 2)


def test_ends_of_quantisers_and_of_buffers() -> None:
    """A quantiser's tensors and computed ones are known by their last segments; plain biases are neither."""
    assert words().is_packed(("mlp", "up", "weight", "absmax"))
    assert not words().is_packed(("absmax",))
    assert not words().is_packed(("mlp", "biases"))
    assert not words().is_packed(())
    assert words().is_buffer(("rotary", "inv_freq"))
    assert not words().is_buffer(("inv_freq", "weight"))
    assert not words().is_buffer(())


def test_the_data_file_is_read_once() -> None:
    """The words are parsed once for a process, not once for a checkpoint."""
    assert words() is words()
