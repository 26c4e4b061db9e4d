"""Initialisers: known scales by shape, the defaults of model types, declared files, and honest errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from independence_audit.errors import UsageError
from independence_audit.training.initialisers import defaults_of, on_law, read_initialiser
from tests.training.hand_made import drawn, sample_of, trained


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (drawn(0), "constant"),
        (np.random.default_rng(1).uniform(-(96**-0.5), 96**-0.5, (128, 96)), "kaiming_uniform"),
        (drawn(2, 128, 96, (2 / 224) ** 0.5), "xavier"),
        (drawn(3, 128, 96, (2 / 96) ** 0.5), "kaiming"),
        (drawn(4, 128, 96, 96**-0.5), "lecun"),
        (drawn(5, scale=0.0317), ""),
    ],
    ids=["0.02", "torch", "xavier", "kaiming", "lecun", "none"],
)
def test_known_scales(values: np.ndarray, rule: str) -> None:
    """A draw is recognised with the rule of its scale."""
    law = on_law(sample_of(values, "q"))
    assert law is not None
    assert law.rule == rule


def test_what_is_on_no_law() -> None:
    """Trained matrices, small ones and vectors are not called draws."""
    assert on_law(sample_of(trained(0), "q")) is None
    assert on_law(sample_of(drawn(0, 16, 64), "q")) is None
    assert on_law(sample_of(np.ones(8192), "norm")) is None
    assert on_law(sample_of(np.where(np.arange(128) == 3, np.nan, drawn(0)), "q")) is None


@pytest.mark.parametrize("dtype", ["BF16", "F16"])
def test_rounding_does_not_hide_a_draw(dtype: str) -> None:
    """A draw stored in half precision is still one."""
    assert on_law(sample_of(drawn(0), "q", dtype=dtype)) is not None


def test_defaults_of_model_types() -> None:
    """A config's range is the scale; gemma's gains start at zero."""
    assert defaults_of("llama", {"initializer_range": 0.006}).of("q").scale == 0.006
    assert defaults_of("llama", {}).of("attn_norm").gain == 1.0
    assert defaults_of("gemma2", {}).of("attn_norm").gain == 0.0
    assert defaults_of("siglip", {"initializer_range": 0.02}).of("q").scale is None


def test_a_declared_file(tmp_path: Path) -> None:
    """Roles override the default."""
    file = tmp_path / "init.toml"
    file.write_text('[default]\nscale = 0.01\n[roles.down]\nlaw = "uniform"\nscale = 0.002\n')
    declared = read_initialiser(file)
    assert declared.of("q").scale == 0.01
    assert (declared.of("down").law, declared.of("down").scale) == ("uniform", 0.002)


@pytest.mark.parametrize(
    "text",
    ["nonsense", "[weights]\n", '[default]\nlaw = "cauchy"\n', "[default]\nwidth = 3\n", '[default]\nscale = "x"\n'],
    ids=["no TOML", "unknown table", "unknown law", "unknown key", "no number"],
)
def test_a_broken_file_is_a_usage_error(text: str, tmp_path: Path) -> None:
    """With one sentence and what a file looks like."""
    file = tmp_path / "init.toml"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_initialiser(file)
    assert caught.value.hint
    with pytest.raises(UsageError):
        read_initialiser(tmp_path / "missing.toml")
