"""The public face: its names, their types, and a report that is written in the format that a file's name says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import assert_type

import pytest

import independence_audit
from independence_audit import (
    Anatomy,
    AuditSettings,
    ComponentEvidence,
    InputError,
    Relation,
    Report,
    UsageError,
    audit,
    fingerprint,
    inspect,
    parse_report,
    read_report,
)

SEEDS = Path(__file__).parents[1] / "examples/seeds_case"


@pytest.fixture(scope="module")
def report() -> Report:
    """A fine-tuned model beside its base."""
    return audit(SEEDS / "finetuned", [SEEDS / "base"], AuditSettings(offline=True))


def test_exported_names() -> None:
    """Exactly these; each is there, and a name that is not is an AttributeError."""
    assert {name for name in independence_audit.__all__ if not hasattr(independence_audit, name)} == set()
    assert sorted(independence_audit.__all__) == independence_audit.__all__
    assert set(independence_audit._HOME) | {"fingerprint", "__version__"} == set(independence_audit.__all__)
    with pytest.raises(AttributeError, match="no attribute 'audits'"):
        independence_audit.audits  # noqa: B018


def test_types(report: Report) -> None:
    """As a type checker sees them; it reads this file."""
    assert_type(report.components, tuple[ComponentEvidence, ...])
    assert_type(report.components[0].relation, Relation)
    assert_type(inspect(SEEDS / "base"), Anatomy)
    assert_type(report.to_json(), str)
    assert report.components[0].relation is Relation.RELATED
    assert inspect(str(SEEDS / "base")).components[0].kind == "text_decoder"


def test_a_report_is_read_as_it_was_written(report: Report, tmp_path: Path) -> None:
    """From a file and from a text."""
    report.save(tmp_path / "report.json")
    assert read_report(tmp_path / "report.json") == report == parse_report(report.to_json())
    assert report.exit_code() == report.exit_code("review") == 1


@pytest.mark.parametrize(
    ("name", "begins"),
    [("r.txt", "Independence"), ("r.md", "# "), ("r.html", "<!DOCTYPE"), ("r.sarif", "{"), ("r.summary.md", "### ")],
)
def test_the_name_of_a_file_says_its_format(report: Report, tmp_path: Path, name: str, begins: str) -> None:
    """The longest ending that fits."""
    report.save(tmp_path / name)
    assert (tmp_path / name).read_text(encoding="utf-8").lstrip().startswith(begins)


def test_exchange_forms_have_endings_of_their_own(report: Report, tmp_path: Path) -> None:
    """A bill of materials is no report, though both are JSON."""
    report.save(tmp_path / "r.cdx.json")
    assert json.loads((tmp_path / "r.cdx.json").read_text(encoding="utf-8"))["bomFormat"] == "CycloneDX"


def test_what_cannot_be_saved_is_said(report: Report, tmp_path: Path) -> None:
    """A name without a format, a folder that is not there."""
    with pytest.raises(UsageError, match="No format"):
        report.save(tmp_path / "report")
    with pytest.raises(InputError, match="could not be written"):
        report.save(tmp_path / "nowhere/report.json")


def test_a_notebook_shows_the_page_in_a_frame(report: Report) -> None:
    """Escaped, so that nothing of it acts in the notebook."""
    shown = report._repr_html_()
    assert shown.startswith("<iframe sandbox")
    assert shown.count("<") == 2
    assert "&lt;!DOCTYPE html&gt;" in shown


def test_fingerprints_have_a_face(tmp_path: Path) -> None:
    """Written, read, and taken in the place of weights."""
    from independence_audit.core.progress import NoProgress

    path = tmp_path / "base.fp.safetensors"
    fingerprint.save_fingerprint(str(SEEDS / "base"), path, fingerprint.sampler_of("default", None), NoProgress())
    found = audit(SEEDS / "finetuned", [path])
    assert found.components[0].relation is Relation.RELATED
    assert set(fingerprint.__all__) <= set(dir(fingerprint))


def test_importing_loads_nothing() -> None:
    """The first second of a program is its own."""
    program = "import sys, independence_audit; sys.exit('numpy' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GUIDE = (Path(__file__).parents[1] / "docs/python.md").read_text(encoding="utf-8")


def test_the_page_for_programs_runs(tmp_path: Path) -> None:
    """Its blocks, one after another, beside the example models."""
    for model in SEEDS.iterdir():
        (tmp_path / model.name).symlink_to(model)
    blocks = BLOCK.findall(GUIDE)
    assert len(blocks) >= 5
    program = "\n".join(blocks)
    done = subprocess.run([sys.executable, "-c", program], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").is_file()
    assert done.stdout.splitlines()[-1] == "related"


def test_the_page_for_programs_names_what_is_public() -> None:
    """All of it, in its table."""
    _, _, table = GUIDE.partition("## What is public")
    assert {name for name in independence_audit.__all__ if f"`{name}`" not in table} == set()


@pytest.mark.parametrize("level", [0.0, 1.0, -1e-6, float("nan"), float("inf")])
def test_a_level_that_is_none_is_refused_before_anything_is_read(level: float) -> None:
    """A report could not even say it."""
    with pytest.raises(UsageError, match="level"):
        AuditSettings(alpha=level)
