"""Honest reports verify, whatever they were made of and by which version; edited ones do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.small_models import llama, save
from tests.e2e.conftest import Audit, Ended

POLICY = """name = "ours"
version = "1"
date = "2026-01-01"
[[criterion]]
id = "a"
[[criterion.rule]]
outcome = "not_met"
severity = "not_met"
message = "criterion.shared"
"""
SALT = b"a secret of sixteen bytes or more"


@pytest.fixture
def models(tmp_path: Path) -> dict[str, str]:
    """A subject, its copy and a stranger."""
    seeds = {"subject": 1, "copy": 1, "stranger": 2}
    return {name: save(llama(seed), tmp_path / name / "model.safetensors") for name, seed in seeds.items()}


def printed(audit: Audit, weights: str, *options: object) -> str:
    """The fingerprint of weights, as a file."""
    target = str(Path(weights).with_name("print.fp.safetensors"))
    ended = audit("fingerprint", weights, "-o", target, *options)
    assert ended.code == 0, ended.err
    return target


def verified(audit: Audit, tmp_path: Path, subject: str, references: list[str]) -> Ended:
    """Make a report and verify it; what the command said."""
    file = tmp_path / "report.json"
    names = [word for reference in references for word in ("--ref", reference)]
    made = audit("compare", subject, *names, "-q", "-o", f"json={file}")
    assert made.code in {0, 1, 3}, made.err
    return audit("verify", file, "--subject", subject, *names)


@pytest.mark.parametrize("size", ["small", "default"])
@pytest.mark.parametrize("which", ["subject", "reference", "both"])
def test_fingerprints_verify(audit: Audit, models: dict[str, str], tmp_path: Path, size: str, which: str) -> None:
    """Of both sizes, on either side: the report's sampler is the smallest one's."""
    subject = printed(audit, models["subject"], "--size", size) if which != "reference" else models["subject"]
    reference = printed(audit, models["stranger"], "--size", size) if which != "subject" else models["stranger"]
    for references in ([reference], [reference, models["copy"]]):
        ended = verified(audit, tmp_path, subject, references)
        assert ended.code == 0, ended.out


@pytest.mark.parametrize(
    "options", [(), ("--full",), ("--whole-files",), ("--allow-missing",), ("--search-layers", "1")], ids=str
)
def test_settings_verify(audit: Audit, models: dict[str, str], tmp_path: Path, options: tuple[str, ...]) -> None:
    """What was asked of the audit is asked again."""
    file = tmp_path / "report.json"
    for reference in (models["copy"], models["stranger"]):
        audit("compare", models["subject"], "--ref", reference, "-q", "-o", f"json={file}", *options)
        ended = audit("verify", file, "--subject", models["subject"], "--ref", reference)
        assert ended.code == 0, ended.out


@pytest.mark.parametrize("size", ["small", "default"])
def test_salts_verify(audit: Audit, models: dict[str, str], tmp_path: Path, size: str) -> None:
    """With the salt that was used; another one, or none, is another sample."""
    for name, content in (("salt", SALT), ("other", SALT[::-1])):
        (tmp_path / name).write_bytes(content)
    salt = ("--salt-file", tmp_path / "salt")
    subject = printed(audit, models["subject"], "--size", size, *salt)
    file = tmp_path / "report.json"
    made = audit("compare", subject, "--ref", models["stranger"], "-q", "-o", f"json={file}", *salt)
    assert made.code == 3, made.err
    asked = ("verify", file, "--subject", subject, "--ref", models["stranger"])
    assert audit(*asked, *salt).code == 0
    assert audit(*asked, "--salt-file", tmp_path / "other").code == 1
    assert audit(*asked).code == 1


def test_another_state_of_the_library_is_no_difference(audit: Audit, models: dict[str, str], tmp_path: Path) -> None:
    """What else the library holds on the machine that verifies does not touch an honest report; it is said."""
    stranger = printed(audit, models["stranger"])
    assert audit("refs", "add", "own-base", stranger).code == 0
    file = tmp_path / "report.json"
    audit("compare", models["subject"], "--ref", "own-base", "-q", "-o", f"json={file}")
    assert audit("refs", "add", "own-other", printed(audit, models["copy"])).code == 0
    ended = audit("verify", file, "--subject", models["subject"], "--ref", "own-base")
    assert (ended.code, "library is in another state" in ended.out) == (0, True), ended.out


def older(document: dict[str, Any]) -> None:
    """Make a report one of schema 1.0, as it was written then."""
    document["schema_version"] = "1.0"
    for name in ("allow_missing", "search_layers"):
        del document["settings"][name]
    del document["subject"]["accounts"], document["summary"]["incomplete"]
    for component in document["components"]:
        del component["shared"]
    for component in (document["training"] or {}).get("components", []):
        component.pop("order", None)
    for name in ("compared", "total"):
        document["opinion"]["headline"]["data"].pop(name, None)


def test_a_report_of_an_earlier_schema_verifies(audit: Audit, models: dict[str, str], tmp_path: Path) -> None:
    """It lacks what came later, which is no difference; a share that was edited is one still."""
    (tmp_path / "ours.toml").write_text(POLICY, encoding="utf-8")
    file, policy = tmp_path / "report.json", ("--policy", tmp_path / "ours.toml")
    for reference in (models["copy"], models["stranger"]):
        names = ("--ref", reference)
        audit("compare", models["subject"], *names, "-q", "-o", f"json={file}", *policy)
        document = json.loads(file.read_text(encoding="utf-8"))
        older(document)
        file.write_text(json.dumps(document), encoding="utf-8")
        for options in ((), ("--subject", models["subject"], *names)):
            ended = audit("verify", file, *policy, *options)
            assert ended.code == 0, ended.out
        document["components"][0]["parameters"] += 1
        file.write_text(json.dumps(document), encoding="utf-8")
        assert audit("verify", file, *policy, "--subject", models["subject"], *names).code == 1
