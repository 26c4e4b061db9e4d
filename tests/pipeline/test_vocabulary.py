"""Token tables whose rows stand under other numbers: rows of the same tokens are compared, where tokenizers tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from independence_audit.core.progress import NoProgress
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint.making import save_fingerprint
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.settings import AuditSettings

SEEDS = Path(__file__).resolve().parents[2] / "examples" / "seeds_case"
TABLES = ("model.embed_tokens.weight", "lm_head.weight")

Change = Callable[[dict[str, Tensor]], dict[str, Tensor]]


def renumbered(name: str, folder: Path, change: Change = dict) -> Path:
    """A model of the case with its tokens under other numbers, after a change of its weights."""
    weights = change(load_file(SEEDS / name / "model.safetensors"))
    order = torch.randperm(len(weights[TABLES[0]]), generator=torch.Generator().manual_seed(4))
    for table in TABLES:
        weights[table] = weights[table][order].clone()
    tokenizer = json.loads((SEEDS / name / "tokenizer.json").read_text())
    places = {int(old): new for new, old in enumerate(order)}
    vocabulary = tokenizer["model"]["vocab"]
    tokenizer["model"]["vocab"] = {token: places[number] for token, number in vocabulary.items()}
    folder.mkdir()
    save_file(weights, folder / "model.safetensors")
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "config.json").write_bytes((SEEDS / name / "config.json").read_bytes())
    return folder


def embedding(report: AuditReport) -> tuple[Relation, str | None]:
    """What became of the embedding, and why. Rows of the head are so alike that any order of them is related."""
    (table,) = [one for one in report.tensors if one.name == TABLES[0]]
    return table.relation, table.reason


@pytest.mark.parametrize("full", [False, True])
def test_a_renumbered_copy_holds_the_same_tokens(tmp_path: Path, *, full: bool) -> None:
    """Both tables are found, and the report says what was done to them."""
    report = audit(str(renumbered("base", tmp_path / "copy")), [str(SEEDS / "base")], AuditSettings(full=full))
    assert embedding(report) == (Relation.TRANSFORMED, "tokens_reordered")
    (component,) = report.components
    assert component.relation == Relation.IDENTICAL
    assert {change.key: change.data.get("count") for change in component.changes}["changed.tokens"] == len(TABLES)
    assert not component.relations.get(Relation.UNRELATED)


def test_stolen_embeddings_alone_are_found(tmp_path: Path) -> None:
    """A model of another seed with the reference's embeddings, renumbered: nothing but that table says so."""
    stolen = load_file(SEEDS / "base" / "model.safetensors")[TABLES[0]]
    subject = renumbered("other_seed", tmp_path / "subject", lambda weights: weights | {TABLES[0]: stolen})
    report = audit(str(subject), [str(SEEDS / "base")])
    assert embedding(report) == (Relation.TOKEN_TABLES, "tokens_reordered")
    assert report.components[0].relation == Relation.TOKEN_TABLES


def test_a_renumbered_stranger_is_none(tmp_path: Path) -> None:
    """Tables of models trained on one text share nothing, token by token."""
    report = audit(str(renumbered("other_seed", tmp_path / "stranger")), [str(SEEDS / "base")])
    assert embedding(report)[0] == Relation.UNRELATED
    assert report.components[0].relation == Relation.UNRELATED
    assert report.summary.tests == audit(str(SEEDS / "other_seed"), [str(SEEDS / "base")]).summary.tests + 2


@pytest.mark.parametrize(
    "tokenizer", [None, "{", '{"model": {"vocab": {"a": 0}}}'], ids=["none", "broken", "one token"]
)
def test_without_tokens_tables_are_compared_as_they_stand(tokenizer: str | None, tmp_path: Path) -> None:
    """No error, and nothing is guessed; the rest of the copy is found all the same."""
    subject = renumbered("base", tmp_path / "copy")
    (subject / "tokenizer.json").unlink()
    if tokenizer is not None:
        (subject / "tokenizer.json").write_text(tokenizer)
    report = audit(str(subject), [str(SEEDS / "base")])
    assert embedding(report)[0] == Relation.UNRELATED
    assert report.components[0].relation == Relation.IDENTICAL


def test_a_fingerprint_has_no_tokenizer(tmp_path: Path) -> None:
    """Its rows are known by number only."""
    reference = tmp_path / "base.fp.safetensors"
    save_fingerprint(str(SEEDS / "base"), reference, AuditSettings().sampler, NoProgress())
    report = audit(str(renumbered("base", tmp_path / "copy")), [str(reference)])
    assert embedding(report)[0] == Relation.UNRELATED
