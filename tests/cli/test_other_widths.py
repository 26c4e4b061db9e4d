"""A model of other widths than the reference: searched in any basis, cleared by a control, found where it is a copy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from independence_audit.cli.entry import main
from independence_audit.fingerprint.units.anchoring import anchor_strings
from tests.cli.small_models import Weights, llama
from tests.lineage.disguises import disguised

LAYERS, HEAD, TOKENS = 10, 32, 256


def saved(weights: Mapping[str, np.ndarray], folder: Path, *, tokens: int = TOKENS) -> str:
    """A checkpoint with its config and, unless it is to have none, so much of the tokenizer that all have."""
    folder.mkdir()
    save_file({n: np.ascontiguousarray(v, np.float32) for n, v in weights.items()}, folder / "model.safetensors")
    width = weights["model.norm.weight"].shape[0]
    config = {"model_type": "llama", "hidden_size": width, "num_attention_heads": width // HEAD}
    (folder / "config.json").write_text(json.dumps(config))
    if tokens:
        vocabulary = {text.replace(" ", "Ġ"): number for number, text in enumerate(anchor_strings()[:tokens])}
        (folder / "tokenizer.json").write_text(
            json.dumps({"model": {"type": "BPE", "vocab": vocabulary, "merges": []}})
        )
    return str(folder)


def model(seed: int, width: int) -> Weights:
    """A decoder drawn at random, deep and wide enough to be searched with power."""
    weights = llama(seed, width, 3 * width, LAYERS)
    return weights | {"lm_head.weight": weights["model.embed_tokens.weight"] * 1.5}


def widened(weights: Weights, width: int) -> Weights:
    """The same network in a wider residual stream, of which it uses a part."""
    extra = width - weights["model.norm.weight"].shape[0]
    readers = ("q_proj.weight", "k_proj.weight", "v_proj.weight", "gate_proj.weight", "up_proj.weight")
    grown: Weights = {}
    for name, values in weights.items():
        if name.endswith((*readers, "embed_tokens.weight", "lm_head.weight")):
            grown[name] = np.pad(values, ((0, 0), (0, extra)))
        elif name.endswith(("o_proj.weight", "down_proj.weight")):
            grown[name] = np.pad(values, ((0, extra), (0, 0)))
        else:
            grown[name] = np.pad(values, (0, extra), constant_values=1.0)
    return grown


def audited(subject: str, reference: str, folder: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Exit status, the only component, and the text of the report."""
    json_file, text_file = folder / "report.json", folder / "report.txt"
    outputs = ("-o", f"json={json_file}", "-o", f"text={text_file}")
    code = main(["compare", subject, "--ref", reference, "--quiet", *outputs, *options])
    components = json.loads(json_file.read_text())["components"]
    return code, max(components, key=lambda one: one["parameters"]), text_file.read_text()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A reference of 160 channels."""
    return saved(model(1, 160), tmp_path_factory.mktemp("widths") / "reference")


def test_an_unrelated_model_is_cleared_with_its_bound(reference: str, tmp_path: Path) -> None:
    """Nothing can be compared in place; the search would have found a copy, says from which r on, and shows it."""
    code, component, text = audited(saved(model(2, 192), tmp_path / "own"), reference, tmp_path)
    assert code == 0
    assert component["relation"] == "unrelated"
    (compared,) = component["runners_up"]
    control = compared["control"]
    assert compared["any_basis"]
    assert compared["detection_bound"] == control["bound"] <= 0.5
    assert abs(control["z"]) < 4.0
    assert abs(control["negative_z"]) < 4.0
    assert [point["r"] for point in control["points"]] == sorted(point["r"] for point in control["points"])
    assert "in any basis" in text
    assert "Controls of the search for disguised copies" in text
    assert component["searches"]["moved"] == {"status": "not_applicable", "reason": "other_widths"}


def test_the_korean_report_says_so_too(reference: str, tmp_path: Path) -> None:
    """The bound, whatever the basis, and the controls."""
    _, _, text = audited(saved(model(2, 192), tmp_path / "own"), reference, tmp_path, "--lang", "ko")
    assert "기저와 무관하게 r ≥" in text
    assert "변형된 복제 탐색의 대조 시험" in text


def test_a_disguised_copy_in_another_width_is_found(reference: str, tmp_path: Path) -> None:
    """Turned, reordered, rescaled and padded to the subject's width."""
    copy = disguised(widened(model(1, 160), 192), HEAD, seed=3)
    code, component, _ = audited(saved(copy, tmp_path / "copy"), reference, tmp_path)
    assert code == 1
    assert component["relation"] == "transformed"
    assert {"signs_together", "gates_alike"} <= {test["test"] for test in component["disguised"]}


def test_a_search_that_finds_close_copies_alone_clears_nobody(tmp_path: Path) -> None:
    """A layer of few units, seen from few tokens: the report says what would have been found, and leaves it open."""
    mine, other = (
        saved(llama(seed, width, 96 + seed, 1), tmp_path / str(seed), tokens=70) for seed, width in ((1, 64), (2, 96))
    )
    code, component, text = audited(mine, other, tmp_path)
    assert code == 3
    assert (component["relation"], component["reason"]) == ("inconclusive", "weak_search")
    assert component["runners_up"][0]["control"]["bound"] > 0.5
    assert "very close ones alone" in " ".join(text.split())


def test_without_a_tokenizer_nobody_is_cleared(reference: str, tmp_path: Path) -> None:
    """Rows of the same number need not be the same token."""
    code, component, _ = audited(saved(model(2, 192), tmp_path / "own", tokens=0), reference, tmp_path)
    assert code == 3
    assert component["relation"] != "unrelated"


@pytest.mark.parametrize("where", ["generic", "named"])
def test_rows_of_the_reference_in_another_shape_do_not_pass(reference: str, where: str, tmp_path: Path) -> None:
    """A whole layer's matrices under a name that means nothing, or written over a decoder's own of other widths."""
    weights, theirs = model(2, 192), model(1, 160)
    taken = np.concatenate(
        [theirs[f"model.layers.{n}.mlp.{role}_proj.weight"].ravel() for n in range(6) for role in ("gate", "up")]
    )
    if where == "generic":
        weights["extra.values"] = taken.reshape(-1, 1024)
    else:
        for number in range(LAYERS):
            for role in ("gate", "up"):
                name = f"model.layers.{number}.mlp.{role}_proj.weight"
                size = weights[name].size
                piece, taken = taken[:size], taken[size:]
                if len(piece) == size:
                    weights[name] = piece.reshape(weights[name].shape)
    code, _, _ = audited(saved(weights, tmp_path / "hidden"), reference, tmp_path)
    assert code == 1
