"""Fingerprints as files: one safetensors file, readable by any safetensors library, the same bytes for the same input.

Every sample is a tensor in its stored type; what it is a sample of stands in one metadata entry, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis, Component
from independence_audit.checkpoint import DTYPES, Checkpoint, TensorInfo
from independence_audit.checkpoint.header import KEY
from independence_audit.core.atomic import write_whole
from independence_audit.errors import InputError, MalformedError, UnsupportedError
from independence_audit.evidence.audit_report import FileEvidence
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.shape import shape_of
from independence_audit.fingerprint.samples import Fingerprint, Sample
from independence_audit.fingerprint.units.unit_file import decode_units, encode_units
from independence_audit.fingerprint.units.unit_layers import ComponentUnits
from independence_audit.fingerprint.whole_tensor import SIDE, Whole

SUFFIX = ".fp.safetensors"
VERSION = 2

MOST = 1 << 48
"""Parameters, bytes, rows or columns that a file may claim: hundreds of terabytes are no checkpoint's."""
MOST_LAYERS = 1 << 20
"""Layers that a file may claim."""

UNITS = "units"
"""The table's entry for units; a fingerprint that was made without has none."""


@dataclass(frozen=True, slots=True)
class _DescribedWhole:
    """What all values come to, but for their sketch."""

    content: str
    content_bf16: str
    values: int
    non_finite: int
    squared_norm: float


@dataclass(frozen=True, slots=True)
class _Described:
    """What one sample is a sample of."""

    component: str
    layer: int | None
    role: str
    axis: Axis
    name: str
    members: int
    shape: tuple[int, int]
    dtype: str
    rows: tuple[int, ...]
    experts: tuple[int, ...]
    columns: tuple[int, int]
    window: tuple[int, int]
    reason: str
    values: bool
    packing: str = ""
    whole: _DescribedWhole | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    """Everything in a fingerprint but the sampled values."""

    version: int
    name: str
    sampler: str
    parameters: int
    read_bytes: int
    metadata: Mapping[str, str]
    files: tuple[FileEvidence, ...]
    notices: tuple[Message, ...]
    components: tuple[Component, ...]
    samples: tuple[_Described, ...]


def write_fingerprint(fingerprint: Fingerprint, path: Path) -> None:
    """Write a fingerprint, whole or not at all.

    Raises:
        InputError: It could not be written.
    """
    import torch  # only writing needs it, and it takes seconds to import
    from safetensors.torch import save

    tensors = {
        _tensor_name(index): torch.frombuffer(
            bytearray(np.ascontiguousarray(sample.raw)), dtype=getattr(torch, DTYPES[sample.dtype].torch)
        ).reshape(sample.raw.shape[:2])
        for index, sample in enumerate(fingerprint.samples)
        if sample.raw is not None and sample.raw.size
    } | {
        _sketch_name(index): torch.from_numpy(sample.whole.sketch.copy())
        for index, sample in enumerate(fingerprint.samples)
        if sample.whole is not None
    }
    tensors |= {name: torch.from_numpy(np.array(values)) for name, values in encode_units(fingerprint.units)[0].items()}
    content = save(tensors, {KEY: _table_text(fingerprint)})
    try:
        write_whole(path, content)
    except OSError as error:
        message = f"The fingerprint {path.name} could not be written: {error.strerror}."
        raise InputError(message, "Free space or name another path.") from error


def file_size(fingerprint: Fingerprint) -> int:
    """Bytes of the file that a fingerprint would be written to; its values do not matter, only how many there are."""
    stored: list[NDArray[Any]] = [sample.raw for sample in fingerprint.samples if sample.raw is not None]
    sketches = [sample.whole.sketch for sample in fingerprint.samples if sample.whole is not None]
    units = list(encode_units(fingerprint.units)[0].values())
    header = json.dumps({"__metadata__": {KEY: _table_text(fingerprint)}}, separators=(",", ":"))
    entry = len('"sample.000000":{"dtype":"BF16","shape":[128,1024],"data_offsets":[10000000,10000000]},')
    content = sum(held.nbytes for held in [*stored, *sketches, *units])
    return 8 + len(header) + content + entry * (len(stored) + len(sketches) + len(units))


def read_fingerprint(checkpoint: Checkpoint) -> Fingerprint:
    """The fingerprint that a safetensors file holds.

    Raises:
        MalformedError: Its table and its tensors contradict each other.
        UnsupportedError: It was written by a newer version.
    """
    try:
        document = json.loads(checkpoint.metadata[KEY])
        _check_version(checkpoint.name, document["version"])
        units = document.pop(UNITS, None)
        table = cast("_Table", shape_of(_Table).decode(document, "$"))
        _check_table(table)
        samples = tuple(_sample(checkpoint, index, described) for index, described in enumerate(table.samples))
        found = () if units is None else decode_units(units, partial(_bytes_of, checkpoint))
        _check_all_told(checkpoint, table, found)
    except UnsupportedError:
        raise
    except (MalformedError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise MalformedError(
            f"The fingerprint {checkpoint.name} is damaged: {str(error)[:200] or type(error).__name__}.",
            "Make it anew from the checkpoint.",
        ) from error
    return Fingerprint(
        name=table.name,
        sampler=table.sampler,
        components=table.components,
        samples=samples,
        files=table.files,
        parameters=table.parameters,
        read_bytes=table.read_bytes,
        metadata=table.metadata,
        notices=table.notices,
        units=found,
    )


def _check_version(name: str, version: object) -> None:
    if version != VERSION or isinstance(version, bool):
        raise UnsupportedError(
            f"The fingerprint {name} has the format version {version!r}, known is {VERSION}.",
            "Update independence-audit, or make the fingerprint anew.",
        )


def _check_all_told(checkpoint: Checkpoint, table: _Table, units: tuple[ComponentUnits, ...]) -> None:
    """Refuse tensors that the table says nothing of: weights in the file of a fingerprint would be read by nobody."""
    told = {_sketch_name(index) for index, described in enumerate(table.samples) if described.whole}
    told |= {_tensor_name(index) for index, described in enumerate(table.samples) if described.values}
    told |= encode_units(units)[0].keys()
    stray = next((name for name in checkpoint.tensors if name not in told), None)
    if stray is not None:
        msg = f"its table says nothing of the tensor {stray[:80]!r}"
        raise ValueError(msg)


def _tensor_name(index: int) -> str:
    return f"sample.{index:06d}"


def _sketch_name(index: int) -> str:
    return f"sketch.{index:06d}"


def _table_text(fingerprint: Fingerprint) -> str:
    table: dict[str, object] = cast("dict[str, object]", shape_of(_Table).encode(_table(fingerprint), "$"))
    if fingerprint.units:
        table[UNITS] = encode_units(fingerprint.units)[1]
    return json.dumps(table, ensure_ascii=True, separators=(",", ":"))


def _table(fingerprint: Fingerprint) -> _Table:
    return _Table(
        version=VERSION,
        name=fingerprint.name,
        sampler=fingerprint.sampler,
        parameters=fingerprint.parameters,
        read_bytes=fingerprint.read_bytes,
        metadata=fingerprint.metadata,
        files=fingerprint.files,
        notices=fingerprint.notices,
        components=fingerprint.components,
        samples=tuple(_describe(sample) for sample in fingerprint.samples),
    )


def _describe(sample: Sample) -> _Described:
    return _Described(
        component=sample.component,
        layer=sample.layer,
        role=sample.role,
        axis=sample.axis,
        name=sample.name,
        members=sample.members,
        shape=sample.shape,
        dtype=sample.dtype,
        rows=tuple(sample.rows.tolist()),
        experts=tuple(sample.experts.tolist()),
        columns=(sample.start, sample.stop),
        window=sample.window,
        reason=sample.reason,
        values=sample.raw is not None,
        packing=sample.packing,
        whole=_describe_whole(sample.whole) if sample.whole else None,
    )


def _describe_whole(whole: Whole) -> _DescribedWhole:
    return _DescribedWhole(
        content=whole.content,
        content_bf16=whole.content_bf16,
        values=whole.values,
        non_finite=whole.non_finite,
        squared_norm=whole.squared_norm,
    )


def _sample(checkpoint: Checkpoint, index: int, described: _Described) -> Sample:
    rows, experts = (np.array(numbers, dtype=np.int64) for numbers in (described.rows, described.experts))
    _check_places(index, described, rows, experts)
    return Sample(
        component=described.component,
        layer=described.layer,
        role=described.role,
        axis=described.axis,
        name=described.name,
        members=described.members,
        shape=described.shape,
        dtype=described.dtype,
        rows=rows,
        experts=experts,
        start=described.columns[0],
        stop=described.columns[1],
        window=described.window,
        raw=_values(checkpoint, index, described) if described.values else None,
        reason=described.reason,
        packing=described.packing,
        whole=_whole(checkpoint, index, described.whole) if described.whole else None,
    )


def _whole(checkpoint: Checkpoint, index: int, described: _DescribedWhole) -> Whole:
    content = _content(checkpoint, _sketch_name(index), "F32", (SIDE, SIDE))
    if described.squared_norm < 0.0 or not np.isfinite(content.view("<f4")).all():
        msg = f"the sketch of sample {index} is not one of weights"
        raise ValueError(msg)
    return Whole(
        content=described.content,
        content_bf16=described.content_bf16,
        values=described.values,
        non_finite=described.non_finite,
        squared_norm=described.squared_norm,
        sketch=content.view("<f4").astype(np.float32).reshape(SIDE, SIDE),
    )


def _check_table(table: _Table) -> None:
    """Refuse what no checkpoint has: a fingerprint's own words are claims, and figures are computed with them.

    Raises:
        ValueError: There are no components, one stands there twice, a sample is of none, or a number cannot be.
    """
    names = [component.name for component in table.components]
    if not names or len(set(names)) < len(names):
        msg = "it has no components, or one of them twice"
        raise ValueError(msg)
    if any(sample.component not in names for sample in table.samples):
        msg = "a sample is of a component that it does not have"
        raise ValueError(msg)
    counted = [table.parameters, table.read_bytes, *(component.parameters for component in table.components)]
    counted += [file.size for file in table.files]
    counted += [number for sample in table.samples for number in (*sample.shape, sample.members - 1)]
    if not all(0 <= number < MOST for number in counted):
        msg = "a number of it is negative or larger than any checkpoint's"
        raise ValueError(msg)
    layers = [sample.layer for sample in table.samples if sample.layer is not None]
    if not all(0 <= layer < MOST_LAYERS for layer in layers):
        msg = "it has a layer that no model has"
        raise ValueError(msg)


def _check_places(index: int, described: _Described, rows: NDArray[np.int64], experts: NDArray[np.int64]) -> None:
    """Refuse rows and columns that the tensor does not have, or the same row twice."""
    height, width = described.shape
    for first, last in (described.columns, described.window):
        if not 0 <= first <= last <= width:
            msg = f"the columns of sample {index} are not those of its tensor"
            raise ValueError(msg)
    inside = (rows >= 0).all() and (rows < height).all() and (experts >= 0).all() and (experts < 1 << 20).all()
    if (
        len(rows) != len(experts)
        or not inside
        or len(set(zip(described.rows, described.experts, strict=True))) < len(rows)
    ):
        msg = f"the rows of sample {index} are not those of its tensor"
        raise ValueError(msg)


def _values(checkpoint: Checkpoint, index: int, described: _Described) -> NDArray[np.uint8]:
    shape = len(described.rows), described.columns[1] - described.columns[0]
    item = DTYPES[described.dtype].bits // 8
    if 0 in shape:
        return np.zeros((*shape, item), dtype=np.uint8)
    return _content(checkpoint, _tensor_name(index), described.dtype, shape).reshape(*shape, item)


def _content(checkpoint: Checkpoint, name: str, dtype: str, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """The bytes of a tensor of the file, which must be of the type and shape that the table says."""
    if not DTYPES[dtype].decodable:
        msg = f"{name} is of a type that holds no weights"
        raise ValueError(msg)
    return _bytes_of(checkpoint, name, dtype, shape)


def _bytes_of(checkpoint: Checkpoint, name: str, dtype: str, shape: tuple[int, int]) -> NDArray[np.uint8]:
    tensor: TensorInfo = checkpoint.tensors[name]
    if tensor.shape != shape or tensor.dtype != dtype:
        msg = f"{name} has another shape or type than its table says"
        raise ValueError(msg)
    content = np.empty(tensor.end - tensor.start, dtype=np.uint8)
    checkpoint.source.read(tensor.file, tensor.start, content.data)
    return content
