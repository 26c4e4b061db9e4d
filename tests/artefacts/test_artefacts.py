"""What every release wrote, this one reads: a reviewer opens in two years what was filed today."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from independence_audit.checkpoint import open_named
from independence_audit.cli.entry import main
from independence_audit.core.version import __version__
from independence_audit.declaration.declaration_file import parse_declaration
from independence_audit.evidence.audit_report import TrainingReport
from independence_audit.evidence.declared_origin import Origin
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.report_json import from_json, to_json
from independence_audit.evidence.schema import schema_text
from independence_audit.evidence.shape import shape_of
from independence_audit.fingerprint import read_fingerprint
from independence_audit.pipeline.configuration import find_configuration
from independence_audit.policy.policy_file import parse_policy

HERE = Path(__file__).resolve().parent
RELEASES = sorted(path.name for path in HERE.iterdir() if path.is_dir() and path.name[0].isdigit())

pytestmark = pytest.mark.parametrize("release", RELEASES)


def stored(release: str, name: str) -> Path:
    """A file that a release wrote."""
    return HERE / release / name


def written(release: str, name: str) -> Any:
    """The JSON that a release wrote."""
    return json.loads(stored(release, name).read_text(encoding="utf-8"))


def test_every_kind_of_file_is_stored(release: str) -> None:
    """A release that stores less than the first one would hide what it can no longer read."""
    assert {path.name for path in (HERE / RELEASES[0]).iterdir()} <= {path.name for path in (HERE / release).iterdir()}
    assert __version__ in RELEASES, "python -m tests.artefacts.make stores what this release writes"


def test_a_report_is_read_whole(release: str) -> None:
    """Nothing in it is lost, and it is valid under today's schema, which only ever grows."""
    document = written(release, "report.json")
    report = from_json(json.dumps(document))
    again = json.loads(to_json(report))
    assert {key: again[key] for key in document} == document
    Draft202012Validator(json.loads(schema_text())).validate(document)
    (component,) = report.components
    assert component.relation is Relation.RELATED


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("format_", ["text", "markdown", "html"])
def test_a_report_is_shown(release: str, format_: str, lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In every form that people read, in every language."""
    assert main(["report", str(stored(release, "report.json")), "--format", format_, "--lang", lang]) == 0
    assert "finetuned" in capsys.readouterr().out


def test_a_signed_report_is_verified(release: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Signature and policy agree with what was filed; a changed report does not."""
    arguments = ["--policy", str(stored(release, "policy.toml")), "-q"]
    arguments += ["--attestation", str(stored(release, "statement.json")), "--key", str(stored(release, "key.pub"))]
    assert main(["verify", str(stored(release, "report.json")), *arguments]) == 0
    lines = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines() if ":" in line)
    assert "agrees" in lines["signature"]
    assert "agrees" in lines["policy"]
    changed = tmp_path / "report.json"
    changed.write_text(stored(release, "report.json").read_text(encoding="utf-8").replace('"related"', '"unrelated"'))
    assert main(["verify", str(changed), *arguments]) == 1


def test_a_fingerprint_is_read_and_compared(release: str, examples: Path, tmp_path: Path) -> None:
    """It stands in for the weights: a copy is found against it."""
    fingerprint = read_fingerprint(open_named(str(stored(release, "reference.fp.safetensors"))))
    assert fingerprint.units
    assert all(sample.whole is not None for sample in fingerprint.samples)
    out = tmp_path / "report.json"
    subject = str(examples / "seeds_case" / "finetuned")
    reference = str(stored(release, "reference.fp.safetensors"))
    assert main(["compare", subject, "--ref", reference, "-o", f"json={out}", "-q"]) in {0, 1, 3}
    (component,) = from_json(out.read_text(encoding="utf-8")).components
    assert component.relation is Relation.RELATED


def test_a_policy_is_read(release: str) -> None:
    """A policy that an evaluation published goes on to mean what it meant."""
    policy = parse_policy(stored(release, "policy.toml").read_bytes())
    assert policy.digest == written(release, "report.json")["settings"]["policy_digest"]


def test_a_declaration_is_read(release: str) -> None:
    """As its team wrote it."""
    declared = parse_declaration(stored(release, "independence.toml").read_bytes(), "independence.toml")
    (entry,) = declared.entries
    assert entry.origin is Origin.INITIALISED_FROM


def test_a_configuration_is_read(release: str, tmp_path: Path) -> None:
    """A team's self-check goes on."""
    shutil.copy(stored(release, "audit.toml"), tmp_path)
    found = find_configuration("", tmp_path)
    assert found.subject.endswith("finetuned")
    assert found.given["policy"] == "strict-from-scratch"
    (suppressed,) = found.suppress
    assert suppressed.owner == "Example team"


def test_a_training_report_is_read(release: str) -> None:
    """Nothing in it is lost."""
    document = written(release, "training.json")
    shape = shape_of(TrainingReport)
    again = shape.encode(shape.decode(document, "$"), "$")
    assert isinstance(again, dict)
    assert {key: again[key] for key in document} == document
