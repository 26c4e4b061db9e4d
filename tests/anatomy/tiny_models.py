"""Tiny random models of many families, built and saved by the transformers library, with the roles they should have.

Widths are chosen so that no two sizes that mean different things agree by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.numpy import load_file
from transformers.utils import logging

from tests.anatomy.gather import Array

TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "head_dim": 10,
    "vocab_size": 150,
    "max_position_embeddings": 70,
    "tie_word_embeddings": False,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
MOE: dict[str, Any] = {
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 36,
    "shared_expert_intermediate_size": 48,
    "n_shared_experts": 1,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "decoder_sparse_step": 1,
}
MLA: dict[str, Any] = {
    "q_lora_rank": 24,
    "kv_lora_rank": 20,
    "qk_rope_head_dim": 6,
    "qk_nope_head_dim": 10,
    "v_head_dim": 12,
    "num_key_value_heads": 8,
}
ROPE: dict[str, Any] = {"rope_type": "default", "mrope_section": [2, 2, 1], "rope_theta": 10000.0}
QWEN_VISION: dict[str, Any] = {
    "hidden_size": 64,
    "embed_dim": 64,
    "depth": 2,
    "num_heads": 4,
    "intermediate_size": 96,
    "out_hidden_size": 64,
    "patch_size": 14,
    "num_position_embeddings": 16,
    "deepstack_visual_indexes": [0, 1],
}
WHISPER: dict[str, Any] = {
    "d_model": 64,
    "encoder_layers": 2,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 96,
    "num_mel_bins": 16,
    "max_source_positions": 34,
    "output_dim": 72,
    "downsample_hidden_size": 32,
}
VIT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
    "projection_dim": 32,
    "mlp_ratio": 2,
}
CLIP_TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 150,
    "max_position_embeddings": 18,
    "projection_dim": 32,
    "bos_token_id": 1,
    "eos_token_id": 2,
}

# Roles, in groups: those beside the blocks, and those of every block.
ENDS = "embed final_norm head"
PRE = "attn_norm mlp_norm"
POST = "post_attn_norm post_mlp_norm"
QKVO = "q k v o"
QKV_BIAS = "q.bias k.bias v.bias"
QK_NORM = "q_norm k_norm"
GLU = "gate up down"
GLU_BIAS = "gate.bias up.bias down.bias"
FC = "fc1 fc1.bias fc2 fc2.bias"
EXPERTS = "router expert.gate expert.up expert.down"
SHARED = "shared_expert.gate shared_expert.up shared_expert.down"
LATENT = "q_a q_a_norm q_b kv_a kv_a_norm kv_b o"
BIASED_PRE = f"{PRE} attn_norm.bias mlp_norm.bias"
BIASED_QKVO = f"{QKVO} {QKV_BIAS} o.bias"
BIASED_FINAL = "final_norm final_norm.bias"
VIT_BLOCK = f"{BIASED_PRE} {BIASED_QKVO} {FC}"
GLU_TOWER_BLOCK = f"{PRE} {BIASED_QKVO} {GLU} {GLU_BIAS}"
WHISPER_BLOCK = f"{BIASED_PRE} {QKVO} q.bias v.bias o.bias {FC}"
WHISPER_ENDS = f"conv1 conv1.bias conv2 conv2.bias {BIASED_FINAL}"
CROSS = "cross.q cross.k cross.v cross.o cross.q.bias cross.v.bias cross.o.bias cross_norm cross_norm.bias"
MERGER = "merger.norm merger.fc1 merger.fc1.bias merger.fc2 merger.fc2.bias"
POOL = (
    "pool.query pool.q pool.k pool.v pool.q.bias pool.k.bias pool.v.bias pool.o pool.o.bias pool.mlp_norm"
    " pool.mlp_norm.bias pool.fc1 pool.fc1.bias pool.fc2 pool.fc2.bias"
)
CLIP_ENDS = f"class_token patch position pre_norm pre_norm.bias {BIASED_FINAL}"
SIGLIP_ENDS = f"patch patch.bias position {BIASED_FINAL} {POOL}"


@dataclass(frozen=True)
class Expected:
    """A component as it should be found.

    Attributes:
        kind: Its kind.
        family: Its family, as told by names and config.
        ends: Roles beside the blocks.
        blocks: Roles of the blocks, layer by layer; the last entry holds for all further layers.
    """

    kind: str
    family: str
    ends: str
    blocks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tiny:
    """A tiny model: how it is made, and what should be found under which prefix of its saved names."""

    make: Callable[[], Any]
    components: Mapping[str, Expected]


@dataclass(frozen=True)
class Saved:
    """A tiny model as it was saved, and the same values under the names they have in memory.

    No value occurs twice in a model, except where the library ties tensors.
    """

    config: Mapping[str, Any]
    hub: Mapping[str, Array]
    memory: Mapping[str, Array]


def save(make: Callable[[], Any], folder: Path) -> Saved:
    """Build a model with distinct values and save it."""
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    model = make()
    start = 0
    with torch.no_grad():
        for value in model.state_dict().values():
            value.copy_(torch.arange(start, start + value.numel(), dtype=torch.float32).reshape(value.shape))
            start += value.numel()
    assert start < 2**24, "float32 counts no further"
    model.save_pretrained(folder)
    memory = {name: value.numpy() for name, value in model.state_dict().items()}
    return Saved(model.config.to_dict(), load_file(folder / "model.safetensors"), memory)


def _config(model_type: str, **settings: Any) -> Any:
    return transformers.AutoConfig.for_model(model_type, **settings)


def _decoder(model_type: str, family: str, *blocks: str, ends: str = ENDS, **settings: Any) -> Tiny:
    def make() -> Any:
        return transformers.AutoModelForCausalLM.from_config(_config(model_type, **{**TEXT, **settings}))

    prefix = {"gpt2": "transformer", "falcon": "transformer", "bloom": "transformer", "gpt_neox": "gpt_neox"}
    name = prefix.get(model_type, "model.decoder" if model_type == "opt" else "model")
    return Tiny(make, {name: Expected("text_decoder", family, ends, blocks)})


def _qwen_vl(model_type: str, class_name: str, components: Mapping[str, Expected]) -> Tiny:
    def make() -> Any:
        text = {**TEXT, **MOE, "rope_parameters": ROPE, "rope_scaling": ROPE}
        config = _config(model_type, text_config=text, vision_config=QWEN_VISION, tie_word_embeddings=False)
        return getattr(transformers, class_name)(config)

    return Tiny(make, components)


def _whole(class_name: str, config: Callable[[], Any], components: Mapping[str, Expected]) -> Tiny:
    return Tiny(lambda: getattr(transformers, class_name)(config()), components)


def _omni() -> Any:
    dit = {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "head_dim": 16,
        "ff_mult": 2,
        "emb_dim": 32,
        "num_embeds": 66,
        "mel_dim": 16,
        "enc_dim": 32,
        "enc_emb_dim": 16,
        "enc_channels": [16, 16, 16, 16, 48],
        "enc_attention_channels": 16,
        "enc_res2net_scale": 2,
        "enc_se_channels": 16,
    }
    vocoder = {
        "mel_dim": 16,
        "upsample_initial_channel": 32,
        "upsample_rates": [2, 2],
        "upsample_kernel_sizes": [4, 4],
    }
    talker = {**TEXT, "head_dim": 8, "rope_parameters": {**ROPE, "mrope_section": [1, 1, 2]}, "embedding_size": 64}
    special = ("text_start", "text_end", "text_pad", "codec_start", "codec_end", "codec_pad", "codec_mask")
    talker |= {f"tts_{name}_token_id": 3 for name in special}
    talker |= {f"{name}_token_id": 3 for name in ("vision_start", "vision_end", "audio_start", "audio_end")}
    return transformers.Qwen2_5OmniConfig(
        thinker_config={
            "audio_config": WHISPER,
            "vision_config": QWEN_VISION,
            "text_config": {**TEXT, "head_dim": 8, "rope_parameters": {**ROPE, "mrope_section": [1, 1, 2]}},
        },
        talker_config=talker,
        token2wav_config={"dit_config": dit, "bigvgan_config": vocoder},
        enable_audio_output=True,
    )


QWEN2 = Expected("text_decoder", "qwen2", ENDS, (f"{PRE} {QKVO} {QKV_BIAS} {GLU}",))
QWEN2_VISION = Expected("vision_encoder", "qwen2_vl_vision", "patch", (VIT_BLOCK,))
QWEN2_5_VISION = Expected("vision_encoder", "qwen2_5_vl_vision", "patch", (GLU_TOWER_BLOCK,))
QWEN2_5_OMNI_VISION = Expected("vision_encoder", "qwen2_5_omni_vision", "patch", (GLU_TOWER_BLOCK,))
QWEN3_VISION = Expected("vision_encoder", "qwen3_vl_vision", "patch patch.bias position", (VIT_BLOCK,))
QWEN_MERGER = Expected("projector", "qwen_merger", MERGER)
BIASED_QWEN_MERGER = Expected("projector", "qwen_merger", f"{MERGER} merger.norm.bias")
DEEPSTACK = Expected("projector", "qwen_deepstack_merger", "", (f"{MERGER} merger.norm.bias",))
WHISPER_TOWER = Expected("audio_encoder", "whisper_encoder", f"{WHISPER_ENDS} position", (WHISPER_BLOCK,))
OMNI_AUDIO = Expected(
    "audio_encoder", "qwen2_5_omni_audio", f"{WHISPER_ENDS} proj proj.bias boundary", (WHISPER_BLOCK,)
)
LLAVA_PROJECTOR = Expected("projector", "projector", "merger.fc1 merger.fc1.bias merger.fc2 merger.fc2.bias")
CLIP_TOWER = Expected("vision_encoder", "clip_vision", CLIP_ENDS, (VIT_BLOCK,))
SIGLIP_TOWER = Expected("vision_encoder", "siglip_vision", SIGLIP_ENDS, (VIT_BLOCK,))
LLAMA_BLOCK = f"{PRE} {QKVO} {GLU}"
DINO_BLOCK = f"{BIASED_PRE} {BIASED_QKVO} layer_scale1 layer_scale2"
BERT_BLOCK = f"{POST} post_attn_norm.bias post_mlp_norm.bias {BIASED_QKVO} {FC}"
BERT_ENDS = "embed position token_type embed_norm embed_norm.bias"
DINO_ENDS = f"class_token mask_token patch patch.bias position {BIASED_FINAL}"

MODELS: dict[str, Tiny] = {
    "llama": _decoder("llama", "llama", LLAMA_BLOCK),
    "mistral": _decoder("mistral", "mistral", LLAMA_BLOCK),
    "qwen2": _decoder("qwen2", "qwen2", f"{PRE} {QKVO} {QKV_BIAS} {GLU}"),
    "qwen3": _decoder("qwen3", "qwen3", f"{LLAMA_BLOCK} {QK_NORM}"),
    "gemma2": _decoder("gemma2", "gemma2", f"{LLAMA_BLOCK} {POST}"),
    "gemma3_text": _decoder("gemma3_text", "gemma3", f"{LLAMA_BLOCK} {POST} {QK_NORM}"),
    "glm4": _decoder("glm4", "glm4", f"{LLAMA_BLOCK} {QKV_BIAS} {POST}", attention_bias=True),
    "exaone4": _decoder("exaone4", "exaone4", f"{POST} {QKVO} {QK_NORM} {GLU}"),
    "olmo2": _decoder("olmo2", "olmo2", f"{POST} {QKVO} {QK_NORM} {GLU}"),
    "phi3": _decoder("phi3", "phi3", LLAMA_BLOCK, head_dim=8),
    "hyperclovax": _decoder("hyperclovax", "hyperclovax", f"{LLAMA_BLOCK} {POST}", use_post_norm=True),
    "starcoder2": _decoder(
        "starcoder2", "llama", f"{BIASED_PRE} {BIASED_QKVO} {FC}", ends=f"{ENDS} final_norm.bias", head_dim=8
    ),
    "cohere": _decoder("cohere", "llama", f"attn_norm {QKVO} {GLU}"),
    "qwen3_moe": _decoder("qwen3_moe", "qwen3_moe", f"{PRE} {QKVO} {QK_NORM} {EXPERTS}", **MOE),
    "qwen2_moe": _decoder(
        "qwen2_moe", "qwen2_moe", f"{PRE} {QKVO} {QKV_BIAS} {EXPERTS} {SHARED} shared_expert_gate", **MOE
    ),
    "mixtral": _decoder("mixtral", "mixtral", f"{PRE} {QKVO} {EXPERTS}", **MOE),
    "phimoe": _decoder(
        "phimoe",
        "phimoe",
        f"{BIASED_PRE} {BIASED_QKVO} {EXPERTS}",
        ends=f"{ENDS} final_norm.bias head.bias",
        attention_bias=True,
        lm_head_bias=True,
        **MOE,
    ),
    "glm4_moe": _decoder(
        "glm4_moe",
        "glm4_moe",
        f"{LLAMA_BLOCK} {QKV_BIAS}",
        f"{PRE} {QKVO} {QKV_BIAS} {EXPERTS} router.bias {SHARED}",
        attention_bias=True,
        **MOE,
    ),
    "solar_open": _decoder("solar_open", "solar_open", f"{PRE} {QKVO} {EXPERTS} router.bias {SHARED}", **MOE),
    "exaone_moe": _decoder(
        "exaone_moe",
        "exaone_moe",
        f"{LLAMA_BLOCK} {QK_NORM}",
        f"{PRE} {QKVO} {QK_NORM} {EXPERTS} router.bias {SHARED}",
        **MOE,
    ),
    "deepseek_v2": _decoder(
        "deepseek_v2", "deepseek_v2", f"{PRE} {LATENT} {GLU}", f"{PRE} {LATENT} {EXPERTS} {SHARED}", **MOE, **MLA
    ),
    "deepseek_v3": _decoder(
        "deepseek_v3",
        "deepseek_v3",
        f"{PRE} {LATENT} {GLU}",
        f"{PRE} {LATENT} {EXPERTS} router.bias {SHARED}",
        **MOE,
        **MLA,
    ),
    "axk1": _decoder(
        "axk1",
        "axk1",
        f"{PRE} {LATENT} {GLU}",
        f"{PRE} {LATENT} {EXPERTS} router.bias {SHARED} post_mlp_norm",
        **MOE,
        **MLA,
    ),
    "gpt_oss": _decoder(
        "gpt_oss",
        "gpt_oss",
        f"{PRE} {BIASED_QKVO} sinks {EXPERTS} router.bias expert.gate.bias expert.up.bias expert.down.bias",
        **{**MOE, "intermediate_size": 64},
    ),
    "gpt2": _decoder(
        "gpt2", "gpt2", VIT_BLOCK, ends=f"{ENDS} final_norm.bias position", n_embd=64, n_layer=2, n_head=8
    ),
    "gpt_neox": _decoder("gpt_neox", "gpt_neox", VIT_BLOCK, ends=f"{ENDS} final_norm.bias"),
    "bloom": _decoder(
        "bloom", "bloom", VIT_BLOCK, ends=f"{ENDS} final_norm.bias embed_norm embed_norm.bias", n_layer=2, n_head=8
    ),
    "opt": _decoder("opt", "opt", VIT_BLOCK, ends=f"{ENDS} final_norm.bias position", ffn_dim=96),
    "falcon": Tiny(
        lambda: transformers.AutoModelForCausalLM.from_config(
            _config(
                "falcon",
                **{key: value for key, value in TEXT.items() if key != "head_dim"},
                num_kv_heads=2,
                new_decoder_architecture=True,
            )
        ),
        {
            "transformer": Expected(
                "text_decoder", "falcon", f"{ENDS} final_norm.bias", (f"{BIASED_PRE} {QKVO} fc1 fc2",)
            )
        },
    ),
    "bert": _whole(
        "BertModel",
        lambda: _config("bert", **TEXT),
        {"other": Expected("other", "bert", f"{BERT_ENDS} pooler pooler.bias", (BERT_BLOCK,))},
    ),
    "roberta": _whole(
        "RobertaForMaskedLM",
        lambda: _config("roberta", **TEXT),
        {
            "roberta": Expected(
                "other",
                "bert",
                f"{BERT_ENDS} transform transform.bias transform_norm transform_norm.bias head head.bias token_bias",
                (BERT_BLOCK,),
            )
        },
    ),
    "qwen2_vl": _qwen_vl(
        "qwen2_vl",
        "Qwen2VLForConditionalGeneration",
        {"model": QWEN2, "visual": QWEN2_VISION, "visual.merger": BIASED_QWEN_MERGER},
    ),
    "qwen2_5_vl": _qwen_vl(
        "qwen2_5_vl",
        "Qwen2_5_VLForConditionalGeneration",
        {"model": QWEN2, "visual": QWEN2_5_VISION, "visual.merger": QWEN_MERGER},
    ),
    "qwen3_vl": _qwen_vl(
        "qwen3_vl",
        "Qwen3VLForConditionalGeneration",
        {
            "model.language_model": Expected("text_decoder", "qwen3", ENDS, (f"{LLAMA_BLOCK} {QK_NORM}",)),
            "model.visual": QWEN3_VISION,
            "model.visual.merger": BIASED_QWEN_MERGER,
            "model.visual.deepstack_merger_list": DEEPSTACK,
        },
    ),
    "qwen3_vl_moe": _qwen_vl(
        "qwen3_vl_moe",
        "Qwen3VLMoeForConditionalGeneration",
        {
            "model.language_model": Expected(
                "text_decoder", "qwen3_vl_moe", ENDS, (f"{PRE} {QKVO} {QK_NORM} {EXPERTS}",)
            ),
            "model.visual": QWEN3_VISION,
            "model.visual.merger": BIASED_QWEN_MERGER,
            "model.visual.deepstack_merger_list": DEEPSTACK,
        },
    ),
    "exaone4_5": _whole(
        "Exaone4_5_ForConditionalGeneration",
        lambda: _config(
            "exaone4_5",
            text_config={**TEXT, "model_type": "exaone4"},
            vision_config={**QWEN_VISION, "num_key_value_heads": 2},
        ),
        {
            "model.language_model": Expected("text_decoder", "exaone4", ENDS, (f"{POST} {QKVO} {QK_NORM} {GLU}",)),
            "model.visual": QWEN2_5_VISION,
            "model.visual.merger": QWEN_MERGER,
        },
    ),
    "hyperclovax_vision": _whole(
        "HyperCLOVAXVisionV2ForConditionalGeneration",
        lambda: _config(
            "hyperclovax_vision_v2",
            text_config={**TEXT, "model_type": "hyperclovax"},
            vision_config={**QWEN_VISION, "model_type": "qwen2_5_vl_vision"},
            tie_word_embeddings=False,
        ),
        {
            "model.language_model": Expected("text_decoder", "hyperclovax", ENDS, (f"{LLAMA_BLOCK} {POST}",)),
            "model.vision_model": QWEN2_5_VISION,
            "model.vision_model.merger": QWEN_MERGER,
            "model.vision_projector": Expected("projector", "projector", "merger.proj merger.proj.bias"),
        },
    ),
    "whisper": _whole(
        "WhisperForConditionalGeneration",
        lambda: _config(
            "whisper",
            **WHISPER,
            decoder_layers=2,
            decoder_attention_heads=4,
            decoder_ffn_dim=96,
            vocab_size=150,
            max_target_positions=36,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=1,
        ),
        {
            "model.encoder": WHISPER_TOWER,
            "model.decoder": Expected(
                "text_decoder",
                "whisper_decoder",
                f"embed position {BIASED_FINAL}",
                (f"{WHISPER_BLOCK} {CROSS}",),
            ),
        },
    ),
    "qwen2_audio": _whole(
        "Qwen2AudioForConditionalGeneration",
        lambda: _config(
            "qwen2_audio",
            audio_config={**WHISPER, "model_type": "qwen2_audio_encoder"},
            text_config={**TEXT, "head_dim": 8, "model_type": "qwen2"},
        ),
        {
            "audio_tower": WHISPER_TOWER,
            "language_model.model": QWEN2,
            "multi_modal_projector": Expected("projector", "projector", "merger.proj merger.proj.bias"),
        },
    ),
    "qwen2_5_omni": _whole(
        "Qwen2_5OmniForConditionalGeneration",
        _omni,
        {
            "thinker.model": QWEN2,
            "thinker.visual": QWEN2_5_OMNI_VISION,
            "thinker.visual.merger": QWEN_MERGER,
            "thinker.audio_tower": OMNI_AUDIO,
            "talker.model": Expected("generator", "qwen2", f"{ENDS} proj proj.bias", QWEN2.blocks),
            "token2wav": Expected("generator", "unknown", ""),
        },
    ),
    "qwen3_omni": _whole(
        "Qwen3OmniMoeThinkerForConditionalGeneration",
        lambda: transformers.Qwen3OmniMoeThinkerConfig(
            audio_config=WHISPER,
            vision_config=QWEN_VISION,
            text_config={**TEXT, **MOE, "rope_parameters": ROPE},
        ),
        {
            "model": Expected("text_decoder", "qwen3_moe", ENDS, (f"{PRE} {QKVO} {QK_NORM} {EXPERTS}",)),
            "visual": QWEN3_VISION,
            "visual.merger": BIASED_QWEN_MERGER,
            "visual.merger_list": DEEPSTACK,
            "audio_tower": Expected(
                "audio_encoder",
                "qwen3_omni_audio",
                f"conv2d1 conv2d1.bias conv2d2 conv2d2.bias conv2d3 conv2d3.bias conv_out {BIASED_FINAL}"
                " proj proj.bias proj2 proj2.bias",
                (VIT_BLOCK,),
            ),
        },
    ),
    "clip": _whole(
        "CLIPModel",
        lambda: transformers.CLIPConfig(vision_config=VIT, text_config=CLIP_TEXT, projection_dim=32),
        {
            "text_model": Expected(
                "other", "clip_text", f"embed position {BIASED_FINAL} proj logit_scale", (VIT_BLOCK,)
            ),
            "vision_model": Expected("vision_encoder", "clip_vision", f"{CLIP_ENDS} proj", (VIT_BLOCK,)),
        },
    ),
    "clip_vision": _whole(
        "CLIPVisionModel", lambda: transformers.CLIPVisionConfig(**VIT), {"vision_encoder": CLIP_TOWER}
    ),
    "siglip": _whole(
        "SiglipModel",
        lambda: transformers.SiglipConfig(vision_config=VIT, text_config=CLIP_TEXT),
        {
            "text_model": Expected(
                "other",
                "clip_text",
                f"embed position {BIASED_FINAL} proj proj.bias logit_scale logit_bias",
                (VIT_BLOCK,),
            ),
            "vision_model": SIGLIP_TOWER,
        },
    ),
    "dinov2": _whole(
        "Dinov2Model",
        lambda: transformers.Dinov2Config(**VIT),
        {"vision_encoder": Expected("vision_encoder", "dinov2", DINO_ENDS, (f"{DINO_BLOCK} {FC}",))},
    ),
    "dinov2_swiglu": _whole(
        "Dinov2Model",
        lambda: transformers.Dinov2Config(**VIT, use_swiglu_ffn=True),
        {"vision_encoder": Expected("vision_encoder", "dinov2", DINO_ENDS, (f"{DINO_BLOCK} {GLU} {GLU_BIAS}",))},
    ),
    "vit": _whole(
        "ViTModel",
        lambda: transformers.ViTConfig(**VIT),
        {
            "vision_encoder": Expected(
                "vision_encoder",
                "vit",
                f"class_token patch patch.bias position {BIASED_FINAL} pooler pooler.bias",
                (VIT_BLOCK,),
            )
        },
    ),
    "llava": _whole(
        "LlavaForConditionalGeneration",
        lambda: transformers.LlavaConfig(
            vision_config={**VIT, "model_type": "clip_vision_model"}, text_config={**TEXT, "model_type": "llama"}
        ),
        {
            "language_model.model": Expected("text_decoder", "llama", ENDS, (LLAMA_BLOCK,)),
            "vision_tower": CLIP_TOWER,
            "multi_modal_projector": LLAVA_PROJECTOR,
        },
    ),
    "gemma3": _whole(
        "Gemma3ForConditionalGeneration",
        lambda: transformers.Gemma3Config(
            vision_config=VIT, text_config={**TEXT, "model_type": "gemma3_text"}, mm_tokens_per_image=4
        ),
        {
            "language_model.model": Expected(
                "text_decoder", "gemma3", "embed final_norm", (f"{LLAMA_BLOCK} {POST} {QK_NORM}",)
            ),
            "vision_tower": SIGLIP_TOWER,
            "multi_modal_projector": Expected("projector", "projector", "merger.norm merger.proj"),
        },
    ),
    "internvl": _whole(
        "InternVLForConditionalGeneration",
        lambda: transformers.InternVLConfig(
            vision_config={**VIT, "image_size": [28, 28], "patch_size": [14, 14], "use_qk_norm": True},
            text_config={**TEXT, "model_type": "qwen2"},
        ),
        {
            "language_model.model": Expected("text_decoder", "qwen2", "embed final_norm", QWEN2.blocks),
            "vision_tower": Expected(
                "vision_encoder",
                "internvit",
                "class_token patch patch.bias position",
                (f"{BIASED_PRE} {QKVO} o.bias {QK_NORM} {FC} layer_scale1 layer_scale2",),
            ),
            "multi_modal_projector": Expected(
                "projector",
                "projector",
                "merger.norm merger.norm.bias merger.fc1 merger.fc1.bias merger.fc2 merger.fc2.bias",
            ),
        },
    ),
    "kimi_k25": _whole(
        "Kimi_K25ForConditionalGeneration",
        lambda: _config(
            "kimi_k25",
            text_config={**TEXT, **MOE, **MLA, "model_type": "deepseek_v3"},
            vision_config={
                "hidden_size": 64,
                "intermediate_size": 96,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "patch_size": 14,
                "pos_emb_height": 4,
                "pos_emb_width": 4,
                "pos_emb_time": 2,
            },
        ),
        {
            "language_model.model": Expected(
                "text_decoder",
                "deepseek_v3",
                "embed final_norm",
                (f"{PRE} {LATENT} {GLU}", f"{PRE} {LATENT} {EXPERTS} router.bias {SHARED}"),
            ),
            "vision_tower": Expected(
                "vision_encoder",
                "kimi_k25_vision",
                f"patch patch.bias position {BIASED_FINAL}",
                (VIT_BLOCK,),
            ),
            "mm_projector": LLAVA_PROJECTOR,
            "model.mm_projector": Expected("projector", "projector", "merger.norm merger.norm.bias"),
        },
    ),
}
"""Every model by a short name. Quirks of fresh saves are kept: gemma3 and others tie their heads, kimi_k25 splits its
projector's prefix."""

EXPERTS_PER_LAYER = 4
