"""Making a fingerprint from a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from independence_audit.anatomy import Axis, Part, View, place
from independence_audit.checkpoint import Checkpoint, Notice, open_checkpoint
from independence_audit.errors import ReadError
from independence_audit.fingerprint.build import build_fingerprint
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.samples import Fingerprint, Sample
from tests.checkpoint.memory_source import MemorySource
from tests.fingerprint.small_checkpoints import anatomy_of, bf16, checkpoint_of, dense, part_of, transposed

FEW = Sampler(rows=4, values=1, columns=10, segment=2, pool_rows=12, expert_reads=24)


def noise(*shape: int) -> NDArray[np.float32]:
    """Normal values, the same ones every time."""
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def built(checkpoint: Checkpoint, *parts: Part, sampler: Sampler = FEW) -> Fingerprint:
    """The fingerprint of a checkpoint with the given parts."""
    return build_fingerprint(checkpoint, anatomy_of(parts), sampler)


def sample_of(values: NDArray[Any], part: Part, sampler: Sampler = FEW) -> Sample:
    """The one sample of a checkpoint that holds one tensor."""
    (sample,) = built(checkpoint_of({part.tensor: values}), part, sampler=sampler).samples
    return sample


def test_sample_holds_the_planned_values() -> None:
    """Rows and columns of the plan, exactly as stored, and all that is known of the tensor."""
    values = noise(50, 30)
    part = part_of("w", dense(50, 30), layer=3, role="q", reason="")
    sample, plan = sample_of(values, part), FEW.plan(50, 30, 1)
    assert np.array_equal(sample.values(), values[plan.rows, plan.start : plan.stop])
    assert np.array_equal(sample.rows, plan.rows)
    assert (sample.start, sample.stop) == sample.window == (plan.start, plan.stop)
    assert (sample.component, sample.layer, sample.role, sample.axis) == ("model", 3, "q", Axis.RESIDUAL)
    assert (sample.name, sample.members, sample.shape, sample.dtype, sample.reason) == ("w", 1, (50, 30), "F32", "")
    assert sample.parameters == 1500
    assert not sample.experts.any()


def test_memory_layout_does_not_change_the_sample() -> None:
    """A transposed tensor gives the sample of the matrix that it holds."""
    values = noise(50, 30)
    straight = sample_of(values, part_of("w", dense(50, 30)))
    turned = sample_of(np.ascontiguousarray(values.T), part_of("w", transposed(50, 30)))
    assert np.array_equal(straight.values(), turned.values())
    assert np.array_equal(straight.identity, turned.identity)


def test_fused_tensor_gives_a_sample_for_each_part() -> None:
    """Every part of a fused tensor is sampled as if it stood alone."""
    values = noise(3, 20, 16)
    parts = [part_of("qkv", dense(20, 16, offset=320 * index), role=role) for index, role in enumerate("qkv")]
    fused = built(checkpoint_of({"qkv": values}), *parts)
    alone = [sample_of(values[index], part_of(role, dense(20, 16))) for index, role in enumerate("qkv")]
    for one, other in zip(fused.samples, alone, strict=True):
        assert one.role == other.role
        assert np.array_equal(one.values(), other.values())


def test_vector_is_kept_whole() -> None:
    """A gain is small and read whole; its window is that of the matrices of its width."""
    values = noise(30)
    sample = sample_of(values, part_of("g", View(0, (), (), 30, 1)))
    assert np.array_equal(sample.values(), values[None])
    assert (sample.start, sample.stop) == (0, 30)
    assert sample.window == FEW.window(30) != (0, 30)


@pytest.mark.parametrize("values", [noise(20, 8), noise(20, 8).astype(np.float16), bf16(noise(20, 8))])
def test_values_are_kept_as_stored(values: NDArray[Any]) -> None:
    """Raw bytes travel: no type is widened or narrowed."""
    sample = sample_of(values, part_of("w", dense(20, 8)))
    assert sample.raw is not None
    assert np.array_equal(sample.raw.view(values.dtype)[..., 0], values[sample.rows])


def experts_of(values: Any, order: Sequence[int]) -> Fingerprint:
    """The fingerprint of one tensor an expert, stored in the given order."""
    names = {number: f"layers.0.experts.{number}.gate.weight" for number in order}
    parts = [part_of(names[number], dense(*values[number].shape), role="gate", expert=number) for number in order]
    return built(checkpoint_of({names[number]: values[number] for number in order}), *parts)


def test_experts_are_pooled() -> None:
    """One sample of all experts, ordered by number, the rows of each as planned for so many members."""
    values = noise(12, 40, 10)
    (sample,) = experts_of(values, range(12)).samples
    rows = FEW.plan(40, 10, 12).rows
    assert (sample.name, sample.members, sample.shape) == ("layers.0.experts.*.gate.weight", 12, (40, 10))
    assert sample.parameters == 12 * 40 * 10
    assert sample.experts.tolist() == list(range(12))
    assert np.array_equal(sample.rows, np.tile(rows, 12))
    assert np.array_equal(sample.values(), values[:, rows].reshape(12, 10))
    assert len(set(sample.identity)) == 12


def test_pool_of_many_experts_counts_all_of_them() -> None:
    """Some are read, all are named and counted, and the rows bear the numbers of the experts they come from."""
    values = noise(30, 6, 10)
    (sample,) = experts_of(values, range(30)).samples
    chosen = FEW.members(30)
    assert (sample.members, sample.parameters) == (30, 30 * 6 * 10)
    assert sorted(set(sample.experts.tolist())) == chosen.tolist()
    assert np.array_equal(sample.values(), values[sample.experts, sample.rows])


def test_order_of_the_experts_in_the_file_does_not_matter() -> None:
    """Experts are compared by number, not by where their tensors lie."""
    values = noise(12, 40, 10)
    (straight,), (turned,) = (experts_of(values, order).samples for order in (range(12), range(11, -1, -1)))
    assert np.array_equal(straight.values(), turned.values())
    assert np.array_equal(straight.identity, turned.identity)
    assert straight.name == turned.name


def test_stacked_experts_are_the_same_sample_as_single_ones() -> None:
    """One tensor of all experts or one an expert: the same values in the same places."""
    values = noise(12, 40, 10)
    parts = [part_of("gates", dense(40, 10, offset=400 * index), role="gate", expert=index) for index in range(12)]
    (stacked,) = built(checkpoint_of({"gates": values}), *parts).samples
    (single,) = experts_of(values, range(12)).samples
    assert stacked.name == "gates"
    assert np.array_equal(stacked.values(), single.values())
    assert np.array_equal(stacked.identity, single.identity)


def test_experts_of_different_types_meet_in_a_wide_one() -> None:
    """A checkpoint with some experts in another type is still one pool, and no value changes."""
    values: list[Any] = [noise(8, 10), noise(8, 10).astype(np.float16), bf16(noise(8, 10))]
    (sample,) = experts_of(values, range(3)).samples
    assert sample.dtype == "F64"
    kept = sample.values().reshape(3, -1, 10)
    rows = sample.rows.reshape(3, -1)
    assert np.array_equal(kept[0], values[0][rows[0]])
    assert np.array_equal(kept[1], values[1][rows[1]])
    assert np.array_equal(bf16(kept[2]), values[2][rows[2]])


def test_type_that_is_not_decoded_has_no_values() -> None:
    """Packed and complex types are named and left unread; the file's other tensors are not."""
    checkpoint = checkpoint_of({"packed": noise(8, 8), "w": noise(8, 8)})
    tensors = {**checkpoint.tensors, "packed": replace(checkpoint.tensors["packed"], dtype="C64", shape=(8, 4))}
    fingerprint = built(replace(checkpoint, tensors=tensors), part_of("packed", dense(8, 4)), part_of("w", dense(8, 8)))
    packed, readable = fingerprint.samples
    assert (packed.raw, packed.reason, packed.dtype) == (None, "undecodable", "C64")
    assert packed.values().shape == (0, 4)
    assert readable.raw is not None


def test_reason_of_the_part_is_kept() -> None:
    """Why a tensor can be no evidence is known before it is read."""
    sample = sample_of(noise(8, 8), part_of("pos", dense(8, 8), axis=Axis.NONE, reason="sinusoid"))
    assert (sample.axis, sample.reason) == (Axis.NONE, "sinusoid")


def test_empty_tensors_have_empty_samples() -> None:
    """No rows or no columns: nothing is read, nothing fails."""
    checkpoint = checkpoint_of({"a": noise(0, 4), "b": noise(3, 0), "w": noise(8, 8)})
    parts = [part_of("a", dense(0, 4)), part_of("b", dense(3, 0)), part_of("w", dense(8, 8))]
    fingerprint = built(checkpoint, *parts)
    assert [sample.values().size for sample in fingerprint.samples[:2]] == [0, 0]
    assert fingerprint.parameters == 64


def test_facts_of_the_checkpoint_travel_on() -> None:
    """Name, sampler, sizes, metadata, notices and files."""
    checkpoint = checkpoint_of({"a": noise(8, 8)}, {"b": noise(9)}, metadata={"synthetic": "True"}, name="team.model")
    checkpoint = replace(checkpoint, notices=(Notice("hostile_name", {"name": "x"}),))
    parts = [part_of("a", dense(8, 8)), part_of("b", View(0, (), (), 9, 1), component="tower")]
    fingerprint = built(checkpoint, *parts)
    assert (fingerprint.name, fingerprint.sampler, fingerprint.parameters) == ("team.model", FEW.name, 73)
    assert [component.name for component in fingerprint.components] == ["model", "tower"]
    assert fingerprint.synthetic
    assert [(notice.key, dict(notice.data)) for notice in fingerprint.notices] == [
        ("notice.hostile_name", {"name": "x"})
    ]
    files = [(file.name, file.size, file.digest_scope) for file in fingerprint.files]
    assert files == [("shard-0", 11 + 256, "sample"), ("shard-1", 11 + 36, "sample")]


@pytest.mark.parametrize(("stated", "synthetic"), [("true", True), ("TRUE", True), ("false", False), (None, False)])
def test_only_a_stated_example_is_synthetic(stated: str | None, synthetic: bool) -> None:  # noqa: FBT001  a case's parameter
    """A checkpoint says of itself that it is made up, or it is not."""
    metadata = {} if stated is None else {"synthetic": stated}
    checkpoint = checkpoint_of({"a": noise(2, 2)}, metadata=metadata)
    assert built(checkpoint, part_of("a", dense(2, 2))).synthetic is synthetic


class _CountingSource(MemorySource):
    """Remembers what was read."""

    def __init__(self, content: dict[str, bytes]) -> None:
        super().__init__(content)
        self.reads: list[tuple[str, int, int]] = []

    def read(self, name: str, start: int, into: memoryview) -> None:
        self.reads.append((name, start, into.nbytes))
        super().read(name, start, into)


def test_reads_once_in_file_order_and_only_what_was_planned() -> None:
    """Shard after shard, front to back, a small share of a large tensor; the bytes read are counted."""
    files = [{"a": noise(4000, 64), "b": noise(64)}, {"c": noise(300, 64)}]
    plain = checkpoint_of(*files)
    source = _CountingSource({name: bytes(plain.source.content[name]) for name in plain.files})  # type: ignore[attr-defined]
    parts = [part_of("c", dense(300, 64)), part_of("b", View(0, (), (), 64, 1)), part_of("a", dense(4000, 64))]
    fingerprint = built(replace(plain, source=source), *parts)
    assert source.reads == sorted(source.reads)
    ends = [(name, start + size) for name, start, size in source.reads]
    assert all(end <= (name, start) for end, (name, start, _) in zip(ends, source.reads[1:], strict=False))
    assert fingerprint.read_bytes == sum(size for _, _, size in source.reads) < 0.02 * sum(plain.files.values())


def test_progress_is_told_of_every_batch() -> None:
    """The last tensor of a batch, and how many are done."""
    told: list[tuple[str, int, int]] = []
    checkpoint = checkpoint_of({"b": noise(4, 4), "a": noise(4, 4)})
    anatomy = anatomy_of([part_of("b", dense(4, 4)), part_of("a", dense(4, 4))])
    build_fingerprint(checkpoint, anatomy, FEW, lambda *step: told.append(step))
    assert told == [("a", 2, 2)]


def digests_of(values: NDArray[Any], name: str = "w", sampler: Sampler = FEW) -> list[str | None]:
    """Digests of a checkpoint of two files, of which the first holds the values."""
    parts = [part_of(name, dense(*values.shape)), part_of("still", dense(4, 4))]
    fingerprint = built(checkpoint_of({name: values}, {"still": noise(4, 4)}), *parts, sampler=sampler)
    return [file.sha256 for file in fingerprint.files]


def test_digests_change_with_what_they_cover() -> None:
    """A sampled byte, a name, a type or a shape changes the digest of its file and of no other."""
    values = noise(40, 30)
    plan = FEW.plan(40, 30, 1)
    touched = values.copy()
    touched[plan.rows[0], plan.start] += 1.0
    base, other = digests_of(values)
    changed = [
        digests_of(touched),
        digests_of(values, name="v"),
        digests_of(values.view(np.int64)),
        digests_of(values.reshape(60, 20)),
    ]
    assert len({base, *(first for first, _ in changed)}) == 5
    assert {second for _, second in changed} == {other}


def test_digests_repeat_and_do_not_cover_the_rest() -> None:
    """The scope is the sample: a value far from any sampled one is not in it."""
    values = noise(4000, 64)
    far = np.setdiff1d(np.arange(4000), (FEW.plan(4000, 64, 1).rows[:, None] + np.arange(-200, 201)).ravel())[0]
    touched = values.copy()
    touched[far] += 1.0
    assert digests_of(touched) == digests_of(values)


def test_unreadable_bytes_are_an_error() -> None:
    """A failed read never looks like a fingerprint."""
    checkpoint = checkpoint_of({"w": noise(8, 8)})
    cut = {name: content[:-1] for name, content in checkpoint.source.content.items()}  # type: ignore[attr-defined]
    with pytest.raises(ReadError):
        built(replace(checkpoint, source=MemorySource(cut)), part_of("w", dense(8, 8)))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.weight"], "a.weight"),
        (["e.0.w1", "e.1.w1"], "e.*.w1"),
        (["e.1.w1", "e.11.w1", "e.21.w1"], "e.*.w1"),
        (["e.10", "e.11"], "e.*"),
        (["0.w", "10.w"], "*.w"),
    ],
)
def test_names_of_pools(names: list[str], expected: str) -> None:
    """The number of the expert gives way to a star, with all of its digits."""
    parts = [part_of(name, dense(4, 4), role="gate", expert=number) for number, name in enumerate(names)]
    (sample,) = built(checkpoint_of({name: noise(4, 4) for name in names}), *parts).samples
    assert sample.name == expected


def test_place_open_and_build_fit_together(tmp_path: Path) -> None:
    """A file on disk, opened, placed and sampled: the values are the file's, in the parts that were found."""
    weights = {
        "model.embed_tokens.weight": noise(40, 16),
        "model.layers.0.self_attn.q_proj.weight": noise(16, 16),
        "model.layers.0.input_layernorm.weight": noise(16),
        "model.layers.0.mlp.down_proj.weight": noise(16, 48),
        "model.norm.weight": noise(16),
    }
    save_file(weights, tmp_path / "model.safetensors")
    checkpoint = open_checkpoint(tmp_path / "model.safetensors")
    fingerprint = build_fingerprint(checkpoint, place(checkpoint.tensors.values(), checkpoint.config), FEW)
    checkpoint.source.close()
    assert {sample.name for sample in fingerprint.samples} == set(weights)
    for sample in fingerprint.samples:
        matrix = np.atleast_2d(weights[sample.name])
        assert np.array_equal(sample.values(), matrix[sample.rows, sample.start : sample.stop])
    assert fingerprint.parameters == sum(values.size for values in weights.values())
