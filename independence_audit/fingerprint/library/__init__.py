"""The reference library: which open models there are, what they are called, and the fingerprints that are at hand."""

from __future__ import annotations

from independence_audit.fingerprint.library.bundle import Exported, export_bundle, import_bundle
from independence_audit.fingerprint.library.catalogue import Wanted, known_names, resolve, resolve_all
from independence_audit.fingerprint.library.change import add, new_entry, remove, store
from independence_audit.fingerprint.library.known_models import EVERY_KIND, Catalogue, Entry, Group
from independence_audit.fingerprint.library.pull import pull, reference_of, refuse_incomplete
from independence_audit.fingerprint.library.shelf import own_folder, shipped_folder
from independence_audit.fingerprint.library.store import Library, Status, StoredFingerprint, open_library, read_file

__all__ = [
    "EVERY_KIND",
    "Catalogue",
    "Entry",
    "Exported",
    "Group",
    "Library",
    "Status",
    "StoredFingerprint",
    "Wanted",
    "add",
    "export_bundle",
    "import_bundle",
    "known_names",
    "new_entry",
    "open_library",
    "own_folder",
    "pull",
    "read_file",
    "reference_of",
    "refuse_incomplete",
    "remove",
    "resolve",
    "resolve_all",
    "shipped_folder",
    "store",
]
