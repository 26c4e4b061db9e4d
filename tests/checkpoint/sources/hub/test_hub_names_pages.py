"""Pasted addresses of the Hub's pages."""

from __future__ import annotations

import pytest

from independence_audit.checkpoint.sources.hub.hub_names import HubName, hub_page, is_hub_page
from independence_audit.errors import UsageError

TOY = "https://huggingface.co/team/toy"
MAIN, TAG = HubName("team/toy"), HubName("team/toy", "v1.0")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (TOY, MAIN),
        (f"{TOY}/", MAIN),
        (f" {TOY}\n", MAIN),
        ("http://huggingface.co/team/toy", MAIN),
        ("https://hf.co/team/toy", MAIN),
        ("https://www.huggingface.co/team/toy", MAIN),
        ("https://HuggingFace.co/team/toy", MAIN),
        (f"{TOY}?library=transformers&token=hf_secret", MAIN),
        (f"{TOY}#usage", MAIN),
        (f"{TOY}/tree/main", MAIN),
        (f"{TOY}/tree/v1.0", TAG),
        (f"{TOY}/tree/v1.0?show=all", TAG),
        (f"{TOY}/tree/refs%2Fpr%2F1", HubName("team/toy", "refs/pr/1")),
        (f"{TOY}/blob/main/model.safetensors", MAIN),
        (f"{TOY}/blob/v1.0/model-00001-of-00002.safetensors?download=true", TAG),
        (f"{TOY}/resolve/v1.0/model.safetensors", TAG),
        (f"{TOY}/commit/{'ab' * 20}", HubName("team/toy", "ab" * 20)),
        (f"{TOY}/tree/main/onnx", MAIN),
        ("http://10.1.2.3:8080/team/toy/tree/v1.0", TAG),
    ],
)
def test_pages(text: str, name: HubName, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the public Hub, or of one's own, whatever is behind the name."""
    monkeypatch.setenv("HF_ENDPOINT", "http://10.1.2.3:8080")
    assert hub_page(text) == name
    assert is_hub_page(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://huggingface.co/",
        "https://huggingface.co/team",
        "https://huggingface.co/docs/hub/models",
        "https://huggingface.co/datasets/team/data",
        "https://huggingface.co/spaces/team/toy",
        f"{TOY}/discussions/1",
        f"{TOY}/tree/%0a",
        f"{TOY}/blob/main/unet/model.safetensors",
        "https://huggingface.co/../etc",
    ],
)
def test_other_pages(text: str) -> None:
    """What is no model, or a part of one, is refused with how to name a model."""
    with pytest.raises(UsageError) as caught:
        hub_page(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "team/toy",
        "hf://team/toy",
        "https://example.org/team/toy",
        "https://huggingface.co.example.org/team/toy",
        "https://huggingface.co:9/team/toy",
        "https://evil@example.org/huggingface.co/team/toy",
        "ftp://huggingface.co/team/toy",
        "https://[::1/team/toy",
        "https://huggingface.co:x/team/toy",
    ],
)
def test_what_is_no_page(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another host is another host, however it looks."""
    monkeypatch.setenv("HF_ENDPOINT", "")
    assert hub_page(text) is None
    assert not is_hub_page(text)
