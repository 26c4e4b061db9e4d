"""A checkpoint's anatomy as a table or as JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

from independence_audit.anatomy import Anatomy, Part
from independence_audit.checkpoint import Checkpoint
from independence_audit.report.plain import visible


def as_text(checkpoint: Checkpoint, anatomy: Anatomy, *, every: bool) -> str:
    """Components with their roles and layers; every tensor's place where asked for."""
    total = sum(tensor.size for tensor in checkpoint.tensors.values())
    counts = f"{len(checkpoint.tensors):,} tensors, {total:,} parameters, {len(checkpoint.files)} file(s)"
    lines = [f"{visible(checkpoint.name)}: {counts}"]
    lines += [f"notice: {notice.key} {visible(str(dict(notice.data)))}" for notice in checkpoint.notices]
    for component in anatomy.components:
        parts = [part for part in anatomy.parts if part.component == component.name]
        facts = f"{component.kind}, {component.family}, {component.parameters:,} parameters"
        lines += ["", f"{visible(component.name)}  [{facts}]"]
        lines += _tensor_rows(parts) if every else _role_rows(parts)
    return "\n".join(lines)


def as_json(checkpoint: Checkpoint, anatomy: Anatomy) -> str:
    """The same for programs: components, and the place of every part of every tensor."""
    return json.dumps(
        {
            "name": checkpoint.name,
            "components": [
                {
                    "name": component.name,
                    "kind": component.kind.value,
                    "family": component.family,
                    "parameters": component.parameters,
                }
                for component in anatomy.components
            ],
            "parts": [
                {
                    "tensor": part.tensor,
                    "component": part.component,
                    "layer": part.layer,
                    "role": part.role,
                    "expert": part.expert,
                    "shape": list(part.view.shape),
                    "axis": part.axis.value,
                    "reason": part.reason or None,
                }
                for part in anatomy.parts
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def _role_rows(parts: Sequence[Part]) -> list[str]:
    rows: dict[tuple[str, tuple[int, int], str], list[Part]] = defaultdict(list)
    for part in parts:
        rows[part.role, part.view.shape, part.reason or part.axis.value].append(part)
    width = max(len(visible(role)) for role, _, _ in rows)
    return [
        f"  {visible(role):{width}}  {f'{shape[0]} x {shape[1]}':>16}  {axis:20}  {_layers(members)}"
        for (role, shape, axis), members in rows.items()
    ]


def _layers(parts: Iterable[Part]) -> str:
    members = list(parts)
    layers = sorted({part.layer for part in members if part.layer is not None})
    experts = len({part.expert for part in members if part.expert is not None})
    where = f"layers {_ranges(layers)}" if layers else ""
    return ", ".join(part for part in (where, f"{experts} experts" if experts else "") if part)


def _ranges(numbers: Sequence[int]) -> str:
    """``0-3, 5`` for 0, 1, 2, 3, 5."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _tensor_rows(parts: Sequence[Part]) -> list[str]:
    width = max(len(visible(part.tensor)) for part in parts)
    return [
        f"  {visible(part.tensor):{width}}  {part.role}"
        f"{'' if part.expert is None else f' of expert {part.expert}'}"
        f"  {part.view.shape[0]} x {part.view.shape[1]}  {part.reason or part.axis.value}"
        for part in parts
    ]
