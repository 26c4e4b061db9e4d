"""A merge's recipe names the models that it was made of."""

from __future__ import annotations

import pytest

from independence_audit.declaration.declaration_file import WHOLE
from independence_audit.declaration.recipe import RECIPE, declaration_of_recipe
from independence_audit.evidence.declared_origin import Origin

LINEAR = b"""models:
  - model: team/own
    parameters: {weight: 0.6}
  - model: other/base
    parameters:
      weight: 0.4
merge_method: linear
dtype: bfloat16
"""
SLICES = b"""slices:
- sources:
  - model: a/one
    layer_range: [0, 12]
  - model: b/two
    layer_range: [0, 12]
merge_method: slerp
base_model: a/one
parameters:
  t: [{filter: self_attn, value: [0, 0.5, 1]}, {value: 0.5}]
"""


@pytest.mark.parametrize(
    ("content", "models"),
    [(LINEAR, ("team/own", "other/base")), (SLICES, ("a/one", "b/two"))],
    ids=["list", "slices"],
)
def test_every_source_is_declared_once(content: bytes, models: tuple[str, ...]) -> None:
    """In the order of the file, as what the whole model begins with."""
    declared = declaration_of_recipe(content, "mit")
    assert declared is not None
    (entry,) = declared.entries
    assert (declared.where, declared.licence) == (RECIPE, "mit")
    assert (entry.name, entry.origin, set(entry.sources)) == (WHOLE, Origin.INITIALISED_FROM, set(models))
    assert len(entry.sources) == len(models)


@pytest.mark.parametrize(
    "content", [b"", b"merge_method: linear\n", b"models: 3\n", b"\xff\xfe\x00", b"models: [&a {model: x}, *a]"]
)
def test_a_recipe_that_names_no_model_declares_nothing(content: bytes) -> None:
    """Nor does one that cannot be read."""
    assert declaration_of_recipe(content) is None
