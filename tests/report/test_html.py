"""The report as HTML, read as a document: one closed file, nothing inline but what the policy names, nothing lost."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import pytest

from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.relation import Relation
from independence_audit.report.html import render
from independence_audit.report.languages import LANGUAGES
from independence_audit.report.plain import visible
from tests.report.sample_reports import (
    SAMPLES,
    clean,
    component,
    finding,
    hostile,
    moe_roles,
    strangers,
    tower,
)

VOID = {"meta", "input", "br"}


@dataclass
class Document(HTMLParser):
    """A document's elements with their attributes and texts; opening and closing tags must match."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element of an image that closes itself."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, which must be this one."""
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep a text under its element."""
        if self.stack:
            self.texts.setdefault(self.stack[-1], []).append(data)

    def attributes(self, name: str) -> list[str]:
        """All values of an attribute."""
        return [value for _, attributes in self.elements if (value := attributes.get(name)) is not None]

    def count(self, tag: str) -> int:
        """How many elements of a kind there are."""
        return sum(element == tag for element, _ in self.elements)


def parsed(rendered: str) -> Document:
    """Read a whole document."""
    document = Document()
    document.feed(rendered)
    document.close()
    assert document.stack == []
    return document


@pytest.fixture(scope="module", params=SAMPLES)
def document(request: pytest.FixtureRequest) -> Document:
    """Each sample report as a document."""
    return parsed(render(SAMPLES[request.param]()))


def test_policy_names_exactly_the_inline_parts(document: Document) -> None:
    """The content security policy lets through this style and this script by digest, and nothing else at all."""
    policy = next(a["content"] for _, a in document.elements if a.get("http-equiv") == "Content-Security-Policy")
    digests = {
        tag: base64.b64encode(hashlib.sha256("".join(document.texts[tag]).encode("utf-8")).digest()).decode("ascii")
        for tag in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digests['style']}'; script-src 'sha256-{digests['script']}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert (document.count("style"), document.count("script")) == (1, 1)


def test_nothing_is_loaded_and_nothing_acts(document: Document) -> None:
    """No address but anchors of the page, no inline style or handler, no element that loads or embeds."""
    assert all(href.startswith("#") for href in document.attributes("href"))
    assert not {tag for tag, _ in document.elements} & {"img", "iframe", "object", "embed", "link", "base", "a:href"}
    for _, attributes in document.elements:
        assert not [name for name in attributes if name in {"style", "src"} or name.startswith("on")]


def test_references_inside_the_page_lead_somewhere(document: Document) -> None:
    """Identifiers are unique, and every anchor and label that names one finds it."""
    identifiers = document.attributes("id")
    assert len(identifiers) == len(set(identifiers))
    wanted = {href[1:] for href in document.attributes("href")} | set(document.attributes("aria-labelledby"))
    assert wanted <= set(identifiers)


def test_every_tensor_has_its_row(document: Document) -> None:
    """The table of tensors is whole without any script."""
    rows = [attributes for tag, attributes in document.elements if tag == "tr" and "data-r" in attributes]
    assert len(rows) in {len(sample().tensors) for sample in SAMPLES.values()}


def test_charts_have_names(document: Document) -> None:
    """Every drawing is either decoration or has a role and a name."""
    for tag, attributes in document.elements:
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or (
                attributes.get("role") == "img" and attributes.get("aria-labelledby")
            )


def test_names_are_escaped_and_whole_in_tooltips() -> None:
    """Hostile names stand in the page as text; a cut name has the rest of it, or a thousand characters, at hand."""
    rendered = render(hostile())
    assert "<script>alert" not in rendered
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;" in rendered
    assert "{{ 7*7 }} {% raw %}" in rendered
    titles = parsed(rendered).attributes("title")
    assert any(title.startswith("layer.layer.") and len(title) == 1000 for title in titles)
    long = "model.language_model." + "x" * 100
    tensor = replace(finding().tensors[0], name=long)
    assert visible(long) in parsed(render(replace(clean(), tensors=(tensor,)))).attributes("title")


def huge() -> AuditReport:
    """A mixture of experts of 100 billion parameters with two encoders: 96 layers, every role, experts pooled."""
    decoder = tower("model", "model.layers.", moe_roles(6144, 1536), layers=96, law=strangers, reference="R", seed=8)
    towers = [tensor for tensor in finding().tensors if "language_model" not in tensor.name]
    report = clean()
    own = component("model", "text_decoder", "moe", decoder, relation=Relation.UNRELATED)
    encoders = [part for part in finding().components if "language_model" not in part.name]
    return replace(report, tensors=(*decoder, *towers), components=(own, *encoders))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_hundred_billion_parameters_are_under_three_megabytes(lang: str) -> None:
    """The report of a large mixture of experts can still be sent by mail, with every chart and every entry."""
    report = huge()
    assert len(report.tensors) > 1700
    rendered = render(report, lang)
    assert len(rendered.encode("utf-8")) < 3_000_000
    assert rendered.count("data-r=") == len(report.tensors)


def test_a_report_without_tensors_is_complete() -> None:
    """Where nothing could be compared the charts give way to a sentence."""
    rendered = render(replace(clean(), tensors=()))
    assert "No norm vector was compared" in rendered
    assert "No tensor was tested." in rendered
