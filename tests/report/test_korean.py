"""A Korean report is Korean: every sample and example, in every format, has no English word but names and units."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from independence_audit import errors
from independence_audit.errors import AuditError
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.measurement import Message
from independence_audit.policy.policy_file import policy_names
from independence_audit.report.formats import ALL
from independence_audit.report.languages import KOREAN
from independence_audit.report.wording import PLACEHOLDER, catalogue, say
from tests.report.sample_reports import SAMPLES
from tests.report.test_first_screens import NAMES, evidence, judged

WORDS = re.compile(r"[A-Za-z]{3,}")
OPTION = re.compile(r"--[a-z-]+|`[^`]*`")
NO_NAMES = {"reason", "runs", "cause", "unusable"}
"""Data of messages that are worded, not shown as they are."""
ALLOWED = {
    *("SHA", "JSON", "HTML", "NaN", "GiB", "MiB", "KiB", "bytes", "UTC", "MoE", "expert", "dense", "gain", "toml"),
    *("TensorBoard", "Adam", "pickle", "GGUF", "NumPy", "HDF", "SVG", "auto", "map", "origin", "tokenizer", "json"),
    *(
        "audit",
        "fingerprint",
        "independence",
        "attestation",
        "key",
        "subject",
        "whole",
        "files",
        "search",
        "layers",
        "team",
        "allow",
        "missing",
        "sub",
        "step",
    ),
}
"""Formats, units, files, options and the field's own English words."""


def names(value: Any) -> Iterator[str]:
    """Every string of a report that is shown as it is: names, files, commands, quotations."""
    if isinstance(value, Message):
        yield from (text for key, text in value.data.items() if isinstance(text, str) and key not in NO_NAMES)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (name for part in (*value.keys(), *value.values()) for name in names(part))
    elif isinstance(value, tuple):
        yield from (name for part in value for name in names(part))
    elif is_dataclass(value):
        yield from (name for field in fields(value) for name in names(getattr(value, field.name)))


def visible_text(report: AuditReport, form: str) -> str:
    """The words that a reader sees."""
    text = ALL[form].render(report, KOREAN)
    if form == "html":
        text = re.sub(r"<(script|style)\b.*?</\1>", " ", text, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", text)) if form != "text" else text


def english(report: AuditReport, form: str) -> set[str]:
    """English words of a rendered report that are no part of any name."""
    known = "\n".join(names(report))
    shown = OPTION.sub(" ", visible_text(report, form).replace("\\", ""))
    return {word for word in WORDS.findall(shown) if word not in ALLOWED and word not in known}


@pytest.mark.parametrize("form", ["text", "markdown", "html", "summary"])
@pytest.mark.parametrize("name", [*NAMES, *(name for name in SAMPLES if name != "hostile")])
def test_no_english_word_is_left(name: str, form: str) -> None:
    """Under every policy; what stands there in English is a name, a command, a unit or a quotation."""
    for policy in policy_names() if form == "text" else ["kai-stage1"]:
        assert not english(judged(evidence(name), policy), form)


def test_the_catalogue_is_korean() -> None:
    """No sentence of it has an English word but the allowed ones."""
    for key, text in catalogue(KOREAN).items():
        left = {word for word in WORDS.findall(OPTION.sub("", PLACEHOLDER.sub("", text))) if word not in ALLOWED}
        assert not left, key


def test_runs_of_layers_are_worded() -> None:
    """The evidence has one form of them; every language its own."""
    data = {"component": "A", "reference": "R", "map": "shifted", "runs": "0-1 from 2-3, 4 from 9"}
    assert "0-1 ← 2-3, 4 ← 9" in say(Message("changed.layers", data), KOREAN)
    assert "0-1 from 2-3, 4 from 9" in say(Message("changed.layers", data), "en")


CAUSED = [
    Message("notice.pull_failed", {"model": "m", "reason": "The server said no.", "cause": "missing"}),
    Message("notice.broken_config", {"file": "config.json", "reason": "Expecting value", "cause": "malformed"}),
    Message("limit.unreadable", {"reason": "model.safetensors: its header is cut off.", "cause": "malformed"}),
]


@pytest.mark.parametrize("message", CAUSED, ids=lambda message: message.key)
def test_errors_are_told_by_their_kind(message: Message) -> None:
    """English has the error's own sentence, Korean a word for its kind; reports of before had no kind."""
    reason = str(message.data["reason"])
    assert reason in say(message, "en")
    assert reason not in say(message, KOREAN)
    bare = replace(message, data={key: value for key, value in message.data.items() if key != "cause"})
    assert reason in say(bare, KOREAN)


def test_every_error_has_a_kind_with_words() -> None:
    """Of the whole tree of errors."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AuditError)]
    assert {f"cause.{kind.cause}" for kind in kinds} <= set(catalogue(KOREAN))
