"""A declaration from draft to report: drafted, corrected, compared, judged, and never accepted in silence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from independence_audit.cli.entry import main
from independence_audit.declaration.declaration_file import parse_declaration
from independence_audit.evidence.audit_report import AuditReport, Outcome
from independence_audit.evidence.declared_origin import Agreement
from independence_audit.evidence.report_json import from_json
from tests.cli.small_models import llama, save


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """A subject and a reference with the same weights, in folders."""
    save(llama(1), tmp_path / "subject" / "model.safetensors")
    save(llama(1), tmp_path / "known" / "model.safetensors")
    return tmp_path


def audited(case: Path, *options: str) -> tuple[int, AuditReport]:
    """Compare subject and reference; the exit code and the report."""
    out = case / "report.json"
    code = main(["compare", str(case / "subject"), "--ref", str(case / "known"), "-q", "-o", f"json={out}", *options])
    return code, from_json(out.read_text(encoding="utf-8"))


def agreements(report: AuditReport) -> list[Agreement]:
    """What the declaration comes to."""
    return [one.agreement for one in report.declaration.components] if report.declaration else []


def test_a_draft_is_found_beside_the_weights(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a team drafts and leaves as it is declares nothing, and hides nothing that is found."""
    target = case / "subject" / "independence.toml"
    assert main(["declare", str(case / "subject"), "-o", str(target)]) == 0
    code, report = audited(case, "--policy", "kai-stage1")
    assert code == 1
    assert agreements(report) == [Agreement.UNDECLARED_DERIVATION]
    assert main(["declare", str(case / "subject"), "-o", str(target)]) == 2
    assert "there already" in capsys.readouterr().err


def test_a_draft_that_nobody_filled_in_agrees_with_nothing(case: Path) -> None:
    """Its origins are empty: where nothing is found, that is said, and no criterion is met by it."""
    save(llama(2), case / "known" / "model.safetensors")
    assert main(["declare", str(case / "subject"), "-o", str(case / "subject" / "independence.toml")]) == 0
    _, report = audited(case, "--policy", "kai-stage1")
    assert agreements(report) == [Agreement.NOT_FILLED_IN]
    found = {criterion.id: criterion for criterion in report.opinion.criteria}
    assert found["declaration/model"].outcome is Outcome.ON_DOCUMENTS
    assert found["declaration/model"].message.key == "criterion.not_filled_in"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('{"base_model_name_or_path": "Qwen/Qwen3-4B", "peft_type": "LORA"}', 'source = "Qwen/Qwen3-4B"'),
        ('{"base_model_name_or_path": null, "peft_type": 7}', 'source = ""'),
        ("[" * 100_000, 'source = ""'),
        ("", 'source = ""'),
    ],
    ids=["whole", "no base", "nested", "empty"],
)
def test_an_adapter_is_drafted_as_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str, said: str
) -> None:
    """With its base where its config names one; it is no model of its own."""
    low = np.random.default_rng(0).normal(size=(8, 128)).astype(np.float32)
    names = [f"base_model.model.model.layers.{n}.self_attn.q_proj.lora_{x}.weight" for n in range(2) for x in "AB"]
    save({name: low if "A" in name else low.T.copy() for name in names}, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text(config, encoding="utf-8")
    assert main(["declare", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert 'origin = "initialised_from"' in text
    assert said in text
    assert "An adapter" in text
    assert parse_declaration(text.encode(), "draft").entries


def test_the_config_of_a_merged_adapter_makes_no_adapter(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A whole model beside which it was left."""
    (case / "subject" / "adapter_config.json").write_text('{"base_model_name_or_path": "a/b"}', encoding="utf-8")
    assert main(["declare", str(case / "subject")]) == 0
    assert 'origin = ""' in capsys.readouterr().out


def test_a_declared_source_agrees(case: Path) -> None:
    """The declared source is the one that was found; the file that is named goes before the one beside the weights."""
    (case / "subject" / "independence.toml").write_text("format = 9", encoding="utf-8")
    named = case / "ours.toml"
    named.write_text(
        "format = 1\n[[component]]\nname = 'model'\norigin = 'frozen_from'\nsource = 'known'\nlicence = 'mit'\n"
        "[[component]]\nname = 'ghost'\norigin = 'from_scratch'\n",
        encoding="utf-8",
    )
    _, report = audited(case, "--declaration", str(named), "--policy", "control-and-licence")
    assert agreements(report) == [Agreement.AGREED, Agreement.NO_SUCH_COMPONENT]
    assert "notice.no_such_component" in [notice.key for notice in report.subject.notices]
    found = {criterion.id: criterion.outcome for criterion in report.opinion.criteria}
    assert found["declaration/model"] is Outcome.MET


def test_a_card_is_a_declaration(case: Path) -> None:
    """The Hub's base_model, read from the model card."""
    (case / "subject" / "README.md").write_text("---\nbase_model: known\nlicense: mit\n---\n", encoding="utf-8")
    _, report = audited(case)
    assert report.declaration is not None
    assert report.declaration.source == "README.md"
    assert agreements(report) == [Agreement.AGREED]


def test_a_broken_declaration_is_refused(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its misspelt key is named, and nothing is audited."""
    (case / "subject" / "independence.toml").write_text("format = 1\ncomponents = []", encoding="utf-8")
    assert main(["compare", str(case / "subject"), "--ref", str(case / "known")]) == 4
    assert "components" in capsys.readouterr().err


def test_evidence_does_not_depend_on_the_policy(case: Path) -> None:
    """Two policies, one evidence."""
    _, one = audited(case, "--policy", "kai-stage1")
    _, other = audited(case, "--policy", "control-and-licence")
    assert one.components == other.components
    assert one.tensors == other.tensors
    assert one.summary == other.summary
    assert one.opinion != other.opinion
