"""The library through the command line: names, what is missing or damaged, and fingerprints on their travels."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.small_models import llama, save
from tests.e2e.conftest import Audit, Ended
from tests.hub.fake_hub import FakeHub

SHIPPED = Path(__file__).resolve().parents[2] / "fingerprints"
OWN = "own-base"


@pytest.fixture
def own(audit: Audit, seeds: Path, tmp_path: Path) -> Path:
    """A model that the user put into the library; its fingerprint's file there."""
    weights = save(llama(1), tmp_path / "own.safetensors")
    assert audit("fingerprint", weights, "-o", tmp_path / "own.fp.safetensors").code == 0
    added = audit("refs", "add", OWN, tmp_path / "own.fp.safetensors", "--owner", "A Lab", "--country", "KR")
    assert added.code == 0, added.err
    return tmp_path / "library" / f"{OWN}.fp.safetensors"


@pytest.fixture
def copy(tmp_path: Path) -> str:
    """A team's checkpoint that was made from the user's own model."""
    random = np.random.default_rng(3)
    noised = {name: value + 0.1 * value.std() * random.normal(size=value.shape) for name, value in llama(1).items()}
    return save({name: value.astype(np.float32) for name, value in noised.items()}, tmp_path / "copy.safetensors")


@pytest.fixture
def stranger(tmp_path: Path) -> str:
    """A team's checkpoint that has nothing to do with it."""
    return save(llama(2), tmp_path / "stranger.safetensors")


def is_no_opinion(ended: Ended) -> bool:
    """Whether nothing was audited, and the user was told so with a way out."""
    return ended.code == 4 and ended.is_told()


def test_an_unknown_name_suggests_near_ones(audit: Audit, stranger: str) -> None:
    """The sentence has what may have been meant."""
    for arguments in (("compare", stranger, "--ref", "qwen-2.4"), ("refs", "pull", "qwen-2.4")):
        ended = audit(*arguments)
        assert is_no_opinion(ended)
        assert "'qwen-2.4' is not a model, alias or group of the library; near it: qwen" in ended.err


def test_offline_without_fingerprints_names_the_command(audit: Audit, stranger: str, hub: FakeHub) -> None:
    """Nothing to compare with: exit 4, what to run where there is a network, and not one request."""
    ended = audit("compare", stranger, "--ref", "qwen2.5-vl", "--offline")
    assert is_no_opinion(ended)
    assert "run: audit refs pull qwen2.5-vl-7b qwen2.5-vl-32b qwen2.5-vl-72b" in ended.err
    assert hub.seen == []


def test_what_is_missing_is_listed_beside_what_is_there(
    own: Path, audit: Audit, copy: str, stranger: str, hub: FakeHub
) -> None:
    """One of two references: a finding is one all the same, and no finding is no pass; the first screen tells why."""
    names = ("--ref", OWN, "--ref", "qwen3-0.6b")
    for mode, reason in (((), "pull_failed"), (("--offline",), "not_pulled")):
        for subject, code in ((copy, 1), (stranger, 3)):
            ended = audit("compare", subject, *names, *mode, "--format", "json")
            assert ended.code == code
            found = {one["name"]: (one["status"], one["reason"]) for one in ended.report["references"]}
            assert found == {OWN: ("compared", None), "qwen3-0.6b": ("not_available", reason)}
            assert "1 of 2 compared" in audit("compare", subject, *names, *mode).out.split("Opinion")[0]


@pytest.mark.parametrize("damage", ["flipped", "shortened", "emptied", "replaced", "undigested", "misdigested"])
def test_a_damaged_fingerprint_is_never_a_pass(
    *, damage: str, own: Path, audit: Audit, copy: str, stranger: str, hub: FakeHub, tmp_path: Path
) -> None:
    """Alone it leaves nothing to audit; beside another it is told as not available."""
    note = own.with_name(own.name + ".sha256")
    content = bytearray(own.read_bytes())
    if damage == "flipped":
        content[-100] ^= 1
    elif damage == "shortened":
        del content[-100:]
    elif damage == "emptied":
        content.clear()
    elif damage == "replaced":
        assert audit("fingerprint", stranger, "-o", tmp_path / "other.fp.safetensors").code == 0
        content[:] = (tmp_path / "other.fp.safetensors").read_bytes()
    own.write_bytes(content)
    if damage == "undigested":
        note.unlink()
    elif damage == "misdigested":
        note.write_text("nonsense")
    for subject in (copy, stranger):
        alone = audit("compare", subject, "--ref", OWN)
        assert is_no_opinion(alone)
        assert OWN in alone.err
    beside = audit("compare", copy, "--ref", OWN, "--ref", "example/seeds-base", "--format", "json")
    found = {one["name"]: one for one in beside.report["references"]}
    assert (found[OWN]["status"], found["example/seeds-base"]["status"]) == ("not_available", "compared")
    assert OWN in found[OWN]["notices"][0]["data"]["reason"]
    assert beside.code == 3
    assert audit("refs", "remove", OWN).code == 0
    assert audit("refs", "add", OWN, tmp_path / "own.fp.safetensors").code == 0
    assert audit("compare", copy, "--ref", OWN).code == 1


def test_list_show_and_remove(own: Path, audit: Audit, copy: str) -> None:
    """What was added is listed with its facts, and gone after it was removed."""
    listed = {one["name"]: one for one in json.loads(audit("refs", "list", "--format", "json").out)}
    assert listed[OWN]["fingerprint"] == "pulled"
    assert (listed[OWN]["owner"], listed[OWN]["country"]) == ("A Lab", "KR")
    assert listed[OWN]["sha256"] == hashlib.sha256(own.read_bytes()).hexdigest()
    assert listed["example/seeds-base"]["fingerprint"] == "shipped"
    assert listed["qwen2.5-vl-7b"]["fingerprint"] == "missing"
    shown = audit("refs", "show", OWN, "qwen2.5-vl")
    assert shown.code == 0
    assert all(words in shown.out for words in ("A Lab", "Qwen/Qwen2.5-VL-7B-Instruct", "Alibaba Cloud"))
    assert "1 models, 1 fingerprints at hand" in audit("refs", "list", OWN).out
    assert audit("refs", "remove", OWN).out == f"{OWN}\n"
    assert not own.exists()
    for arguments in (("refs", "show", OWN), ("refs", "remove", OWN), ("compare", copy, "--ref", OWN)):
        assert is_no_opinion(audit(*arguments))
    assert audit("refs", "remove", "example/seeds-base").code == 2


def test_verify_tells_whether_the_weights_are_the_same(own: Path, audit: Audit, stranger: str, tmp_path: Path) -> None:
    """0 where every value agrees, 1 where any differs, 4 where it is not known where the weights are."""
    same = audit("refs", "verify", OWN, "--source", tmp_path / "own.safetensors")
    assert (same.code, "20 of 20 samples agree" in same.out) == (0, True), same.out
    other = audit("refs", "verify", OWN, "--source", stranger)
    assert (other.code, other.out.count("differs: ")) == (1, 20), other.out
    changed = llama(1)
    changed["model.norm.weight"][0] += 1
    one = audit("refs", "verify", own, "--source", save(changed, tmp_path / "changed.safetensors"))
    assert (one.code, one.out.splitlines()[0]) == (1, "differs: model.norm.weight")
    assert is_no_opinion(audit("refs", "verify", OWN))
    assert is_no_opinion(audit("refs", "verify", OWN, "--source", tmp_path / "nowhere"))


def test_a_bundle_carries_fingerprints_to_a_machine_without_network(
    own: Path, audit: Audit, copy: str, stranger: str, tmp_path: Path
) -> None:
    """Exported here, imported there: the same model, the same report; not a byte of it may change on the way."""
    bundle, there = tmp_path / "bundle.tar", ("--library", tmp_path / "there")
    exported = audit("refs", "export", OWN, "qwen3-0.6b", "-o", bundle)
    assert exported.code == 0
    assert exported.out.split()[0] == hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert "not at hand, left out: qwen3-0.6b" in exported.err
    imported = audit("refs", "import", bundle, *there)
    assert (imported.code, imported.out) == (0, f"{OWN}\n")
    for subject, code in ((copy, 1), (stranger, 0)):
        here = audit("compare", subject, "--ref", OWN, "--format", "json")
        away = audit("compare", subject, "--ref", OWN, "--offline", *there, "--format", "json")
        assert (here.code, away.code) == (code, code)
        assert {**away.comparable, "settings": None} == {**here.comparable, "settings": None}
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    assert is_no_opinion(audit("refs", "import", bundle, "--library", tmp_path / "elsewhere"))
    assert "0 fingerprints at hand" in audit("refs", "list", "qwen3-0.6b", "--library", tmp_path / "elsewhere").out


def test_pull_and_verify_at_the_source(audit: Audit, hub: FakeHub, tmp_path: Path, copy: str) -> None:
    """What was pulled is verified at its repository, until the owner puts other weights there."""
    for seed in (1, 2):
        save(llama(seed), tmp_path / f"v{seed}" / "model.safetensors")
    hub.add("Qwen/Qwen3-0.6B", tmp_path / "v1")
    pulled = audit("refs", "pull", "qwen3-0.6b")
    assert (pulled.code, pulled.out) == (0, "qwen3-0.6b\n")
    assert audit("compare", copy, "--ref", "qwen3-0.6b", "--offline").code == 1
    assert audit("refs", "verify", "qwen3-0.6b").code == 0
    hub.add("Qwen/Qwen3-0.6B", tmp_path / "v2")
    other = audit("refs", "verify", "qwen3-0.6b")
    assert (other.code, "0 of 20 samples agree" in other.out) == (1, True), other.out
    assert is_no_opinion(audit("refs", "pull", "qwen3-8b"))


@pytest.mark.parametrize(
    ("subject", "reference", "code"),
    [
        ("hyperclovax_case/subject", "example/reference-vision", 1),
        ("hyperclovax_case/subject", "example/reference-audio", 1),
        ("seeds_case/finetuned", "example/seeds-base", 1),
        ("seeds_case/other_seed", "example/seeds-base", 0),
        ("solar_case/solar_open", "example/glm4-moe", 0),
    ],
)
def test_examples_come_with_the_program(
    *, subject: str, reference: str, code: int, audit: Audit, examples: Path, hub: FakeHub
) -> None:
    """Their fingerprints give the written truth, without a request."""
    ended = audit("compare", examples / subject, "--ref", reference, "--format", "json")
    assert ended.code == code
    assert ended.report["references"][0]["synthetic"] is True
    assert hub.seen == []


def test_a_real_model_comes_with_the_program(audit: Audit, hub: FakeHub) -> None:
    """It is found by its name and by its alias, and its fingerprint is related to itself."""
    for name in ("all-minilm-l6-v2", "minilm"):
        file = SHIPPED / "all-minilm-l6-v2.fp.safetensors"
        ended = audit("compare", file, "--ref", name, "--offline", "--format", "json")
        assert ended.code == 1
        assert {one["relation"] for one in ended.report["components"]} == {"identical"}
        assert ended.report["references"][0]["name"] == "all-minilm-l6-v2"
    assert hub.seen == []


def test_files_that_are_of_no_model_are_named(audit: Audit, own: Path) -> None:
    """A fingerprint that nobody can ask for is not passed over in silence."""
    (own.parent / "unknown.fp.safetensors").touch()
    ended = audit("refs", "list", OWN)
    assert ended.code == 0
    assert "unknown.fp.safetensors" in ended.err
    assert OWN not in ended.err
