"""Verifying a report: what can be recomputed is recomputed, and every difference is named by its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from independence_audit.core.bounded import read_bounded
from independence_audit.core.progress import Progress
from independence_audit.errors import MalformedError, MissingError, UsageError
from independence_audit.evidence.audit_report import SCHEMA_VERSION, AuditReport, Reference, Suppression
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.relation import FOUND, STRENGTH
from independence_audit.evidence.report_json import comparable, from_json
from independence_audit.fingerprint import sampler_of
from independence_audit.fingerprint.sampler import SIZES
from independence_audit.lineage.reported import relation_shares
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.incomplete import NOT_AVAILABLE, told_again
from independence_audit.pipeline.models import CLAIMED
from independence_audit.pipeline.settings import AuditSettings, is_level
from independence_audit.policy.case import Known
from independence_audit.policy.judge import judge
from independence_audit.policy.policy_file import load_policy
from independence_audit.report.statement import PREDICATE, STATEMENT, report_digest
from independence_audit.signing.dsse import IN_TOTO, is_signed_by, read_envelope, read_object
from independence_audit.signing.keys import read_public_key

LARGEST = 2_000_000_000
"""Bytes of a report that is read; one of a 100 B mixture of experts has some ten million."""
_WHOLE = "file"
_LIBRARY = "$.settings.library_digest"
"""Covers every model of the library, also those that the audit did not ask for: not the same on two machines."""
_OLDER = tuple(f"1.{minor}" for minor in range(int(SCHEMA_VERSION.partition(".")[2])))
"""Versions of the schema before this one, in whose reports what came later is missing."""
_MESSAGE_DATA = re.compile(r"\.data\.\w+$")
"""Where a message's data are; later versions say more of the same."""
_INPUTS = ("files", "revision", "sampler", "signed_by", "read_bytes", "parameters", "source")


class Part(StrEnum):
    """What of a report a check is about."""

    SIGNATURE = "signature"
    INPUTS = "inputs"
    SETTINGS = "settings"
    POLICY = "policy"
    RESULTS = "results"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in which the report says something else than what was found."""

    part: Part
    path: str
    """Where, as a JSON path."""
    reported: str
    found: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What was checked, what could not be and why, and what differs."""

    checked: tuple[Part, ...]
    open: tuple[tuple[Part, Message], ...]
    """Parts that were not checked in full, each with the reason: keys of the group ``unchecked``."""
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Against:
    """What a report is to be verified against. Empty where there is nothing.

    Attributes:
        subject: The subject's weights.
        references: The references, in the report's order; by the report's own names where there are none.
        policy: The policy's file, where it is no shipped one.
        declaration: The declaration's file, where it does not lie beside the subject.
        attestation: File of the signed statement.
        key: File of its signer's public key.
        model_key: File of the key of the model's own signature.
        trajectory: The checkpoints that were submitted beside the subject.
        initialiser: What the first of them was held against.
        step_regex: Finds the step in a checkpoint's name.
        salt: The secret salt of the audit; None for the public one.
        base: The base of an adapter.
        library: The user's library of references.
        offline: Touch no network.
    """

    subject: str = ""
    references: tuple[str, ...] = ()
    policy: str = ""
    declaration: str = ""
    attestation: str = ""
    key: str = ""
    model_key: str = ""
    trajectory: tuple[str, ...] = ()
    initialiser: str = ""
    step_regex: str = ""
    salt: bytes | None = None
    base: str = ""
    library: str = ""
    offline: bool = False


def read_report(path: str) -> AuditReport:
    """Read a JSON report.

    Raises:
        MissingError: There is no such file, or it cannot be read.
        MalformedError: It is no report of this major version of the schema.
    """
    return from_json(_bytes(path).decode("utf-8", "replace"))


def verify_report(report: AuditReport, against: Against, progress: Progress) -> Checked:
    """Recompute what can be recomputed of a report, and hold it against what it says.

    Raises:
        UsageError: What was named does not fit together.
        InputError: Something that was named cannot be read.
    """
    if bool(against.attestation) != bool(against.key):
        raise UsageError("A signature is verified with both --attestation and --key.", "Name the one that is missing.")
    if against.references and not against.subject:
        raise UsageError("References are compared with the subject.", "Name its weights with --subject.")
    checked: list[Part] = []
    left: list[tuple[Part, Message]] = []
    found: list[Difference] = []
    if against.attestation:
        checked.append(Part.SIGNATURE)
        found += _attested(report, against)
    else:
        left.append((Part.SIGNATURE, Message("unchecked.signature")))
    found += _by_policy(report, against)
    checked.append(Part.POLICY)
    if against.subject:
        checked += [Part.INPUTS, Part.SETTINGS, Part.RESULTS]
        again = _recomputed(report, against, progress)
        found += [each for each in again if each.path != _LIBRARY]
        if any(each.path == _LIBRARY for each in again):
            left.append((Part.SETTINGS, Message("unchecked.library")))
    else:
        left.append((Part.INPUTS, Message("unchecked.weights")))
        left.append((Part.RESULTS, Message("unchecked.results")))
    if any(file.digest_scope == CLAIMED for file in report.subject.files):
        left.append((Part.INPUTS, Message("unchecked.claimed")))
    elif any(file.digest_scope != _WHOLE for file in report.subject.files):
        left.append((Part.INPUTS, Message("unchecked.whole_files")))
    if absent := _absent(report):
        left.append((Part.RESULTS, Message("unchecked.absent", {"count": len(absent), "example": absent[0].name})))
    return Checked(tuple(checked), tuple(left), tuple(dict.fromkeys(found)))


def _by_policy(report: AuditReport, against: Against) -> Iterator[Difference]:
    """The opinion and the summary, from the evidence in the report."""
    policy = load_policy(against.policy or report.opinion.policy)
    if policy.digest != report.settings.policy_digest:
        yield Difference(Part.POLICY, "$.settings.policy_digest", report.settings.policy_digest, policy.digest)
        return
    incomplete = () if report.schema_version in _OLDER else told_again(report)
    known = Known(report.subject.verified, report.submission.team, report.declaration, report.training, incomplete)
    summary = replace(
        report.summary,
        strongest=max((each.relation for each in report.components), key=STRENGTH.__getitem__),
        components=tuple(each.name for each in report.components if each.relation in FOUND),
        shares=relation_shares(report.tensors),
        incomplete=incomplete,
    )
    again = replace(report, opinion=judge(policy, report.components, report.references, known), summary=summary)
    yield from differences(report, _with_suppressions(again, report))


def _recomputed(report: AuditReport, against: Against, progress: Progress) -> list[Difference]:
    if report.subject.signed_by and not against.model_key:
        raise UsageError(
            "The report names the key that signed the subject's files, which was not named.",
            "Name the signer's public key with --model-key.",
        )
    if report.training and report.training.trajectory and not against.trajectory:
        raise UsageError(
            "The report rests on checkpoints of the training, which were not named.",
            "Name them with --trajectory, and with --init what they were held against.",
        )
    samplers = [sampler_of(size, against.salt).name for size in SIZES]  # of the smallest fingerprint among the inputs
    if report.settings.sampler not in samplers:
        usual = sampler_of("default", against.salt).name
        return [Difference(Part.SETTINGS, "$.settings.sampler", report.settings.sampler, usual)]
    if not is_level(report.settings.alpha):
        return [Difference(Part.SETTINGS, "$.settings.alpha", str(report.settings.alpha), "a level")]
    settings = AuditSettings(
        full=report.settings.mode == "full",
        alpha=report.settings.alpha,
        policy=against.policy or report.opinion.policy,
        declaration=against.declaration,
        submission=report.submission,
        offline=against.offline,
        base=against.base,
        library=against.library,
        allow_missing=report.settings.allow_missing,
        search_layers=report.settings.search_layers,
        absent={each.name: each for each in _absent(report)},
        salt=against.salt,
        whole_files=any(file.digest_scope == _WHOLE for file in report.subject.files),
        model_key=against.model_key,
        trajectory=against.trajectory,
        initialiser=against.initialiser,
        step_regex=against.step_regex,
        called=(report.subject.name, *(reference.name for reference in report.references)),
    )
    names = against.references or tuple(reference.name for reference in report.references)
    return differences(report, _with_suppressions(audit(against.subject, names, settings, progress), report))


def _absent(report: AuditReport) -> list[Reference]:
    """References that the audit could not have. They are not asked for again: an outage cannot be repeated."""
    return [each for each in report.references if each.status == NOT_AVAILABLE]


def _with_suppressions(found: AuditReport, reported: AuditReport) -> AuditReport:
    """What was found, under the report's suppressions: people decide on these; only their expiry can be recomputed."""
    said = {criterion.id: criterion.suppression for criterion in reported.opinion.criteria}
    criteria = tuple(
        replace(each, suppression=_judged(said.get(each.id), reported.run.date)) for each in found.opinion.criteria
    )
    return replace(found, opinion=replace(found.opinion, criteria=criteria))


def _judged(suppression: Suppression | None, day: str) -> Suppression | None:
    return replace(suppression, expired=suppression.expires < day[:10]) if suppression else None


def _attested(report: AuditReport, against: Against) -> Iterator[Difference]:
    """The signature over the statement, and what the statement says of the report."""
    where = Path(against.attestation).name
    envelope = read_envelope(_bytes(against.attestation), where)
    key = read_public_key(against.key)
    if envelope.payload_type != IN_TOTO or not is_signed_by(envelope, key):
        yield Difference(Part.SIGNATURE, where, "signed", f"not signed by the key {key.keyid[:16]}...")
        return
    statement = read_object(envelope.payload, where)
    if (statement.get("_type"), statement.get("predicateType")) != (STATEMENT, PREDICATE):
        raise MalformedError(f"{where} is no statement about an audit report.", "Name the file that -o intoto= wrote.")
    attested, digest = _at(statement, "predicate", "report", "digest", "sha256"), report_digest(report)
    if attested != digest:
        yield Difference(Part.SIGNATURE, "$", f"report {digest}", f"signed report {attested}")
    subjects = statement.get("subject")
    listed = subjects if isinstance(subjects, list) else []
    signed = {_at(each, "name"): _at(each, "digest", "sha256") for each in listed}
    reported = {file.name: file.sha256 or "" for file in report.subject.files}
    for name in sorted({*signed, *reported} - {""}):
        if signed.get(name, "") != reported.get(name, ""):
            path = f"$.subject.files[{name}].sha256"
            yield Difference(Part.SIGNATURE, path, reported.get(name, "absent"), signed.get(name, "absent"))


def differences(reported: AuditReport, found: AuditReport) -> list[Difference]:
    """Every place in which the comparable parts of two reports differ."""
    is_older = reported.schema_version in _OLDER
    found = replace(found, schema_version=reported.schema_version) if is_older else found
    one, other = json.loads(comparable(reported)), json.loads(comparable(found))
    return [
        Difference(_part(path), path, _shown(old), _shown(new))
        for path, old, new in _apart(one, other, "$")
        if not (is_older and old is None and _MESSAGE_DATA.search(path))
    ]


def _apart(one: object, other: object, path: str) -> Iterator[tuple[str, object, object]]:
    """The deepest places in which two JSON values differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            yield from _apart(one.get(key), other.get(key), f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _apart(left, right, f"{path}[{number}]")
    elif one != other or type(one) is not type(other):
        yield path, one, other


def _part(path: str) -> Part:
    top, _, rest = path.removeprefix("$.").partition(".")
    top = top.partition("[")[0]
    if top in {"settings", "tool", "schema_version", "submission"}:
        return Part.POLICY if rest == "policy_digest" else Part.SETTINGS
    if top in {"subject", "references"} and rest.partition(".")[0].partition("[")[0] in _INPUTS:
        return Part.INPUTS
    return Part.RESULTS


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 100 else f"{text[:97]}..."  # noqa: PLR2004  a line


def _at(value: object, *keys: str) -> str:
    """The text at a place in parsed JSON; empty where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _bytes(path: str) -> bytes:
    try:
        return read_bounded(path, LARGEST)
    except OSError as error:
        raise MissingError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
