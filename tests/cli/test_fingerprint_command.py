"""`audit fingerprint`: what it announces, what it writes, and digests that know more than samples."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from independence_audit.cli.entry import main
from independence_audit.fingerprint.sampler import sampler_of
from tests.cli.small_models import llama, save

WIDTH = 512
"""Wider than the small sample's 256 columns."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model, most of which a small sample leaves unread."""
    return Path(save(llama(1, WIDTH), tmp_path / "model" / "model.safetensors")).parent


@pytest.mark.parametrize("size", ["default", "small"])
def test_a_dry_run_announces_what_is_written(model: Path, size: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes, requests and the file's size before anything is read, to within a tenth of a percent."""
    assert main(["fingerprint", str(model), "--size", size, "--dry-run"]) == 0
    announced = capsys.readouterr().out
    told = re.fullmatch(
        r"to read: ([\d,]+) bytes\nfrom far away: ([\d,]+) bytes in ([\d,]+) range requests\n"
        r"fingerprint: ([\d,]+) bytes\n",
        announced,
    )
    assert told, announced
    target = model.parent / f"{size}.fp.safetensors"
    assert not target.exists()
    assert main(["fingerprint", str(model), "--size", size, "-o", str(target), "-q"]) == 0
    written = target.stat().st_size
    assert abs(written - int(told[4].replace(",", ""))) <= 600 + 0.001 * written


def test_small_is_smaller(model: Path) -> None:
    """To be shipped: it takes less room, and tells the same of a copy."""
    sizes = {}
    for size in ("default", "small"):
        target = model.parent / f"{size}.fp.safetensors"
        assert main(["fingerprint", str(model), "--size", size, "-o", str(target), "-q"]) == 0
        sizes[size] = target.stat().st_size
        assert main(["compare", str(model), "--ref", str(target), "-q"]) == 1
    assert sizes["small"] < sizes["default"]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("full", [False, True])
def test_digests_know_more_than_samples(
    model: Path, *, full: bool, turned: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two models that are equal wherever the sample reads are identical by it, and not by their digests."""
    other = llama(1, WIDTH)
    changed = other["model.layers.0.self_attn.q_proj.weight"]
    plan = sampler_of("small").plan(*changed.shape)
    unread = np.ones(changed.shape, bool)
    unread[np.ix_(plan.rows, np.arange(plan.start, plan.stop))] = False
    changed[unread] *= 1.5
    save(other, model.parent / "other" / "model.safetensors")
    files = []
    for name in ("model", "other"):
        files.append(str(model.parent / f"{name}.fp.safetensors"))
        options = ["--size", "small", "-q", *(["--full"] if full else [])]
        assert main(["fingerprint", str(model.parent / name), "-o", files[-1], *options]) == 0
    subject, reference = files[::-1] if turned else files
    capsys.readouterr()
    assert main(["compare", subject, "--ref", reference, "--format", "json"]) == 1
    tensors = {one["name"]: one for one in json.loads(capsys.readouterr().out)["tensors"]}
    said = tensors["model.layers.0.self_attn.q_proj.weight"]
    assert said["identical_fraction"] == 1.0
    assert (said["relation"], said["reason"]) == (("related", "equal_in_sample") if full else ("identical", None))
    assert tensors["model.layers.1.self_attn.q_proj.weight"]["relation"] == "identical"


def test_a_small_fingerprint_is_a_reference_of_the_library(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is what is shipped: added under a name, it finds the copy, and a stranger stays one."""
    library, target = str(model.parent / "library"), model.parent / "small.fp.safetensors"
    assert main(["fingerprint", str(model), "--size", "small", "-o", str(target), "-q"]) == 0
    assert main(["refs", "add", "ours-1b", str(target), "--owner", "Us", "--library", library]) == 0
    save(llama(2, WIDTH), model.parent / "stranger" / "model.safetensors")
    for name, status in (("model", 1), ("stranger", 0)):
        subject = str(model.parent / name)
        assert main(["compare", subject, "--ref", "ours-1b", "--library", library, "--offline", "-q"]) == status
