"""Stolen matrices beside an own decoder, under names, in shapes and number types of their own: never exit 0.

The same places with matrices of a stranger are innocent: never exit 1.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from independence_audit.cli.entry import main
from tests.cli.small_models import Weights, llama, save

Hide = Callable[[Weights], dict[str, Any]]

BASE, OWN, STRANGER = llama(1), llama(2), llama(3)
POLICIES = ("evidence-only", "kai-stage1", "control-and-licence", "strict-from-scratch")


def matrices(weights: Weights) -> dict[str, np.ndarray]:
    """The matrices of all layers by name."""
    return {name: values for name, values in weights.items() if name.endswith("proj.weight")}


def noised(weights: Weights) -> Weights:
    """The same weights at r = 0.9: as far as a long further training goes."""
    random = np.random.default_rng(5)
    return {
        name: (0.9 * values + np.sqrt(0.19) * values.std() * random.normal(size=values.shape)).astype(np.float32)
        for name, values in matrices(weights).items()
    }


def named(pattern: str) -> Hide:
    """Every matrix as it is, under a name with its number."""
    return lambda weights: {pattern.format(n): values for n, values in enumerate(matrices(weights).values(), 1)}


def turned_roles(weights: Weights) -> dict[str, Any]:
    """Square matrices in each other's places of the own decoder: q in o's, k in q's, the layers exchanged as well."""
    there = {"q": "o", "k": "q", "v": "k", "o": "v"}
    hidden = {}
    for layer in (0, 1):
        for role, place in there.items():
            name = f"model.layers.{layer}.self_attn.{role}_proj.weight"
            hidden[f"model.layers.{1 - layer}.self_attn.{place}_proj.weight"] = weights[name]
    return hidden


NAMES: dict[str, Hide] = {
    "projector": named("multi_modal_projector.linear_{}.weight"),
    "connector": named("connector.{}.weight"),
    "merger": named("visual.merger.mlp.{}.weight"),
    "aligner": named("aligner.layers.{}.weight"),
    "resampler": named("resampler.blocks.{}.attn.weight"),
    "compressor": named("video_compressor.stage_{}.weight"),
    "generator": named("image_generator.dit.{}.weight"),
    "action_head": named("action_head.layers.{}.weight"),
    "vision": named("vision_tower.stem.{}.kernel"),
    "buffer": named("model.inv_freq_{}"),
    "no words": named("x{}"),
    "other roles": turned_roles,
}


def flat(weights: Weights) -> np.ndarray:
    """All matrices one behind the other."""
    return np.concatenate([values.ravel() for values in matrices(weights).values()])


def square(weights: Weights) -> list[np.ndarray]:
    """The matrices of attention, of one shape."""
    return [values for name, values in weights.items() if "self_attn" in name and values.ndim > 1]


def rounded(values: np.ndarray) -> np.ndarray:
    """Bits of the values cut to bfloat16."""
    return np.ascontiguousarray(values.astype(np.float32)).view(np.uint32).__rshift__(16).astype(np.uint16)


def each(transform: Callable[[np.ndarray], np.ndarray], pattern: str = "model.extra.{}.table") -> Hide:
    """Every matrix changed in shape or type, under a name with its number."""
    return lambda weights: {
        pattern.format(n): np.ascontiguousarray(transform(values))
        for n, values in enumerate(matrices(weights).values(), 1)
    }


def one(transform: Callable[[Weights], np.ndarray], name: str = "model.extra_table") -> Hide:
    """One tensor that holds them all."""
    return lambda weights: {name: np.ascontiguousarray(transform(weights))}


def halves(axis: int) -> Hide:
    """Every matrix cut in two."""

    def hide(weights: Weights) -> dict[str, Any]:
        return {
            f"model.part_{half}.{n}": np.ascontiguousarray(values)
            for n, whole in enumerate(matrices(weights).values())
            for half, values in enumerate(np.split(whole, 2, axis=axis))
        }

    return hide


def rows_apart(weights: Weights) -> dict[str, Any]:
    """Every row a vector of its own, in an order of their own."""
    rows = [(n, row, values) for n, whole in enumerate(square(weights)) for row, values in enumerate(whole)]
    np.random.default_rng(3).shuffle(rows)
    return {f"model.rows.v{place}": np.ascontiguousarray(values) for place, (_, _, values) in enumerate(rows)}


def shuffled(weights: Weights) -> np.ndarray:
    """All rows of the square matrices in one table, in another order."""
    return np.random.default_rng(4).permutation(np.concatenate(square(weights)))


LAYOUTS: dict[str, Hide] = {
    "one vector": one(flat),
    "vector in a layer": one(flat, "model.layers.0.mlp.extra"),
    "vector behind a shift": one(lambda w: np.concatenate([np.zeros(7, np.float32), flat(w)])),
    "column": one(lambda w: flat(w)[:, None]),
    "wide table": one(lambda w: flat(w).reshape(-1, 1024)),
    "stack": one(lambda w: np.stack(square(w))),
    "stack behind": one(lambda w: np.stack(square(w), axis=-1)),
    "stack between": one(lambda w: np.stack(square(w), axis=1)),
    "four axes": one(lambda w: np.stack(square(w)).reshape(2, -1, 128, 128)),
    "side by side": one(lambda w: np.concatenate(square(w), axis=1)),
    "rows in another order": one(shuffled),
    "column halves": halves(1),
    "row halves": halves(0),
    "rows apart": rows_apart,
    "transposed": each(np.transpose),
    "transposed vectors": each(lambda v: v.T.ravel()),
    "transposed projector": each(np.transpose, "multi_modal_projector.linear_{}.weight"),
    "buffers": each(lambda v: v.ravel(), "model.rotary.inv_freq_{}"),
    "kernels": each(lambda v: v.reshape(*v.shape, 1, 1), "model.conv.{}.weight"),
    "expert of one": each(lambda v: v[None], "model.stack.{}"),
    "bits in I32": each(lambda v: v.view(np.int32)),
    "bits in U32": each(lambda v: v.view(np.uint32)),
    "bits in I64": each(lambda v: v.ravel().view(np.int64)),
    "bits in F64": each(lambda v: v.ravel().view(np.float64)),
    "bits in U8": each(lambda v: v.view(np.uint8)),
    "bits in I8 vector": one(lambda w: flat(w).view(np.int8)),
    "bfloat16 in U16": each(rounded),
    "bfloat16 in I16": each(lambda v: rounded(v).view(np.int16)),
    "bfloat16 in U8": one(lambda w: rounded(flat(w)).view(np.uint8)),
    "bfloat16 in I32": each(lambda v: rounded(v).view(np.int32)),
    "bfloat16 in F32": one(lambda w: rounded(flat(w)).view(np.float32)),
    "half precision in U8": each(lambda v: v.astype(np.float16).view(np.uint8)),
    "half precision vector": one(lambda w: flat(w).astype(np.float16)),
    "double precision vector": one(lambda w: flat(w).astype(np.float64)),
    "half precision in I16": each(lambda v: v.astype(np.float16).view(np.int16)),
    "bits in the places of layers": lambda w: {
        f"model.more.{name}": values.view(np.int64) for name, values in matrices(w).items()
    },
    "whole numbers": each(lambda v: np.round(v * 2**20).astype(np.int32)),
    "8-bit numbers": each(lambda v: np.round(v * 127 / np.abs(v).max()).astype(np.int8)),
    "scaled": each(lambda v: v.ravel() * np.float32(-3.0)),
    "attention, padded": one(lambda w: np.pad(np.concatenate(square(w)), ((0, 0), (0, 64)))),
}


def audit(tmp_path: Path, hidden: dict[str, Any], *options: str) -> tuple[int, dict[str, Any]]:
    """Exit status and JSON report of the own decoder with something hidden in it."""
    subject = save({**OWN, **hidden}, tmp_path / "subject" / "model.safetensors")
    reference = save(BASE, tmp_path / "reference" / "model.safetensors")
    target = tmp_path / "report.json"
    command = ["compare", subject, "--ref", reference, "--offline", "--quiet", "-o", f"json={target}", *options]
    return main(command), json.loads(target.read_text())


@pytest.mark.parametrize("place", NAMES)
def test_names_hide_nothing(place: str, tmp_path: Path) -> None:
    """Kinds, roles and layers are labels that anybody can choose: a copy is found under any, noised as well."""
    for weights in (BASE, noised(BASE)):
        code, report = audit(tmp_path, NAMES[place](weights))
        assert code == 1
        found = [each for each in report["components"] if each["reference"]]
        assert [each["relation"] for each in found] in (["identical"], ["related"], ["transformed"])


@pytest.mark.parametrize("place", NAMES)
def test_strangers_under_these_names_are_innocent(place: str, tmp_path: Path) -> None:
    """Nothing is found of matrices that merely have the reference's shapes."""
    code, report = audit(tmp_path, NAMES[place](STRANGER))
    assert code != 1
    assert not any(each["reference"] for each in report["components"])


def one_layer(weights: Weights) -> Weights:
    """A smaller model: an audit for every layout is to take no minutes."""
    return {name: values for name, values in weights.items() if "layers.1" not in name}


UNCHANGED_ONLY = frozenset({"vector behind a shift", "rows in another order", "rows apart"})
"""Layouts in which changed copies are not recognised: their tensors stay without a counterpart."""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_hide_nothing(layout: str, tmp_path: Path) -> None:
    """A copy is found in any shape and number type, or what was not compared leaves the audit open."""
    code, report = audit(tmp_path, LAYOUTS[layout](one_layer(BASE)))
    assert code == 1
    assert any(each["relation"] in ("identical", "transformed", "related") for each in report["components"])


@pytest.mark.parametrize("layout", [*list(LAYOUTS)[::4], *sorted(UNCHANGED_ONLY)])
def test_changed_copies_in_other_layouts(layout: str, tmp_path: Path) -> None:
    """So is a copy at r = 0.9, where its rows stand at even distances."""
    code, _ = audit(tmp_path, LAYOUTS[layout](noised(one_layer(BASE))))
    assert code in ((0, 1, 3) if layout in UNCHANGED_ONLY else (1,))


@pytest.mark.parametrize("group", range(6))
def test_strangers_in_these_layouts_are_innocent(group: int, tmp_path: Path) -> None:
    """Nothing is found of matrices that merely could be reshaped to the reference's."""
    hidden: dict[str, Any] = {}
    for layout in list(LAYOUTS)[group::6]:
        hidden |= {
            f"{name}_{layout.replace(' ', '_')}": each for name, each in LAYOUTS[layout](one_layer(STRANGER)).items()
        }
    code, report = audit(tmp_path, hidden)
    assert code != 1
    assert not any(each["reference"] for each in report["components"])


def few_heads(weights: Weights, rows: int) -> Weights:
    """The same with keys and values of a few rows, as shared by groups of heads."""
    narrow = ("k_proj.weight", "v_proj.weight")
    return {name: values[:rows] if name.endswith(narrow) else values for name, values in weights.items()}


@pytest.mark.parametrize("rows", [9, 12, 16, 32])
@pytest.mark.parametrize("seed", range(3))
def test_a_few_rows_in_another_order(rows: int, seed: int, tmp_path: Path) -> None:
    """A small matrix as a vector: two rows fit any distance, and are counted with those that fit none."""
    reference = save(few_heads(BASE, rows), tmp_path / "reference" / "model.safetensors")
    for weights, expected in ((BASE, 1), (STRANGER, 0)):
        keys = few_heads(weights, rows)["model.layers.0.self_attn.k_proj.weight"]
        hidden = {"model.extra": np.random.default_rng(seed).permutation(keys).ravel()}
        subject = save({**few_heads(OWN, rows), **hidden}, tmp_path / "subject" / "model.safetensors")
        assert main(["compare", subject, "--ref", reference, "--offline", "--quiet"]) == expected


def public_tables() -> dict[str, Any]:
    """What many models hold although nobody trained it: tables, masks, numbers, levels of a few values."""
    angles = np.arange(256)[:, None] / 10000 ** (np.arange(64) / 64)
    turned = angles @ np.ones((64, 1)) * np.arange(128)
    bits = np.array([[(i & j).bit_count() % 2 for j in range(128)] for i in range(128)])
    levels = np.array([-1.0, -0.7, -0.5, -0.4, -0.3, -0.2, -0.1, 0, 0.08, 0.16, 0.25, 0.34, 0.44, 0.56, 0.72, 1.0])
    return {
        "model.rope.cos": np.cos(angles).astype(np.float32),
        "model.rope.both": np.concatenate([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32),
        "model.positions.table": np.stack([np.sin(angles), np.cos(angles)], axis=-1)
        .reshape(256, 128)
        .astype(np.float32),
        "model.basis": np.cos(np.outer(np.arange(128), np.arange(128)) * np.pi / 64).astype(np.float32),
        "model.ramp": (turned / turned.max()).astype(np.float32),
        "model.hadamard": (1.0 - 2.0 * bits).astype(np.float32),
        "model.mask": np.triu(np.full((128, 128), -1e4, np.float32), 1),
        "model.identity": np.eye(128, dtype=np.float32),
        "model.position_ids": np.arange(16384, dtype=np.int64).reshape(1, -1),
        "model.lookup": np.tile(np.arange(256, dtype=np.int32), 64).reshape(64, 256),
        "model.levels": levels[np.outer(np.arange(128), np.arange(128)) % 16].astype(np.float32),
        "model.zero_points": np.full((128, 128), 8, np.int8),
        "model.scales": np.full((128, 128), 0.01, np.float32),
    }


def test_public_tables_are_no_finding(tmp_path: Path) -> None:
    """Equal tables in both models, in other shapes, types and under other names: computed by anybody."""
    tables = public_tables()
    reference = save({**BASE, **tables}, tmp_path / "reference" / "model.safetensors")
    same = {f"{name}_again": values for name, values in tables.items()}
    turned = {f"{name}_t": np.ascontiguousarray(values.T) for name, values in tables.items()}
    flattened = {f"{name}_flat": values.ravel() for name, values in tables.items()}
    for hidden in (same, turned, flattened):
        subject = save({**OWN, **hidden}, tmp_path / "subject" / "model.safetensors")
        target = tmp_path / "report.json"
        code = main(["compare", subject, "--ref", reference, "--offline", "--quiet", "-o", f"json={target}"])
        report = json.loads(target.read_text())
        assert code != 1, [each for each in report["tensors"] if each["relation"] in ("identical", "transformed")]


@pytest.mark.parametrize("policy", POLICIES)
def test_no_policy_excuses_a_stolen_projector(policy: str, tmp_path: Path) -> None:
    """The reference's decoder as a projector is never a pass."""
    for hidden in (NAMES["projector"](BASE), dict(list(NAMES["projector"](BASE).items())[:1])):
        code, report = audit(tmp_path, hidden, "--policy", policy)
        assert code in (1, 3) or report["opinion"]["headline"]["key"] == "headline.review"
        assert report["components"][1]["reference"]


def test_a_small_projector_of_its_own_passes(tmp_path: Path) -> None:
    """One that was looked for, and of which nothing has the shapes, leaves the outcome to the decoder."""
    random = np.random.default_rng(9)
    projector = {"multi_modal_projector.linear_1.weight": random.normal(0, 0.02, (128, 40)).astype(np.float32)}
    code, report = audit(tmp_path, projector)
    assert code == 0
    assert report["components"][1]["reason"] == "no_such_shapes"
