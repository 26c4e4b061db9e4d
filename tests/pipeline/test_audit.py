"""One audit as a whole: the same evidence from a sample, from every value and from a fingerprint."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from independence_audit.checkpoint import Checkpoint, LocalSource, open_checkpoint
from independence_audit.checkpoint.tensors import Span
from independence_audit.core.progress import NoProgress
from independence_audit.errors import IncomparableError, ReadError, UsageError
from independence_audit.evidence.audit_report import AuditReport, Outcome, Severity
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.report_json import comparable
from independence_audit.fingerprint import making
from independence_audit.fingerprint.fingerprint_file import write_fingerprint
from independence_audit.fingerprint.making import read_model, save_fingerprint
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.incomplete import exit_code
from independence_audit.pipeline.settings import AuditSettings
from tests.cli.small_models import Weights, llama, save


def relation_of(subject: str, *references: str, full: bool = False) -> Relation:
    """The relation of a subject with one component."""
    report = audit(subject, references, AuditSettings(full=full))
    assert len(report.components) == 1
    return report.components[0].relation


def noised(weights: Weights, share: float) -> Weights:
    """The weights with noise of a share of each tensor's spread."""
    random = np.random.default_rng(9)
    return {
        name: (value + share * value.std() * random.standard_normal(value.shape)).astype(np.float32)
        for name, value in weights.items()
    }


@pytest.mark.parametrize("full", [False, True])
class TestRelations:
    """What a subject made from a reference comes out as, in both modes."""

    def test_a_copy_is_identical(self, tmp_path: Path, *, full: bool) -> None:
        """Equal values."""
        a, b = save(llama(1), tmp_path / "a.safetensors"), save(llama(1), tmp_path / "b.safetensors")
        assert relation_of(a, b, full=full) is Relation.IDENTICAL

    def test_a_cast_copy_is_rounded(self, tmp_path: Path, *, full: bool) -> None:
        """Equal up to half precision."""
        cast = {name: value.astype(np.float16) for name, value in llama(1).items()}
        a, b = save(cast, tmp_path / "a.safetensors"), save(llama(1), tmp_path / "b.safetensors")
        assert relation_of(a, b, full=full) is Relation.ROUNDED

    @pytest.mark.parametrize("share", [0.01, 0.5, 2.0])
    def test_a_noised_copy_is_related(self, tmp_path: Path, share: float, *, full: bool) -> None:
        """Correlations of 0.9999 to 0.45 are found."""
        a, b = save(noised(llama(1), share), tmp_path / "a.safetensors"), save(llama(1), tmp_path / "b.safetensors")
        assert relation_of(a, b, full=full) is Relation.RELATED

    def test_strangers_are_unrelated(self, tmp_path: Path, *, full: bool) -> None:
        """Equal names and shapes are no evidence."""
        a, b = save(llama(1), tmp_path / "a.safetensors"), save(llama(2), tmp_path / "b.safetensors")
        assert relation_of(a, b, full=full) is Relation.UNRELATED

    @pytest.mark.parametrize("salt", ["", "a", "b"])
    def test_a_renamed_copy_is_identical(self, tmp_path: Path, salt: str, *, full: bool) -> None:
        """Names that no family knows, which put the tensors into other orders, are matched by shape and value."""
        renamed = {f"net.{zlib.crc32(f'{salt}{name}'.encode())}.w": value for name, value in llama(1).items()}
        a, b = save(renamed, tmp_path / "a.safetensors"), save(llama(1), tmp_path / "b.safetensors")
        assert relation_of(a, b, full=full) is Relation.IDENTICAL

    def test_borrowed_embeddings_alone_are_found(self, tmp_path: Path, *, full: bool) -> None:
        """They are named as what they are, with their share beside it: nothing else is shared."""
        weights = llama(1) | {"model.embed_tokens.weight": llama(2)["model.embed_tokens.weight"]}
        a, b = save(weights, tmp_path / "a.safetensors"), save(llama(2), tmp_path / "b.safetensors")
        report = audit(a, [b], AuditSettings(full=full))
        component = report.components[0]
        assert (component.relation, component.reference) == (Relation.TOKEN_TABLES, "b.safetensors")
        assert component.explanation[0].key == "fact.token_tables_equal"
        assert component.relations[Relation.IDENTICAL] == pytest.approx(256 * 128 / component.parameters)


def test_other_shapes_leave_the_audit_inconclusive(tmp_path: Path) -> None:
    """A decoder of another width cannot be compared in its places but for a few tensors: exit 3, never passed."""
    a, b = save(llama(1), tmp_path / "a.safetensors"), save(llama(2, width=160), tmp_path / "b.safetensors")
    report = audit(a, [b])
    assert report.components[0].relation is Relation.INCONCLUSIVE
    assert report.components[0].reason == "shape_differs"
    assert exit_code(report, Severity.NOT_MET) == 3


def test_the_nearest_of_several_references_is_named(tmp_path: Path) -> None:
    """The reference that shares weights leads, the others run up."""
    subject = save(noised(llama(1), 0.1), tmp_path / "subject.safetensors")
    references = [save(llama(seed), tmp_path / f"{seed}.safetensors") for seed in (2, 1, 3)]
    component = audit(subject, references).components[0]
    assert component.reference == "1.safetensors"
    assert {other.reference for other in component.runners_up} == {"2.safetensors", "3.safetensors"}
    assert {other.relation for other in component.runners_up} == {Relation.UNRELATED}


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    """Two references called alike are two references."""
    subject = save(llama(1), tmp_path / "s.safetensors")
    references = [save(llama(seed), tmp_path / str(seed) / "model.safetensors") for seed in (2, 1)]
    report = audit(subject, references)
    assert [reference.name for reference in report.references] == ["model.safetensors", "model.safetensors (2)"]
    assert report.components[0].reference == "model.safetensors (2)"


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    """The comparable part holds no time, no host and no order of threads."""
    a = save(noised(llama(1), 0.3), tmp_path / "a.safetensors")
    b = save(llama(1), tmp_path / "b.safetensors")
    for full in (False, True):
        assert comparable(audit(a, [b], AuditSettings(full=full))) == comparable(
            audit(a, [b], AuditSettings(full=full))
        )


def without_files(report: AuditReport) -> tuple[object, ...]:
    """What a report says of the weights, apart from what takes the weights themselves: shared training, a pass."""
    components = [
        replace(
            one,
            shared=None,
            explanation=tuple(fact for fact in one.explanation if not fact.key.startswith("fact.shared_")),
        )
        for one in report.components
    ]
    return components, report.tensors, replace(report.summary, incomplete=())


def test_fingerprints_stand_in_for_checkpoints(tmp_path: Path) -> None:
    """On either side, with the same evidence, number by number."""
    paths = [save(noised(llama(1), 0.3), tmp_path / "a.safetensors"), save(llama(1), tmp_path / "b.safetensors")]
    prints = [tmp_path / f"{name}.fp.safetensors" for name in "ab"]
    for path, target in zip(paths, prints, strict=True):
        save_fingerprint(path, target, Sampler(), NoProgress())
    expected = without_files(audit(paths[0], paths[1:]))
    assert without_files(audit(str(prints[0]), [str(prints[1])])) == expected
    assert without_files(audit(paths[0], [str(prints[1])])) == expected


def test_full_needs_weights(tmp_path: Path) -> None:
    """A fingerprint has no other values to compare."""
    path = save(llama(1), tmp_path / "a.safetensors")
    target = tmp_path / "a.fp.safetensors"
    save_fingerprint(path, target, Sampler(), NoProgress())
    with pytest.raises(UsageError, match="fingerprint"):
        audit(path, [str(target)], AuditSettings(full=True))


def test_other_samplers_cannot_be_compared(tmp_path: Path) -> None:
    """What made them differ is said."""
    path = save(llama(1), tmp_path / "a.safetensors")
    target = tmp_path / "salted.fp.safetensors"
    model = read_model(path, Sampler(salt=b"a secret of an evaluation"), NoProgress())
    write_fingerprint(model.fingerprint, target)
    model.close()
    with pytest.raises(IncomparableError, match=r"--salt-file.*public"):
        audit(path, [str(target)])


def test_a_partly_unchanged_tensor_keeps_its_fraction(tmp_path: Path) -> None:
    """Full mode counts unchanged rows exactly."""
    weights = llama(1)
    changed = weights["model.layers.0.mlp.up_proj.weight"].copy()
    changed[:48] += np.float32(0.01)
    a = save(weights | {"model.layers.0.mlp.up_proj.weight": changed}, tmp_path / "a.safetensors")
    b = save(weights, tmp_path / "b.safetensors")
    report = audit(a, [b], AuditSettings(full=True))
    tensor = next(each for each in report.tensors if each.name == "model.layers.0.mlp.up_proj.weight")
    assert tensor.identical_fraction == pytest.approx(0.75)
    assert tensor.relation is Relation.RELATED
    assert tensor.max_abs_diff == pytest.approx(0.01, rel=1e-4)


def test_no_common_kind_is_refused(tmp_path: Path) -> None:
    """A decoder and a tower have nothing to compare."""
    a = save(llama(1), tmp_path / "a.safetensors")
    tower = {
        "visual.patch_embed.proj.weight": np.random.default_rng(11).normal(size=(128, 3, 2, 4, 4)).astype(np.float32),
        "visual.blocks.0.attn.qkv.weight": np.random.default_rng(12).normal(size=(384, 128)).astype(np.float32),
        "visual.blocks.0.attn.proj.weight": np.random.default_rng(13).normal(size=(128, 128)).astype(np.float32),
        "visual.blocks.0.norm1.weight": np.random.default_rng(14).normal(size=128).astype(np.float32),
    }
    with pytest.raises(IncomparableError, match="text_decoder against vision_encoder"):
        audit(a, [save(tower, tmp_path / "b.safetensors")])


class _Gone(LocalSource):
    """A folder of which some bytes cannot be read."""

    def __init__(self, path: Path, unreadable: range) -> None:
        super().__init__(path.parent, [path.name], path.name)
        self._unreadable = unreadable

    def read_many(self, name: str, spans: Sequence[Span]) -> None:
        """Fail where a span meets the unreadable bytes."""
        if any(start < self._unreadable.stop and start + len(into) > self._unreadable.start for start, into in spans):
            message = "these bytes are gone"
            raise ReadError(message)
        super().read_many(name, spans)


def unreadable_from(path: str, tensors: slice) -> Checkpoint:
    """A checkpoint some of whose tensors, by their order in the file, cannot be read."""
    whole = open_checkpoint(path)
    chosen = sorted(whole.tensors.values(), key=lambda tensor: tensor.start)[tensors]
    return replace(whole, source=_Gone(Path(path), range(chosen[0].start, chosen[-1].end)))


def test_unreadable_bytes_never_become_an_opinion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tensor that cannot be read is not tested, with its reason, and strangers are not passed."""
    a, b = save(llama(1), tmp_path / "a.safetensors"), save(llama(2), tmp_path / "b.safetensors")
    broken = unreadable_from(a, slice(3, 5))
    monkeypatch.setattr(making, "open_named", lambda name, **_: broken if name == a else open_checkpoint(name))
    report = audit(a, [b])
    silent = [tensor for tensor in report.tensors if tensor.reason == "unreadable"]
    assert len(silent) == 2
    assert {tensor.relation for tensor in silent} == {Relation.NOT_TESTED}
    assert report.components[0].relation is Relation.INCONCLUSIVE
    assert report.components[0].reason == "unreadable"
    assert exit_code(report, Severity.NOT_MET) == 3


def test_a_copy_is_found_in_what_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence outranks gaps."""
    a, b = save(llama(1), tmp_path / "a.safetensors"), save(llama(1), tmp_path / "b.safetensors")
    broken = unreadable_from(a, slice(3, 5))
    monkeypatch.setattr(making, "open_named", lambda name, **_: broken if name == a else open_checkpoint(name))
    assert exit_code(audit(a, [b]), Severity.NOT_MET) == 1


def test_a_source_that_is_gone_ends_the_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some failures in a row nothing more is tried."""
    a, b = save(llama(1), tmp_path / "a.safetensors"), save(llama(1), tmp_path / "b.safetensors")
    broken = unreadable_from(a, slice(2, None))
    monkeypatch.setattr(making, "open_named", lambda name, **_: broken if name == a else open_checkpoint(name))
    with pytest.raises(ReadError):
        audit(a, [b])


def test_a_fingerprint_that_was_handed_in_passes_nothing(tmp_path: Path) -> None:
    """It may be that of other weights: strangers are not assessed, relatives are found."""
    a, b = save(llama(1), tmp_path / "a.safetensors"), save(llama(2), tmp_path / "b.safetensors")
    handed_in = tmp_path / "a.fp.safetensors"
    save_fingerprint(a, handed_in, Sampler(), NoProgress())
    report = audit(str(handed_in), [b])
    assert not report.subject.verified
    assert report.opinion.criteria[0].outcome is Outcome.MATERIAL_MISSING
    assert exit_code(report, Severity.NOT_MET) == 3
    assert exit_code(audit(str(handed_in), [a]), Severity.NOT_MET) == 1


def test_a_secret_salt_finds_what_was_hidden_from_the_public_one(tmp_path: Path) -> None:
    """Borrowed embeddings, disturbed in just the rows that the public salt reads."""
    name = "model.embed_tokens.weight"
    own, borrowed = llama(2), llama(1)[name].copy()
    read = Sampler().plan(len(borrowed), borrowed.shape[1], 1).rows
    borrowed[read] = own[name][read]
    a, b = save(own | {name: borrowed}, tmp_path / "a.safetensors"), save(llama(1), tmp_path / "b.safetensors")
    assert relation_of(a, b) is Relation.UNRELATED
    report = audit(a, [b], AuditSettings(salt=b"a secret of an evaluation"))
    assert "salt=public" not in report.settings.sampler
    assert report.components[0].relation is Relation.TOKEN_TABLES
