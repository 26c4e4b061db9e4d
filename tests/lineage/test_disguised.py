"""Disguised copies of trained models are found, and models of other seeds, data or configs are not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from safetensors.torch import load_file

from independence_audit.anatomy import place
from independence_audit.checkpoint import open_checkpoint
from independence_audit.evidence.measurement import DisguisedTest
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.units.unit_layers import ComponentUnits
from independence_audit.fingerprint.units.unit_reading import UnitPlan, read_units
from independence_audit.lineage.disguised import DisguisedSearch, is_counted, search_disguised
from tests.lineage.disguises import disguised

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SEEDS = EXAMPLES / "seeds_case"
HEAD = 32

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Disguised copies of the models of one case, by name and what is done."""

    def make(name: str, *, new_tokens: bool = False, flip: bool = False) -> Path:
        folder = tmp_path_factory.mktemp(name)
        weights = {key: value.float().numpy() for key, value in load_file(SEEDS / name / "model.safetensors").items()}
        hidden = disguised(weights, HEAD, seed=5, new_tokens=new_tokens, flip=flip)
        save_file({key: value.astype(np.float32) for key, value in hidden.items()}, folder / "model.safetensors")
        for file in ("config.json", "tokenizer.json"):
            shutil.copy(SEEDS / name / file, folder)
        return folder

    return make


def units_of(folder: Path, search_layers: int = 2) -> list[ComponentUnits]:
    """Units of a checkpoint's components."""
    checkpoint = open_checkpoint(folder)
    try:
        anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
        return list(read_units(checkpoint, anatomy, UnitPlan(search_layers, Sampler())))
    finally:
        checkpoint.source.close()


def search(subject: Path, reference: Path, **layers: int) -> DisguisedSearch:
    """Search the only component of one for that of another."""
    (mine,) = units_of(subject, layers.get("ours", 2))
    (theirs,) = units_of(reference, layers.get("theirs", 2))
    return search_disguised(mine, theirs, symmetric=True)


def by_test(found: DisguisedSearch) -> dict[str, DisguisedTest]:
    """The strongest of each kind."""
    return {test.test: test for test in reversed(found.found)}


@pytest.mark.parametrize("name", ["finetuned", "continued"])
def test_a_disguise_on_top_of_training_is_seen_through(made: Make, name: str) -> None:
    """Everything at once after fine-tuning or long training: signs and agreement say it in the layer it is from."""
    found = by_test(search(made(name), SEEDS / "base"))
    signs = found["up_sign"]
    assert signs.layer == signs.reference_layer
    assert signs.z is not None
    assert signs.z > 15.0
    assert is_counted(found["agreement"])
    assert found["agreement"].second_z is not None
    assert found["agreement"].second_z > 20.0


@pytest.mark.parametrize(("name", "least"), [("finetuned", 15.0), ("continued", 8.0)])
def test_new_tokens_do_not_hide_it(made: Make, name: str, least: float) -> None:
    """With embeddings and head replaced the descriptors find it; anchors see nothing."""
    found = by_test(search(made(name, new_tokens=True), SEEDS / "base"))
    assert found["descriptors"].z is not None
    assert found["descriptors"].z > least
    assert found["up_sign"].z is not None
    assert found["up_sign"].z < 4.0


@pytest.mark.parametrize("name", ["finetuned", "continued"])
def test_flipped_signs_leave_the_counts(made: Make, name: str) -> None:
    """Who turns the signs too escapes the rigorous tests, not the agreement of even and odd forms."""
    found = by_test(search(made(name, new_tokens=True, flip=True), SEEDS / "base"))
    assert (found["descriptors"].z or 0.0) < 4.0
    assert is_counted(found["descriptor_agreement"])


@pytest.mark.parametrize(
    ("subject", "reference"),
    [
        ("seeds_case/other_seed", "seeds_case/base"),
        ("seeds_case/other_seed", "seeds_case/continued"),
        ("seeds_case/base", "seeds_case/other_seed"),
        ("solar_case/solar_open", "solar_case/glm4_moe"),
        ("solar_case/glm4_moe", "solar_case/solar_open"),
        ("seeds_case/base", "solar_case/glm4_moe"),
    ],
)
def test_strangers_stay_silent(subject: str, reference: str) -> None:
    """Other seeds of one config and data, and other architectures over the same tokens."""
    found = search(EXAMPLES / subject, EXAMPLES / reference)
    assert found.tests
    for test in found.found:
        assert not is_counted(test)
        assert test.p_value is None or test.p_value * found.tests > 1e-3


def test_a_disguised_stranger_stays_silent(made: Make) -> None:
    """The disguise itself makes nobody a copy."""
    found = search(made("other_seed"), SEEDS / "base")
    assert all(test.p_value is None or test.p_value > 1e-4 for test in found.found)


def test_one_whole_layer_and_sampled_units_are_enough(made: Make) -> None:
    """A reference far away, of which 64 units a layer were read: found, whichever side is the whole one."""
    subject = made("finetuned")
    for ours, theirs in ((2, 0), (0, 2)):
        found = by_test(search(subject, SEEDS / "base", ours=ours, theirs=theirs))
        assert found["up_sign"].z == pytest.approx(8.0, abs=0.3)
        assert found["up_sign"].layer == found["up_sign"].reference_layer
        assert "descriptors" not in found


def test_kept_order_is_found(made: Make) -> None:
    """A width that was only turned keeps the order of its units."""
    (mine,), (theirs,) = units_of(SEEDS / "continued"), units_of(SEEDS / "base")
    assert by_test(search_disguised(mine, theirs, symmetric=True))["order"].p_value == pytest.approx(0.0, abs=1e-100)


def test_what_cannot_be_searched_says_why() -> None:
    """No units kept, no layer read whole, no anchors in common, units of another kind."""
    (whole,), (few,) = units_of(SEEDS / "base"), units_of(SEEDS / "other_seed", 0)
    assert search_disguised(None, whole, symmetric=True).reason == "units_not_kept"
    assert search_disguised(few, few, symmetric=True).reason == "no_search_layers"
    assert whole.anchors is not None
    bare = tuple(replace(layer, even=None, odd=None) for layer in whole.layers)
    strange = replace(whole.anchors, labels=tuple(f"token:{i}" for i in range(len(whole.anchors.labels))))
    assert search_disguised(replace(whole, anchors=strange, layers=bare), whole, symmetric=True).reason == "few_anchors"
    plain = tuple(replace(layer, responses={"fc1": layer.responses["gate"]}) for layer in bare)
    assert (
        search_disguised(replace(whole, layers=plain), replace(whole, layers=bare), symmetric=True).reason
        == "other_units"
    )
    assert search_disguised(ComponentUnits("a", None, reason="no_units"), whole, symmetric=True).reason == "no_units"


def test_constant_units_are_no_copy() -> None:
    """Responses of zeros match anything and mean nothing."""
    (one,) = units_of(SEEDS / "base")
    layers = tuple(
        replace(layer, even=None, odd=None, responses={role: np.zeros_like(r) for role, r in layer.responses.items()})
        for layer in one.layers
    )
    found = search_disguised(replace(one, layers=layers), one, symmetric=True)
    assert all(test.p_value is None or test.p_value > 0.01 for test in found.found)
    nothing = search_disguised(replace(one, layers=layers), replace(one, layers=layers), symmetric=True)
    assert not any(is_counted(test) for test in nothing.found)
