"""The catalogue: every key that the package can emit has words, and the words are neutral.

How keys are found in the package's source, by its syntax tree:

- a string ``group.name`` whose group is one of the messages' groups, wherever it stands;
- a string in the first argument of ``Message(...)``, unless it is put together at run time;
- a string in the first argument of ``Notice(...)``, which becomes ``notice.NAME``;
- a string in an argument, an assignment or a comparison whose name contains ``reason``, in the second argument of
  ``SearchOutcome(...)``, or returned beside a ``Relation``: a key of the group ``reason``;
- in the tables of the anatomy, values of ``reason`` and ``bias_reason``; in the policies, ``message`` and
  ``would_change``.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import independence_audit
from independence_audit.anatomy.component import Kind
from independence_audit.errors import MalformedError, UsageError
from independence_audit.evidence.audit_report import Outcome, Standing
from independence_audit.evidence.declared_origin import Agreement, Origin
from independence_audit.evidence.measurement import Message, Value
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.training_evidence import Conclusion
from independence_audit.report.languages import ENGLISH, KOREAN, LANGUAGES
from independence_audit.report.wording import (
    CAUSE,
    FIGURES,
    NUMBERS,
    PLACEHOLDER,
    PLURALS,
    RUNS,
    WORDS,
    catalogue,
    figure,
    label,
    say,
    word,
    word_or_name,
)
from independence_audit.statistics.laws import LAWS
from independence_audit.statistics.spectrum import TRAINED_TOP
from independence_audit.training.initialisers import ANY

PACKAGE = Path(independence_audit.__file__).parent
GROUPS = (
    *(
        "headline",
        "fact",
        "cannot",
        "change",
        "changed",
        "came_first",
        "repeated",
        "not_searched",
        "open",
        "incomplete",
        "criterion",
        "notice",
        "verified",
        "unchecked",
    ),
    *("finding", "alternative", "grounds", "limit"),
)
KEY = re.compile(rf"({'|'.join(GROUPS)})\.[a-z0-9_]+")
NAME = re.compile(r"[a-z][a-z0-9_]*")
ACCUSING_KOREAN = re.compile(r"도용|표절|베끼|베낀|훔|파생|무단|유용")
ACCUSING = re.compile(r"\b(copied|stolen|stole|theft|derived|derivative|plagiari\w*|guilty|cheat\w*)\b", re.IGNORECASE)


def strings(node: ast.AST | None) -> Iterator[str]:
    """All strings below a node, but no parts of strings put together at run time, and no keys of look-ups."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif node is not None and not isinstance(node, ast.JoinedStr | ast.Subscript):
        for child in ast.iter_child_nodes(node):
            yield from strings(child)


def called(node: ast.Call) -> str:
    """The name of what a call calls."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def is_reason(node: ast.AST) -> bool:
    """Whether a name or attribute is about a reason."""
    return "reason" in str(getattr(node, "attr", getattr(node, "id", "")))


def keys_of(node: ast.AST) -> Iterator[str]:
    """The message keys that one node of a syntax tree uses."""
    match node:
        case ast.Constant(value=str(text)) if KEY.fullmatch(text):
            yield text
        case ast.Call() if called(node) == "Message" and node.args:
            yield from strings(node.args[0])
        case ast.Call() if called(node) == "Notice" and node.args:
            yield from (f"notice.{name}" for name in strings(node.args[0]))
        case ast.Call() if called(node) == "SearchOutcome" and len(node.args) > 1:
            yield from (f"reason.{name}" for name in strings(node.args[1]))
        case ast.keyword(arg=str(name), value=value) if "reason" in name:
            yield from reasons(value)
        case ast.Assign(targets=[target], value=value) if is_reason(target):
            yield from reasons(value)
        case ast.Compare(left=left, comparators=comparators) if is_reason(left):
            yield from (key for value in comparators for key in reasons(value))
        case ast.Return(value=ast.Tuple(elts=[ast.Attribute(value=ast.Name(id="Relation")), value])):
            yield from reasons(value)
        case _:
            return


def reasons(node: ast.AST) -> Iterator[str]:
    """The strings of an expression that can be reasons; sentences are none, nor is the name of the field itself."""
    yield from (f"reason.{text}" for text in strings(node) if NAME.fullmatch(text) and "reason" not in text)


def values_of(table: Any, wanted: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """All strings under certain keys of a TOML document, lists included."""
    if isinstance(table, dict):
        for key, value in table.items():
            if key in wanted:
                yield from ((key, text) for text in ([value] if isinstance(value, str) else value))
            yield from values_of(value, wanted)
    elif isinstance(table, list):
        for entry in table:
            yield from values_of(entry, wanted)


def emitted() -> Iterator[tuple[str, str]]:
    """Every key that the package uses, with the file that uses it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.parent.name in {"report", "cli"}:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        quiet = path.parent.name == "checkpoint"  # its reasons are parts of errors, worded where they are raised
        for node in ast.walk(tree):
            yield from ((path.name, key) for key in keys_of(node) if not (quiet and key.startswith("reason.")))
    for path in sorted(PACKAGE.rglob("*.toml")):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        if "anatomy" in path.relative_to(PACKAGE).parts:
            yield from ((path.name, f"reason.{text}") for _, text in values_of(table, ("reason", "bias_reason")))
        if "policy" in path.relative_to(PACKAGE).parts:
            yield from ((path.name, text) for _, text in values_of(table, ("message", "would_change")))


def test_every_emitted_key_has_words() -> None:
    """Whatever the lower floors say, the catalogue can word."""
    missing = {f"{file}: {key}" for file, key in emitted() if key not in catalogue(ENGLISH)}
    assert not missing


def test_the_scan_sees_every_form() -> None:
    """Each form that the scan knows is found in a snippet, and only keys are found."""
    source = """
Message("fact.a", {"x": "no_key"})
Message("fact.b" if x else "fact.c")
Message(f"notice.{name}")
Notice("d", {"file": "e"})
KEYS = ("cannot.f", "not.a key")
SearchOutcome("not_possible", "g")
Part(reason="h" if x else "")
reason = "i" if best else "j"
if component.reason == "k": pass
def f():
    return Relation.NOT_TESTED, "l"
"""
    found = {key for node in ast.walk(ast.parse(source)) for key in keys_of(node)}
    letters = {key.partition(".")[2] for key in found}
    assert letters == set("abcdfghijkl")


def shipped_criteria() -> list[str]:
    """Identifiers of all criteria of the policies that are shipped."""
    tables = [tomllib.loads(path.read_text(encoding="utf-8")) for path in (PACKAGE / "policy").rglob("*.toml")]
    return sorted({text for table in tables for _, text in values_of(table, ("id",))})


def test_every_word_of_the_contracts_is_there() -> None:
    """Relations with their meanings, outcomes, kinds and the report's other fixed words."""
    entries = catalogue(ENGLISH)
    wanted: dict[str, list[str]] = {
        "relation": list(Relation),
        "meaning": list(Relation),
        "outcome": list(Outcome),
        "kind": list(Kind),
        "standing": list(Standing),
        "status": ["compared", "not_available", "incomparable"],
        "mode": ["sampled", "full"],
        "digest_scope": ["file", "sample"],
        "conclusion": list(Conclusion),
        "conclusion_meaning": list(Conclusion),
        "origin": list(Origin),
        "agreement": list(Agreement),
        "criterion_name": shipped_criteria(),
        "law": [*LAWS, ANY],
    }
    assert not {f"{group}.{key}" for group, keys in wanted.items() for key in keys} - set(entries)


def test_placeholders_are_well_formed() -> None:
    """Every brace belongs to a placeholder, and every format is one that exists."""
    for key, text in (entry for lang in LANGUAGES for entry in catalogue(lang).items()):
        assert not re.search(r"[{}]", PLACEHOLDER.sub("", text)), key
        for match in PLACEHOLDER.finditer(text):
            assert match["format"] in {None, CAUSE, RUNS, *NUMBERS, *WORDS, *PLURALS}, key


def placeholders(text: str) -> set[tuple[str, str]]:
    """What a sentence is filled with; nouns that agree with a number are each language's own matter."""
    return {(match["name"], match["format"]) for match in PLACEHOLDER.finditer(text) if match["format"] not in PLURALS}


def methods(entries: Mapping[str, str]) -> list[str]:
    """The keys of the method's paragraphs, which are shown in the catalogue's order."""
    return [key for key in entries if key.startswith("method.")]


def test_languages_are_in_parity() -> None:
    """Every language words the same keys, the paragraphs of the method in one order, and fills the same things in."""
    english = catalogue(ENGLISH)
    for lang in LANGUAGES:
        other = catalogue(lang)
        assert set(other) == set(english), lang
        assert methods(other) == methods(english), lang
        assert not {key for key in english if placeholders(other[key]) != placeholders(english[key])}, lang


def test_plurals_have_both_forms() -> None:
    """Every noun that agrees with a number has a form for one and for others."""
    assert not {f"{noun}.{form}" for noun in PLURALS for form in ("one", "other")} - set(catalogue(ENGLISH))


def test_words_are_neutral() -> None:
    """The catalogue accuses nobody."""
    assert not {key for key, text in catalogue(ENGLISH).items() if ACCUSING.search(text)}
    assert not {key for key, text in catalogue(KOREAN).items() if ACCUSING_KOREAN.search(text)}


def test_labels_are_all_used() -> None:
    """No label stands in the catalogue that no renderer asks for."""
    files = [*(PACKAGE / "report").glob("*.py"), *(PACKAGE / "report" / "templates").glob("*.j2")]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    keys = (key.partition(".")[2] for key in catalogue(ENGLISH) if key.startswith("label."))
    assert not {key for key in keys if not re.search(rf"""["']{key}["']""", source)}


def test_sentences_are_filled_in() -> None:
    """Numbers take the form that the sentence asks for, names are shown, words are looked up, nouns agree."""
    fact: dict[str, Value] = {"component": "a\u202eb", "reference": "R", "fraction": 0.99999, "values": 12345}
    text = say(Message("fact.identical", fact), ENGLISH)
    assert text.startswith("a\\u202eb: more than 99.99% of the 12,345 compared values are identical to those of R.")
    related = say(Message("fact.related", {"component": "A", "reference": "R", "r": 0.98, "p": 0.0}), ENGLISH)
    assert "r = 0.9800, p < 1e-12" in related
    one = say(Message("fact.unrelated", {"component": "A", "references": 1, "bound": 0.1}), ENGLISH)
    assert "any of 1 reference;" in one


def test_numbers_that_compare_need_no_equals_sign() -> None:
    """What is larger than can be written stands alone; a name that begins with such a sign changes nothing."""
    data: dict[str, Value] = {"component": "A", "reference": "R", "r": 0.99999, "p": 0.0}
    assert "correlation r > 0.9999, p < 1e-12." in say(Message("fact.related", data), ENGLISH)
    assert "상관 r > 0.9999, p < 1e-12." in say(Message("fact.related", data), KOREAN)
    mixed: dict[str, Value] = {"component": "A", "reference": "R", "unchanged": 0.00001}
    assert "매개변수의 0.01% 미만은 R에서" in say(Message("fact.mixed", mixed), KOREAN)
    assert "매개변수의 50.0%는 R에서" in say(Message("fact.mixed", mixed | {"unchanged": 0.5}), KOREAN)


def test_placeholders_inside_names_stay() -> None:
    """A name that looks like a placeholder or a format string is not filled in."""
    data = {"component": "{reference} {0.__class__} %s", "reason": "constant"}
    assert "{reference} {0.__class__} %s" in say(Message("fact.not_tested", data), ENGLISH)


def test_long_names_are_cut_in_sentences() -> None:
    """A name of thousands of characters does not bury its sentence."""
    assert len(say(Message("notice.hostile_name", {"tensor": "x" * 5000}), ENGLISH)) < 500


def test_a_reason_that_nobody_gave() -> None:
    """A sentence about a missing reason is still a sentence."""
    data = {"component": "A", "reason": None}
    assert "because no reason was recorded." in say(Message("criterion.inconclusive", data), ENGLISH)


@pytest.mark.parametrize(
    "message", [Message("fact.nonsense"), Message("fact.related", {"component": "A"}), Message("\x1b[2J")], ids=str
)
def test_unknown_messages_are_refused(message: Message) -> None:
    """A report that says what this version cannot word is refused with a sentence and a hint, not rendered in part."""
    with pytest.raises(MalformedError) as caught:
        say(message, ENGLISH)
    assert caught.value.hint
    assert caught.value.message.isprintable()


def test_numbers_of_wrong_types_do_no_harm() -> None:
    """A report from elsewhere may carry a string where a number is meant; it is shown as it is."""
    data = {"component": "A", "reference": "R", "r": "<high>", "p": None}
    assert "r = <high>, p = –" in say(Message("fact.related", data), ENGLISH)


def test_open_vocabularies_fall_back_to_the_name() -> None:
    """A kind that no catalogue knows is shown by its name; a relation must be known."""
    assert word_or_name("kind", "mystery\n", ENGLISH) == "mystery\\u000a"
    with pytest.raises(MalformedError):
        word("relation", "mystery", ENGLISH)


def test_unknown_languages_are_a_usage_error() -> None:
    """Another language is refused, with those that exist."""
    with pytest.raises(UsageError) as caught:
        label("title", "xx")
    assert ENGLISH in caught.value.hint


STRUCTURAL = (
    "--search-layers 2",
    "10분의 1",
    "cut at 2 deviations",
    "cut at 3 deviations",
    "표준편차 2배에서",
    "표준편차 3배에서",
)
"""Numbers that nobody measured: settings, and laws by their definition. A 0 or 1 by itself is none either."""
MEASURED_FIGURE = re.compile(r"(?<![A-Za-z\d.-])(?!(?:0|1)(?!\.?\d|%))\d")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_holds_a_measured_figure(lang: str) -> None:
    """What was measured, or is a limit of the method, is filled in from the evidence or from the constant itself."""
    for key, text in catalogue(lang).items():
        left = PLACEHOLDER.sub("", text)
        for name in STRUCTURAL:
            left = left.replace(name, "")
        assert not MEASURED_FIGURE.search(left), (key, left)


def test_figures_are_those_of_the_method() -> None:
    """Every figure that a sentence asks for is a constant, and every constant is asked for."""
    asked = {match["name"] for text in catalogue(ENGLISH).values() for match in PLACEHOLDER.finditer(text)}
    assert set(FIGURES) <= asked
    assert all(figure(name) > 0.0 for name in FIGURES)
    shared = Message("fact.shared_training", {"component": "A", "reference": "R", "matrices": 4, "top": 1.01})
    assert f"from {TRAINED_TOP:.0%} on" in say(shared, ENGLISH)
    assert "101%" in say(shared, KOREAN)
