"""Replay: initial weights drawn again from a declared seed, in a process of its own, and held against a checkpoint."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from independence_audit.checkpoint import Checkpoint, TensorInfo, decode
from independence_audit.core.number_types import DTYPES
from independence_audit.errors import InputError, UsageError
from independence_audit.evidence.training_evidence import ReplayEvidence, ReplayTensor

WORKER = Path(__file__).with_name("replay_worker.py")
LONGEST = 3600
"""Seconds that drawing may take: a model of 10 billion parameters takes minutes."""
PIECE = 4 << 20
"""Values compared at a time."""
CASTS = ("BF16", "F16", "F32", "F64")
"""Types that a draw in a wider one can be rounded to."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a team declares of its draw.

    Attributes:
        seed: The seed.
        config: A ``config.json``, or its folder, for a class of ``transformers``; empty where a function draws.
        function: ``module:function``, which is called with the seed and gives a module or its state; else empty.
        python: The interpreter that has the declared versions; empty for the one that runs this.
    """

    seed: int
    config: str = ""
    function: str = ""
    python: str = ""

    @property
    def name(self) -> str:
        """How the draw is called in a trajectory."""
        return f"replay of seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """Weights that were drawn again, in a folder, and what drew them."""

    folder: Path
    generator: str
    versions: str
    declared_version: str
    """The version of ``transformers`` that the config names; empty where it names none."""


def check_declared(declared: Declared) -> None:
    """Refuse what cannot draw anything.

    Raises:
        UsageError: There is neither a config nor a function, or both, or one of them cannot be one.
    """
    if bool(declared.config) == bool(declared.function):
        raise UsageError(
            "A replay needs what draws the weights, and only one thing.",
            "Add --config config.json for a class of transformers, or --replay-with module:function.",
        )
    if declared.config and not _is_config(Path(declared.config)):
        raise UsageError(f"There is no config {declared.config}.", "Check the path.")
    if declared.function and not all(declared.function.partition(":")):
        raise UsageError(f"{declared.function!r} is no function.", "Write module:function.")


def _is_config(path: Path) -> bool:
    """Whether there is a file of that name, or a folder with a config; a pipe would make the replay wait for ever."""
    return (path / "config.json" if path.is_dir() else path).is_file()


def draw(declared: Declared, folder: Path) -> Drawn:
    """Draw the initial weights into a folder, in a process of its own.

    Raises:
        UsageError: The interpreter, the library, the class or the function is not there.
        InputError: Drawing failed or took too long.
    """
    specification = folder / "specification.json"
    config = str(Path(declared.config).resolve()) if declared.config else ""
    specification.write_text(
        json.dumps({"seed": declared.seed, "config": config, "function": declared.function}), encoding="utf-8"
    )
    command = [declared.python or sys.executable, str(WORKER), str(specification), str(folder)]
    # The draw is the processor's: generators of accelerators give other numbers, and are not to be had everywhere.
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"}
    try:
        subprocess.run(command, check=False, timeout=LONGEST, env=environment, capture_output=True)  # noqa: S603
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"Drawing the weights took more than {LONGEST // 60} minutes.", "Replay a smaller one."
        ) from error
    except OSError as error:
        raise InputError(
            f"The process that draws the weights did not work: {error.strerror}.", "Check the Python."
        ) from error
    if "error" in result:
        raise UsageError(f"The weights could not be drawn again: {result['error']}.", _WAY_OUT)
    return Drawn(folder / "drawn", result["generator"], result["versions"], result["declared"])


_WAY_OUT = "Name another Python with --replay-python, or an initialiser of your own with --replay-with module:function."


def compare_bits(
    declared: Declared, drawn: Drawn, generated: Checkpoint, given: Checkpoint, name: str
) -> ReplayEvidence:
    """Hold every tensor of a checkpoint against the one that was drawn, bit for bit.

    A draw in a wider type is first rounded to the type in which the checkpoint holds the tensor.

    Args:
        declared: What was declared.
        drawn: What drew it.
        generated: The drawn weights.
        given: The checkpoint, step 0 as it was submitted.
        name: How it is called in the report.

    Raises:
        ReadError: Bytes could not be read.
    """
    names = [*generated.tensors, *(name for name in given.tensors if name not in generated.tensors)]
    compared = [(name, _compare(generated, given, name)) for name in names]
    different = tuple(each for _, each in compared if each is not None)
    constant = sum(each is None and _is_constant(given, given.tensors[name]) for name, each in compared)
    return ReplayEvidence(
        generator=drawn.generator,
        seed=declared.seed,
        versions=drawn.versions,
        checkpoint=name,
        tensors=len(names),
        identical=len(names) - len(different),
        different=different,
        constant=constant,
    )


def _compare(generated: Checkpoint, given: Checkpoint, name: str) -> ReplayTensor | None:
    """How a tensor differs; None where it does not."""
    mine, other = generated.tensors.get(name), given.tensors.get(name)
    if mine is None or other is None:
        return ReplayTensor(name, "not_generated" if mine is None else "not_in_checkpoint")
    if mine.shape != other.shape:
        return ReplayTensor(name, "shape_differs")
    if not (DTYPES[mine.dtype].decodable and DTYPES[other.dtype].decodable):
        return ReplayTensor(name, "differs")
    identical, largest, sums = True, 0.0, np.zeros(6)
    for first, second in zip(_pieces(generated, mine), _pieces(given, other), strict=True):
        if mine.dtype == other.dtype:
            identical &= bool((first == second).all())
        else:
            identical &= _as_stored(decode(first, mine.dtype), other.dtype) == second.tobytes()
        if not identical:
            x, y = (decode(raw, one.dtype).astype(np.float64) for raw, one in ((first, mine), (second, other)))
            largest = max(largest, float(np.abs(x - y).max(initial=0.0)))
            sums += np.array([x.size, x.sum(), y.sum(), x @ x, y @ y, x @ y])
    return None if identical else ReplayTensor(name, "differs", largest, _correlation(sums))


def _pieces(checkpoint: Checkpoint, tensor: TensorInfo) -> Iterator[NDArray[np.uint8]]:
    """A tensor's bytes, a number of values at a time."""
    width = max(1, DTYPES[tensor.dtype].bits // 8)
    for start in range(tensor.start, tensor.end, PIECE * width):
        raw = np.empty(min(PIECE * width, tensor.end - start), dtype=np.uint8)
        checkpoint.source.read(tensor.file, start, raw.data)
        yield raw


def _is_constant(checkpoint: Checkpoint, tensor: TensorInfo) -> bool:
    """Whether all of a tensor is one value, bit for bit."""
    width = max(1, DTYPES[tensor.dtype].bits // 8)
    first: NDArray[np.uint8] | None = None
    for piece in _pieces(checkpoint, tensor):
        values = piece.reshape(-1, width)
        first = values[0] if first is None else first
        if (values != first).any():
            return False
    return True


def _as_stored(values: NDArray[np.float32] | NDArray[np.float64], dtype: str) -> bytes:
    """Values rounded to a stored type, ties to even; nothing where the type is not one that a draw is rounded to."""
    if dtype == "BF16":
        bits = np.asarray(values, dtype=np.float32).view(np.uint32)
        return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes()
    return np.asarray(values).astype(f"<f{DTYPES[dtype].bits // 8}").tobytes() if dtype in CASTS else b""


def _correlation(sums: NDArray[np.float64]) -> float | None:
    """Pearson correlation of the pieces from the first that differs on."""
    count, x, y, xx, yy, xy = (float(value) for value in sums)
    spread = max(0.0, xx - x * x / count) * max(0.0, yy - y * y / count)
    return (xy - x * y / count) / math.sqrt(spread) if spread > 0.0 else None
