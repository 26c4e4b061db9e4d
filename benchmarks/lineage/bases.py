"""The base models of the lineage benchmark: what is trained, from which draw, on which text, under whose names.

Two bases are independent where neither their ``draw`` nor their ``ancestor`` agrees. The names are those of the
families' releases; the weights are always the benchmark's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.lineage.tokens import HELP, SOURCES, VOCABULARY
from examples.training.decoder import DecoderConfig

DENSE = DecoderConfig(layers=5, units=512, vocabulary=VOCABULARY)
WIDER_HEADS = replace(DENSE, layers=4, heads=2, key_value_heads=1, head_size=64, units=640)
MOE = replace(DENSE, layers=4, dense_layers=1)
SOLAR = replace(MOE, dense_layers=0)
LATENT_MOE = replace(MOE, layers=4, latent=True)

EIGHTHS = tuple(range(0, 281, 40))
"""Steps at which some runs are saved: step 0, then every fortieth."""
SIGHT, HEARING = 500, 200
"""Steps that the towers take to learn their task; digits in all colours take longer than vowels."""


@dataclass(frozen=True, slots=True)
class Base:
    """One training run from a draw of its own.

    Attributes:
        name: Its folder's name.
        family: Whose tensor names it bears: ``model_type`` of its config, or a tower's.
        draw: Seed of the initial weights.
        order: Seed of the order of its data.
        config: A decoder's shape; None for a tower.
        text: Which text a decoder reads.
        steps: How long it is trained.
        saves: Steps at which a float32 checkpoint is kept, 0 for the initial draw (``build/lineage/steps/NAME/STEP``).
        depth: Layers of a tower.
        units: MLP units of a tower.
        ancestor: The base it was grown from.
    """

    name: str
    family: str
    draw: int
    order: int
    config: DecoderConfig | None = None
    text: str = SOURCES
    steps: int = 280
    saves: tuple[int, ...] = ()
    depth: int = 4
    units: int = 512
    ancestor: str | None = None


def _dense(name: str, seed: int, saves: tuple[int, ...] = ()) -> Base:
    return Base(name, "llama", seed, seed, DENSE, saves=saves)


BASES = (
    _dense("dense_1", 1001, saves=EIGHTHS),
    _dense("dense_2", 1002, saves=EIGHTHS),
    _dense("dense_3", 1003),
    Base("vision_1", "qwen2_5_vl", 1201, 1201, steps=SIGHT, saves=(0,)),
    Base("audio_1", "qwen2_audio", 1301, 1301, steps=HEARING, saves=(0,)),
    Base("moe_glm", "glm4_moe", 1101, 1101, replace(MOE, attention_bias=True), saves=(0,)),
    _dense("dense_4", 1004),
    _dense("dense_5", 1005),
    _dense("dense_6", 1006),
    Base("dense_1_same_draw", "llama", 1001, 1051, DENSE, saves=(0,)),
    Base("dense_2_same_draw_other_data", "llama", 1002, 1052, DENSE, text=HELP, saves=(0,)),
    Base("moe_solar", "solar_open", 1102, 1102, SOLAR),
    Base("vision_2", "qwen2_5_vl", 1202, 1202, steps=SIGHT),
    Base("vision_3", "qwen2_5_vl", 1203, 1203, steps=SIGHT),
    Base("audio_2", "qwen2_audio", 1302, 1302, steps=HEARING),
    Base("audio_3", "qwen2_audio", 1303, 1303, steps=HEARING),
    Base("plain_1", "qwen2_vl", 1211, 1211, steps=SIGHT),
    Base("plain_2", "qwen2_vl", 1212, 1212, steps=SIGHT),
    Base("plain_3", "qwen2_vl", 1213, 1213, steps=SIGHT),
    Base("tri", "tri", 1401, 1401, WIDER_HEADS),
    Base("exaone_moe", "exaone_moe", 1402, 1402, replace(MOE, query_key_norm=True)),
    Base("axk1", "axk1", 1403, 1403, replace(LATENT_MOE, post_mlp_norm=True)),
    Base("deepseek_v3", "deepseek_v3", 1404, 1404, LATENT_MOE),
    Base("vaetki", "vaetki", 1405, 1405, replace(LATENT_MOE, post_norm=True)),
    Base("motif_small", "motif", 1406, 1406, replace(LATENT_MOE, dense_layers=0, output_gate=True)),
    Base(
        "motif_grown",
        "motif",
        1407,
        1407,
        replace(LATENT_MOE, dense_layers=0, output_gate=True, width=256),
        steps=120,
        ancestor="motif_small",
    ),
    Base("moe_solar_same_draw", "solar_open", 1102, 1152, SOLAR),
    *(_dense(f"dense_{number}", 1000 + number) for number in range(7, 13)),
    *(Base(f"moe_solar_{number}", "solar_open", 1110 + number, 1110 + number, SOLAR) for number in range(2, 5)),
)


def base(name: str) -> Base:
    """A base by its name."""
    return next(one for one in BASES if one.name == name)


def related(first: Base, second: Base) -> str | None:
    """What two bases share: ``draw``, ``ancestor``, or nothing (None)."""
    if first.ancestor == second.name or second.ancestor == first.name:
        return "ancestor"
    return "draw" if first.draw == second.draw else None
