"""A merge of related references is named with its recipe, from samples alone; relatives are not."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.core.progress import NoProgress
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint import Model
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.lineage.merges import REPLAYED, Merges
from independence_audit.lineage.searches import Models
from tests.cli.small_models import Weights, llama
from tests.lineage.models_in_memory import model_of


def half(weights: Weights) -> Weights:
    """The same in fp16."""
    return {name: values.astype(np.float16) for name, values in weights.items()}


def tuned(weights: Weights, seed: int, change: float = 0.05) -> Weights:
    """A fine-tune in fp16."""
    random = np.random.default_rng(seed)
    return half({name: each + random.normal(0, change * 0.02, each.shape) for name, each in weights.items()})


def summed(parts: dict[float, Weights]) -> Weights:
    """A weighted sum in float32, stored as fp16."""
    names = next(iter(parts.values()))
    return half(
        {name: np.add.reduce([np.float32(part) * each[name] for part, each in parts.items()]) for name in names}
    )


BASE = half(llama(1))
FIRST, SECOND = tuned(BASE, 11), tuned(BASE, 12)


def said(subject: Weights, *references: Weights) -> list[Message]:
    """What the search says of a subject beside references a, b, ..., none of whose weights are at hand."""
    mine = Model(model_of(subject, "subject").fingerprint, None)
    known = [Model(model_of(each, name).fingerprint, None) for each, name in zip(references, "abcde", strict=False)]
    items = [one for model in known for one in compare_fingerprints(mine.fingerprint, model.fingerprint)]
    before = Comparisons(mine.fingerprint, 0.01, tuple(items))
    after = Merges().run(before, Models(mine, {model.fingerprint.name: model for model in known}, NoProgress()))
    return [message for one in after.items for message in one.messages]


def test_a_merge_with_its_base() -> None:
    """The recipe, and that all values are reproduced, beside what a shifted one does."""
    (message,) = said(summed({0.571: FIRST, 0.429: BASE}), FIRST, BASE)
    assert message.key == REPLAYED
    assert message.data["parts"] == "0.571000 ± 0.000001 a, 0.429000 ± 0.000001 b"
    assert message.data["share"] == pytest.approx(1, abs=1e-3)
    assert float(str(message.data["shifted"])) < 0.9


def test_sources_that_take_no_part_are_not_named() -> None:
    """Of three relatives, two were merged; a copy of one of them changes nothing."""
    (message,) = said(summed({0.6: FIRST, 0.4: BASE}), FIRST, SECOND, BASE, FIRST)
    assert message.data["parts"] == "0.600000 ± 0.000001 a, 0.400000 ± 0.000001 c"


def test_a_type_is_seen_whatever_the_values_are_stored_in() -> None:
    """Values of fp16 stored as float32 are replayed; values of float32 itself are not."""
    wide = {name: values.astype(np.float32) for name, values in summed({0.6: FIRST, 0.4: BASE}).items()}
    assert said(wide, FIRST, BASE)
    exact = {name: np.float32(0.6) * FIRST[name] + np.float32(0.4) * BASE[name] for name in BASE}
    assert said(exact, FIRST, BASE) == []


@pytest.mark.parametrize(
    "subject", [tuned(FIRST, 21), tuned(BASE, 22), FIRST, half(llama(2)), summed({0.6: FIRST, 0.4: SECOND})]
)
def test_what_is_no_merge_of_the_references(subject: Weights) -> None:
    """Trained on, a sibling, a copy, a stranger, and a merge of which one source is missing."""
    assert said(subject, FIRST, BASE) == []
