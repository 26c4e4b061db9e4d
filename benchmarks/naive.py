"""The script that everybody writes first: whole tensors as float32, cosine, Pearson correlation and equality of each.

``python benchmarks/naive.py SUBJECT REFERENCE`` prints JSON; both are folders of safetensors shards.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open


def main(subject: Path, reference: Path) -> None:
    """Compare every tensor that both checkpoints have and print the figures."""
    with ExitStack() as stack:
        first, second = shards(subject, stack), shards(reference, stack)
        figures = {
            name: compare(first[name].get_tensor(name), second[name].get_tensor(name))
            for name in first
            if name in second
        }
    print(json.dumps(figures, indent=1))


def shards(folder: Path, stack: ExitStack) -> dict[str, Any]:
    """The open shard of every tensor."""
    opened = [stack.enter_context(safe_open(path, framework="pt")) for path in sorted(folder.glob("*.safetensors"))]
    return {name: shard for shard in opened for name in shard.keys()}  # noqa: SIM118  a shard is no mapping


def compare(first: torch.Tensor, second: torch.Tensor) -> dict[str, float]:
    """Cosine, Pearson correlation and share of equal values of two tensors."""
    x, y = first.float().flatten(), second.float().flatten()
    return {
        "cosine": float(torch.nn.functional.cosine_similarity(x, y, dim=0)),
        "pearson": float(np.corrcoef(x.numpy(), y.numpy())[0, 1]),
        "equal": float((x == y).double().mean()),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
