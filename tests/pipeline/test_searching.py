"""What the searches state of themselves is what is made, and what reports can say."""

from __future__ import annotations

from pathlib import Path

import pytest

from independence_audit.core.progress import NoProgress
from independence_audit.fingerprint.making import read_model
from independence_audit.lineage.outcomes import SearchName
from independence_audit.lineage.searches import About, Models
from independence_audit.pipeline.searching import STATED, searches_of
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.report.languages import LANGUAGES
from independence_audit.report.wording import catalogue

EXAMPLE = Path(__file__).parents[2] / "examples/seeds_case/base"


def test_the_table_is_in_the_order_of_the_searches() -> None:
    """What documentation shows is what a full audit makes, one search after another."""
    settings = AuditSettings(full=True, jobs=1)
    model = read_model(str(EXAMPLE), settings.sampler, NoProgress())
    made = searches_of(Models(model, {"other": model}, NoProgress()), settings)
    model.close()
    assert tuple(search.about for search in made) == STATED


def test_every_search_belongs_to_one_entry() -> None:
    """Each name under which an outcome is recorded is stated once."""
    assert sorted(name for about in STATED for name in about.names) == sorted(SearchName)


@pytest.mark.parametrize("about", STATED, ids=lambda about: about.title)
def test_its_messages_can_be_said(about: About) -> None:
    """A search owes its messages to a report in every language."""
    assert all((about.title, about.null, about.bound))
    assert all(key in catalogue(lang) for key in about.messages for lang in LANGUAGES)
