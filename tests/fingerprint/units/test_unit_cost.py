"""What units cost, told from headers: what reading them then asks for, and how large they come out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from independence_audit.anatomy import Anatomy, place
from independence_audit.checkpoint import Checkpoint, open_checkpoint, read_vocabulary
from independence_audit.checkpoint.tensors import Span
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.units.anchoring import anchor_strings
from independence_audit.fingerprint.units.unit_cost import UnitCost
from independence_audit.fingerprint.units.unit_layers import ComponentUnits
from independence_audit.fingerprint.units.unit_reading import UnitPlan, read_units
from tests.checkpoint.memory_source import MemorySource
from tests.fingerprint.units.small_decoder import WIDTH, decoder


class Counting(MemorySource):
    """Counts the bytes of a file that are asked for."""

    asked = 0

    def read(self, name: str, start: int, into: memoryview) -> None:
        """One range."""
        self.asked += into.nbytes
        super().read(name, start, into)

    def read_many(self, name: str, spans: Sequence[Span]) -> None:
        """Several, one by one."""
        for start, into in spans:
            self.read(name, start, into)


def opened(folder: Path) -> tuple[Checkpoint, Anatomy, Counting]:
    """A checkpoint in memory, and what counts its bytes; no vocabulary is at hand."""
    checkpoint = open_checkpoint(folder)
    checkpoint.source.close()
    source = Counting({name: (folder / name).read_bytes() for name in checkpoint.files})
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    return replace(checkpoint, source=source, vocabulary=""), anatomy, source


def sizes(components: Sequence[ComponentUnits]) -> list[object]:
    """What a fingerprint's file grows with."""
    return [
        (
            one.component,
            one.reason,
            one.anchors and (one.anchors.labels, one.anchors.gram.shape),
            [
                (layer.layer, layer.whole, layer.units.tolist(), {r: v.shape for r, v in layer.responses.items()})
                for layer in one.layers
            ],
            [[each is not None and each.shape for each in (layer.even, layer.odd)] for layer in one.layers],
        )
        for one in components
    ]


PLANS = {
    "nothing whole": UnitPlan(0, Sampler()),
    "some layers whole": UnitPlan(2, Sampler()),
    "all layers whole": UnitPlan(5, Sampler()),
    "few layers at all": UnitPlan(1, Sampler(), sampled_layers=1),
    "no layer at all": UnitPlan(0, Sampler(), sampled_layers=0),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
def test_what_is_announced_is_what_is_read(plan: UnitPlan, tmp_path: Path) -> None:
    """To the byte, and units of the very sizes."""
    checkpoint, anatomy, source = opened(decoder(tmp_path, layers=5))
    cost = UnitCost(checkpoint, anatomy, plan)
    assert source.asked == 0
    units = read_units(checkpoint, anatomy, plan)
    assert source.asked == cost.wanted_bytes
    assert sizes(cost.units) == sizes(units)


def test_without_anchors_only_what_is_described_is_read(tmp_path: Path) -> None:
    """Embeddings of another width: whole layers without responses, and none of which a few units would be kept."""
    embeddings = np.ones((300, WIDTH // 2))
    checkpoint, anatomy, source = opened(decoder(tmp_path, changed={"model.embed_tokens.weight": embeddings}))
    plan = UnitPlan(1, Sampler())
    cost = UnitCost(checkpoint, anatomy, plan)
    units = read_units(checkpoint, anatomy, plan)
    assert source.asked == cost.wanted_bytes
    assert sizes(cost.units) == sizes(units)
    assert [(layer.whole, dict(layer.responses)) for layer in cost.units[0].layers] == [(True, {})]


def test_a_vocabulary_that_was_not_read_is_taken_for_the_largest(tmp_path: Path) -> None:
    """Every anchor string is a token of it then; once it has been read, its own are counted."""
    folder = decoder(tmp_path)
    some = {text: number for number, text in enumerate(anchor_strings()[:70])}
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": some}}))
    checkpoint = open_checkpoint(folder)
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    plan = UnitPlan(1, Sampler())
    unread = UnitCost(checkpoint, anatomy, plan)
    read = UnitCost(checkpoint, anatomy, plan, read_vocabulary(checkpoint))
    (units,) = read_units(checkpoint, anatomy, plan)
    checkpoint.source.close()
    assert unread.units[0].anchors is not None
    assert units.anchors is not None
    assert sizes(read.units) == sizes([units])
    assert set(units.anchors.labels) < set(unread.units[0].anchors.labels)
    assert read.wanted_bytes < unread.wanted_bytes


def test_near_ranges_cost_one_request_of_a_far_source(tmp_path: Path) -> None:
    """Anchors are one; of every layer there are its gain, and the units of each of two matrices."""
    checkpoint, anatomy, source = opened(decoder(tmp_path))
    cost = UnitCost(checkpoint, anatomy, UnitPlan(0, Sampler()))
    gains_and_units, anchors = 3 * (1 + 2), 1
    assert cost.requests == gains_and_units + anchors
    assert cost.wanted_bytes <= cost.read_bytes <= sum(source.files().values())


def test_gaps_between_sampled_units_are_delivered_along(tmp_path: Path) -> None:
    """A far source sends more than was wanted of a layer of which a few units are read."""
    random, units = np.random.default_rng(5), 900
    changed: dict[str, np.ndarray] = {}
    for layer in range(3):
        at = f"model.layers.{layer}.mlp."
        changed |= {f"{at}{role}_proj.weight": random.normal(size=(units, WIDTH)) for role in ("gate", "up")}
        changed[f"{at}down_proj.weight"] = random.normal(size=(WIDTH, units))
    checkpoint, anatomy, source = opened(decoder(tmp_path, changed=changed))
    cost = UnitCost(checkpoint, anatomy, UnitPlan(0, Sampler()))
    read_units(checkpoint, anatomy, UnitPlan(0, Sampler()))
    assert source.asked == cost.wanted_bytes < cost.read_bytes < sum(source.files().values())


def test_a_model_without_units_costs_nothing(tmp_path: Path) -> None:
    """Not even its anchors are read."""
    checkpoint, anatomy, _ = opened(decoder(tmp_path, layers=0))
    cost = UnitCost(checkpoint, anatomy, UnitPlan(2, Sampler()))
    assert (cost.wanted_bytes, cost.read_bytes, cost.requests) == (0, 0, 0)
    assert [one.reason for one in cost.units] == ["no_units"] * len(anatomy.components)
