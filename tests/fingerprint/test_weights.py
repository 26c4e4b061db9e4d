"""A model's weights behind its fingerprint: which parts stand behind a sample, what can be read, and from where."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from independence_audit.checkpoint import open_checkpoint
from independence_audit.errors import ChangedError
from independence_audit.fingerprint.build import fingerprint_of
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.weights import Model, WeightsAccess
from tests.checkpoint.memory_source import MemorySource
from tests.fingerprint.small_checkpoints import anatomy_of, checkpoint_of, dense, part_of, transposed
from tests.fingerprint.units.small_decoder import decoder


def values(rows: int, columns: int) -> np.ndarray:
    """Random values, no two alike."""
    return np.random.default_rng(4).normal(size=(rows, columns)).astype(np.float32)


def test_parts_of_a_sample_are_its_experts_by_number() -> None:
    """Under the key that the fingerprint's own sample has, whatever their order in the file."""
    experts = {f"experts.{number}.up": values(6, 8) for number in (2, 0, 1)}
    parts = [part_of(name, dense(6, 8), layer=0, role="up", expert=int(name[8])) for name in experts]
    checkpoint, anatomy = checkpoint_of(experts), anatomy_of(parts)
    _, fingerprint = fingerprint_of(checkpoint, Sampler(), placing=lambda *_: anatomy)
    (sample,) = fingerprint.samples
    access = WeightsAccess(checkpoint, anatomy)
    assert [part.expert for part in access.parts(sample.key)] == [0, 1, 2]
    with pytest.raises(KeyError):
        access.parts(sample.key._replace(role="down"))


def test_a_part_of_a_tensor_is_no_whole_tensor_and_no_table() -> None:
    """Fused matrices are read part by part; what cannot be decoded is neither."""
    arrays = {"one": values(6, 8), "fused": values(12, 8), "codes": np.ones((6, 8), np.int64)}
    parts = [
        part_of("one", dense(6, 8)),
        part_of("fused", dense(6, 8), role="gate"),
        part_of("fused", dense(6, 8, offset=48), role="up"),
        part_of("codes", dense(6, 8)),
    ]
    checkpoint = checkpoint_of(arrays)
    tensors = dict(checkpoint.tensors) | {"codes": replace(checkpoint.tensors["codes"], dtype="F4")}
    access = WeightsAccess(replace(checkpoint, tensors=tensors), anatomy_of(parts))
    assert access.whole_tensors() == {"one": parts[0]}
    assert [access.table(name) for name in ("one", "fused", "codes", "nowhere")] == [parts[0], None, None, None]


def test_a_part_is_read_as_its_view_says() -> None:
    """Whole or some rows of it, turned where it is stored turned."""
    array = values(6, 8)
    access = WeightsAccess(checkpoint_of({"w": array}), anatomy_of([part_of("w", dense(6, 8))]))
    rows = np.array([1, 4], dtype=np.int64)
    np.testing.assert_array_equal(access.read(part_of("w", dense(6, 8))), array)
    np.testing.assert_array_equal(access.read(part_of("w", transposed(8, 6))), array.T)
    np.testing.assert_array_equal(access.read_rows(part_of("w", dense(6, 8)), rows), array[rows])
    np.testing.assert_array_equal(access.read_rows(part_of("w", transposed(8, 6)), rows), array.T[rows])


def test_the_vocabulary_is_read_once(tmp_path: Path) -> None:
    """It is still there when the source has been let go of; where there is no tokenizer it is empty."""
    decoder(tmp_path)
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {"a": 0, "b": 1}}}))
    checkpoint = open_checkpoint(tmp_path)
    access = WeightsAccess(checkpoint, anatomy_of([]))
    assert access.vocabulary() == {"a": 0, "b": 1}
    access.close()
    (tmp_path / "tokenizer.json").unlink()
    assert access.vocabulary() == {"a": 0, "b": 1}
    assert WeightsAccess(checkpoint_of({}), anatomy_of([])).vocabulary() == {}


def test_a_model_confirms_its_weights(tmp_path: Path) -> None:
    """Files that changed since they were opened are an error; a fingerprint has none that could."""
    checkpoint = open_checkpoint(decoder(tmp_path))
    anatomy, fingerprint = fingerprint_of(checkpoint, Sampler())
    model = Model(fingerprint, WeightsAccess(checkpoint, anatomy))
    model.confirm()
    with (tmp_path / "model.safetensors").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ChangedError):
        model.confirm()
    Model(fingerprint).confirm()
    model.close()


class Closing(MemorySource):
    """Counts how often it was let go of."""

    closed = 0

    def close(self) -> None:
        """Count it."""
        self.closed += 1


def test_a_model_lets_go_of_its_files() -> None:
    """Those of its weights; a fingerprint has none open."""
    made, anatomy = checkpoint_of({"w": values(6, 8)}), anatomy_of([part_of("w", dense(6, 8))])
    _, fingerprint = fingerprint_of(made, Sampler(), placing=lambda *_: anatomy)
    source = Closing({})
    Model(fingerprint).close()
    assert source.closed == 0
    Model(fingerprint, WeightsAccess(replace(made, source=source), anatomy)).close()
    assert source.closed == 1


@pytest.mark.parametrize("near", [True, False])
def test_weights_here_are_those_of_this_machine(near: bool) -> None:  # noqa: FBT001  a case's parameter
    """Weights elsewhere are at hand and not here; a fingerprint has no weights at all."""
    made = checkpoint_of({"w": values(6, 8)}, name="model")
    checkpoint = replace(made, source=MemorySource({"shard-0": b""}, "model", near=near))
    anatomy = anatomy_of([part_of("w", dense(6, 8))])
    _, fingerprint = fingerprint_of(made, Sampler(), placing=lambda *_: anatomy)
    access = WeightsAccess(checkpoint, anatomy)
    model, alone = Model(fingerprint, access), Model(fingerprint)
    assert (model.name, model.checkpoint, model.weights_here) == ("model", checkpoint, access if near else None)
    assert (alone.name, alone.checkpoint, alone.weights_here) == ("model", None, None)
