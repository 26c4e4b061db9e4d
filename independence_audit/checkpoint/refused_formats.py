"""Formats that are not read: how they are recognised, why they are refused, and the way to safetensors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from independence_audit.core.outside_names import quoted
from independence_audit.errors import AuditError, MissingError, UnsupportedError

WEIGHTS_SUFFIX = ".safetensors"
GGUF_SUFFIX = ".gguf"
INDEX_SUFFIX = ".safetensors.index.json"

_PICKLE = "a pickle, which can execute code when it is opened"
_FROM_PICKLE = (
    "Convert it to safetensors where you trust it: "
    'safetensors.torch.save_file(torch.load(PATH, weights_only=True), "model.safetensors"), '
    "or save_pretrained(FOLDER) with transformers."
)
_ARCHIVE = "an archive of NumPy arrays"
_FROM_ARCHIVE = 'Convert it to safetensors: safetensors.numpy.save_file(dict(numpy.load(PATH)), "model.safetensors").'
_FROM_OTHER = "Give the safetensors checkpoint that it was made from, or convert it to safetensors."
_NOT_CALLED = "Rename it to *.gguf."
_FROM_LINK = "Fetch the file itself: git lfs pull."

_BY_SUFFIX = {
    ".bin": (_PICKLE, _FROM_PICKLE),
    ".ckpt": (_PICKLE, _FROM_PICKLE),
    ".pickle": (_PICKLE, _FROM_PICKLE),
    ".pkl": (_PICKLE, _FROM_PICKLE),
    ".pt": (_PICKLE, _FROM_PICKLE),
    ".pth": (_PICKLE, _FROM_PICKLE),
    ".h5": ("an HDF5 file", _FROM_OTHER),
    ".keras": ("a Keras file", _FROM_OTHER),
    ".msgpack": ("a Flax file", _FROM_OTHER),
    ".npy": (_ARCHIVE, _FROM_ARCHIVE),
    ".npz": (_ARCHIVE, _FROM_ARCHIVE),
    ".onnx": ("an ONNX graph", _FROM_OTHER),
    ".tflite": ("a TensorFlow Lite graph", _FROM_OTHER),
}

_BY_MAGIC = (
    (b"PK\x03\x04", ("a ZIP archive, as torch.save and numpy.savez write it", _FROM_PICKLE)),
    *((bytes((0x80, protocol)), (_PICKLE, _FROM_PICKLE)) for protocol in range(2, 6)),
    (b"GGUF", ("a GGUF file, though it is not called one", _NOT_CALLED)),
    (b"\x93NUMPY", (_ARCHIVE, _FROM_ARCHIVE)),
    (b"\x89HDF\r\n", ("an HDF5 file", _FROM_OTHER)),
)
_LFS_POINTER = b"version "
_SHOWN = 5


def check_suffix(file: str) -> None:
    """Raise where a file's name belongs to a format that is refused.

    Raises:
        UnsupportedError: It does.
    """
    refused = _BY_SUFFIX.get(PurePath(file).suffix.lower())
    if refused is not None:
        raise _refusal(file, *refused)


def check_magic(first: bytes, file: str) -> None:
    """Raise where a file's first 8 bytes belong to a format that is refused, whatever its name says.

    To be asked only of bytes that cannot be the length of a header: some lengths look like a pickle.

    Raises:
        UnsupportedError: They do.
        MissingError: The file is a Git LFS pointer; the weights themselves were not fetched.
    """
    if first == _LFS_POINTER:
        raise MissingError(f"{quoted(file)} is a Git LFS pointer; its content was not fetched.", _FROM_LINK)
    for magic, refused in _BY_MAGIC:
        if first.startswith(magic):
            raise _refusal(file, *refused)


_REASONS = (
    *((magic, "archive") for magic in (b"7z\xbc\xaf", b"\x1f\x8b", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"BZh", b"Rar!")),
    (b"PK\x03\x04", "archive"),
    *((bytes((0x80, protocol)), "pickle") for protocol in range(2, 6)),
    (b"GGUF", "gguf"),
    (b"\x93NUMPY", "numpy"),
    (b"\x89HDF\r\n", "hdf5"),
)
"""Message keys of what a file is whose content cannot be told from weights, by its first bytes."""


def format_of(first: bytes, file: str) -> str:
    """What a file is that may hold weights, as a message key, by its first 8 bytes and, failing those, its name."""
    found = next((reason for magic, reason in _REASONS if first.startswith(magic)), "")
    if found:
        return found
    return "other_weights" if may_hold_weights(file) else "unknown"


def may_hold_weights(file: str) -> bool:
    """Whether a file is called as files of weights are, in this tool's format or another."""
    return PurePath(file).suffix.lower() in {*_BY_SUFFIX, WEIGHTS_SUFFIX, GGUF_SUFFIX}


def no_weights(name: str, seen: Iterable[str]) -> AuditError:
    """The error for a folder ``name`` without weights, which holds ``seen`` (subfolders end in a slash)."""
    listed = sorted(seen)
    if not listed:
        return MissingError(f"The folder {quoted(name)} is empty.", "Give a folder with *.safetensors or *.gguf files.")
    for file in listed:
        refused = _BY_SUFFIX.get(PurePath(file).suffix.lower())
        if refused is not None:
            return _refusal(file, *refused)
    shown = ", ".join(quoted(file) for file in listed[:_SHOWN])
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return MissingError(
        f"The folder {quoted(name)} has no *.safetensors or *.gguf files; it holds {shown}{more}.",
        "Give the folder that holds the weights themselves.",
    )


def _refusal(file: str, format_name: str, hint: str) -> UnsupportedError:
    """The error for a file of a refused format."""
    return UnsupportedError(f"{quoted(file)} is {format_name}; only safetensors and GGUF files are read.", hint)
