"""``--replay``: weights drawn again from a seed, by transformers and by a function of one's own, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import save_file

from independence_audit.cli.entry import main

SEED = 4321
STEPS = ("step-0", "step-1", "step-2", "step-3")

OWN = """
import torch
def draw(seed):
    generator = torch.Generator().manual_seed(seed)
    return {f"layers.{n}.weight": 0.02 * torch.randn(128, 128, generator=generator) for n in range(4)}
def biased(seed):
    constants = {f"layers.{n}.{name}": torch.full((128,), value) for n in range(4) for name, value in CONSTANTS.items()}
    return draw(seed) | constants
CONSTANTS = {"bias": 0.0, "norm.weight": 1.0, "norm.bias": 0.0}
def fail(seed):
    raise RuntimeError("no weights today")
"""


def drawn(seed: int) -> dict[str, torch.Tensor]:
    """What the function draws."""
    generator = torch.Generator().manual_seed(seed)
    return {f"layers.{n}.weight": 0.02 * torch.randn(128, 128, generator=generator) for n in range(4)}


def write(weights: dict[str, torch.Tensor], folder: Path, steps: int = 3) -> None:
    """Step 0, and checkpoints that a training along shared directions made of it."""
    generator = torch.Generator().manual_seed(1)
    for step in range(steps + 1):
        (folder / f"step-{step}").mkdir()
        save_file(weights, folder / f"step-{step}" / "model.safetensors")
        weights = {name: _trained(each, generator) for name, each in weights.items()}


def _trained(each: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    if each.ndim == 1:
        return each + 0.02 * torch.randn(each.shape, generator=generator)
    left, right = (torch.randn(size, 4, generator=generator) for size in each.shape)
    return 0.99 * each + 0.004 * left @ right.T


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a function of one's own and a training that began from its draw; the audit runs in it."""
    (tmp_path / "own_init.py").write_text(OWN)
    write(drawn(SEED), tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def follow(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """The status and the JSON report."""
    status = main(["trajectory", *arguments, "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def test_transformers_draws_step_0_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every tensor bit for bit, though step 0 is stored in half precision."""
    config = transformers.LlamaConfig(
        vocab_size=256, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4
    )
    transformers.set_seed(SEED)
    model = transformers.LlamaForCausalLM(config)
    model.config.architectures = ["LlamaForCausalLM"]
    model.config.save_pretrained(tmp_path / "config")
    write({name: each.bfloat16() for name, each in model.state_dict().items()}, tmp_path)
    steps = [str(tmp_path / f"step-{step}") for step in range(4)]
    status, report = follow(capsys, *steps, "--replay", str(SEED), "--config", str(tmp_path / "config"))
    assert status == 0
    replay = report["training"]["replay"]
    assert replay["generator"] == "LlamaForCausalLM"
    assert replay["different"] == []
    assert replay["identical"] == replay["tensors"] > 10
    assert f"torch {torch.__version__}" in replay["versions"]


def test_a_function_of_ones_own(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It draws step 0 again but for one tensor, which is told; another seed is a contradiction."""
    weights = drawn(SEED)
    weights["layers.3.weight"] *= 1.01
    save_file(weights, own / "step-0" / "model.safetensors")
    status, report = follow(capsys, *STEPS, "--replay", str(SEED), "--replay-with", "own_init:draw")
    assert status == 0
    replay = report["training"]["replay"]
    assert (replay["tensors"], replay["identical"]) == (4, 3)
    assert replay["different"][0]["name"] == "layers.3.weight"
    assert replay["different"][0]["correlation"] == pytest.approx(1.0)
    status, report = follow(capsys, *STEPS, "--replay", str(SEED + 1), "--replay-with", "own_init:draw")
    assert status == 1
    [component] = report["training"]["components"]
    assert [each["message"]["key"] for each in component["findings"]] == ["finding.replay_refused"]
    assert component["conclusion"] == "no_evidence"


def test_a_wrong_seed_is_refused_whatever_the_names_say(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names that say no step, and a fingerprint, which has no bits to compare; the right seed passes under them."""
    assert main(["fingerprint", "step-0", "-o", "first.fp.safetensors", "-q"]) == 0
    capsys.readouterr()
    for number in range(4):
        (own / f"step-{number}").rename(own / "abcd"[number])
    for names in (["a", "b", "c", "d"], ["first.fp.safetensors", "b", "c", "d"]):
        status, report = follow(capsys, *names, "--replay", str(SEED + 1), "--replay-with", "own_init:draw")
        [component] = report["training"]["components"]
        assert status == 1
        assert [each["message"]["key"] for each in component["findings"]] == ["finding.replay_refused"]
        assert component["findings"][0]["message"]["data"]["of"] == 4
        assert component["conclusion"] == "no_evidence"
        assert "grounds.drawn" not in {message["key"] for message in component["evidence"]}
        status, report = follow(capsys, *names, "--replay", str(SEED), "--replay-with", "own_init:draw")
        assert (status, report["training"]["components"][0]["conclusion"]) == (0, "initialised_and_trained")


@pytest.mark.parametrize("declared", [[], ["--step-regex", "step-([0-9]+)"]], ids=["guessed", "declared"])
def test_constants_bear_no_seed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], declared: list[str]
) -> None:
    """Twelve gains and biases that any seed gives, beside four matrices that it does not."""
    (tmp_path / "biased_init.py").write_text(OWN)
    constants = {"bias": 0.0, "norm.weight": 1.0, "norm.bias": 0.0}
    whole = drawn(SEED) | {
        f"layers.{n}.{name}": torch.full((128,), value) for n in range(4) for name, value in constants.items()
    }
    write(whole, tmp_path)
    monkeypatch.chdir(tmp_path)
    status, report = follow(capsys, *STEPS, *declared, "--replay", str(SEED), "--replay-with", "biased_init:biased")
    assert status == 0
    replay = report["training"]["replay"]
    assert (replay["tensors"], replay["identical"], replay["constant"]) == (16, 16, 12)
    assert report["training"]["components"][0]["conclusion"] == "initialised_and_trained"
    status, report = follow(capsys, *STEPS, *declared, "--replay", "7", "--replay-with", "biased_init:biased")
    assert status == 1
    [component] = report["training"]["components"]
    assert [each["message"]["key"] for each in component["findings"]] == ["finding.replay_refused"]
    assert "grounds.replayed" not in {message["key"] for message in component["evidence"]}


def test_the_draw_stands_before_later_checkpoints(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without step 0 the draw is the first checkpoint: found in the last weights, or with a wrong seed not."""
    status, report = follow(capsys, "step-3", "--replay", str(SEED), "--replay-with", "own_init:draw")
    assert status == 0
    [component] = report["training"]["components"]
    assert component["conclusion"] == "initialised_and_trained"
    assert "grounds.drawn" in {message["key"] for message in component["evidence"]}
    status, report = follow(capsys, "step-3", "--replay", "7", "--replay-with", "own_init:draw")
    assert status == 1
    assert report["training"]["components"][0]["conclusion"] == "starts_from_trained_weights"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--replay", "1"], "needs what draws"),
        (["--replay", "1", "--config", "x", "--replay-with", "a:b"], "only one thing"),
        (["--replay", "1", "--config", "nowhere"], "no config nowhere"),
        (["--replay", "1", "--replay-with", "own_init"], "is no function"),
        (["--replay", "1", "--replay-with", "own_init:missing"], "cannot be imported"),
        (["--replay", "1", "--replay-with", "own_init:fail"], "no weights today"),
        (["--replay", "1", "--config", "config.json"], "names no class"),
        (["--config", "config.json"], "Add --replay SEED"),
    ],
)
def test_what_cannot_be_replayed(
    arguments: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence, a way out, status 2."""
    (tmp_path / "own_init.py").write_text(OWN)
    (tmp_path / "config.json").write_text('{"model_type": "llama", "architectures": ["NoSuchModel"]}')
    monkeypatch.chdir(tmp_path)
    assert main(["trajectory", "step-0", "step-1", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert "hint:" in error
    assert "Traceback" not in error


def test_a_python_without_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another interpreter is used as it is; what it lacks is said."""
    (tmp_path / "python").write_text(
        '#!/bin/sh\necho \'{"error": "torch is not installed for this Python"}\' > "$3/result.json"\n'
    )
    (tmp_path / "python").chmod(0o755)
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    arguments = ["--replay", "1", "--config", "config.json", "--replay-python", str(tmp_path / "python")]
    assert main(["trajectory", "step-0", "step-1", *arguments]) == 2
    assert "torch is not installed for this Python" in capsys.readouterr().err
