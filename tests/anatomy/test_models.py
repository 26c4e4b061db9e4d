"""Real architectures: every tensor of a tiny model of every family has its place, under saved and in-memory names."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from independence_audit.anatomy import Anatomy, Axis
from tests.anatomy.gather import assert_every_value_once, place_arrays, values_by_place
from tests.anatomy.tiny_models import EXPERTS_PER_LAYER, MODELS, Expected, Saved, save

INTERLEAVED = {"gpt_neox", "bloom", "falcon"}
"""Their heads cannot be counted without a config."""


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Saved]:
    """Tiny models by name, each built once."""

    @cache
    def model(name: str) -> Saved:
        return save(MODELS[name].make, tmp_path_factory.mktemp(name))

    return model


@pytest.mark.parametrize("name", MODELS)
def test_saved_names_have_their_places(saved: Callable[[str], Saved], name: str) -> None:
    """Components, kinds, families and the roles of every layer are those expected, each exactly once."""
    model = saved(name)
    anatomy = place_arrays(model.hub, model.config)
    expected = MODELS[name].components
    assert {each.name: (each.kind, each.family) for each in anatomy.components} == {
        prefix: (each.kind, each.family) for prefix, each in expected.items()
    }
    for prefix, each in expected.items():
        if each.family != "unknown":
            assert _roles(anatomy, prefix) == _expected_roles(each), prefix


@pytest.mark.parametrize("name", MODELS)
def test_nothing_known_is_placed_by_shape(saved: Callable[[str], Saved], name: str) -> None:
    """Only components of unknown families hold roles that are mere names, and no shape contradicts its name."""
    model = saved(name)
    for arrays in (model.hub, model.memory):
        anatomy = place_arrays(arrays, model.config)
        unknown = {each.name for each in anatomy.components if each.family == "unknown"}
        assert unknown <= {"token2wav"}
        assert not [
            part for part in anatomy.parts if part.role.startswith("generic:") and part.component not in unknown
        ]
        assert "unexpected_shape" not in {part.reason for part in anatomy.parts}


@pytest.mark.parametrize("name", MODELS)
def test_every_value_lies_in_one_part(saved: Callable[[str], Saved], name: str) -> None:
    """The parts of every tensor hold each of its values once, whatever its layout."""
    model = saved(name)
    for arrays in (model.hub, model.memory):
        shapes = {tensor: array.shape for tensor, array in arrays.items()}
        assert_every_value_once(shapes, place_arrays(arrays, model.config))


@pytest.mark.parametrize("name", MODELS)
def test_saved_and_in_memory_layouts_agree(saved: Callable[[str], Saved], name: str) -> None:
    """Split, fused, stacked and transposed layouts of one model give the same values in the same places."""
    model = saved(name)
    hub = values_by_place(model.hub, place_arrays(model.hub, model.config))
    memory = values_by_place(model.memory, place_arrays(model.memory, model.config))
    assert hub.keys() <= memory.keys()
    assert {role for _, _, role, _ in memory.keys() - hub.keys()} <= {"head"}
    for place, values in hub.items():
        if name == "kimi_k25" and place[2] in {"q", "k", "q.bias", "k.bias"} and place[0] == "vision_encoder":
            values, memory[place] = np.sort(values, axis=None), np.sort(memory[place], axis=None)  # noqa: PLW2901
        assert np.array_equal(values, memory[place]), place


@pytest.mark.parametrize("name", sorted(MODELS.keys() - INTERLEAVED))
def test_names_suffice_without_a_config(saved: Callable[[str], Saved], name: str) -> None:
    """Without a config roles, views and axes are the same, except where only it knows the number of heads."""
    model = saved(name)
    assert place_arrays(model.hub).parts == place_arrays(model.hub, model.config).parts


@pytest.mark.parametrize("name", ["qwen2_5_vl", "qwen2_audio", "deepseek_v3", "gpt2", "clip", "internvl"])
def test_residual_columns_are_of_one_width(saved: Callable[[str], Saved], name: str) -> None:
    """All views of a component along its residual stream have one number of columns."""
    model = saved(name)
    widths: dict[str, set[int]] = defaultdict(set)
    for part in place_arrays(model.hub, model.config).parts:
        if part.axis is Axis.RESIDUAL:
            widths[part.component].add(part.view.columns)
    assert widths
    assert all(len(found) == 1 for found in widths.values())


@pytest.mark.parametrize("name", sorted(INTERLEAVED))
def test_interleaved_heads_without_a_config_stay_together(saved: Callable[[str], Saved], name: str) -> None:
    """Queries, keys and values that cannot be told apart still share the columns that they read."""
    model = saved(name)
    together = [part for part in place_arrays(model.hub).parts if part.role == "q+k+v"]
    assert [part.axis for part in together] == [Axis.RESIDUAL, Axis.RESIDUAL]
    assert {part.view.columns for part in together} == {64}


def _roles(anatomy: Anatomy, component: str) -> dict[int | None, Counter[str]]:
    found: dict[int | None, Counter[str]] = defaultdict(Counter)
    for part in anatomy.parts:
        if part.component == component:
            found[part.layer][part.role] += 1
    return dict(found)


def _expected_roles(expected: Expected) -> dict[int | None, Counter[str]]:
    roles: dict[int | None, Counter[str]] = {}
    if expected.ends:
        roles[None] = Counter(expected.ends.split())
    for layer in range(2 if expected.blocks else 0):
        block = expected.blocks[min(layer, len(expected.blocks) - 1)].split()
        roles[layer] = Counter({role: EXPERTS_PER_LAYER if role.startswith("expert.") else 1 for role in block})
    return roles
