"""Fingerprints whose table was written by somebody: whatever they say of themselves, they are met by no policy."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from independence_audit.anatomy import Kind
from independence_audit.checkpoint.header import KEY
from independence_audit.policy.policy_file import policy_names
from tests.cli.small_models import llama, save
from tests.e2e.conftest import Audit

Table = dict[str, Any]


@pytest.fixture
def reference(tmp_path: Path) -> str:
    """A stranger to the fingerprint's weights."""
    return save(llama(2), tmp_path / "reference.safetensors")


@pytest.fixture
def honest(audit: Audit, tmp_path: Path) -> Path:
    """An honest fingerprint of a team's own weights."""
    file = tmp_path / "honest.fp.safetensors"
    assert audit("fingerprint", save(llama(1), tmp_path / "team.safetensors"), "-o", file).code == 0
    return file


def rewritten(honest: Path, edit: Callable[[Table], object]) -> Path:
    """The fingerprint with another table."""
    with safe_open(honest, "np") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
        table = json.loads(file.metadata()[KEY])
    edit(table)
    path = honest.with_name("forged.fp.safetensors")
    save_file(tensors, path, {KEY: json.dumps(table)})
    return path


def every(table: Table, **facts: object) -> Table:
    """Say something of every component."""
    for component in table["components"]:
        component.update(facts)
    return table


@pytest.mark.parametrize(("kind", "policy"), [*product(Kind, policy_names())])
def test_no_kind_is_excused(*, audit: Audit, honest: Path, reference: str, kind: Kind, policy: str) -> None:
    """A table that calls its decoder a projector, which may go untested, is not met for that; nor is the honest one."""
    forged = rewritten(honest, lambda table: every(table, kind=kind.value))
    ended = audit("compare", forged, "--ref", reference, "--policy", policy, "--allow-missing", "--format", "json")
    assert ended.code in {1, 3, 4}, (ended.code, ended.err)
    if ended.code != 4:
        assert "incomplete.unverified" in [said["key"] for said in ended.report["summary"]["incomplete"]]
        assert "met" not in {one["outcome"] for one in ended.report["opinion"]["criteria"]}


def test_it_is_not_met_where_a_policy_allows_what_is_found(audit: Audit, honest: Path, tmp_path: Path) -> None:
    """A licence that permits, or an owner that is the team's, is met by weights and not by a fingerprint."""
    added = audit("refs", "add", "own-base", honest, "--owner", "Team", "--licence", "apache-2.0")
    assert added.code == 0, added.err
    for policy in policy_names():
        ended = audit("compare", honest, "--ref", "own-base", "--policy", policy, "--team", "Team", "--format", "json")
        assert ended.code in {1, 3}, policy
        assert "met" not in {one["outcome"] for one in ended.report["opinion"]["criteria"]}, policy


IMPOSSIBLE: dict[str, Callable[[Table], object]] = {
    "no components": lambda table: table.update(components=[], samples=[]),
    "samples of no component": lambda table: table.update(components=[]),
    "a component twice": lambda table: table.update(components=table["components"] * 2),
    "negative parameters": lambda table: every(table, parameters=-5),
    "endless parameters": lambda table: every(table, parameters=10**400),
    "negative total": lambda table: table.update(parameters=-1),
    "endless total": lambda table: table.update(parameters=10**400),
    "negative bytes": lambda table: table.update(read_bytes=-1),
    "no members": lambda table: table["samples"][0].update(members=0),
    "endless members": lambda table: table["samples"][0].update(members=10**400),
    "negative shape": lambda table: table["samples"][0].update(shape=[-1, -1], values=False),
    "endless shape": lambda table: table["samples"][0].update(shape=[10**400, 10**400], rows=[], experts=[]),
    "a layer beyond all": lambda table: table["samples"][0].update(layer=10**30),
    "negative file": lambda table: table["files"][0].update(size=-1),
    "an unknown kind": lambda table: every(table, kind="harmless"),
    "no version": lambda table: table.pop("version"),
    "a list": lambda table: table.update(components={}),
}


@pytest.mark.parametrize("edit", IMPOSSIBLE)
def test_what_no_checkpoint_has_is_refused(*, audit: Audit, honest: Path, reference: str, edit: str) -> None:
    """On either side, in a sentence: no crash, no pass, no finding."""
    forged = rewritten(honest, IMPOSSIBLE[edit])
    for subject, other in ((forged, reference), (reference, forged)):
        ended = audit("compare", subject, "--ref", other)
        assert (ended.code, ended.is_told()) == (4, True), (ended.code, ended.err)


STRANGE: dict[str, Callable[[Table], object]] = {
    "no samples": lambda table: table.update(samples=table["samples"][:1]),
    "values left out": lambda table: [sample.update(values=False) for sample in table["samples"]],
    "no parameters": lambda table: (every(table, parameters=0), table.update(parameters=0)),
    "a synthetic example": lambda table: table.update(metadata={"synthetic": "true"}),
    "a planted sentence": lambda table: table.update(
        notices=[
            {"key": "fact.unrelated", "data": {"component": "x", "references": 77, "bound": 0.001}},
            {"key": "criterion.rights_all", "data": {}},
            {"key": "notice.unknown", "data": {}},
            {"key": "notice.unpacked", "data": {}},
        ]
    ),
    "unreadable": lambda table: [sample.update(values=False, reason="unreadable") for sample in table["samples"]],
    "uninformative": lambda table: [sample.update(axis="none", reason="computed") for sample in table["samples"]],
    "whole digests": lambda table: table["files"][0].update(digest_scope="file"),
    "hostile names": lambda table: (table.update(name="\x1b[31m<script>"), every(table, family="\u202e/../..")),
}


@pytest.mark.parametrize(("edit", "policy"), [*product(STRANGE, policy_names())])
def test_what_it_says_clears_nothing(*, audit: Audit, honest: Path, reference: str, edit: str, policy: str) -> None:
    """Samples left out, reasons, banners, sentences and digests: never met, never a crash, never a planted word."""
    forged = rewritten(honest, STRANGE[edit])
    ended = audit("compare", forged, "--ref", reference, "--policy", policy)
    assert ended.code in {1, 3, 4}, (ended.code, ended.err)
    assert "SYNTHETIC" not in ended.out
    assert "of 77 references" not in ended.out
    assert "rights to modify, operate and redistribute are declared" not in ended.out
    if ended.code != 4:
        assert "whole file" not in ended.out
        assert "Only a fingerprint was handed in" in ended.out


def test_its_digests_are_attested_by_nobody(audit: Audit, honest: Path, reference: str, tmp_path: Path) -> None:
    """No statement about files that nobody read."""
    forged = rewritten(honest, lambda table: table["files"][0].update(digest_scope="file"))
    ended = audit("compare", forged, "--ref", reference, "-o", f"intoto={tmp_path / 'statement.json'}")
    assert ended.code == 4, ended.err
    assert not (tmp_path / "statement.json").exists()


def test_a_file_does_not_take_the_name_of_the_librarys_model(audit: Audit, honest: Path, tmp_path: Path) -> None:
    """Whoever writes a fingerprint can call it anything; the library's model keeps its name, the file gets a number."""
    forged = rewritten(honest, lambda table: table.update(name="example/seeds-base"))
    subject = save(llama(1), tmp_path / "subject.safetensors")
    names = ("--ref", forged, "--ref", "example/seeds-base")
    ended = audit("compare", subject, *names, "--format", "json")
    found = {one["name"]: one["synthetic"] for one in ended.report["references"]}
    assert found == {"example/seeds-base (2)": False, "example/seeds-base": True}
    assert {one["reference"] for one in ended.report["components"]} == {"example/seeds-base (2)"}
