"""A fingerprint's file as docs/formats.md specifies it, read with nothing but a safetensors library and JSON."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open

from independence_audit.checkpoint import open_named
from independence_audit.checkpoint.header import KEY
from independence_audit.core.progress import NoProgress
from independence_audit.fingerprint import Fingerprint, Sampler, read_fingerprint, save_fingerprint
from independence_audit.fingerprint import fingerprint_file as written
from independence_audit.fingerprint.units import unit_file as units

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "formats.md"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full fingerprint of an example."""
    path = tmp_path_factory.mktemp("fingerprint") / "base.fp.safetensors"
    save_fingerprint(str(ROOT / "examples/seeds_case/base"), path, Sampler(), NoProgress(), everything=True)
    return path


@pytest.fixture(scope="module")
def fingerprint(path: Path) -> Fingerprint:
    """The same as this program reads it."""
    return read_fingerprint(open_named(str(path)))


@pytest.fixture(scope="module")
def table(path: Path) -> dict[str, Any]:
    """Its metadata entry."""
    with safe_open(path, "np") as file:
        document = json.loads(file.metadata()["independence_audit_fingerprint"])
    assert isinstance(document, dict)
    return document


def specified(heading: str) -> set[str]:
    """The keys of one table of the specification."""
    text = DOCUMENT.read_text(encoding="utf-8")
    section = text.split(f"#### {heading}\n", 1)[1].split("\n#", 1)[0]
    return set(re.findall(r"^\| `(\w+)`", section, flags=re.MULTILINE))


def test_the_entry_is_called_as_specified() -> None:
    """By that name any program finds it."""
    assert f"`{KEY}`" in DOCUMENT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("heading", "described", "more"),
    [
        ("The entry", written._Table, {"units"}),
        ("A sample", written._Described, set()),
        ("What all its values come to", written._DescribedWhole, set()),
        ("A component's units", units._Component, set()),
        ("A layer's units", units._Layer, set()),
    ],
)
def test_every_key_is_specified(heading: str, described: type[Any], more: set[str]) -> None:
    """No more, and no fewer."""
    assert specified(heading) == {field.name for field in fields(described)} | more


def test_samples_are_where_the_specification_says(path: Path, table: dict[str, Any], fingerprint: Fingerprint) -> None:
    """Values by the sample's number, [rows, columns], in the stored type."""
    assert table["version"] == written.VERSION
    with safe_open(path, "pt") as file:
        for number, (described, sample) in enumerate(zip(table["samples"], fingerprint.samples, strict=True)):
            start, stop = described["columns"]
            assert sample.rows.tolist() == described["rows"]
            if described["values"]:
                values = file.get_tensor(f"sample.{number:06d}").float().numpy()
                assert values.shape == (len(described["rows"]), stop - start)
                np.testing.assert_array_equal(values, sample.values())
            if described["whole"]:
                assert sample.whole is not None
                np.testing.assert_array_equal(file.get_tensor(f"sketch.{number:06d}").numpy(), sample.whole.sketch)


def test_units_are_where_the_specification_says(path: Path, table: dict[str, Any], fingerprint: Fingerprint) -> None:
    """Anchors by component, responses and descriptors by component and layer."""
    with safe_open(path, "np") as file:
        names = set(file.keys())
        for number, (described, one) in enumerate(zip(table["units"]["components"], fingerprint.units, strict=True)):
            assert described["component"] == one.component
            assert (f"anchors.{number:04d}" in names) == described["anchored"]
            for layer, kept in zip(described["layers"], one.layers, strict=True):
                start = f"units.{number:04d}.{layer['layer']:04d}"
                for role in layer["roles"]:
                    np.testing.assert_array_equal(file.get_tensor(f"{start}.{role}"), kept.responses[role])
                if layer["described"]:
                    np.testing.assert_array_equal(file.get_tensor(f"{start}.even"), kept.even)
