"""`audit inspect`: where every tensor belongs, told from the headers alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from independence_audit.cli.entry import main
from tests.cli.small_models import LAYERS, llama, save


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A small decoder."""
    return save(llama(1), tmp_path / "model.safetensors")


def test_components_and_roles_are_shown(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each role, with its layers."""
    assert main(["inspect", model]) == 0
    shown = capsys.readouterr()
    assert "model  [text_decoder, llama, " in shown.out
    rows = {line.split()[0]: line for line in shown.out.splitlines() if line.startswith("  ")}
    assert "layers 0-1" in rows["gate"]
    assert "layers" not in rows["embed"]
    assert shown.err == ""


def test_every_tensor_is_listed_on_request(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By its name, and no other."""
    assert main(["inspect", model, "--tensors"]) == 0
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert sorted(rows) == sorted(llama(1))


def test_programs_get_json(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every tensor with its component, layer and role."""
    assert main(["inspect", model, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["kind"] for one in document["components"]] == ["text_decoder"]
    places = {one["tensor"]: (one["layer"], one["role"]) for one in document["parts"]}
    assert places.keys() == llama(1).keys()
    assert places["model.layers.1.self_attn.q_proj.weight"] == (LAYERS - 1, "q")


def test_no_weights_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A terabyte of them is looked at at once."""
    header = json.dumps({"a.weight": {"dtype": "F32", "shape": [1 << 19, 1 << 19], "data_offsets": [0, 1 << 40]}})
    path = tmp_path / "sparse.safetensors"
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header.encode())
        file.truncate(8 + len(header) + (1 << 40))
    assert main(["inspect", str(path)]) == 0
    assert f"{1 << 38:,} parameters" in capsys.readouterr().out


def test_what_is_no_model_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a way out, and nothing on stdout."""
    (tmp_path / "notes.txt").touch()
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "notes.txt"):
        assert main(["inspect", str(path)]) == 4
        shown = capsys.readouterr()
        assert shown.out == ""
        assert [line.split(":")[0] for line in shown.err.splitlines()] == ["error", "hint"]
