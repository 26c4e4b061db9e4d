"""The first audit of a team: nothing at hand but a name, and a reference that is too large to download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from independence_audit.anatomy import Kind
from tests.e2e.conftest import Audit
from tests.e2e.sparse_models import DECODER, TOKENS, VISION, decoder, merger, tower, write_sparse
from tests.hub.fake_hub import FakeHub

REPOSITORY = "Qwen/Qwen2.5-VL-7B-Instruct"
BLOCKS, LAYERS = 8, 1
NARROW = 256
"""Rows of the team's projector: it has no counterpart, so that all of it is looked through, a second a million."""


@dataclass(frozen=True, slots=True)
class Case:
    """A reference on the Hub, and a team's checkpoint with a tower that was copied from it."""

    team: Path
    reference_bytes: int
    commit: str


@pytest.fixture
def case(hub: FakeHub, tmp_path: Path) -> Case:
    """Both with the widths of the real model, and fewer layers."""
    drawn = {Kind.VISION_ENCODER: "tower", Kind.TEXT_DECODER: "theirs", Kind.PROJECTOR: "theirs"}
    vision = {"model_type": "qwen2_5_vl", "hidden_size": VISION, "depth": BLOCKS, "num_heads": 16}
    language = {"hidden_size": DECODER, "num_hidden_layers": LAYERS, "num_attention_heads": 28}
    language |= {"num_key_value_heads": 4, "head_dim": 128, "vocab_size": TOKENS}
    folder = tmp_path / "hub" / REPOSITORY
    size = write_sparse(
        folder,
        [
            {**tower("visual.", BLOCKS), **merger("visual.merger.")},
            {**decoder("model.", LAYERS, bias=True), "lm_head.weight": (TOKENS, DECODER)},
        ],
        {"architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl", **language}
        | {"vision_config": vision},
        drawn,
    )
    team = tmp_path / "team"
    write_sparse(
        team,
        [
            tower("model.vision_model.", BLOCKS)
            | {"model.mm_projector.weight": (NARROW, 4 * VISION), "model.mm_projector.bias": (NARROW,)},
            decoder("model.language_model.model.", LAYERS, bias=False)
            | {"model.language_model.lm_head.weight": (TOKENS, DECODER)},
        ],
        {"architectures": ["HCXVisionV2ForCausalLM"], "model_type": "vlm", "vision_config": vision}
        | {"text_config": {"architectures": ["HyperCLOVAXForCausalLM"], "model_type": "hyperclovax", **language}},
        drawn | {Kind.TEXT_DECODER: "ours", Kind.PROJECTOR: "ours"},
    )
    return Case(team, size, hub.add(REPOSITORY, folder))


def test_a_name_is_pulled_compared_and_kept(case: Case, hub: FakeHub, audit: Audit, tmp_path: Path) -> None:
    """The copied tower is named after about 1% of the reference's bytes, and again without any network."""
    assert case.reference_bytes >= 1 << 30
    first = audit("compare", case.team, "--ref", "qwen2.5-vl", "--format", "json")
    assert first.code == 1, first.err
    components = {one["name"]: one for one in first.report["components"]}
    assert components["model.vision_model"]["relation"] == "identical"
    assert components["model.vision_model"]["reference"] == "qwen2.5-vl-7b"
    decoder = components["model.language_model.model"]  # of embeddings that are zero nothing can be seen
    assert (decoder["relation"], decoder["reason"]) == ("inconclusive", "no_anchors")
    assert [one["outcome"] for one in first.report["opinion"]["criteria"]].count("not_met") == 1

    references = {one["name"]: one for one in first.report["references"]}
    assert {name: one["status"] for name, one in references.items()} == {
        "qwen2.5-vl-7b": "compared",
        "qwen2.5-vl-32b": "not_available",
        "qwen2.5-vl-72b": "not_available",
    }
    pulled = references["qwen2.5-vl-7b"]
    facts = (pulled["owner"], pulled["country"], pulled["source"], pulled["revision"])
    assert facts == ("Alibaba Cloud", "CN", REPOSITORY, case.commit)
    assert all("There is no repository" in str(one["notices"]) for one in references.values() if one is not pulled)

    assert hub.sent < 0.015 * case.reference_bytes
    assert hub.sent > 0.003 * case.reference_bytes
    assert len(hub.seen) < 5000

    before = len(hub.seen)
    hub.stop()
    again = audit("compare", case.team, "--ref", "qwen2.5-vl", "--format", "json")
    assert (again.code, len(hub.seen)) == (1, before)
    for part in ("tool", "settings", "submission", "subject", "components", "tensors", "summary", "opinion"):
        assert again.report[part] == first.report[part], part
    assert again.report["references"][0] == pulled
    offline = audit("compare", case.team, "--ref", "qwen2.5-vl", "--offline")
    assert offline.code == 1
    assert "1 of 3 compared" in offline.out
    assert "qwen2.5-vl-7b" in offline.out.split("Criteria")[0]
