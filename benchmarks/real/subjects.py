"""Makes one subject of the benchmark of real models: ``python -m benchmarks.real.subjects NAME FOLDER``."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from zlib import crc32

import torch
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor

from benchmarks.lineage.manipulations import depth, disguise, packed, second_wave, values, vocabulary
from benchmarks.lineage.manipulations.model import Manipulation, Model, mapped
from benchmarks.real.cases import CHECKPOINTS, DRIFTS, NEW_TOKENS, NOISES, QWEN, SMOLLM2, WIDTHS, drifted

EMBEDDINGS, HEAD = "model.embed_tokens.weight", "lm_head.weight"
STEPS, BATCH, TOKENS, RATE = 12, 4, 64, 3e-4
"""Of the fine-tuning: short, at ten times the rate of a usual one."""


def main(arguments: list[str]) -> int:
    """Make the subject and write it down."""
    name, folder = arguments
    generator = torch.Generator().manual_seed(crc32(name.encode()))
    if name.startswith("crop"):
        write(cropped(int(name.split()[1])), Path(folder))
    else:
        write(MADE[name](model_of(SMOLLM2), generator), Path(folder))
    return 0


def model_of(name: str) -> Model:
    """A real model in float32."""
    folder = CHECKPOINTS[name]
    weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    facts = json.loads((folder / "config.json").read_text())
    facts["head_dim"] = facts["hidden_size"] // facts["num_attention_heads"]
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    return Model(weights, facts, tokenizer)


def write(model: Model, folder: Path) -> None:
    """Write a subject as it would be released: float32 as bfloat16, what is packed as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: _released(name, tensor) for name, tensor in model.weights.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    for file, content in (("config.json", model.facts), ("tokenizer.json", model.tokenizer)):
        (folder / file).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _released(name: str, tensor: Tensor) -> Tensor:
    is_plain = tensor.dtype == torch.float32 and not name.endswith("_scale_inv")
    return (tensor.bfloat16() if is_plain else tensor).clone(memory_format=torch.contiguous_format)


def with_own_head(change: Manipulation) -> Manipulation:
    """A manipulation of a model whose head and embeddings were one: a disguise folds the last norm into the head."""

    def apply(model: Model, generator: Generator) -> Model:
        weights = {**model.weights, HEAD: model.weights[EMBEDDINGS]}
        return change(model.changed(weights, tie_word_embeddings=False), generator)

    return apply


def every_third_cut(model: Model, generator: Generator) -> Model:
    """The model without every third layer."""
    return depth.stacked(depth.pruned(model))(model, generator)


def fine_tuned(model: Model, _: Generator) -> Model:
    """Some steps of training on the docstrings of PyTorch."""
    from transformers import LlamaConfig, LlamaForCausalLM

    network = LlamaForCausalLM(LlamaConfig(**model.facts))
    network.load_state_dict({**model.weights, HEAD: model.weights[EMBEDDINGS]})
    network.eval()  # no dropout: every run trains the same
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE)
    losses = []
    for batch in batches(model):
        loss = network(input_ids=batch, labels=batch).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    if not losses[-1] < losses[0]:
        raise RuntimeError(f"the loss went from {losses[0]:.2f} to {losses[-1]:.2f}")
    trained = network.state_dict()
    return model.changed({name: trained[name].detach() for name in model.weights})


def batches(model: Model) -> list[Tensor]:
    """Token numbers [BATCH, TOKENS] of docstrings, STEPS times."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    facts = model.tokenizer["model"] if model.tokenizer else {}
    merges = [tuple(pair.split(" ")) for pair in facts["merges"]]
    tokenizer = Tokenizer(models.BPE(facts["vocab"], merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found = sorted({inspect.getdoc(one) or "" for _, one in inspect.getmembers(torch, callable)})
    ids = tokenizer.encode("\n".join(found)).ids[: STEPS * BATCH * TOKENS]
    return list(torch.tensor(ids).view(STEPS, BATCH, TOKENS))


def cropped(number: int) -> Model:
    """Weights of Qwen2.5-Coder in the names and shapes of SmolLM2: a stranger with a real model's outlying channels.

    Each crop takes other channels and units. Token rows are those of the same tokens. Where SmolLM2 has more layers or
    heads of keys, parts of Qwen are taken again in another order.
    """
    target, source = model_of(SMOLLM2), model_of(QWEN)
    width, units = source.facts["hidden_size"], source.facts["intermediate_size"]
    count = source.facts["num_hidden_layers"]
    generator = torch.Generator().manual_seed(number)
    channels, inner = torch.randperm(width, generator=generator), torch.randperm(units, generator=generator)
    starts = {width: channels, units: inner}
    weights = {}
    for name, tensor in target.weights.items():
        if name == EMBEDDINGS:
            rows = token_rows(target, source)
            weights[name] = source.weights[EMBEDDINGS][rows][:, channels[: tensor.shape[1]]]
            continue
        layer = int(name.split(".")[2]) if ".layers." in name else 0
        turns, old = divmod(layer + 7 * number, count)
        theirs = source.weights[name.replace(f".layers.{layer}.", f".layers.{old}.")]
        weights[name] = _cut(theirs, tensor.shape, starts, shift=turns * 100)
    return target.changed(weights)


def token_rows(target: Model, source: Model) -> list[int]:
    """For each token of one vocabulary its number in another, or one of another token where that has none."""
    ours, theirs = _vocabulary(target), _vocabulary(source)
    return [theirs.get(token, number) for token, number in sorted(ours.items(), key=lambda item: item[1])]


def _vocabulary(model: Model) -> Mapping[str, int]:
    return model.tokenizer["model"]["vocab"] if model.tokenizer else {}


def _cut(tensor: Tensor, shape: torch.Size, orders: Mapping[int, Tensor], shift: int) -> Tensor:
    for axis, size in enumerate(shape):
        order = orders.get(tensor.shape[axis], torch.arange(tensor.shape[axis])).roll(-shift)
        tensor = tensor.index_select(axis, order[torch.arange(size) % len(order)])
    return tensor


def drift(r: float, width: int) -> Manipulation:
    """Noise on every matrix and the embeddings until they are at cosine r, wider, behind everything of a disguise."""
    share = (1.0 / r**2 - 1.0) ** 0.5

    def noised(model: Model, generator: Generator) -> Model:
        def noise(_: str, tensor: Tensor) -> Tensor:
            if tensor.ndim == 1:
                return tensor
            return tensor + share * tensor.std() * torch.randn(tensor.shape, generator=generator)

        return mapped(model, noise)

    return disguise.in_turn(noised, second_wave.quiet_noise(width - WIDTHS[0], 0.0), disguise.EVERYTHING)


MADE: dict[str, Callable[[Model, Generator], Model]] = {
    "unchanged": values.unchanged,
    **{f"noise of {share:g}": values.noised(share) for share in NOISES},
    "as 16-bit float": values.cast(torch.float16),
    "quantised to 8 bits": packed.fp8_blocks,
    "fine-tuned": fine_tuned,
    "units permuted": disguise.permuted_units,
    "channels permuted, signs flipped": disguise.signed_permutation,
    "rotated": with_own_head(disguise.rotated),
    "rotated, units permuted and rescaled": with_own_head(
        disguise.in_turn(disguise.rotated, disguise.permuted_units, disguise.rescaled_units(0.5))
    ),
    "heads permuted, values mixed": disguise.in_turn(disguise.permuted_heads, disguise.mixed_values),
    "every third layer cut": every_third_cut,
    **{drifted(r, width): with_own_head(drift(r, width)) for r in DRIFTS for width in WIDTHS},
    **{name: with_own_head(change) for name, change in second_wave.DISGUISED.items()},
    **{
        f"{name}{NEW_TOKENS}": with_own_head(disguise.in_turn(change, vocabulary.replaced))
        for name, change in second_wave.DISGUISED.items()
    },
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
