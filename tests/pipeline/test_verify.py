"""A report held against what can be recomputed of it: what agrees, what differs and where, and what stays open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from independence_audit.core.progress import NoProgress
from independence_audit.errors import MalformedError, MissingError, UsageError
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.report_json import to_json
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.verify import Against, Checked, Part, differences, read_report, verify_report
from tests.cli.small_models import llama, save


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model and an unrelated one."""
    folder = tmp_path_factory.mktemp("models")
    save(llama(1), folder / "mine.safetensors")
    save(llama(2), folder / "other.safetensors")
    return folder


@pytest.fixture(scope="module")
def report(models: Path) -> AuditReport:
    """An honest report of the two."""
    return audit(str(models / "mine.safetensors"), [str(models / "other.safetensors")])


def verified(report: AuditReport, **against: object) -> Checked:
    """What a check of a report comes to."""
    return verify_report(report, Against(**against), NoProgress())  # type: ignore[arg-type]


def test_an_honest_report_agrees(report: AuditReport, models: Path) -> None:
    """By itself as far as its policy goes, with its weights in every part but the signature."""
    alone = verified(report)
    assert (alone.checked, alone.differences) == ((Part.POLICY,), ())
    assert {part for part, _ in alone.open} == {Part.SIGNATURE, Part.INPUTS, Part.RESULTS}
    whole = verified(report, subject=str(models / "mine.safetensors"), references=(str(models / "other.safetensors"),))
    assert whole.differences == ()
    assert set(whole.checked) == {Part.POLICY, Part.INPUTS, Part.SETTINGS, Part.RESULTS}


def test_an_opinion_that_its_evidence_does_not_carry_differs(report: AuditReport) -> None:
    """No weights are needed to see it."""
    (component,) = report.components
    tampered = replace(report, components=(replace(component, relation=Relation.IDENTICAL),))
    found = verified(tampered).differences
    assert {one.part for one in found} == {Part.RESULTS}
    assert any(one.path == "$.summary.strongest" for one in found)


def test_figures_that_the_weights_do_not_give_differ(report: AuditReport, models: Path) -> None:
    """A bound that was made smaller, found where it stands."""
    (component,) = report.components
    tampered = replace(report, components=(replace(component, detection_bound=1e-9),))
    found = verified(
        tampered, subject=str(models / "mine.safetensors"), references=(str(models / "other.safetensors"),)
    ).differences
    assert "$.components[0].detection_bound" in {one.path for one in found}


@pytest.mark.parametrize("alpha", [0.0, 1.0, 5.0])
def test_a_level_that_is_none_is_a_difference_and_no_crash(report: AuditReport, models: Path, alpha: float) -> None:
    """Whoever wrote it into a report finds it named."""
    tampered = replace(report, settings=replace(report.settings, alpha=alpha))
    found = verified(tampered, subject=str(models / "mine.safetensors")).differences
    assert [(one.part, one.path) for one in found if one.path == "$.settings.alpha"] == [
        (Part.SETTINGS, "$.settings.alpha")
    ]


def test_equal_reports_do_not_differ_whenever_they_were_made(report: AuditReport) -> None:
    """When and where is outside what is compared."""
    later = replace(report, run=replace(report.run, date="2027-01-01T00:00:00+00:00", host="elsewhere"))
    assert differences(report, later) == []


@pytest.mark.parametrize("against", [{"attestation": "a"}, {"key": "k"}, {"references": ("r",)}])
def test_what_does_not_fit_together_is_refused(report: AuditReport, against: dict[str, object]) -> None:
    """Half a signature, references of no subject."""
    with pytest.raises(UsageError):
        verified(report, **against)


def test_a_report_is_read_or_refused(report: AuditReport, tmp_path: Path) -> None:
    """As it was written; never half of it."""
    file = tmp_path / "report.json"
    file.write_text(to_json(report), encoding="utf-8")
    assert read_report(str(file)) == report
    file.write_text(to_json(report)[:-9], encoding="utf-8")
    with pytest.raises(MalformedError):
        read_report(str(file))
    with pytest.raises(MissingError, match="cannot be read"):
        read_report(str(tmp_path / "gone.json"))
