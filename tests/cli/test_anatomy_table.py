"""The table of a checkpoint's anatomy: every tensor stands somewhere in it, however strange its name."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from independence_audit.anatomy import Anatomy, Axis
from independence_audit.checkpoint import Checkpoint, Notice
from independence_audit.cli.anatomy_table import as_json, as_text
from tests.fingerprint.small_checkpoints import anatomy_of, checkpoint_of, dense, part_of

LAYERS = (0, 1, 2, 3, 5)
NAMES = [f"layers.{layer}.q" for layer in LAYERS]


def made(name: str = "memory") -> tuple[Checkpoint, Anatomy]:
    """A decoder with a gap in its layers, and a tower with two experts and a tensor that says nothing."""
    parts = [part_of(tensor, dense(2, 3), role="q", layer=layer) for tensor, layer in zip(NAMES, LAYERS, strict=True)]
    parts += [
        part_of("experts", dense(4, 6, expert * 24), component="to\u202ewer", role="up", expert=expert, axis=Axis.MLP)
        for expert in (0, 1)
    ]
    parts.append(part_of("positions", dense(1, 8), component="to\u202ewer", axis=Axis.NONE, reason="sinusoid"))
    arrays = {tensor: np.zeros((2, 3), np.float32) for tensor in NAMES}
    arrays |= {"experts": np.zeros((2, 4, 6), np.float32), "positions": np.zeros((1, 8), np.float32)}
    return checkpoint_of(arrays, name=name), anatomy_of(parts)


def test_a_role_is_one_row_with_its_layers() -> None:
    """Runs of layers are written as ranges, experts are counted, and a reason stands in place of an axis."""
    rows = [line.split() for line in as_text(*made(), every=False).splitlines() if line.startswith("  ")]
    assert rows == [
        ["q", "2", "x", "3", "residual", "layers", "0-3,", "5"],
        ["up", "4", "x", "6", "mlp", "2", "experts"],
        ["positions", "1", "x", "8", "sinusoid"],
    ]


def test_every_tensor_has_a_row_where_that_is_asked_for() -> None:
    """A stack has one for each expert."""
    lines = [line for line in as_text(*made(), every=True).splitlines() if line.startswith("  ")]
    assert [line.split()[0] for line in lines] == [*NAMES, "experts", "experts", "positions"]
    assert "up of expert 1" in lines[-2]


def test_the_head_counts_all_there_is() -> None:
    """Tensors, parameters and files of the checkpoint, then of every component."""
    lines = as_text(*made(), every=False).splitlines()
    assert lines[0] == "memory: 7 tensors, 86 parameters, 1 file(s)"
    assert "model  [text_decoder, handmade, 30 parameters]" in lines


def test_names_do_nothing_to_a_terminal() -> None:
    """Those of the checkpoint and of its components are shown as what they are."""
    text = as_text(*made("a\x1b[2J\nb"), every=True)
    assert text.startswith("a\\u001b[2J\\u000ab: ")
    assert "to\\u202ewer  [" in text
    assert all(line.isprintable() for line in text.splitlines())


def test_programs_get_the_names_as_they_are() -> None:
    """With the place of every part; a reason is there or null."""
    document = json.loads(as_json(*made("a\nb")))
    assert document["name"] == "a\nb"
    assert [one["name"] for one in document["components"]] == ["model", "to\u202ewer"]
    assert len(document["parts"]) == 8
    assert document["parts"][-1] == {
        "tensor": "positions",
        "component": "to\u202ewer",
        "layer": None,
        "role": "positions",
        "expert": None,
        "shape": [1, 8],
        "axis": "none",
        "reason": "sinusoid",
    }
    assert document["parts"][0]["reason"] is None


def test_notices_of_the_checkpoint_stand_on_top() -> None:
    """By their keys, each on a line of its own."""
    checkpoint, anatomy = made()
    noticed = replace(checkpoint, notices=(Notice("hostile_name", {"tensor": "a\u202eb"}), Notice("shared_offset")))
    lines = as_text(noticed, anatomy, every=False).splitlines()
    assert lines[1].startswith("notice: hostile_name ")
    assert lines[2] == "notice: shared_offset {}"
    assert lines[1].isprintable()
