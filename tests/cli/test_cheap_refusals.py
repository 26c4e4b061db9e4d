"""Small inputs stay cheap: whatever lies in a folder, one sentence, and never more than 500 MB.

Memory is that of a process of its own; time is what it may use of the processor, so that a busy machine fails nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkpoint.safetensors_files import many_entries
from tests.cli.small_models import llama, save

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")

MOST_BYTES = 500_000_000
MOST_SECONDS = 15
"""Of processor time; seconds of a processor without company are a third."""
LONG = 24_900_000

PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
from independence_audit.cli.entry import main
status = main()
held = [line.split() for line in open("/proc/self/status") if line.startswith("VmHWM")]
print("\\npeak", int(held[0][1]) * 1024, file=sys.stderr)
sys.exit(status)
"""


def run(*arguments: str) -> tuple[int, str, int]:
    """Exit status, what was said, and the most bytes of memory."""
    program = PROGRAM.format(seconds=MOST_SECONDS)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, "compare", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=300,
    )
    said, _, peak = done.stderr.rpartition("\npeak ")
    assert peak, done.stderr
    return done.returncode, said, int(peak)


def header(raw: bytes, data: bytes = b"") -> bytes:
    """A file with a header as it should stand there."""
    return len(raw).to_bytes(8, "little") + raw + data


WEIGHTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "99 MB": (lambda: header(b"{" + b'"a":[],' * 14_000_000), "no more than 25,000,000 are read"),
    "lists": (lambda: header((b'{"a":[' + b"[]," * (LONG // 3))[:LONG]), "holds more than 4,000,000 values"),
    "numbers": (lambda: header(b'{"a":[' + b"300," * (LONG // 4 - 10) + b"1]}"), "holds more than 4,000,000 values"),
    "long numbers": (lambda: header(b'{"a":' + b"9" * LONG + b"}"), "is not valid JSON"),
    "nest": (lambda: header(b'{"a":' + b"[" * 3_000_000), "is nested too deeply"),
    "wide characters": (lambda: header(('{"a":"' + "\U0001f600" * 6_000_000 + '"}').encode()), "'a'"),
    "half characters": (lambda: header(b'{"a":"' + rb"\ud83d" * 4_000_000 + b'"}'), "not valid Unicode"),
    "empty tensors": (lambda: header(many_entries(400_000, 0)), "over 250,000 tensors"),
    "tiny tensors": (
        lambda: header(many_entries(200_000, 1), bytes(200_000)),
        "200,000 tensors, but only 200,000 bytes",
    ),
}


@pytest.mark.parametrize(("content", "sentence"), WEIGHTS.values(), ids=list(WEIGHTS))
def test_junk_in_place_of_weights(tmp_path: Path, content: Callable[[], bytes], sentence: str) -> None:
    """Four shards at once, too."""
    reference = save(llama(1), tmp_path / "known.safetensors")
    folder = tmp_path / "model"
    folder.mkdir()
    raw = content()
    for number in range(4):
        (folder / f"model-{number + 1:05d}-of-00004.safetensors").write_bytes(raw)
    del raw
    status, said, peak = run(str(folder), "--ref", reference)
    assert status == 4
    assert sentence in said
    assert said.count("\n") <= 2
    assert peak < MOST_BYTES


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


BESIDE: dict[str, tuple[str, Callable[[Path], object], int]] = {
    "config of lists": ("config.json", lambda p: p.write_bytes(b'{"a":[' + b"[]," * 3_000_000 + b"1]}"), 0),
    "config of a terabyte": ("config.json", _sparse, 3),
    "config as a pipe": ("config.json", os.mkfifo, 3),
    "tokenizer of lists": ("tokenizer.json", lambda p: p.write_bytes(b'{"a":[' + b"[]," * 12_000_000 + b"1]}"), 0),
    "tokenizer as a pipe": ("tokenizer.json", os.mkfifo, 3),
    "ranks": ("a.tiktoken", lambda p: p.write_bytes(b"\n" * 39_000_000), 0),
    "card as a pipe": ("README.md", os.mkfifo, 3),
    "index of a terabyte": ("model.safetensors.index.json", _sparse, 4),
    "index as a pipe": ("model.safetensors.index.json", os.mkfifo, 4),
    "index of many": (
        "model.safetensors.index.json",
        lambda p: p.write_bytes(b'{"weight_map":{' + b",".join(b'"%d":"a"' % n for n in range(1_100_000)) + b"}}"),
        4,
    ),
    "a terabyte of nothing": ("pytorch_model.bin", _sparse, 3),
}


@pytest.mark.parametrize(("name", "make", "expected"), BESIDE.values(), ids=list(BESIDE))
def test_junk_beside_weights(tmp_path: Path, name: str, make: Callable[[Path], object], expected: int) -> None:
    """Files that are looked at in passing neither hang nor cost."""
    reference = save(llama(1), tmp_path / "known.safetensors")
    save(llama(2), tmp_path / "model/model.safetensors")
    make(tmp_path / "model" / name)
    status, _, peak = run(str(tmp_path / "model"), "--ref", reference)
    assert status in {expected, 3 if expected == 0 else expected}
    assert peak < MOST_BYTES


def test_pipes_and_devices_in_place_of_weights(tmp_path: Path) -> None:
    """On either side; a terabyte of zeros behind a header is read in samples."""
    reference = save(llama(1), tmp_path / "known.safetensors")
    pipe = tmp_path / "pipe.safetensors"
    os.mkfifo(pipe)
    for odd in (str(pipe), "/dev/zero"):
        for pair in ((odd, "--ref", reference), (reference, "--ref", odd)):
            status, said, _ = run(*pair)
            assert status == 4
            assert "is not a regular file" in said
    raw = json.dumps({"a.weight": {"dtype": "F32", "shape": [1 << 19, 1 << 19], "data_offsets": [0, 1 << 40]}}).encode()
    sparse = tmp_path / "sparse.safetensors"
    with sparse.open("wb") as file:
        file.write(header(raw))
        file.truncate(8 + len(raw) + (1 << 40))
    status, _, peak = run(str(sparse), "--ref", reference)
    assert status in {3, 4}
    assert peak < MOST_BYTES
