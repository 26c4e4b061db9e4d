"""What the floor offers to those above it."""

from __future__ import annotations

from independence_audit import checkpoint


def test_public_names() -> None:
    """A public name comes or goes on purpose only."""
    assert sorted(checkpoint.__all__) == [
        "ByteSource",
        "Checkpoint",
        "DTYPES",
        "Dtype",
        "Header",
        "Layout",
        "LocalSource",
        "Notice",
        "TensorInfo",
        "choose_layout",
        "decode",
        "decode_into",
        "file_sha256",
        "is_remote_name",
        "open_checkpoint",
        "open_named",
        "parse_header",
        "read_checkpoint",
        "read_header",
        "read_vocabulary",
    ]
    assert all(hasattr(checkpoint, name) for name in checkpoint.__all__)
