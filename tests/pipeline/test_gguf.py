"""A GGUF copy is a copy: the base of the seeds example as llama.cpp would store it, against what it was and others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants
from safetensors.numpy import save_file
from safetensors.torch import load_file

from independence_audit.evidence.audit_report import Account, AuditReport, Severity
from independence_audit.evidence.relation import Relation
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.incomplete import exit_code
from independence_audit.pipeline.settings import AuditSettings
from tests.checkpoint.gguf.gguf_files import Array, write
from tests.checkpoint.gguf.llama_files import converted
from tests.hub.fake_hub import reach, serving

CASE = Path(__file__).parents[2] / "examples" / "seeds_case"
NUMBERS = {
    "embedding_length": 128,
    "block_count": 2,
    "feed_forward_length": 320,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "attention.key_length": 32,
}
MATRICES = {"q", "k", "v", "o", "gate", "up", "down"}


def weights(which: str) -> dict[str, Array]:
    """The weights of one of the example's models, in float32."""
    return {
        name: np.asarray(values.float().numpy())
        for name, values in load_file(CASE / which / "model.safetensors").items()
    }


def stored(which: str, kind: str, path: Path) -> Path:
    """One of the example's models as a GGUF file with its matrices in a type."""
    tensors: dict[str, Array | tuple[Array, str]] = {
        name: (values, kind) if values.ndim > 1 else values for name, values in converted(weights(which), 4, 2).items()
    }
    return write(path, "llama", tensors, NUMBERS)


def dequantised(which: str, kind: str) -> dict[str, Array]:
    """The weights of a model that was quantised and written out again, as folders of dequantised models are."""
    of = GGMLQuantizationType[kind]
    return {
        name: np.asarray(quants.dequantize(quants.quantize(values, of), of)) if "_proj" in name else values
        for name, values in weights(which).items()
    }


def relations(report: AuditReport) -> set[Relation]:
    """What was found of the matrices."""
    return {tensor.relation for tensor in report.tensors if tensor.role in MATRICES}


@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "F16", "BF16"])
def test_copies_are_rounded_and_strangers_are_not(kind: str, tmp_path: Path) -> None:
    """In either direction a GGUF copy is a rounded one, every matrix of it; against another seed it is unrelated."""
    path = str(stored("base", kind, tmp_path / "m.gguf"))
    report = audit(path, [str(CASE / "base"), str(CASE / "other_seed")])
    (decoder,) = report.components
    assert (decoder.reference, decoder.runners_up[0].relation) == ("base", Relation.UNRELATED)
    assert relations(report) == {Relation.ROUNDED}
    assert relations(audit(str(CASE / "base"), [path])) == {Relation.ROUNDED}


def test_every_value_can_be_compared(tmp_path: Path) -> None:
    """Full mode works the blocks out like any other values."""
    path = str(stored("base", "Q4_0", tmp_path / "m.gguf"))
    report = audit(path, [str(CASE / "base")], AuditSettings(full=True))
    assert relations(report) == {Relation.ROUNDED}
    assert all(tensor.compared_values == tensor.parameters for tensor in report.tensors if tensor.role == "gate")


def test_by_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with nothing but GGUF files is audited from afar."""
    (tmp_path / "hub" / "team" / "toy").mkdir(parents=True)
    stored("base", "Q4_0", tmp_path / "hub" / "team" / "toy" / "m.gguf")
    with serving(tmp_path / "hub") as hub:
        reach(hub, tmp_path / "cache", monkeypatch)
        for subject, reference in (("hf://team/toy", str(CASE / "base")), (str(CASE / "base"), "hf://team/toy")):
            assert relations(audit(subject, [reference])) == {Relation.ROUNDED}


def test_a_second_copy_is_judged_by_nobody(tmp_path: Path) -> None:
    """The most precise copy by its name is the model; another one is said to be judged by nobody, whatever its name."""
    stored("other_seed", "F32", tmp_path / "m-F32.gguf")
    stored("base", "Q8_0", tmp_path / "m-Q8_0.gguf")
    report = audit(str(tmp_path), [str(CASE / "base")])
    assert relations(report) == {Relation.UNRELATED}
    assert [(file.name, file.account, file.reason) for file in report.subject.accounts] == [
        ("m-F32.gguf", Account.JUDGED, None),
        ("m-Q8_0.gguf", Account.NOT_JUDGED, "gguf"),
    ]
    assert exit_code(report, Severity.NOT_MET) == 3


def _noise(values: Array, size: float) -> Array:
    random = np.random.default_rng(values.size)
    return np.asarray(values + size * values.std() * random.normal(size=values.shape), dtype=np.float32)


@pytest.mark.parametrize("size", [0.0005, 0.003, 0.01])
def test_a_dequantised_reference_does_not_hide_training(size: float, tmp_path: Path) -> None:
    """Weights near the levels that they were trained from are related to them: nothing was rounded to these levels."""
    base = dequantised("base", "Q4_0")
    for folder in ("reference", "tuned"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text((CASE / "base" / "config.json").read_text())
    save_file(base, tmp_path / "reference" / "model.safetensors")
    tuned = {name: _noise(values, size) for name, values in base.items()}
    save_file(tuned, tmp_path / "tuned" / "model.safetensors")
    for subject, reference in (("tuned", "reference"), ("reference", "tuned")):
        assert relations(audit(str(tmp_path / subject), [str(tmp_path / reference)])) == {Relation.RELATED}


@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_nor_does_it_hide_a_real_fine_tune(share: float, tmp_path: Path) -> None:
    """What training changed of the example's base, changed of the dequantised base: no matrix of it is rounded."""
    plain, tuned, base = weights("base"), weights("finetuned"), dequantised("base", "Q4_0")
    for folder, told in (
        ("reference", base),
        ("tuned", {name: np.asarray(base[name] + share * (tuned[name] - plain[name]), np.float32) for name in base}),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text((CASE / "base" / "config.json").read_text())
        save_file(told, tmp_path / folder / "model.safetensors")
    assert relations(audit(str(tmp_path / "tuned"), [str(tmp_path / "reference")])) == {Relation.RELATED}


def test_nor_a_merge(tmp_path: Path) -> None:
    """A hundredth of another model of the same draw, merged into a dequantised one, is no rounding of it."""
    base, other = dequantised("base", "Q4_0"), weights("finetuned")
    for folder, told in (
        ("reference", base),
        ("merged", {name: np.asarray(0.99 * values + 0.01 * other[name], np.float32) for name, values in base.items()}),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text((CASE / "base" / "config.json").read_text())
        save_file(told, tmp_path / folder / "model.safetensors")
    found = relations(audit(str(tmp_path / "merged"), [str(tmp_path / "reference")]))
    assert found == {Relation.RELATED}
