"""A library of made-up birds in a temporary folder, and tiny fingerprints to put into it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from independence_audit.anatomy import Anatomy, Component, Kind
from independence_audit.checkpoint import Checkpoint
from independence_audit.fingerprint.build import build_fingerprint
from independence_audit.fingerprint.fingerprint_file import write_fingerprint
from independence_audit.fingerprint.library import Entry, Library, open_library
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.samples import Fingerprint
from tests.fingerprint.small_checkpoints import checkpoint_of, dense, part_of

CATALOGUE = """
format = 1

[groups]
birds = { title = "Birds" }
bird-eyes = { title = "Eyes of birds", of = "birds", kinds = ["vision_encoder"] }
eyes = { title = "Eyes", of = "all", kinds = ["vision_encoder"] }

[[family]]
name = "bird"
owner = "Nest"
country = "KR"
licence = "mit"
kinds = ["text_decoder"]
groups = ["birds"]
models = [
    { name = "wren-1b", hub_id = "nest/Wren-1B", aliases = ["wren", "small"] },
]

[[family]]
name = "owl"
owner = "Nest"
country = "KR"
licence = "mit"
kinds = ["text_decoder", "vision_encoder"]
groups = ["birds"]

[[family.models]]
name = "owl-1b"
hub_id = "nest/Owl"
revision = "abc123"
derived_from = ["wren-1b", "other/Egg"]
aliases = ["small"]

[[family]]
name = "fish"
kinds = ["vision_encoder"]
models = [{ name = "carp-2b", hub_id = "pond/Carp", licence = "apache-2.0" }, { name = "pike-3b" }]

[[family]]
name = "example"
kinds = ["text_decoder"]
models = [{ name = "example/egg", synthetic = true }]
"""


def library_in(folder: Path, catalogue: str = CATALOGUE, sampler: Sampler | None = None) -> Library:
    """A library whose own folder does not exist yet."""
    shipped = folder / "shipped"
    shipped.mkdir(exist_ok=True)
    (shipped / "catalogue.toml").write_text(catalogue, encoding="utf-8")
    return open_library(folder / "own", sampler, shipped)


def reopened(library: Library) -> Library:
    """The library as the next process finds it."""
    return open_library(library.own, library.sampler, library.shipped)


def entry_of(library: Library, name: str) -> Entry:
    """The one model of that name."""
    (entry,) = (entry for entry in library.catalogue.entries if entry.name == name)
    return entry


def weights(seed: int, *, synthetic: bool = False) -> Checkpoint:
    """A checkpoint in memory with two matrices; two seeds are two strangers."""
    random = np.random.default_rng(seed)
    arrays = {kind: random.normal(0, 0.02, (40, 24)).astype(np.float32) for kind in ("text", "vision")}
    return checkpoint_of(arrays, metadata={"synthetic": "true"} if synthetic else {})


def fingerprint_of(
    seed: int, *kinds: Kind, sampler: Sampler | None = None, synthetic: bool = False, name: str = "somewhere"
) -> Fingerprint:
    """A tiny fingerprint with one matrix for each kind of component."""
    kinds = kinds or (Kind.TEXT_DECODER,)
    random = np.random.default_rng(seed)
    arrays = {f"{kind}.weight": random.normal(0, 0.02, (40, 24)).astype(np.float32) for kind in kinds}
    parts = tuple(part_of(f"{kind}.weight", dense(40, 24), component=kind.value, layer=0, role="up") for kind in kinds)
    components = tuple(Component(kind.value, kind, "handmade", 960) for kind in kinds)
    checkpoint = checkpoint_of(arrays, metadata={"synthetic": "true"} if synthetic else {}, name=name)
    return build_fingerprint(checkpoint, Anatomy(components, parts), sampler or Sampler())


def fingerprint_file(path: Path, fingerprint: Fingerprint) -> Path:
    """A fingerprint as a file."""
    write_fingerprint(fingerprint, path)
    return path
