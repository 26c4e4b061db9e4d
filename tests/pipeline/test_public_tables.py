"""Computed tables that two models hold, under whatever names: equal or not, they are evidence of nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from independence_audit.evidence.relation import NAMED
from independence_audit.pipeline.audit import audit
from tests.attacks.hiding import REFERENCE, own, submit


def _rotary(tokens: int, width: int) -> torch.Tensor:
    """Angles of rotary positions: [tokens, width / 2]."""
    return torch.outer(torch.arange(tokens), 10000.0 ** -(torch.arange(0, width, 2) / width))


TABLES = {
    "cosines, the halves alike": torch.cat([_rotary(512, 128).cos()] * 2, 1),
    "cosines of a head": torch.cat([_rotary(512, 64).cos()] * 2, 1),
    "cosines beside sines": torch.cat([_rotary(512, 128).cos(), _rotary(512, 128).sin()], 1),
    "cosines, repeated": torch.cat([_rotary(512, 64).cos()] * 4, 1),
    "window": torch.hann_window(400)[None].repeat(16, 2),
    "slopes": torch.outer(2.0 ** -torch.arange(1.0, 17.0), torch.arange(1024.0)),
    "counts": (torch.arange(128.0) % 8)[None].repeat(64, 1),
    "mask": torch.ones(256, 256).tril(),
}


@pytest.mark.parametrize("table", TABLES)
def test_computed_tables_accuse_nobody(table: str, tmp_path: Path) -> None:
    """Neither as a component of their own nor among a decoder's weights."""
    for place in ("tables.t{}", "model.layers.0.foo{}.weight"):
        public = {place.format(number): TABLES[table].clone() for number in range(2)}
        folder = tmp_path / place[:5]
        submit(folder / "subject", own() | public)
        submit(folder / "reference", load_file(REFERENCE / "model.safetensors") | public)
        report = audit(str(folder / "subject"), [str(folder / "reference")])
        assert not [component.name for component in report.components if component.relation in NAMED], place
