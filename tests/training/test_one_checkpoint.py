"""Components unlike the rest: another type or another scale is a remark; alike ones are silent."""

from __future__ import annotations

from independence_audit.training.one_checkpoint import unlike_the_rest
from tests.training.hand_made import sample_of, trained


def tower(name: str, scale: float = 0.02, dtype: str = "F32") -> list:
    """A component of four matrices."""
    return [sample_of(trained(n, scale=scale), "q", n, component=name, dtype=dtype) for n in range(4)]


def test_alike_components_are_silent() -> None:
    """Three towers of one type, twice as large at most."""
    assert not unlike_the_rest([*tower("a"), *tower("b", 0.03), *tower("c", 0.04)])


def test_another_scale_is_a_remark() -> None:
    """Ten times larger than two others."""
    found = unlike_the_rest([*tower("a"), *tower("b"), *tower("c", 0.2)])
    assert list(found) == ["c"]
    assert found["c"][0].message.key == "finding.other_scale"
    assert not found["c"][0].contradicts


def test_another_type_is_a_remark() -> None:
    """Stored unlike most of the model."""
    found = unlike_the_rest([*tower("a", dtype="BF16"), *tower("b", dtype="BF16"), *tower("c")])
    assert {name: [one.message.key for one in each] for name, each in found.items()} == {"c": ["finding.other_type"]}


def test_one_component_has_no_rest() -> None:
    """Nothing to be unlike."""
    assert not unlike_the_rest(tower("a"))
