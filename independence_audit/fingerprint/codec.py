"""Fingerprints as files: one safetensors file, readable by any safetensors library, the same bytes for the same input.

Every sample is a tensor in its stored type; what it is a sample of stands in one metadata entry, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np

from independence_audit.anatomy import Axis, Component, Kind
from independence_audit.checkpoint import DTYPES, Checkpoint, TensorInfo
from independence_audit.errors import MalformedError, UnsupportedError
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.report import FileEvidence
from independence_audit.fingerprint.model import Fingerprint, Sample

SUFFIX = ".fp.safetensors"
KEY = "independence_audit_fingerprint"
"""The metadata entry; a file that has it is a fingerprint, whatever its name."""

VERSION = 1

_TORCH_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


def write_fingerprint(fingerprint: Fingerprint, path: Path) -> None:
    """Write a fingerprint, whole or not at all."""
    import torch  # only writing needs it, and it takes seconds to import
    from safetensors.torch import save

    tensors = {
        f"sample.{index:06d}": torch.from_numpy(np.ascontiguousarray(sample.raw).reshape(len(sample.rows), -1)).view(
            getattr(torch, _TORCH_NAMES[sample.dtype])
        )
        for index, sample in enumerate(fingerprint.samples)
        if sample.raw is not None
    }
    table = {
        "version": VERSION,
        "name": fingerprint.name,
        "sampler": fingerprint.sampler,
        "parameters": fingerprint.parameters,
        "read_bytes": fingerprint.read_bytes,
        "metadata": dict(fingerprint.metadata),
        "files": [asdict(file) for file in fingerprint.files],
        "notices": [{"key": notice.key, "data": dict(notice.data)} for notice in fingerprint.notices],
        "components": [asdict(component) for component in fingerprint.components],
        "samples": [_describe(sample) for sample in fingerprint.samples],
    }
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(save(tensors, {KEY: json.dumps(table, ensure_ascii=True, separators=(",", ":"))}))
    partial.replace(path)


def read_fingerprint(checkpoint: Checkpoint) -> Fingerprint:
    """The fingerprint that a safetensors file holds.

    Raises:
        MalformedError: Its table and its tensors contradict each other.
        UnsupportedError: It was written by a newer version.
    """
    try:
        table = json.loads(checkpoint.metadata[KEY])
        if table["version"] != VERSION:
            raise UnsupportedError(
                f"The fingerprint {checkpoint.name} has the format version {table['version']}, known is {VERSION}.",
                "Update independence-audit, or make the fingerprint anew.",
            )
        return Fingerprint(
            name=str(table["name"]),
            sampler=str(table["sampler"]),
            components=tuple(Component(**{**entry, "kind": Kind(entry["kind"])}) for entry in table["components"]),
            samples=tuple(_sample(checkpoint, index, entry) for index, entry in enumerate(table["samples"])),
            files=tuple(FileEvidence(**entry) for entry in table["files"]),
            parameters=int(table["parameters"]),
            read_bytes=int(table["read_bytes"]),
            metadata=table["metadata"],
            notices=tuple(Message(**entry) for entry in table["notices"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise MalformedError(
            f"The fingerprint {checkpoint.name} is damaged: {error}.", "Make it anew from the checkpoint."
        ) from error


def _describe(sample: Sample) -> dict[str, object]:
    return {
        "component": sample.component,
        "layer": sample.layer,
        "role": sample.role,
        "axis": sample.axis.value,
        "name": sample.name,
        "members": sample.members,
        "shape": list(sample.shape),
        "dtype": sample.dtype,
        "rows": sample.rows.tolist(),
        "experts": sample.experts.tolist(),
        "columns": [sample.start, sample.stop],
        "window": list(sample.window),
        "reason": sample.reason,
        "values": sample.raw is not None,
    }


def _sample(checkpoint: Checkpoint, index: int, entry: Mapping[str, Any]) -> Sample:
    rows, experts = (np.array(entry[key], dtype=np.int64).reshape(-1) for key in ("rows", "experts"))
    start, stop = (int(edge) for edge in entry["columns"])
    height, width = (int(count) for count in entry["shape"])
    first, last = (int(edge) for edge in entry["window"])
    if not (len(rows) == len(experts) and 0 <= start <= stop <= width and 0 <= first <= last <= width):
        raise ValueError(f"sample {index} lies outside its tensor")
    if len(np.unique((experts << 40) + rows)) != len(rows) or (rows < 0).any() or (rows >= max(height, 1)).any():
        raise ValueError(f"the rows of sample {index} are not those of its tensor")
    raw = None
    if entry["values"]:
        tensor = checkpoint.tensors[f"sample.{index:06d}"]
        if tensor.shape != (len(rows), stop - start) or tensor.dtype != entry["dtype"]:
            raise ValueError(f"sample {index} has another shape or type than its table says")
        raw = _bytes_of(checkpoint, tensor)
    return Sample(
        component=str(entry["component"]),
        layer=cast("int | None", entry["layer"]),
        role=str(entry["role"]),
        axis=Axis(entry["axis"]),
        name=str(entry["name"]),
        members=int(entry["members"]),
        shape=(height, width),
        dtype=str(entry["dtype"]),
        rows=rows,
        experts=experts,
        start=start,
        stop=stop,
        window=(first, last),
        raw=raw,
        reason=str(entry["reason"]),
    )


def _bytes_of(checkpoint: Checkpoint, tensor: TensorInfo) -> np.ndarray[Any, np.dtype[np.uint8]]:
    content = np.empty(tensor.end - tensor.start, dtype=np.uint8)
    checkpoint.source.read(tensor.file, tensor.start, content.data)
    return content.reshape(*tensor.shape, DTYPES[tensor.dtype].bits // 8)
