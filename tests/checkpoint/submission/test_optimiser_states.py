"""Adam's running means are told by what they must satisfy, not by their names."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save

from independence_audit.checkpoint import TensorInfo, read_header
from independence_audit.checkpoint.submission.optimiser_states import are_adam_states
from tests.checkpoint.memory_source import MemorySource

RANDOM = np.random.default_rng(1)
SHAPE = (256, 512)
JUDGED = {"w": TensorInfo("w", "BF16", SHAPE, "f", 0, 2 * 256 * 512)}


def trained(steps: int, decays: tuple[float, float] = (0.9, 0.999)) -> tuple[np.ndarray, np.ndarray]:
    """Both means after some steps, of gradients that drift, some of which are always zero."""
    first, second = np.zeros(SHAPE), np.zeros(SHAPE)
    for step in range(steps):
        gradient = RANDOM.normal(0.001 * np.sin(step), 0.01, SHAPE) * np.exp(RANDOM.normal(0, 1, (256, 1)))
        gradient[:16] = 0.0
        first = decays[0] * first + (1 - decays[0]) * gradient
        second = decays[1] * second + (1 - decays[1]) * gradient**2
    return first, second


def told(**tensors: np.ndarray) -> bool:
    """Whether a file with some tensors is taken for the states of the judged weights."""
    source = MemorySource({"f": save({name: np.ascontiguousarray(value) for name, value in tensors.items()})})
    return are_adam_states(source, read_header(source, "f").tensors, JUDGED)


def named(first: np.ndarray, second: np.ndarray, dtype: type = np.float32) -> dict[str, np.ndarray]:
    """Both means as trainers call them."""
    return {"state.w.exp_avg": first.astype(dtype), "state.w.exp_avg_sq": second.astype(dtype)}


@pytest.mark.parametrize("steps", [1, 2, 30, 300])
def test_states_of_a_training(steps: int) -> None:
    """After the first step the means have a fixed ratio, which is told from weights by nothing: not judged."""
    assert told(**named(*trained(steps))) == (steps > 1)


def test_states_of_slow_decays_and_flat_shards() -> None:
    """The usual pair of language models, and states that a sharded trainer flattened."""
    first, second = trained(60, (0.9, 0.95))
    assert told(**named(first, second))
    assert told(**named(first.ravel(), second.ravel()))


def test_weights_under_these_names() -> None:
    """Two weights, a weight with its square, or a weight with what bounds it just so."""
    weight, other = RANDOM.normal(0, 0.02, SHAPE), RANDOM.normal(0, 0.02, SHAPE)
    assert not told(**named(weight, other))
    assert not told(**named(weight, np.abs(other) * 1e-6))
    assert not told(**named(weight, weight**2))
    assert not told(**named(weight, 0.1 * weight**2))


def test_what_else_lies_in_the_file() -> None:
    """States of other shapes, or a layer beside good ones."""
    first, second = trained(30)
    assert not told(**named(first[:100], second[:100]))
    assert not told(**named(first, second), extra=RANDOM.normal(size=SHAPE).astype(np.float32))
    assert told(**named(first, second), **{"state.w.step": np.zeros((), np.float32)})
