"""The declaration of a subject: the file that is named, the one beside the weights, the model card, or a recipe."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from independence_audit.checkpoint import Checkpoint
from independence_audit.checkpoint.sidecars import LARGEST, folder_of, read_sidecar
from independence_audit.core.bounded import read_bounded
from independence_audit.core.strict_json import JsonError, parse_object
from independence_audit.declaration.card import Card, declaration_of, licence_of, parse_card
from independence_audit.declaration.declaration_file import CARD, FILE, Declaration, parse_declaration
from independence_audit.declaration.draft import Adapter, adapter_of, draft
from independence_audit.declaration.recipe import RECIPE, declaration_of_recipe
from independence_audit.errors import InputError, UsageError
from independence_audit.evidence.declared_origin import Agreement, DeclarationEvidence
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint.making import look_at

ADAPTER = "adapter_model"
ADAPTER_CONFIG = "adapter_config.json"
"""How ``peft`` calls an adapter's weights and what it says of them."""


def find_declaration(subject: str, checkpoint: Checkpoint | None, named: str = "") -> Declaration | None:
    """What a submission declares; None where there is no declaration, and no card or recipe that speaks of its origin.

    Args:
        subject: What the user called the subject.
        checkpoint: The subject's weights, opened; None for a fingerprint, beside which only a local file is looked for.
        named: A declaration's file that goes before what lies beside the weights; empty for none.

    Raises:
        UsageError: The named file cannot be read.
        MalformedError: The declaration cannot be used.
        ReadError: A declaration is there and could not be read.
    """
    if named:
        return parse_declaration(_named(named), Path(named).name)
    if checkpoint is None:
        return None
    content = read_sidecar(subject, checkpoint.source, FILE)
    if content is not None:
        return parse_declaration(content, FILE)
    card = find_card(subject, checkpoint)
    if card is None or not card.base_models:
        recipe = _recipe(subject, checkpoint, licence_of(card) if card else "")
        if recipe is not None:
            return recipe
    return declaration_of(card) if card else None


def _recipe(subject: str, checkpoint: Checkpoint, licence: str) -> Declaration | None:
    """What the recipe of a merge beside the weights declares; None where there is none, or it cannot be had."""
    try:
        content = read_sidecar(subject, checkpoint.source, RECIPE)
    except InputError:  # as of a card
        return None
    return declaration_of_recipe(content, licence) if content is not None else None


def find_card(subject: str, checkpoint: Checkpoint) -> Card | None:
    """The model card beside the weights; None where there is none, or it cannot be had."""
    try:
        content = read_sidecar(subject, checkpoint.source, CARD)
    except InputError:  # a card is written for people; one that is out of reach or far too large declares nothing
        return None
    return parse_card(content) if content is not None else None


def draft_declaration(subject: str, *, offline: bool = False) -> str:
    """The text of a first declaration of a checkpoint, for its team to correct.

    Raises:
        InputError: The checkpoint cannot be read, or is no model.
    """
    checkpoint, anatomy = look_at(subject, offline=offline)
    card = find_card(subject, checkpoint) if folder_of(subject) is not None else None
    return draft(anatomy.components, card, checkpoint.config, _adapter(subject, checkpoint))


def _adapter(subject: str, checkpoint: Checkpoint) -> Adapter | None:
    """What the config of an adapter says; None where the weights are no adapter's."""
    if not all(PurePosixPath(file).name.startswith(ADAPTER) for file in checkpoint.files):
        return None  # a model may keep the config of an adapter that was merged into it
    try:
        content = read_sidecar(subject, checkpoint.source, ADAPTER_CONFIG)
        return adapter_of(parse_object(content, infinities=True)) if content is not None else Adapter("", "")
    except (InputError, JsonError):  # a config that cannot be read says nothing of the base
        return Adapter("", "")


def strays(declaration: DeclarationEvidence | None) -> tuple[Message, ...]:
    """A notice for each component that is declared and does not exist."""
    if declaration is None:
        return ()
    return tuple(
        Message("notice.no_such_component", {"file": declaration.source, "component": entry.component})
        for entry in declaration.components
        if entry.agreement == Agreement.NO_SUCH_COMPONENT
    )


def _named(path: str) -> bytes:
    try:
        return read_bounded(path, LARGEST)
    except OSError as error:
        raise UsageError(f"The declaration {path} cannot be read: {error.strerror}.", "Check the path.") from error
