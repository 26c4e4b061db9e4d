"""Bad input: one clear sentence and a way out, exit 4 (2 for usage), never a traceback, never 0 or 1."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from independence_audit.cli.entry import main
from tests.checkpoint.gguf import gguf_files
from tests.cli.small_models import llama, save


def raw_file(path: Path, header: object, data: bytes = b"") -> str:
    """Write a safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return str(path)


def truncated(folder: Path) -> str:
    """A file that ends too early."""
    path = Path(save(llama(1), folder / "whole.safetensors"))
    path.write_bytes(path.read_bytes()[:-1000])
    return str(path)


def tensor(start: int, stop: int) -> dict[str, object]:
    """A header entry of a float32 vector."""
    return {"dtype": "F32", "shape": [(stop - start) // 4], "data_offsets": [start, stop]}


def overlapping(folder: Path) -> str:
    """Two tensors that share bytes."""
    return raw_file(folder / "overlap.safetensors", {"a": tensor(0, 64), "b": tensor(32, 96)}, bytes(96))


def gapped(folder: Path) -> str:
    """Bytes that belong to no tensor."""
    return raw_file(folder / "gap.safetensors", {"a": tensor(0, 64), "b": tensor(80, 96)}, bytes(96))


def duplicate_keys(folder: Path) -> str:
    """One name twice: some readers take the first, some the last."""
    entry = json.dumps(tensor(0, 64))
    return raw_file(folder / "twice.safetensors", f'{{"a": {entry}, "a": {entry}}}'.encode(), bytes(64))


def wrong_index(folder: Path) -> str:
    """An index that names a tensor no shard has."""
    save(llama(1), folder / "model-00001-of-00001.safetensors")
    index = {"weight_map": {"model.ghost.weight": "model-00001-of-00001.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return str(folder)


def missing_shard(folder: Path) -> str:
    """An index that names a shard which is not there."""
    index = {"weight_map": {"model.norm.weight": "model-00001-of-00001.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return str(folder)


def pickle(folder: Path) -> str:
    """A pickle, which can run code."""
    path = folder / "pytorch_model.bin"
    path.write_bytes(b"\x80\x02}q\x00.")
    return str(path)


def empty_folder(folder: Path) -> str:
    """A folder with nothing in it."""
    (folder / "empty").mkdir()
    return str(folder / "empty")


def folder_without_weights(folder: Path) -> str:
    """A folder with other files."""
    (folder / "notes.txt").write_text("no weights")
    return str(folder)


def nowhere(folder: Path) -> str:
    """A path that does not exist."""
    return str(folder / "nowhere.safetensors")


def all_nan(folder: Path) -> str:
    """A checkpoint with a tensor of nothing but NaN."""
    weights = llama(1)
    weights["model.layers.0.mlp.up_proj.weight"][:] = np.nan
    return save(weights, folder / "nan.safetensors")


def vision_tower(folder: Path) -> str:
    """A model of another kind that is built otherwise: a vision tower alone."""
    random = np.random.default_rng(5)
    shapes: dict[str, tuple[int, ...]] = {"attn.qkv.weight": (288, 96), "attn.proj.weight": (96, 96)}
    shapes |= {"norm1.weight": (96,), "norm2.weight": (96,)}
    shapes |= {"mlp.gate_proj.weight": (160, 96), "mlp.up_proj.weight": (160, 96), "mlp.down_proj.weight": (96, 160)}
    weights = {
        f"visual.blocks.{layer}.{name}": random.normal(0, 0.02, shape).astype(np.float32)
        for layer in range(2)
        for name, shape in shapes.items()
    }
    weights["visual.patch_embed.proj.weight"] = random.normal(0, 0.02, (96, 3, 2, 14, 14)).astype(np.float32)
    return save(weights, folder / "vision.safetensors")


def gguf(content: bytes, name: str) -> Callable[[Path], str]:
    """A GGUF file of these bytes."""

    def make(folder: Path) -> str:
        (folder / f"{name}.gguf").write_bytes(content)
        return str(folder / f"{name}.gguf")

    make.__name__ = name
    return make


GGUF = [
    gguf(gguf_files.raw(entries=[gguf_files.entry("a")], data=bytes(9)), "gguf_cut"),
    gguf(gguf_files.raw(counts=(2**40, 1)), "gguf_counts"),
    gguf(gguf_files.raw(entries=[gguf_files.entry(name) for name in "ab"], data=bytes(48)), "gguf_overlap"),
    gguf(gguf_files.raw(entries=[gguf_files.entry("a", offset=2**63)], data=bytes(48)), "gguf_offset"),
    gguf(gguf_files.raw(entries=[gguf_files.entry("a", kind=77)], data=bytes(48)), "gguf_type"),
    gguf(gguf_files.raw([gguf_files.key("a", 9, struct.pack("<IQ", 8, 2**60))]), "gguf_metadata"),
    gguf(b"GGUF", "gguf_begun"),
]
CASES = [
    *GGUF,
    truncated,
    overlapping,
    gapped,
    duplicate_keys,
    wrong_index,
    missing_shard,
    pickle,
    empty_folder,
    folder_without_weights,
    nowhere,
    all_nan,
    vision_tower,
]


@pytest.mark.parametrize("role", ["subject", "reference"])
@pytest.mark.parametrize("make", CASES)
def test_unusable_input_is_one_sentence_and_exit_4(
    make: Callable[[Path], str], role: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever side is bad: exit 4, an error, a hint, nothing on stdout and no traceback."""
    (tmp_path / "bad").mkdir()
    bad, good = make(tmp_path / "bad"), save(llama(2), tmp_path / "good.safetensors")
    subject, reference = (bad, good) if role == "subject" else (good, bad)
    assert main(["compare", subject, "--ref", reference]) == 4
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    lines = shown.err.strip().splitlines()
    assert [line.split(":")[0] for line in lines] == ["error", "hint"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "a.safetensors"],
        ["compare"],
        ["compare", "a", "--ref", "b", "--nonsense"],
        ["compare", "a", "--ref", "b", "--policy", "none-such"],
        ["compare", "a", "--ref", "b", "--alpha", "2"],
        ["compare", "a", "--ref", "b", "-o", "report.html"],
        ["compare", "a", "--ref", "b", "-o", "docx=report.docx"],
        ["compare", "a", "--ref", "b", "-o", "html=/proc/nowhere/report.html"],
        ["accuse", "a"],
    ],
)
def test_wrong_usage_is_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong command line is told before anything is read."""
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err


def test_hostile_names_are_compared_and_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names with markup or path parts do no harm and are shown for what they are."""
    weights = llama(1) | {"../../etc/<script>alert(1)</script>": np.ones((2, 2), np.float32)}
    subject, reference = save(weights, tmp_path / "a.safetensors"), save(llama(2), tmp_path / "b.safetensors")
    page = tmp_path / "report.html"
    assert main(["compare", subject, "--ref", reference, "-o", f"html={page}"]) in (0, 3)
    assert "<script>alert" not in page.read_text()
    assert "Traceback" not in capsys.readouterr().err


def test_scattered_nan_are_counted_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A few NaN and infinities change nothing but the count."""
    weights = llama(1)
    weights["model.layers.0.mlp.up_proj.weight"][::7, 3] = np.nan
    weights["model.layers.1.mlp.up_proj.weight"][::5, 9] = np.inf
    subject, reference = save(weights, tmp_path / "a.safetensors"), save(llama(1), tmp_path / "b.safetensors")
    assert main(["compare", subject, "--ref", reference, "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["components"][0]["relation"] == "identical"
    assert any(notice["key"] == "notice.non_finite" for notice in report["subject"]["notices"])


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_salt_that_is_no_secret_is_refused(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing or guessable salt is a wrong usage, told before anything is read."""
    salt = tmp_path / "salt"
    if content is not None:
        salt.write_bytes(content)
    assert main(["compare", "a", "--ref", "b", "--salt-file", str(salt)]) == 2
    assert "salt file" in capsys.readouterr().err
