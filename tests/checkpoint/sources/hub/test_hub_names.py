"""Names of models on the Hub."""

from __future__ import annotations

import pytest
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.checkpoint.sources.hub.hub_names import HubName, parse_hub_name
from independence_audit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Qwen/Qwen2.5-7B", HubName("Qwen/Qwen2.5-7B")),
        ("hf://Qwen/Qwen2.5-7B", HubName("Qwen/Qwen2.5-7B")),
        ("google/gemma-2b@float16", HubName("google/gemma-2b", "float16")),
        ("hf://a/b@refs/pr/12", HubName("a/b", "refs/pr/12")),
        ("a/b@0123456789abcdef0123456789abcdef01234567", HubName("a/b", "0123456789abcdef0123456789abcdef01234567")),
        ("a/b@v1.0", HubName("a/b", "v1.0")),
    ],
)
def test_names(text: str, name: HubName) -> None:
    """Owner and name, with or without a revision, with or without the prefix."""
    assert parse_hub_name(text) == name
    assert parse_hub_name(str(name)) == name


@pytest.mark.parametrize(
    "text",
    [
        "qwen",
        "",
        "/a/b",
        "./a/b",
        "../b",
        "a/b/c",
        "a/",
        "a/b@",
        "a/b@main branch",
        "a/b@-x",
        "a--b/c",
        "a/b..c",
        "-a/b",
        "a/.b",
        "a/b.git",
        "models/model.safetensors",
        "models/model.safetensors.index.json",
        "a/b\n",
        "ä/b",
        f"a/{'b' * 97}",
        "s3://a/b",
    ],
)
def test_what_is_no_name(text: str) -> None:
    """Paths and addresses are no names; with the prefix they are a mistake."""
    assert parse_hub_name(text) is None
    with pytest.raises(UsageError, match="does not name a model on the Hub") as caught:
        parse_hub_name(f"hf://{text}")
    assert "hf://owner/name" in caught.value.hint


@given(st.text(st.sampled_from("aZ0_-./@é \n"), max_size=12))
def test_every_name_is_one_to_the_library(text: str) -> None:
    """A name that is accepted is one that the Hub's own library accepts."""
    name = parse_hub_name(text)
    if name is not None:
        validate_repo_id(name.repository)
        assert name.repository.count("/") == 1
