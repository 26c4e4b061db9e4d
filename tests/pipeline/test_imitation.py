"""Students of one teacher are not accused of sharing its weights, and thieves gain nothing by looking like them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from safetensors.torch import load_file

from independence_audit.evidence.audit_report import AuditReport, Severity
from independence_audit.evidence.relation import Relation
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.incomplete import exit_code
from independence_audit.report.markdown import render
from tests.lineage.disguises import disguised
from tests.pipeline.imitation import TEACHER, student

SEEDS = TEACHER.parent
TABLES = ("model.embed_tokens.weight", "lm_head.weight")


@pytest.fixture(scope="module")
def students(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two of the same teacher."""
    folder = tmp_path_factory.mktemp("students")
    return [student(folder / str(seed), seed) for seed in (1, 2)]


def values(folder: Path) -> dict[str, np.ndarray]:
    """All weights of a checkpoint."""
    return {name: value.float().numpy() for name, value in load_file(folder / "model.safetensors").items()}


def written(weights: dict[str, np.ndarray], folder: Path) -> Path:
    """A checkpoint with the teacher's tokenizer."""
    folder.mkdir()
    save_file({name: np.ascontiguousarray(value, np.float32) for name, value in weights.items()}, folder / "model.safetensors")  # fmt: skip  # noqa: E501
    for file in ("config.json", "tokenizer.json"):
        shutil.copy(TEACHER / file, folder)
    return folder


def check_not_accused(report: AuditReport) -> None:
    """Tables are alike and named as such: no requirement fails for it, and no sentence says that weights are shared."""
    (component,) = report.components
    assert component.relation == Relation.TOKEN_TABLES
    assert component.reference is not None
    assert component.searches["disguised"].status == "done"
    assert {tensor.role for tensor in report.tensors if tensor.relation == Relation.TOKEN_TABLES} >= {"embed"}
    assert not report.summary.components
    assert exit_code(report, Severity.NOT_MET) != 1
    for lang, words in (("en", "imitates another's hidden states"), ("ko", "은닉 상태를 모방한 경우")):
        text = render(report, lang)
        assert words in text
        assert "shares weights or an initial draw with" not in text


def test_two_students_of_one_teacher(students: list[Path]) -> None:
    """Their embeddings are alike at r = 0.7 and more; they never saw each other."""
    check_not_accused(audit(str(students[0]), [str(students[1])]))


def test_a_student_beside_its_teacher(students: list[Path]) -> None:
    """Nothing of the teacher's is in it but what it computes."""
    check_not_accused(audit(str(students[0]), [str(TEACHER)]))


def test_stolen_tables_in_a_model_of_its_own(tmp_path: Path) -> None:
    """Bit for bit: the report says so, with the count of equal values."""
    subject = values(SEEDS / "other_seed") | {name: values(TEACHER)[name] for name in TABLES}
    report = audit(str(written(subject, tmp_path / "subject")), [str(TEACHER)])
    (component,) = report.components
    assert (component.relation, component.reason) == (Relation.TOKEN_TABLES, None)
    assert component.explanation[0].key == "fact.token_tables_equal"
    assert component.relations[Relation.IDENTICAL] > 0.1


@pytest.mark.parametrize("kept", ["layers", "tables"])
def test_what_is_stolen_beside_the_tables_is_found(kept: str, tmp_path: Path) -> None:
    """Layers under new tables, and disguised layers under the old ones: no pass, and no mere likeness of tables."""
    if kept == "layers":
        random = np.random.default_rng(3)
        fresh = {name: 0.05 * random.normal(size=values(TEACHER)[name].shape) for name in TABLES}
        subject = values(SEEDS / "continued") | fresh
    else:
        subject = {**disguised(values(SEEDS / "continued"), 32, seed=9)} | {n: values(TEACHER)[n] for n in TABLES}
    report = audit(str(written(subject, tmp_path / "subject")), [str(TEACHER)])
    expected = Relation.RELATED if kept == "layers" else Relation.TRANSFORMED
    assert report.components[0].relation == expected
    assert exit_code(report, Severity.NOT_MET) == 1
