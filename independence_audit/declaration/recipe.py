"""A merge's recipe beside the weights, ``mergekit_config.yml``: the models that it names are declared as origins.

Its keys are those of https://github.com/arcee-ai/mergekit: ``model`` of every source, in a list or in slices, and
``base_model``. What cannot be read in it is passed over, as in a model card.
"""

from __future__ import annotations

import hashlib

from independence_audit.declaration.declaration_file import WHOLE, Declaration, Entry
from independence_audit.declaration.plain_yaml import mapping_of, under
from independence_audit.evidence.declared_origin import Origin

RECIPE = "mergekit_config.yml"
MERGE = "merge"
SOURCES = frozenset({"model", "base_model"})


def declaration_of_recipe(content: bytes, licence: str = "") -> Declaration | None:
    """Take a recipe as a declaration of the whole model; None where it names no model.

    Args:
        content: Of the file.
        licence: What a model card beside it says.
    """
    root = mapping_of(content.decode("utf-8", "replace"))
    names = tuple(dict.fromkeys(under(root, SOURCES)))
    if not names:
        return None
    entry = Entry(WHOLE, Origin.INITIALISED_FROM, names, licence, MERGE)
    return Declaration(RECIPE, hashlib.sha256(content).hexdigest(), (entry,), licence=licence)
