"""The trained examples through the command line, in both modes: the report says the written truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from safetensors.torch import load_file, save_file

from independence_audit.cli.entry import main

ROOT = Path(__file__).resolve().parents[2]
PAIRS: list[dict[str, Any]] = json.loads((ROOT / "examples" / "truth.json").read_text())["pairs"]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())


def component_of(report: dict[str, Any], prefix: str, kind: str) -> dict[str, Any]:
    """The component of a prefix: its name is the prefix, a longer one, or where there is none its kind."""
    named = [one for one in report["components"] if (one["name"] + ".").startswith(prefix) and one["kind"] == kind]
    assert len(named) == 1, (prefix, [one["name"] for one in report["components"]])
    return named[0]


@pytest.mark.parametrize("full", [False, True], ids=["sampled", "full"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "~".join([pair["subject"], *pair["references"]]))
def test_the_report_says_the_truth(
    pair: dict[str, Any], examples: Path, capsys: pytest.CaptureFixture[str], *, full: bool
) -> None:
    """Every component's relation and reference, the exit code, and a report that follows the schema."""
    references = [argument for name in pair["references"] for argument in ("--ref", str(examples / name))]
    mode = ["--full"] if full else []
    assert main(["compare", str(examples / pair["subject"]), *references, *mode, "--format", "json"]) == pair["exit"]
    report = json.loads(capsys.readouterr().out)
    jsonschema.validate(report, SCHEMA)
    assert report["subject"]["synthetic"]
    assert sum(report["summary"]["shares"].values()) == pytest.approx(1.0)
    for expected in pair["components"]:
        found = component_of(report, expected["prefix"], expected["kind"])
        assert found["relation"] in expected["relations"]
        reference = expected["reference"] and Path(expected["reference"]).name
        assert found["reference"] == reference
        assert sum(found["relations"].values()) == pytest.approx(1.0)


def test_the_demo_names_the_towers(examples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first screen names both towers, their references, and that the example is made up."""
    case = examples / "hyperclovax_case"
    arguments = ["--ref", str(case / "reference_vision"), "--ref", str(case / "reference_audio")]
    assert main(["compare", str(case / "subject"), *arguments]) == 1
    screen = capsys.readouterr().out[:4000]
    for words in ("SYNTHETIC EXAMPLE", "the decision is the committee's", "2 of 2", "model.vision_model"):
        assert words in screen
    assert "model.audio_model" in screen
    assert "reference_audio" in screen


def test_the_solar_case_explains_the_cosine(examples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A norm cosine above 0.95 between strangers, and why it says nothing."""
    case = examples / "solar_case"
    arguments = ["compare", str(case / "solar_open"), "--ref", str(case / "glm4_moe")]
    assert main([*arguments, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    caveat = next(message for message in report["components"][0]["explanation"] if message["key"] == "fact.norm_trap")
    assert caveat["data"]["cosine"] > 0.95
    assert abs(caveat["data"]["r"]) < 0.3
    assert main(arguments) == 0
    assert "no evidence" in capsys.readouterr().out


@pytest.mark.parametrize("prefix", ["vision_tower.", "visual.", "audio_tower."])
def test_another_prefix_hides_no_copy(
    prefix: str, examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A decoder under the names of a tower is found; a stranger under them is not accused."""
    for name, status, relation in (("base", 1, "identical"), ("other_seed", 0, "unrelated")):
        weights = load_file(examples / "seeds_case" / name / "model.safetensors")
        renamed = {prefix + key.removeprefix("model."): values for key, values in weights.items()}
        save_file(renamed, tmp_path / f"{name}.safetensors")
        reference = str(examples / "seeds_case" / "base")
        arguments = ["compare", str(tmp_path / f"{name}.safetensors"), "--ref", reference, "--format", "json"]
        assert main(arguments) == status
        [component] = json.loads(capsys.readouterr().out)["components"]
        assert component["relation"] == relation
        assert component["kind"] != "text_decoder"
