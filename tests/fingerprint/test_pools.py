"""Which parts share one sample."""

from __future__ import annotations

from independence_audit.anatomy import Part
from independence_audit.fingerprint.pools import pool_parts
from tests.fingerprint.small_checkpoints import anatomy_of, dense, part_of


def pools_of(*parts: Part) -> list[list[str]]:
    """Tensor names, pool by pool."""
    return [[part.tensor for part in pool] for pool in pool_parts(anatomy_of(parts)).values()]


def expert(number: int, tensor: str, layer: int = 0, role: str = "gate", rows: int = 4) -> Part:
    """One expert's matrix."""
    return part_of(tensor, dense(rows, 8), layer=layer, role=role, expert=number)


def test_experts_of_a_layer_and_role_share_a_sample() -> None:
    """In the order of their numbers, wherever their tensors lie."""
    assert pools_of(expert(10, "b"), expert(2, "c"), expert(0, "a")) == [["a", "c", "b"]]


def test_experts_of_another_layer_role_or_shape_do_not() -> None:
    """Only like is pooled with like."""
    parts = [expert(0, "a"), expert(0, "b", layer=1), expert(0, "c", role="up"), expert(1, "d", rows=5), expert(1, "e")]
    assert pools_of(*parts) == [["a", "e"], ["b"], ["c"], ["d"]]


def test_tensors_without_experts_stand_alone() -> None:
    """Equal layers and roles are no reason to mix two tensors."""
    parts = [part_of(name, dense(4, 8), layer=0, role="q") for name in "ab"]
    assert pools_of(*parts) == [["a"], ["b"]]


def test_slices_of_one_tensor_stand_alone() -> None:
    """Two parts of a fused tensor are two samples, even with one role."""
    parts = [part_of("qkv", dense(4, 8, offset=offset), layer=0, role="q") for offset in (0, 32)]
    assert pools_of(*parts) == [["qkv"], ["qkv"]]


def test_pools_keep_the_order_of_their_first_parts() -> None:
    """Samples come in file order."""
    parts = [expert(1, "z"), part_of("m", dense(4, 8)), expert(0, "a")]
    assert pools_of(*parts) == [["a", "z"], ["m"]]
