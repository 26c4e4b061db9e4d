"""What clears a model: cheats that keep a search from being made never pass, and honest designs do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from safetensors.torch import load_file

from independence_audit.cli.entry import main
from independence_audit.core.progress import NoProgress
from independence_audit.fingerprint.fingerprint_file import write_fingerprint
from independence_audit.fingerprint.making import read_model, save_fingerprint
from independence_audit.fingerprint.sampler import Sampler
from tests.lineage.disguises import disguised

SEEDS = Path(__file__).resolve().parents[2] / "examples" / "seeds_case"
HEAD, WIDTH, UNITS, LAYERS = 32, 128, 320, 2
Weights = dict[str, np.ndarray]
Change = Callable[[Weights], Weights]


def weights_of(name: str) -> Weights:
    """Weights of an example, as float32."""
    return {key: value.float().numpy() for key, value in load_file(SEEDS / name / "model.safetensors").items()}


HIDDEN = disguised(weights_of("continued"), HEAD, seed=9, new_tokens=True)
"""A copy that was trained on and disguised, under new tokens: found by descriptors alone."""
OWN = weights_of("other_seed")


def layer(number: int, name: str) -> str:
    """A tensor of a layer."""
    return f"model.layers.{number}.{name}.weight"


def audited(weights: Weights, folder: Path, *, reference: str = "", tokenizer: bool = True) -> tuple[int, Any]:
    """Exit status and the only decoder of the report."""
    subject = folder / "subject"
    subject.mkdir()
    save_file({n: np.ascontiguousarray(v, np.float32) for n, v in weights.items()}, subject / "model.safetensors")
    for file in ("config.json", *(["tokenizer.json"] if tokenizer else [])):
        shutil.copy(SEEDS / "base" / file, subject)
    target = folder / "report.json"
    code = main(["compare", str(subject), "--ref", reference or str(SEEDS / "base"), "--quiet", "-o", f"json={target}"])
    report = json.loads(target.read_text())
    return code, max(report["components"], key=lambda one: one["parameters"])


def with_zero_unit(weights: Weights) -> Weights:
    """One unit of every layer that does nothing."""
    changed = dict(weights)
    for number in range(LAYERS):
        for role in ("gate", "up"):
            changed[layer(number, f"mlp.{role}_proj")] = weights[layer(number, f"mlp.{role}_proj")].copy()
            changed[layer(number, f"mlp.{role}_proj")][7] = 0.0
        changed[layer(number, "mlp.down_proj")] = weights[layer(number, "mlp.down_proj")].copy()
        changed[layer(number, "mlp.down_proj")][:, 7] = 0.0
    return changed


def with_uneven_layers(weights: Weights) -> Weights:
    """A unit less in one layer."""
    cut = {layer(0, f"mlp.{role}_proj"): weights[layer(0, f"mlp.{role}_proj")][1:] for role in ("gate", "up")}
    return weights | cut | {layer(0, "mlp.down_proj"): weights[layer(0, "mlp.down_proj")][:, 1:]}


def factorised(layers: int) -> Change:
    """One matrix of some layers as a product of two."""

    def change(weights: Weights) -> Weights:
        changed = dict(weights)
        for number in range(layers):
            u, s, v = np.linalg.svd(changed.pop(layer(number, "mlp.down_proj")), full_matrices=False)
            changed[layer(number, "mlp.down_proj_b")], changed[layer(number, "mlp.down_proj_a")] = u * s, v
        return changed

    return change


def without_gains(weights: Weights) -> Weights:
    """Channels scaled by what a gain under another name takes back."""
    changed = dict(weights)
    for number in range(LAYERS):
        scale = np.exp(2 * np.random.default_rng(number).normal(size=WIDTH))
        changed[f"model.extra.{number}.scale"] = scale * changed.pop(layer(number, "post_attention_layernorm"))
        for role in ("gate", "up"):
            changed[layer(number, f"mlp.{role}_proj")] = weights[layer(number, f"mlp.{role}_proj")] / scale
    return changed


def nameless(weights: Weights) -> Weights:
    """Names that say nothing."""
    return {f"w{number}": value for number, value in enumerate(weights.values())}


def wider(weights: Weights) -> Weights:
    """Channels of the residual stream that hold nothing."""
    return {
        name: np.pad(value, [(0, 32 if size == WIDTH else 0) for size in value.shape])
        for name, value in weights.items()
    }


DISGUISES: dict[str, Change] = {
    "as it is": dict,
    "a zero unit": with_zero_unit,
    "uneven layers": with_uneven_layers,
    "one matrix factorised": factorised(1),
    "a matrix of each layer factorised": factorised(LAYERS),
    "gains elsewhere": without_gains,
    "no names": nameless,
    "another width": wider,
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_no_disguise_ends_in_a_pass(disguise: str, tmp_path: Path) -> None:
    """Found, or open with a reason."""
    code, component = audited(DISGUISES[disguise](HIDDEN), tmp_path)
    assert code in (1, 3)
    assert code == 1 or component["reason"]


@pytest.mark.parametrize("disguise", [name for name in DISGUISES if name not in {"as it is", "a zero unit"}])
def test_what_keeps_a_search_from_being_made_is_said_of_anybody(disguise: str, tmp_path: Path) -> None:
    """The same shapes and names with weights of one's own: never accused, and never called unrelated."""
    code, component = audited(DISGUISES[disguise](OWN), tmp_path)
    assert (code, component["reference"]) == (3, None)
    assert component["relation"] in ("inconclusive", "not_tested")
    assert component["reason"]


def test_units_of_zeros_hide_nothing_and_condemn_nobody(tmp_path: Path) -> None:
    """A quantiser makes them: they are left out, and all others are looked at."""
    for name in ("copy", "own"):
        (tmp_path / name).mkdir()
    assert audited(with_zero_unit(HIDDEN), tmp_path / "copy")[0] == 1
    code, component = audited(with_zero_unit(OWN), tmp_path / "own")
    assert (code, component["relation"]) == (0, "unrelated")


def test_a_copy_is_found_without_any_tokenizer(tmp_path: Path) -> None:
    """Descriptors are the search that was made; and an own model is cleared by them."""
    for name in ("copy", "own"):
        (tmp_path / name).mkdir()
    assert audited(HIDDEN, tmp_path / "copy", tokenizer=False)[0] == 1
    code, component = audited(OWN, tmp_path / "own", tokenizer=False)
    assert (code, component["relation"]) == (0, "unrelated")
    assert component["searches"]["tokens"] == {"status": "not_possible", "reason": "no_tokenizer"}


@pytest.mark.parametrize("kept", [0, 2], ids=["no layer whole", "default"])
def test_a_fingerprint_clears_as_far_as_it_goes(kept: int, tmp_path: Path) -> None:
    """With units of every layer and common tokens; that nobody looked without these is said."""
    reference = tmp_path / "base.fp.safetensors"
    save_fingerprint(str(SEEDS / "base"), reference, Sampler(), NoProgress(), search_layers=kept)
    code, component = audited(OWN, tmp_path, reference=str(reference))
    assert (code, component["relation"]) == (0, "unrelated")
    without = component["searches"]["without_anchors"]
    assert (without["status"], without.get("reason")) == (
        ("done", None) if kept else ("not_possible", "no_descriptors_there")
    )


@pytest.mark.parametrize("tokenizer", [True, False])
def test_what_a_fingerprint_lacks_clears_nobody(tmp_path: Path, *, tokenizer: bool) -> None:
    """Without units, or without a layer that could be described where no tokens are common."""
    model = read_model(str(SEEDS / "base"), Sampler(), NoProgress())
    reference = tmp_path / "base.fp.safetensors"
    write_fingerprint(model.fingerprint, reference)
    model.close()
    if not tokenizer:
        save_fingerprint(str(SEEDS / "base"), reference, Sampler(), NoProgress(), search_layers=0)
    code, component = audited(OWN, tmp_path, reference=str(reference), tokenizer=tokenizer)
    assert (code, component["relation"]) == (3, "inconclusive")
    assert component["reason"] == ("units_not_kept" if tokenizer else "no_common_tokens")


def empty(fill: Callable[[np.ndarray], np.ndarray]) -> Change:
    """Every matrix filled with something."""
    return lambda weights: {name: fill(value) if value.ndim > 1 else value for name, value in weights.items()}


def laced(values: np.ndarray) -> np.ndarray:
    """One NaN in twenty values."""
    return np.where(np.random.default_rng(1).random(values.shape) < 0.05, np.nan, values)


EMPTY: dict[str, tuple[Change, str]] = {
    "constant": (empty(lambda values: np.full(values.shape, 0.02)), "constant"),
    "zero": (empty(np.zeros_like), "constant"),
    "rows of constants": (empty(lambda values: np.repeat(values[:, :1], values.shape[1], axis=1)), "constant"),
    "infinite": (empty(lambda values: np.full(values.shape, np.inf)), "non_finite"),
    "laced with NaN": (empty(laced), "non_finite"),
    "one pattern": (empty(lambda values: np.outer(values[:, 0], values[0])), "one_pattern"),
    "a loud pattern over all": (
        empty(lambda values: values + 50 * np.outer(values[:, 0], values[0]) / values.std()),
        "one_pattern",
    ),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_weights_that_say_nothing_clear_nobody(kind: str, tmp_path: Path) -> None:
    """Inconclusive, and called no trained model on the report."""
    change, reason = EMPTY[kind]
    code, component = audited(change(OWN), tmp_path)
    assert (code, component["relation"], component["reason"]) == (3, "inconclusive", reason)
    assert "fact.no_trained_model" in {message["key"] for message in component["explanation"]}


@pytest.mark.parametrize("source", ["base", "continued"])
def test_stolen_signs_are_found(source: str, tmp_path: Path) -> None:
    """Sizes thrown away: plus or minus one number is what is left of the reference's weights."""
    signs = empty(lambda values: 0.03 * np.sign(values))
    code, component = audited(signs(weights_of(source)), tmp_path)
    assert (code, component["relation"]) == (1, "related")


@pytest.mark.parametrize(
    "quantise",
    [np.sign, lambda values: np.sign(values) * (np.abs(values) > 0.7 * np.abs(values).mean())],
    ids=["binary", "ternary"],
)
def test_networks_of_few_numbers_are_not_accused(quantise: Callable[[np.ndarray], np.ndarray], tmp_path: Path) -> None:
    """An own model of signs beside the reference: compared like any other."""
    code, component = audited(empty(lambda values: 0.03 * quantise(values))(OWN), tmp_path)
    assert code != 1
    assert component["relation"] in ("unrelated", "inconclusive")


def with_vocabulary(weights: Weights) -> Weights:
    """Tables of another height."""
    random = np.random.default_rng(4)
    tables = ("model.embed_tokens.weight", "lm_head.weight")
    return weights | {name: 0.05 * random.normal(size=(384, WIDTH)) for name in tables}


def with_biases(weights: Weights) -> Weights:
    """Biases of queries, keys and values."""
    random = np.random.default_rng(4)
    places = [layer(number, f"self_attn.{role}_proj") for number in range(LAYERS) for role in "qkv"]
    return weights | {p.replace("weight", "bias"): 0.01 * random.normal(size=len(weights[p])) for p in places}


def with_norms(weights: Weights) -> Weights:
    """Norms of queries and keys."""
    random = np.random.default_rng(4)
    places = [layer(number, f"self_attn.{role}_norm") for number in range(LAYERS) for role in "qk"]
    return weights | {place: 1 + 0.1 * random.normal(size=HEAD) for place in places}


def tied(weights: Weights) -> Weights:
    """No head of its own."""
    return {name: value for name, value in weights.items() if name != "lm_head.weight"}


def deeper(weights: Weights) -> Weights:
    """Two layers more, of its own as well."""
    random = np.random.default_rng(4)
    more = {
        name.replace(f".{number}.", f".{number + LAYERS}."): value + 2 * value.std() * random.normal(size=value.shape)
        for number in range(LAYERS)
        for name, value in weights.items()
        if f".layers.{number}." in name and value.ndim > 1
    }
    gains = {
        layer(number + LAYERS, name): weights[layer(number, name)]
        for number in range(LAYERS)
        for name in ("input_layernorm", "post_attention_layernorm")
    }
    return weights | more | gains


HONEST: dict[str, Change] = {
    "as it is": dict,
    "another vocabulary": with_vocabulary,
    "biases": with_biases,
    "norms": with_norms,
    "a tied head": tied,
    "more layers": deeper,
}


@pytest.mark.parametrize("design", HONEST)
def test_honest_designs_are_cleared(design: str, tmp_path: Path) -> None:
    """What a design has beside the reference's is no hole."""
    code, component = audited(HONEST[design](OWN), tmp_path)
    assert (code, component["relation"], component["reason"]) == (0, "unrelated", None)


def test_a_hole_of_a_layer_is_open(tmp_path: Path) -> None:
    """A stolen block beside one's own layers, in a shape that nothing else has: its share and a reason are said."""
    stolen = np.concatenate([HIDDEN[layer(1, f"mlp.{role}_proj")].ravel() for role in ("gate", "up", "down")])
    code, component = audited(OWN | {"model.extra.table": stolen.reshape(-1, 1)}, tmp_path)
    assert code == 3
    assert component["relation"] == "inconclusive"
    assert component["relations"]["not_tested"] > 0.2
