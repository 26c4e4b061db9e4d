"""Real networks: the layouts that people really save are placed sensibly."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from independence_audit.anatomy import Anatomy, Axis, Kind, place
from tests.anatomy.gather import Array, assert_every_value_once, gather, place_arrays, tensor, values_by_place

ROUTES = ["cvrp_10", "cvrp_20", "cvrp_50", "cvrp_100", "tsp_20", "tsp_50", "init_cvrp_seed1234", "init_tsp_seed1235"]


def read(path: Path) -> tuple[dict[str, Array], Anatomy]:
    """A network's arrays, and their places, every value once."""
    arrays = load_file(path)
    anatomy = place_arrays(arrays)
    assert_every_value_once({name: array.shape for name, array in arrays.items()}, anatomy)
    return arrays, anatomy


def test_transposed_storage_is_undone(shared_cases: Path) -> None:
    """A llama with Meta's names and the same one with every matrix transposed have equal values in equal places."""
    plain, transposed = (
        read(shared_cases / "12_stories260k" / f"{name}.safetensors") for name in ("original", "transposed")
    )
    expected, found = values_by_place(*plain), values_by_place(*transposed)
    assert expected.keys() == found.keys()
    assert all(np.array_equal(values, found[place]) for place, values in expected.items())
    assert {part.role for part in plain[1].parts} == {
        *("embed", "final_norm", "attn_norm", "mlp_norm"),
        *("q", "k", "v", "o", "gate", "up", "down"),
    }
    assert [(each.name, each.family) for each in transposed[1].components] == [("text_decoder", "llama_meta")]


def test_kernels_of_three_libraries(shared_cases: Path) -> None:
    """The same face detector saved by TensorFlow and by PyTorch has equal views, up to height and width of its taps."""
    folder = shared_cases / "01_mtcnn"
    first, ours = read(folder / "A_facenet_tf_npy.safetensors")
    second, theirs = read(folder / "B_facenet_pytorch.safetensors")
    parts = {part.tensor: part for part in theirs.parts}
    compared = 0
    for part in ours.parts:
        other = part.tensor.replace("weights", "weight").replace("biases", "bias").replace("-", "_")
        if other in parts and first[part.tensor].ndim in {1, 4}:
            assert (part.axis, part.view.shape) == (parts[other].axis, parts[other].view.shape)
            mine, its = gather(first[part.tensor], part.view), gather(second[other], parts[other].view)
            rows = part.view.rows
            turned = mine.reshape(*rows, -1).swapaxes(1, 2).reshape(mine.shape) if len(rows) == 3 else mine
            assert np.array_equal(turned, its), part.tensor
            compared += 1
    assert compared > 15
    assert [(each.kind, each.family) for each in ours.components] == [(Kind.OTHER, "unknown")]


@pytest.mark.parametrize("name", ["C_ipazc_v0_tf_npy", "D_ipazc_keras_npy", "E_faceapi_tfjs"])
def test_names_without_words(shared_cases: Path, name: str) -> None:
    """Slashes, hyphens and bare numbers as names do no harm: matrices of real width are tested along it."""
    arrays, anatomy = read(shared_cases / "01_mtcnn" / f"{name}.safetensors")
    for part in anatomy.parts:
        if max(arrays[part.tensor].shape) >= 64 and arrays[part.tensor].ndim > 1:
            assert part.axis is Axis.HIDDEN, part.tensor
            assert part.view.columns >= 32, part.tensor
        assert part.axis is Axis.NONE or part.view.columns != 1152


@pytest.mark.parametrize("name", ROUTES)
def test_three_axes_of_heads(shared_cases: Path, name: str) -> None:
    """The attention of the routing networks, [heads, in, out], is seen from the residual width; layers are counted."""
    _, anatomy = read(shared_cases / "05_attention_route" / f"{name}.safetensors")
    heads = [part for part in anatomy.parts if ".W_" in part.role]
    assert {part.view.shape for part in heads} == {(128, 128)}
    assert {part.axis for part in heads} == {Axis.HIDDEN}
    assert {part.layer for part in heads} == {0, 1, 2}
    assert {part.role.rpartition(".")[2] for part in heads} == {"W_query", "W_key", "W_val", "W_out"}


def test_examples_have_no_unknown_tensors(examples: Path) -> None:
    """Every tensor of the example models is known by its name."""
    folders = sorted(path.parent for path in examples.glob("*/*/model.safetensors"))
    assert folders
    for folder in folders:
        with (folder / "model.safetensors").open("rb") as file:
            header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        tensors = [tensor(name, *entry["shape"]) for name, entry in header.items() if name != "__metadata__"]
        anatomy = place(tensors, json.loads((folder / "config.json").read_text(encoding="utf-8")))
        assert "unknown" not in {component.family for component in anatomy.components}, folder.name
        assert not [part for part in anatomy.parts if part.role.startswith("generic:")], folder.name
