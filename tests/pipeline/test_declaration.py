"""Where a subject's declaration is found: the file that is named, the one beside the weights, or the model card."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from independence_audit.checkpoint import Checkpoint, open_checkpoint
from independence_audit.errors import MalformedError, UsageError
from independence_audit.evidence.declared_origin import Agreement, DeclarationEvidence, Declared
from independence_audit.pipeline.declaration import draft_declaration, find_card, find_declaration, strays
from tests.cli.small_models import llama, save

CARD = "---\nbase_model: owner/base\nbase_model_relation: finetune\n---\nA model.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with weights."""
    save(llama(1), tmp_path / "run" / "model.safetensors")
    return tmp_path / "run"


@pytest.fixture
def checkpoint(folder: Path) -> Iterator[Checkpoint]:
    """The same, opened."""
    opened = open_checkpoint(folder)
    yield opened
    opened.source.close()


def test_nothing_is_declared_where_nothing_lies(folder: Path, checkpoint: Checkpoint) -> None:
    """Neither file nor card, and nothing beside a fingerprint."""
    assert find_declaration(str(folder), checkpoint) is None
    assert find_card(str(folder), checkpoint) is None
    assert find_declaration("alone.fp.safetensors", None) is None


def test_a_card_declares_where_there_is_no_file(folder: Path, checkpoint: Checkpoint) -> None:
    """The file beside the weights goes before it; a file that is named goes before both."""
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    found = find_declaration(str(folder), checkpoint)
    assert found is not None
    assert "owner/base" in str(found)
    draft = draft_declaration(str(folder))
    (folder / "independence.toml").write_text(draft, encoding="utf-8")
    beside = find_declaration(str(folder), checkpoint)
    assert beside is not None
    assert beside != found
    other = folder.parent / "other.toml"
    other.write_text(draft, encoding="utf-8")
    named = find_declaration(str(folder), checkpoint, str(other))
    assert named is not None
    assert named.where == "other.toml"


def test_a_recipe_declares_where_no_card_names_a_model(folder: Path, checkpoint: Checkpoint) -> None:
    """With the card's licence; a card that names its base goes before it."""
    (folder / "mergekit_config.yml").write_text("models:\n- model: a/one\n- model: b/two\n", encoding="utf-8")
    (folder / "README.md").write_text("---\nlicense: mit\n---\nA model.\n", encoding="utf-8")
    found = find_declaration(str(folder), checkpoint)
    assert found is not None
    assert (found.where, found.licence) == ("mergekit_config.yml", "mit")
    assert set(found.entries[0].sources) == {"a/one", "b/two"}
    (folder / "README.md").write_text(CARD, encoding="utf-8")
    card = find_declaration(str(folder), checkpoint)
    assert card is not None
    assert card.where == "README.md"


def test_a_draft_can_be_read_again(folder: Path) -> None:
    """A team corrects it; it names every component of the weights."""
    draft = draft_declaration(str(folder))
    assert "text_decoder" in draft or "model" in draft
    file = folder.parent / "independence.toml"
    file.write_text(draft, encoding="utf-8")
    assert find_declaration("x", None, str(file)) is not None


def test_what_is_named_must_be_readable(folder: Path, checkpoint: Checkpoint) -> None:
    """A declaration that nobody could read is never no declaration; a card for people may be broken."""
    with pytest.raises(UsageError, match="cannot be read"):
        find_declaration(str(folder), checkpoint, str(folder / "gone.toml"))
    (folder / "independence.toml").write_text("format = ", encoding="utf-8")
    with pytest.raises(MalformedError):
        find_declaration(str(folder), checkpoint)
    (folder / "README.md").write_bytes(b"\xff\xfe---")
    assert find_card(str(folder), checkpoint) is None or str(find_card(str(folder), checkpoint))


def test_a_component_that_does_not_exist_is_noticed() -> None:
    """Once each; what exists, and no declaration at all, give no notice."""

    def declared(name: str, agreement: Agreement) -> Declared:
        return Declared(name, None, "", "", "", agreement)

    entries = declared("ghost", Agreement.NO_SUCH_COMPONENT), declared("visual", Agreement.AGREED)
    assert [notice.data["component"] for notice in strays(DeclarationEvidence("a.toml", entries))] == ["ghost"]
    assert strays(None) == ()
