"""Formats that are refused, each with the way to safetensors."""

from __future__ import annotations

import pytest

from independence_audit.checkpoint.refused_formats import check_magic, check_suffix, no_weights
from independence_audit.errors import MissingError, UnsupportedError


@pytest.mark.parametrize("file", ["pytorch_model.bin", "model.PT", "a.b.pth", "model.ckpt", "x.pkl", "x.pickle"])
def test_pickles(file: str) -> None:
    """Pickles are refused because they execute code, with the way to convert them."""
    with pytest.raises(UnsupportedError, match="execute code") as caught:
        check_suffix(file)
    assert file in caught.value.message
    assert "save_file" in caught.value.hint
    assert "weights_only=True" in caught.value.hint


@pytest.mark.parametrize(
    ("file", "called"),
    [("m.npz", "NumPy"), ("m.npy", "NumPy"), ("m.onnx", "ONNX"), ("m.h5", "HDF5")],
)
def test_other_formats(file: str, called: str) -> None:
    """Other formats are named and refused."""
    with pytest.raises(UnsupportedError, match=called) as caught:
        check_suffix(file)
    assert caught.value.hint


@pytest.mark.parametrize("file", ["model.safetensors", "model.gguf", "0123abcd", "weights.bin.safetensors"])
def test_possible_weights(file: str) -> None:
    """Everything else may be a file of weights, whatever its name; caches name files by digests."""
    check_suffix(file)


def test_first_bytes_of_something_unknown() -> None:
    """Bytes of no known format are not judged here."""
    check_magic(b"\xff" * 8, "file")


def test_folder_without_weights() -> None:
    """The error says what was seen, in order, and counts what it leaves out."""
    error = no_weights("folder", ["c.json", "sub/", "a.txt", "b.md", "d", "e", "f"])
    assert isinstance(error, MissingError)
    assert "it holds 'a.txt', 'b.md', 'c.json', 'd', 'e' and 2 more." in error.message


def test_empty_folder() -> None:
    """An empty folder is called so."""
    error = no_weights("folder", [])
    assert isinstance(error, MissingError)
    assert "'folder' is empty" in error.message


def test_folder_of_pickles() -> None:
    """A folder whose weights are pickles is refused for that, not for having none."""
    error = no_weights("folder", ["config.json", "pytorch_model.bin"])
    assert isinstance(error, UnsupportedError)
    assert "'pytorch_model.bin' is a pickle" in error.message
