"""The base of an adapter is the one that was named, or a model on this machine that has the name the adapter gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from independence_audit.checkpoint import open_named
from independence_audit.errors import InputError, UnsupportedError
from independence_audit.fingerprint.adapter_base import Bases, bases_of, with_base
from tests.checkpoint.merged.adapters_of_models import factors, write_adapter

MODULE = "model.layers.0.self_attn.q_proj"


def model(folder: Path, value: float) -> str:
    """A base whose values tell which one it is."""
    folder.mkdir(parents=True)
    save_file({f"{MODULE}.weight": torch.full((24, 40), value)}, folder / "model.safetensors")
    return str(folder)


def adapter(folder: Path, base: object) -> str:
    """An adapter that says what it changes, with changes of nothing."""
    tensors = {name: torch.zeros_like(each) for name, each in factors(MODULE, 24, 40, 4).items()}
    return write_adapter(folder, tensors, base_model_name_or_path=base)


def merged_with(name: str, bases: Bases) -> float:
    """The first value of the base that an adapter was merged with."""
    checkpoint = with_base(name, open_named(name), bases)
    tensor = checkpoint.tensors[f"{MODULE}.weight"]
    content = bytearray(4)
    checkpoint.source.read(tensor.file, tensor.start, memoryview(content))
    checkpoint.source.close()
    return float(torch.frombuffer(content, dtype=torch.float32)[0])


@pytest.mark.parametrize("wanted", ["someone/Base-1B", "Base-1B", "/home/trainer/models/base-1b"])
def test_a_reference_of_the_name_that_the_adapter_gives(wanted: str, tmp_path: Path) -> None:
    """By its folder, by its file, or as the cache of the Hub's library keeps it; others are not taken."""
    other = model(tmp_path / "other", 1)
    folder = model(tmp_path / "Base-1B", 2)
    name = adapter(tmp_path / "adapter", wanted)
    assert merged_with(name, Bases(others=(other, folder))) == 2
    assert merged_with(name, Bases(others=(other, f"{folder}/model.safetensors"))) == 2
    with pytest.raises(UnsupportedError, match="is an adapter of"):
        with_base(name, open_named(name), Bases(others=(other, "Base-1B")))


def test_the_cache_of_the_hubs_library(tmp_path: Path) -> None:
    """Its folders have owner and name; the commit is nobody's name."""
    cached = model(tmp_path / "models--someone--base" / "snapshots" / "abc", 3)
    assert merged_with(adapter(tmp_path / "one", "someone/base"), Bases(others=(cached,))) == 3
    name = adapter(tmp_path / "two", "abc")
    with pytest.raises(UnsupportedError):
        with_base(name, open_named(name), Bases(others=(cached,)))


def test_a_path_that_is_there(tmp_path: Path) -> None:
    """It is the base where no reference is; what was named goes before all."""
    there, named = model(tmp_path / "there", 4), model(tmp_path / "named", 5)
    name = adapter(tmp_path / "adapter", there)
    assert merged_with(name, Bases()) == 4
    assert merged_with(name, Bases(named=named)) == 5


def test_what_was_named_stands_for_the_base_of_the_subject(tmp_path: Path) -> None:
    """An adapter of another model is not merged with it; one that names no base is."""
    named = model(tmp_path / "weights", 5)
    subject = adapter(tmp_path / "subject", "someone/base")
    bases = bases_of(subject, [], named)
    for place, wanted in (("same", "someone/base"), ("silent", None)):
        assert merged_with(adapter(tmp_path / place, wanted), bases) == 5
    other = adapter(tmp_path / "other", "another/model")
    with pytest.raises(UnsupportedError, match="of 'another/model'"):
        with_base(other, open_named(other), bases)
    assert merged_with(other, bases_of(named, [], named)) == 5, (
        "where the subject is no adapter, it is for the references"
    )


@pytest.mark.parametrize("base", [None, "", 3, "nobody/knows"])
def test_a_base_that_is_unknown(base: object, tmp_path: Path) -> None:
    """One sentence; nothing is guessed, and not the network asked."""
    name = adapter(tmp_path / "adapter", base)
    with pytest.raises(UnsupportedError, match="is an adapter") as caught:
        with_base(name, open_named(name), Bases(others=(model(tmp_path / "other", 1),)))
    assert "--base" in caught.value.hint


def test_an_adapter_that_names_itself_or_another(tmp_path: Path) -> None:
    """There are no weights to merge it with."""
    own = adapter(tmp_path / "own", str(tmp_path / "own"))
    other = adapter(tmp_path / "other", own)
    for name, said in ((own, "is an adapter of"), (other, "own is an adapter itself")):
        with pytest.raises(InputError, match=said):
            with_base(name, open_named(name), Bases())
