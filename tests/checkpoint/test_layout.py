"""Which files of a folder are the checkpoint."""

from __future__ import annotations

from itertools import permutations

import pytest

from independence_audit.checkpoint import Layout, Notice, choose_layout
from independence_audit.checkpoint.layout import single_file_layout
from independence_audit.errors import MissingError, UnsupportedError

INDEX = "model.safetensors.index.json"


def test_single_file() -> None:
    """A folder with one file and what usually lies beside it."""
    seen = ["README.md", "config.json", "model.safetensors", "tokenizer.json", "optimizer.pt", "sub/"]
    assert choose_layout("folder", seen) == Layout(
        ("model.safetensors",), None, "config.json", vocabulary="tokenizer.json"
    )


def test_loose_shards_in_natural_order() -> None:
    """Shard 2 comes before shard 10; the order of the folder does not matter."""
    shards = [f"model-{number}-of-10.safetensors" for number in range(1, 11)]
    for seen in (shards[::-1], sorted(shards)):
        assert choose_layout("folder", seen).weights == tuple(shards)


def test_index_decides() -> None:
    """Where there is an index, it is read; all files stay known so that those it leaves out can be named."""
    seen = ["a.safetensors", INDEX, "b.safetensors"]
    assert choose_layout("folder", seen) == Layout(("a.safetensors", "b.safetensors"), INDEX)


def test_several_indexes() -> None:
    """The usual name goes before others, and the others are noticed."""
    others = ["alpha.safetensors.index.json", "z.safetensors.index.json"]
    for seen in permutations([INDEX, *others]):
        layout = choose_layout("folder", seen)
        assert layout.index == INDEX
        assert layout.notices == tuple(Notice("other_index", {"file": other}) for other in others)
    assert choose_layout("folder", others[::-1]).index == others[0]


def test_consolidated_copy() -> None:
    """Mistral publishes the same weights twice; they are read once, and that is noticed."""
    copies = ["consolidated-00001-of-00002.safetensors", "consolidated.safetensors"]
    layout = choose_layout("folder", [*copies, "model-00001-of-00001.safetensors"])
    assert layout.weights == ("model-00001-of-00001.safetensors",)
    assert layout.notices == tuple(Notice("duplicate_copy", {"file": file}) for file in copies)


def test_consolidated_alone() -> None:
    """Mistral's own name is as good as any where it stands alone."""
    assert choose_layout("folder", ["consolidated.safetensors"]) == Layout(("consolidated.safetensors",))


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (["model-00001-of-00003.safetensors", "model-00003-of-00003.safetensors"], "1 of its shards: 'model-00002-of-"),
        (["model-00000-of-00003.safetensors", "model-00002-of-00003.safetensors"], "1 of its shards: 'model-00001-of-"),
        (["m-1-of-9.safetensors"], "8 of its shards: 'm-2-of-9.*'m-6-of-9.safetensors' and 3 more"),
        (["m-1-of-2.safetensors", "m-7-of-2.safetensors"], "1 of its shards: 'm-2-of-2"),
        (["m-1-of-999999999.safetensors"], "and 999999993 more"),
    ],
)
def test_missing_loose_shard(seen: list[str], message: str) -> None:
    """Numbers in names tell that a shard is missing, even without an index."""
    with pytest.raises(MissingError, match=message) as caught:
        choose_layout("folder", seen)
    assert caught.value.hint


@pytest.mark.parametrize("first", [0, 1])
def test_complete_numbering(first: int) -> None:
    """Numbers count from 1 or from 0; files without numbers may lie beside them."""
    shards = [f"m-{number}-of-3.safetensors" for number in range(first, first + 3)]
    assert choose_layout("folder", [*shards, "vision.safetensors"]).weights == (*shards, "vision.safetensors")


def test_hidden_files_and_subfolders_are_no_weights() -> None:
    """Files that macOS leaves beside others, and files in subfolders, are not read."""
    with pytest.raises(MissingError, match=r"it holds '\._model.safetensors', 'sub/model.safetensors'"):
        choose_layout("folder", ["._model.safetensors", "sub/model.safetensors"])


def test_pickles_only() -> None:
    """A folder of pickles is refused with the way out."""
    with pytest.raises(UnsupportedError, match="pickle"):
        choose_layout("folder", ["pytorch_model-00001-of-00002.bin", "config.json"])


def test_one_file_by_itself() -> None:
    """A file that was given is read alone; that it is one of many is noticed."""
    assert single_file_layout("model.safetensors", ["config.json"]) == Layout(
        ("model.safetensors",), None, "config.json", by_itself=True
    )
    assert single_file_layout("m-00001-of-00001.safetensors", []).notices == ()
    shard = "model-00002-of-00003.safetensors"
    assert single_file_layout(shard, []).notices == (Notice("one_shard_of_many", {"file": shard}),)


def test_adapters_are_no_part_of_the_model_beside_which_they_lie() -> None:
    """By themselves they are what is there."""
    layout = choose_layout("m", ["adapter_model.safetensors", "model.safetensors"])
    assert layout.weights == ("model.safetensors",)
    assert layout.notices == (Notice("adapter_beside", {"file": "adapter_model.safetensors"}),)
    assert choose_layout("m", ["adapter_model.safetensors"]).weights == ("adapter_model.safetensors",)


@pytest.mark.parametrize(
    ("seen", "kept"),
    [
        (["a-Q4_K_M.gguf", "a-Q8_0.gguf", "a-IQ2_XXS.gguf"], ["a-Q8_0.gguf"]),
        (["a.Q4_1.gguf", "a.BF16.gguf", "a.F16.gguf"], ["a.BF16.gguf"]),
        (["7b-q4_0.gguf", "7b-q5_k.gguf", "notes.txt"], ["7b-q5_k.gguf"]),
        (["a.gguf", "b.gguf"], ["a.gguf"]),
        (["mmproj-F16.gguf", "mmproj-F32.gguf", "a-Q4_0.gguf"], ["a-Q4_0.gguf", "mmproj-F32.gguf"]),
        (["mmproj.gguf"], ["mmproj.gguf"]),
        (
            ["a-Q4_0.gguf", "a-Q8_0-00002-of-00002.gguf", "a-Q8_0-00001-of-00002.gguf"],
            ["a-Q8_0-00001-of-00002.gguf", "a-Q8_0-00002-of-00002.gguf"],
        ),
    ],
)
def test_gguf_copies(seen: list[str], kept: list[str]) -> None:
    """Of copies in several types the most precise is the model, with all its parts and its towers."""
    layout = choose_layout("folder", seen)
    assert list(layout.weights) == kept
    others = [file for file in seen if file.endswith(".gguf") and file not in kept]
    assert sorted(str(notice.data["file"]) for notice in layout.notices) == sorted(others)
    assert {notice.key for notice in layout.notices} <= {"other_precision"}
