"""Reading one fingerprint file, and whose it can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from independence_audit.anatomy import Kind
from independence_audit.errors import IncomparableError, MalformedError, MissingError
from independence_audit.fingerprint.library import Library, read_file
from independence_audit.fingerprint.library.store import check_belongs
from independence_audit.fingerprint.sampler import Sampler
from tests.fingerprint.library.small_library import entry_of, fingerprint_file, fingerprint_of

ONE = Sampler()


def test_a_fingerprint_is_read(tmp_path: Path) -> None:
    """As it was written."""
    path = fingerprint_file(tmp_path / "a.fp.safetensors", fingerprint_of(1))
    assert read_file(path).components == fingerprint_of(1).components


def test_a_checkpoint_is_no_fingerprint(tmp_path: Path) -> None:
    """The way out is the command that makes one."""
    save_file({"w": np.ones((2, 2), np.float32)}, tmp_path / "a.safetensors")
    with pytest.raises(MalformedError, match="not a fingerprint") as caught:
        read_file(tmp_path / "a.safetensors")
    assert "audit fingerprint" in caught.value.hint


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(MissingError):
        read_file(tmp_path / "a.fp.safetensors")


@pytest.mark.parametrize(("name", "synthetic"), [("wren-1b", True), ("example/egg", False)])
def test_an_example_never_stands_for_a_model_nor_a_model_for_an_example(
    library: Library, name: str, *, synthetic: bool
) -> None:
    """A made-up reference under a real name would be a false finding."""
    with pytest.raises(MalformedError, match="made-up example"):
        check_belongs(entry_of(library, name), fingerprint_of(1, synthetic=synthetic), ONE)


def test_a_fingerprint_without_the_models_kinds_is_another_models(library: Library) -> None:
    """One kind in common is enough: the catalogue may not know all."""
    carp = entry_of(library, "carp-2b")
    with pytest.raises(MalformedError, match=r"has text_decoder, but carp-2b has vision_encoder"):
        check_belongs(carp, fingerprint_of(1), ONE)
    check_belongs(carp, fingerprint_of(1, Kind.TEXT_DECODER, Kind.VISION_ENCODER), ONE)


def test_another_sampler_makes_another_library(library: Library) -> None:
    """Its samples could not be compared; those of another size can be, in what both hold."""
    check_belongs(entry_of(library, "wren-1b"), fingerprint_of(1, sampler=Sampler(rows=4)), ONE)
    with pytest.raises(IncomparableError, match="was sampled with") as caught:
        check_belongs(entry_of(library, "wren-1b"), fingerprint_of(1, sampler=Sampler(salt=b"sixteen secret b")), ONE)
    assert "audit refs pull wren-1b" in caught.value.hint
