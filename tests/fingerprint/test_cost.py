"""What a fingerprint costs, told from headers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from independence_audit.checkpoint import open_checkpoint
from independence_audit.core.progress import NoProgress
from independence_audit.fingerprint.build import fingerprint_of
from independence_audit.fingerprint.cost import cost_of, plan_within
from independence_audit.fingerprint.fingerprint_file import write_fingerprint
from independence_audit.fingerprint.making import cost, save_fingerprint
from independence_audit.fingerprint.sampler import sampler_of
from tests.fingerprint.real_shapes import GLM, QWEN, glm_4_5_air, qwen2_5_7b, without_weights

MB = 10**6


@pytest.mark.parametrize(
    ("shapes", "config", "parameters"), [(qwen2_5_7b, QWEN, 7_615_616_512), (glm_4_5_air, GLM, 109_227_310_848)]
)
def test_budgets_hold_on_real_shapes(shapes: Callable[[], Any], config: dict[str, object], parameters: int) -> None:
    """A dense 7B model: 40 MB, from far away too. A MoE of 100B: 60 MB and 5,000 requests. Small: 6 MB to ship."""
    checkpoint, anatomy = without_weights(shapes(), config)
    assert sum(tensor.size for tensor in checkpoint.tensors.values()) == parameters
    assert not any(part.reason == "unexpected_shape" for part in anatomy.parts)
    samplers = [sampler_of(size) for size in ("default", "small")]
    plans = [plan_within(checkpoint, anatomy, sampler, None) for sampler in samplers]
    default, small = (
        cost_of(checkpoint, anatomy, sampler, units=plan) for sampler, plan in zip(samplers, plans, strict=True)
    )
    dense = shapes is qwen2_5_7b
    assert max(default.wanted_bytes, default.file_size) < (40 if dense else 60) * MB
    assert default.requests < 5000
    assert default.read_bytes < 0.005 * sum(checkpoint.files.values())
    assert small.file_size < 6 * MB
    assert small.requests < default.requests
    assert all(plan.sampled_layers is None or plan.sampled_layers > 5 for plan in plans)


@pytest.mark.parametrize("everything", [False, True])
def test_cost_is_what_making_it_takes(everything: bool, tmp_path: Path) -> None:  # noqa: FBT001  a case's parameter
    """Bytes to read exactly, the file's size to within a tenth of a percent and some hundred bytes."""
    draw = np.random.default_rng(0)
    weights = {
        f"model.layers.{layer}.mlp.{role}_proj.weight": draw.normal(size=(900, 900)).astype(np.float32)
        for layer in range(2)
        for role in ("gate", "up")
    }
    save_file(weights, tmp_path / "model.safetensors")
    checkpoint = open_checkpoint(tmp_path)
    anatomy, made = fingerprint_of(checkpoint, sampler_of("default"), everything=everything)
    checkpoint.source.close()
    write_fingerprint(made, tmp_path / "f.fp.safetensors")
    cost = cost_of(checkpoint, anatomy, sampler_of("default"), everything=everything)
    assert cost.wanted_bytes == made.read_bytes
    assert cost.read_bytes >= cost.wanted_bytes
    assert abs(cost.file_size - (tmp_path / "f.fp.safetensors").stat().st_size) < 600


@pytest.mark.parametrize("search_layers", [None, 0])
def test_what_is_announced_is_what_is_written(search_layers: int | None, tmp_path: Path) -> None:
    """Never less but for some bytes of header, and at most 5% more."""
    base = Path(__file__).parents[2] / "examples" / "seeds_case" / "base"
    target = tmp_path / "base.fp.safetensors"
    save_fingerprint(str(base), target, sampler_of("default"), NoProgress(), search_layers=search_layers)
    written = target.stat().st_size
    announced = cost(str(base), sampler_of("default"), everything=False, search_layers=search_layers).file_size
    assert written - 600 <= announced <= 1.05 * written
