"""One table under every prefix: towers and decoders have their place wherever they stand, and are named after it."""

from __future__ import annotations

import pytest

from independence_audit.anatomy import Anatomy, Kind, LastPlaced, place
from independence_audit.anatomy.place import Site, Sites
from tests.anatomy import decoders
from tests.anatomy.decoders import HIDDEN, VOCABULARY, Shapes, prefixed
from tests.anatomy.gather import assert_every_value_once, numbered, place_arrays, tensor

MLP_OF_PROJECTOR = 100

VISION = [
    "visual.",
    "model.visual.",
    "model.vision_model.",
    "thinker.visual.",
    "vision_tower.vision_model.",
    "odd.place.",
]
AUDIO = [
    "model.encoder.",
    "audio_tower.",
    "model.audio_tower.",
    "model.audio_model.",
    "thinker.audio_tower.",
    "odd.place.",
]
TEXT = [
    "model.",
    "model.language_model.",
    "model.language_model.model.",
    "language_model.model.",
    "thinker.model.",
    "module.model.",
    "odd.place.",
]


def roles(anatomy: Anatomy, kind: Kind) -> list[tuple[object, ...]]:
    """Everything about the parts of one kind of component except names."""
    names = {component.name for component in anatomy.components if component.kind is kind}
    return [
        (part.layer, part.role, part.expert, part.view, part.axis, part.reason)
        for part in anatomy.parts
        if part.component in names
    ]


def placed(shapes: Shapes) -> Anatomy:
    """The anatomy of shapes, which holds every value once."""
    anatomy = place_arrays(numbered(shapes))
    assert_every_value_once(shapes, anatomy)
    return anatomy


@pytest.mark.parametrize("prefix", VISION)
def test_vision_tower_under_any_prefix(prefix: str) -> None:
    """A vision tower and its merger are two components with the same roles under every prefix."""
    bare, found = placed(decoders.qwen_vision()), placed(prefixed(prefix, decoders.qwen_vision()))
    for kind in (Kind.VISION_ENCODER, Kind.PROJECTOR):
        assert roles(found, kind) == roles(bare, kind)
    assert {(each.name, each.family) for each in found.components} == {
        (prefix[:-1], "qwen2_5_vl_vision"),
        (prefix + "merger", "qwen_merger"),
    }
    assert {each.name for each in bare.components} == {"vision_encoder", "merger"}


@pytest.mark.parametrize("prefix", AUDIO)
def test_audio_tower_under_any_prefix(prefix: str) -> None:
    """Whisper's encoder is an audio encoder with fixed positions under every prefix."""
    bare, found = placed(decoders.whisper()), placed(prefixed(prefix, decoders.whisper()))
    assert roles(found, Kind.AUDIO_ENCODER) == roles(bare, Kind.AUDIO_ENCODER)
    assert [(each.name, each.fixed_positions) for each in found.components] == [(prefix[:-1], True)]
    assert [each.name for each in bare.components] == ["audio_encoder"]


@pytest.mark.parametrize("prefix", TEXT)
@pytest.mark.parametrize("head", ["lm_head.weight", "beside"])
def test_decoder_under_any_prefix(prefix: str, head: str) -> None:
    """A decoder's head belongs to it wherever it stands, at the top or beside the decoder."""
    before = "" if head == "lm_head.weight" else prefix[:-1].rpartition(".")[0] + "."
    name = f"{before.lstrip('.')}lm_head.weight"
    found = placed({**prefixed(prefix, decoders.llama()), name: (VOCABULARY, HIDDEN)})
    bare = placed({**decoders.llama(), "lm_head.weight": (VOCABULARY, HIDDEN)})
    assert [(each.name, each.kind, each.family) for each in found.components] == [
        (prefix[:-1], Kind.TEXT_DECODER, "llama")
    ]
    assert roles(found, Kind.TEXT_DECODER) == roles(bare, Kind.TEXT_DECODER)
    assert [each.name for each in bare.components] == ["text_decoder"]


def test_an_omni_model_is_taken_apart() -> None:
    """HyperCLOVA X's names: every part is a component of its own kind, whatever names its tensors bear."""
    tower = {name: shape for name, shape in decoders.qwen_vision().items() if not name.startswith("merger.")}
    shapes = {
        **prefixed("model.language_model.model.", decoders.llama()),
        "model.language_model.lm_head.weight": (VOCABULARY, HIDDEN),
        **prefixed("model.vision_model.", tower),
        "model.mm_projector.weight": (HIDDEN, HIDDEN),
        "model.mm_projector.bias": (HIDDEN,),
        **prefixed("model.audio_model.", decoders.whisper()),
        "model.audio_projector.linear_1.weight": (MLP_OF_PROJECTOR, HIDDEN),
        "model.audio_projector.linear_2.weight": (HIDDEN, MLP_OF_PROJECTOR),
        **prefixed("model.discrete_vision_model.", tower),
        **prefixed("model.discrete_audio_model.model.", decoders.llama()),
        "model.video_audio_compressor.query.weight": (HIDDEN, HIDDEN),
    }
    found = placed(shapes)
    assert {each.name: each.kind for each in found.components} == {
        "model.language_model.model": Kind.TEXT_DECODER,
        "model.vision_model": Kind.VISION_ENCODER,
        "model.mm_projector": Kind.PROJECTOR,
        "model.audio_model": Kind.AUDIO_ENCODER,
        "model.audio_projector": Kind.PROJECTOR,
        "model.discrete_vision_model": Kind.GENERATOR,
        "model.discrete_audio_model.model": Kind.GENERATOR,
        "model.video_audio_compressor": Kind.COMPRESSOR,
    }
    assert {each.name: each.family for each in found.components}["model.video_audio_compressor"] == "unknown"


def test_a_decoder_that_encodes_images_is_a_vision_encoder() -> None:
    """A decoder's names under a prefix that speaks of vision are those of a vision encoder."""
    found = placed(prefixed("vision_tower.", decoders.llama()))
    assert [each.kind for each in found.components] == [Kind.VISION_ENCODER]


def test_a_bare_encoder_beside_a_decoder() -> None:
    """An audio encoder without a prefix and a decoder with one do not take each other's tensors."""
    found = placed({**prefixed("model.", decoders.llama()), **decoders.whisper()})
    assert {each.name: each.kind for each in found.components} == {
        "model": Kind.TEXT_DECODER,
        "audio_encoder": Kind.AUDIO_ENCODER,
    }
    assert roles(found, Kind.AUDIO_ENCODER) == roles(placed(decoders.whisper()), Kind.AUDIO_ENCODER)


def test_two_components_of_one_prefix_have_two_names() -> None:
    """Two towers under one prefix are told apart by their families' names."""
    both = {**decoders.whisper(), **decoders.qwen_vision()}
    found = placed(prefixed("tower.", both))
    assert {each.name: each.kind for each in found.components} == {
        "tower": Kind.AUDIO_ENCODER,
        "tower.qwen2_5_vl_vision": Kind.VISION_ENCODER,
        "tower.merger": Kind.PROJECTOR,
    }


def test_a_tensor_named_like_a_component() -> None:
    """A tensor whose whole name is a component's prefix belongs to it."""
    found = placed({**prefixed("tower.", decoders.whisper()), "tower": (HIDDEN, HIDDEN)})
    assert [(part.component, part.role) for part in found.parts][-1] == ("tower", "generic:")


def test_unknown_tensors_stand_beside_known_ones() -> None:
    """Tensors without a table join the component among whose tensors they stand, or the one their name speaks of."""
    shapes = {
        **prefixed("model.", decoders.llama()),
        "model.layers.1.self_attn.novelty.weight": (HIDDEN, HIDDEN),
        "model.novelty.weight": (HIDDEN, HIDDEN),
        "vision_thing.blocks.3.mystery.weight": (HIDDEN, HIDDEN),
        "novelty.weight": (HIDDEN, HIDDEN),
    }
    found = placed(shapes)
    unknown = [(part.component, part.layer, part.role) for part in found.parts if part.role.startswith("generic:")]
    assert unknown == [
        ("model", 1, "generic:layers.self_attn.novelty.weight"),
        ("model", None, "generic:novelty.weight"),
        ("vision_thing", 3, "generic:blocks.mystery.weight"),
        ("other", None, "generic:novelty.weight"),
    ]
    assert {each.name: (each.kind, each.family) for each in found.components} == {
        "model": (Kind.TEXT_DECODER, "llama"),
        "vision_thing": (Kind.VISION_ENCODER, "unknown"),
        "other": (Kind.OTHER, "unknown"),
    }


def test_a_tower_deeper_than_the_decoder_has_no_further_prediction() -> None:
    """Layers behind the decoder's last are further prediction in a decoder only."""
    shapes = {
        "attn.qkv.weight": (384, 128),
        "attn.proj.weight": (128, 128),
        "norm1.weight": (128,),
        "norm2.weight": (128,),
        "mlp.gate_proj.weight": (192, 128),
        "mlp.up_proj.weight": (192, 128),
        "mlp.down_proj.weight": (128, 192),
    }
    tower = [tensor(f"visual.blocks.{layer}.{name}", *shape) for layer in range(3) for name, shape in shapes.items()]
    anatomy = place(tower, {"num_hidden_layers": 2, "text_config": {"num_hidden_layers": 2}})
    assert {part.layer for part in anatomy.parts} == {0, 1, 2}
    assert not [part.role for part in anatomy.parts if part.role.startswith("mtp.")]


def test_components_stand_in_the_order_of_their_first_tensors() -> None:
    """Parts are in file order, whatever component they belong to; a component begins where its first tensor does."""
    decoder, tower = prefixed("model.", decoders.llama((0,))), prefixed("visual.", decoders.whisper())
    mixed = dict(pair for pairs in zip(tower.items(), decoder.items(), strict=False) for pair in pairs)
    found = place([tensor(name, *shape) for name, shape in (mixed | decoder | tower).items()], {})
    assert [each.name for each in found.components] == ["visual", "model"]
    assert [part.tensor for part in found.parts] == list(mixed | decoder | tower)


def test_a_checkpoint_without_tensors_has_no_components() -> None:
    """Nothing is no component of no values."""
    assert place([], {}) == Anatomy((), ())


def test_tensors_that_come_again_are_placed_once() -> None:
    """Equal tensors under an equal config give the very same anatomy; another config or tensor gives its own."""
    last = LastPlaced()
    tensors = [tensor(name, *shape) for name, shape in prefixed("model.", decoders.llama()).items()]
    first = last(tensors, {})
    assert first == place(tensors, {})
    assert last(iter(list(tensors)), {}) is first
    ahead = last(tensors, {"num_hidden_layers": 1})
    assert ahead == place(tensors, {"num_hidden_layers": 1}) != first
    assert len(last(tensors[:-1], {}).parts) == len(first.parts) - 1


def test_an_unknown_name_belongs_where_it_stands_deepest() -> None:
    """Among a component's own tensors, the deeper before the outer; else where a word puts it; else below a prefix."""
    outer = Site("model", Kind.TEXT_DECODER, "llama", ("model",))
    inner = Site("model.visual", Kind.VISION_ENCODER, "qwen2_vision", ("model", "visual"))
    begins = {"model": frozenset({"layers", "visual"}), "model.visual": frozenset({"blocks"})}
    sites = Sites((outer, inner), begins)
    assert sites.of_unknown("model.visual.blocks.3.odd") == (inner, ("blocks", "3", "odd"))
    assert sites.of_unknown("model.visual.odd.weight") == (outer, ("visual", "odd", "weight"))
    assert sites.of_unknown("model.layers.3.odd") == (outer, ("layers", "3", "odd"))
    assert sites.of_unknown("model.odd.weight") == (outer, ("odd", "weight"))
    site, rest = sites.of_unknown("model.projector.odd.weight")
    assert (site.name, site.kind, rest) == ("model.projector", Kind.PROJECTOR, ("odd", "weight"))
    site, rest = sites.of_unknown("odd.weight")
    assert (site.name, site.kind, rest) == (Kind.OTHER.value, Kind.OTHER, ("odd", "weight"))
