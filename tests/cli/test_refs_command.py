"""`audit refs`: what the library has is listed, taken along and verified; what it has not is one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from independence_audit.cli.entry import main
from tests.cli.small_models import Weights, llama, save
from tests.fingerprint.library.small_library import fingerprint_file, fingerprint_of

OWN = "own-base"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """A user's library with one small fingerprint in it, in the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = str(tmp_path / "library")
    file = fingerprint_file(tmp_path / "own.fp.safetensors", fingerprint_of(1))
    assert main(["refs", "add", OWN, str(file), "--owner", "A Lab", "--country", "KR", "--library", folder]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'library' / OWN}.fp.safetensors\n"
    return folder


def test_models_are_listed_by_names_and_groups(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order in which they were asked for, each once; without a name all that there are."""
    assert main(["refs", "list", OWN, "qwen2.5-vl", "qwen2.5-vl-7b", "--format", "json", "--library", library]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == [OWN, *(f"qwen2.5-vl-{size}b" for size in (7, 32, 72))]
    assert [one["fingerprint"] for one in listed[:2]] == ["pulled", "missing"]
    assert main(["refs", "list", "--format", "json", "--library", library]) == 0
    assert {one["name"] for one in listed} < {one["name"] for one in json.loads(capsys.readouterr().out)}
    assert main(["refs", "list", OWN, "--library", library]) == 0
    assert "1 models, 1 fingerprints at hand" in capsys.readouterr().out


def test_facts_of_several_models_stand_apart(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty line between two."""
    assert main(["refs", "show", OWN, "qwen3-0.6b", "--library", library]) == 0
    own, known = capsys.readouterr().out.split("\n\n")
    assert "A Lab" in own
    assert "Qwen/Qwen3-0.6B" in known


def test_a_file_of_no_model_is_named_beside_the_list(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, so that the list stays one, and without doing anything to a terminal."""
    (Path(library) / "a\x1b[2J.fp.safetensors").touch()
    assert main(["refs", "list", OWN, "--format", "json", "--library", library]) == 0
    shown = capsys.readouterr()
    assert [one["name"] for one in json.loads(shown.out)] == [OWN]
    assert shown.err == ("not used, of no model of the catalogue or without its digest: a\\u001b[2J.fp.safetensors\n")


def test_a_bundle_is_taken_along_and_what_is_not_at_hand_is_named(
    library: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The names that were imported are printed; what was removed can be had from it again."""
    bundle = tmp_path / "bundle.tar"
    assert main(["refs", "export", OWN, "qwen3-0.6b", "-o", str(bundle), "--library", library]) == 0
    shown = capsys.readouterr()
    assert shown.out.endswith(f"  {bundle}\n")
    assert shown.err == "not at hand, left out: qwen3-0.6b\n"
    assert main(["refs", "remove", OWN, "--library", library]) == 0
    assert main(["refs", "show", OWN, "--library", library]) == 4
    capsys.readouterr()
    assert main(["refs", "import", str(bundle), "--library", library]) == 0
    assert capsys.readouterr().out == f"{OWN}\n"
    assert main(["refs", "show", OWN, "--library", library]) == 0


def test_what_differs_at_the_source_is_named_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fingerprint is held against weights, by a file of its own as well."""
    weights: Weights = {name: values for name, values in llama(1).items() if "layers.1" not in name}
    source, file = save(weights, tmp_path / "own.safetensors"), str(tmp_path / "own.fp.safetensors")
    assert main(["fingerprint", source, "-o", file, "-q"]) == 0
    capsys.readouterr()
    assert main(["refs", "verify", file, "--source", source, "--offline"]) == 0
    agreed = f"{len(weights)} of {len(weights)} samples agree with own.safetensors\n"
    assert capsys.readouterr().out == f"{file}: {agreed}"
    weights["model.norm.weight"] = weights["model.norm.weight"] + 1
    save(weights, Path(source))
    assert main(["refs", "verify", file, "--source", source, "--offline", "-q"]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == "differs: model.norm.weight"
    assert shown.err == ""


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list", "qwen-2.4"], 4),
        (["show", "qwen-2.4"], 4),
        (["pull", "qwen-2.4"], 4),
        (["remove", "qwen-2.4"], 4),
        (["remove", "example/seeds-base"], 2),
        (["add", "qwen3-0.6b", "own.fp.safetensors", "--owner", "Us"], 2),
        (["add", "../own", "own.fp.safetensors"], 2),
        (["add", "new", "nowhere.fp.safetensors"], 4),
        (["verify", "qwen3-0.6b", "--offline"], 4),
        (["export", "qwen3-0.6b", "-o", "bundle.tar"], 4),
        (["export", OWN, "-o", "library/bundle/../own-base.fp.safetensors"], 2),
        (["import", "own.fp.safetensors"], 4),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else str(value),
)
def test_what_cannot_be_done_is_one_sentence(
    arguments: list[str], code: int, library: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a way out, nothing on stdout, and the library as it was."""
    before = {path: path.read_bytes() for path in Path(library).rglob("*") if path.is_file()}
    assert main(["refs", *arguments, "--library", library]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [line.split(":")[0] for line in shown.err.splitlines()] == ["error", "hint"]
    assert {path: path.read_bytes() for path in Path(library).rglob("*") if path.is_file()} == before
