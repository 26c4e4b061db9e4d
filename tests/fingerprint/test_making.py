"""From a name to a model and to a fingerprint's file, and what is refused on the way."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from independence_audit.anatomy import Anatomy, place
from independence_audit.checkpoint import TensorInfo, open_checkpoint
from independence_audit.core.progress import NoProgress
from independence_audit.errors import InputError, MalformedError, MissingError, ReadError, UnsupportedError, UsageError
from independence_audit.fingerprint.fingerprint_file import read_fingerprint, write_fingerprint
from independence_audit.fingerprint.making import cost, look_at, open_model, read_model, save_fingerprint
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.units.anchoring import anchor_strings
from tests.fingerprint.units.small_decoder import VOCABULARY, WIDTH, decoder


class Told:
    """Remembers what it is told of a piece of work."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []

    def step(self, stage: str, done: int, total: int) -> None:
        """Remember it."""
        self.steps.append((stage, done, total))


def adapter(folder: Path, config: object = None) -> Path:
    """A folder with one low-rank change, which says what it changes where there is a config."""
    folder.mkdir()
    save_file({"layers.0.q_proj.lora_A.weight": np.ones((2, 8), np.float32)}, folder / "adapter_model.safetensors")
    if config is not None:
        (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def test_weights_and_their_fingerprint_are_the_same_model(tmp_path: Path) -> None:
    """The file gives the samples again; the weights are at hand only where they were named."""
    target = tmp_path / "f.fp.safetensors"
    folder = str(decoder(tmp_path))
    save_fingerprint(folder, target, Sampler(), NoProgress())
    of_weights, of_file = (read_model(name, Sampler(), NoProgress()) for name in (folder, str(target)))
    of_weights.close()
    assert of_weights.checkpoint is not None
    assert of_file.checkpoint is None
    assert [sample.key for sample in of_file.fingerprint.samples] == [
        sample.key for sample in of_weights.fingerprint.samples
    ]
    assert [sample.digest for sample in of_file.fingerprint.samples] == [
        sample.digest for sample in of_weights.fingerprint.samples
    ]


@pytest.mark.parametrize("search_layers", [0, 1, 3])
def test_as_many_layers_are_kept_whole_as_were_asked_for(search_layers: int, tmp_path: Path) -> None:
    """The file has units of every layer, and all of those of the search layers."""
    target = tmp_path / "f.fp.safetensors"
    save_fingerprint(str(decoder(tmp_path)), target, Sampler(), NoProgress(), search_layers=search_layers)
    (units,) = read_fingerprint(open_checkpoint(target)).units
    assert len(units.layers) == 3
    assert sum(layer.whole for layer in units.layers) == search_layers


def test_an_adapter_is_no_model(tmp_path: Path) -> None:
    """The sentence names the base that it changes, or says that it does not name one."""
    named = str(adapter(tmp_path / "named", {"base_model_name_or_path": "someone/base"}))
    silent = str(adapter(tmp_path / "silent"))
    for folder, said in ((named, "named is an adapter of 'someone/base', not"), (silent, "does not name its base")):
        with pytest.raises(UnsupportedError, match=said) as caught:
            read_model(folder, Sampler(), NoProgress())
        assert "--base" in caught.value.hint
        assert "merge_and_unload" in caught.value.hint


def test_weights_with_some_changes_beside_them_are_a_model(tmp_path: Path) -> None:
    """What is mostly weights is not refused for a few values that change others, and they are told."""
    few = {"model.layers.0.self_attn.q_proj.lora_A.weight": np.ones((2, WIDTH), np.float32)}
    checkpoint = open_model(str(decoder(tmp_path, changed=few)))
    checkpoint.source.close()
    assert set(few) < set(checkpoint.tensors)
    assert [notice.key for notice in checkpoint.notices] == ["adapter_inside"]


def test_weights_of_nothing_but_nan_are_broken(tmp_path: Path) -> None:
    """One tensor without a number is enough; one that has some is read."""
    embeddings = np.full((VOCABULARY, WIDTH), np.nan)
    folder = decoder(tmp_path, changed={"model.embed_tokens.weight": embeddings})
    with pytest.raises(MalformedError, match=r"Every value read of the tensor 'model\.embed_tokens\.weight'.* is NaN"):
        read_model(str(folder), Sampler(), NoProgress())
    embeddings[: VOCABULARY // 2] = 1.0
    decoder(tmp_path, changed={"model.embed_tokens.weight": embeddings})
    model = read_model(str(folder), Sampler(), NoProgress())
    model.close()
    assert any(np.isnan(sample.values()).any() for sample in model.fingerprint.samples)


def test_tables_that_are_computed_may_be_anything(tmp_path: Path) -> None:
    """They are nobody's training, and no evidence."""
    table = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.full(2, np.nan)}
    model = read_model(str(decoder(tmp_path, changed=table)), Sampler(), NoProgress())
    model.close()
    (sample,) = (sample for sample in model.fingerprint.samples if sample.name in table)
    assert np.isnan(sample.values()).all()


def test_every_byte_is_read_where_that_is_wanted(tmp_path: Path) -> None:
    """Then every tensor has what all of its values come to, and at least the file was read."""
    folder = decoder(tmp_path)
    size = (folder / "model.safetensors").stat().st_size
    some, everything = (read_model(str(folder), Sampler(), NoProgress(), everything=wanted) for wanted in (False, True))
    some.close()
    everything.close()
    assert {sample.whole is None for sample in some.fingerprint.samples} == {True}
    assert {sample.whole is None for sample in everything.fingerprint.samples} == {False}
    assert some.fingerprint.read_bytes < size <= everything.fingerprint.read_bytes


def test_tensors_have_the_places_that_they_are_given(tmp_path: Path) -> None:
    """By whoever reads: an audit remembers them."""

    def renamed(tensors: Iterable[TensorInfo], config: Mapping[str, Any]) -> Anatomy:
        found = place(list(tensors), config)
        return replace(found, components=tuple(replace(one, family="another") for one in found.components))

    model = read_model(str(decoder(tmp_path)), Sampler(), NoProgress(), placing=renamed)
    model.close()
    assert [one.family for one in model.fingerprint.components] == ["another"]


def test_a_fingerprint_is_not_made_of_a_fingerprint(tmp_path: Path) -> None:
    """Not where every byte is wanted, and its making has no price; else what is there is written again."""
    made, target = tmp_path / "f.fp.safetensors", tmp_path / "g.fp.safetensors"
    save_fingerprint(str(decoder(tmp_path)), made, Sampler(), NoProgress())
    with pytest.raises(UsageError, match=r"is a fingerprint already\.") as caught:
        save_fingerprint(str(made), target, Sampler(), NoProgress(), everything=True)
    assert caught.value.hint == "Name the weights for --full."
    with pytest.raises(UsageError, match=r"is a fingerprint already\."):
        cost(str(made), Sampler(), everything=False)
    assert not target.exists()
    save_fingerprint(str(made), target, Sampler(), NoProgress())
    assert target.read_bytes() == made.read_bytes()


def test_a_fingerprint_with_values_missing_is_not_kept(tmp_path: Path) -> None:
    """What could not be read would be missing without a word."""
    made, target = tmp_path / "f.fp.safetensors", tmp_path / "g.fp.safetensors"
    model = read_model(str(decoder(tmp_path)), Sampler(), NoProgress())
    model.close()
    first, *others = model.fingerprint.samples
    gone = replace(first, raw=None, reason="unreadable")
    write_fingerprint(replace(model.fingerprint, samples=(gone, *others)), made)
    with pytest.raises(ReadError, match=f"1 tensors of .* could not be read, such as '{first.name}'"):
        save_fingerprint(str(made), target, Sampler(), NoProgress())
    assert not target.exists()


def test_reading_tells_how_far_it_has_come(tmp_path: Path) -> None:
    """One stage under the model's name, never backwards, to its end."""
    told = Told()
    read_model(str(decoder(tmp_path)), Sampler(), told).close()
    done = [done for _, done, _ in told.steps]
    assert {stage for stage, _, _ in told.steps} == {f"reading {tmp_path.name}"}
    assert done == sorted(done)
    assert told.steps[-1][1] == told.steps[-1][2]


def test_looking_reads_no_weights(tmp_path: Path) -> None:
    """Broken weights, which are refused as soon as they are read, have an anatomy as well; what is nowhere has none."""
    folder = str(decoder(tmp_path, changed={"model.norm.weight": np.full(WIDTH, np.nan)}))
    with pytest.raises(MalformedError):
        read_model(folder, Sampler(), NoProgress())
    checkpoint, anatomy = look_at(folder)
    assert anatomy == place(list(checkpoint.tensors.values()), checkpoint.config)
    assert [component.family for component in anatomy.components] == ["llama"]
    with pytest.raises(MissingError):
        look_at(str(tmp_path / "elsewhere.safetensors"))


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """It names the place and the reason."""
    target = tmp_path / "no such folder" / "f.fp.safetensors"
    with pytest.raises(InputError, match=r"f\.fp\.safetensors could not be written: ") as caught:
        save_fingerprint(str(decoder(tmp_path)), target, Sampler(), NoProgress())
    assert "name another path" in caught.value.hint


def test_more_layers_cost_more(tmp_path: Path) -> None:
    """What is asked for is priced; everything costs at least the file itself."""
    folder = str(decoder(tmp_path))
    none, one, three = (cost(folder, Sampler(), everything=False, search_layers=wanted) for wanted in (0, 1, 3))
    assert none.wanted_bytes < one.wanted_bytes < three.wanted_bytes
    assert none.file_size < one.file_size < three.file_size
    size = (tmp_path / "model.safetensors").stat().st_size
    assert cost(folder, Sampler(), everything=True, search_layers=0).wanted_bytes >= size


def test_a_vocabulary_at_hand_is_priced_by_its_own_tokens(tmp_path: Path) -> None:
    """Few anchors are read of a tokenizer that has few of them."""
    folder, wanted = decoder(tmp_path), []
    for count in (60, 180):
        tokens = {text: number for number, text in enumerate(anchor_strings()[:count])}
        (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": tokens}}))
        wanted.append(cost(str(folder), Sampler(), everything=False).wanted_bytes)
    assert wanted[0] < wanted[1]
