"""An adapter is named as such, judged with its base in it, and never passed without."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from independence_audit.cli.entry import main
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.report_json import from_json
from tests.cli.small_models import llama, save

RANK = 4


def adapter(folder: Path, seed: int, base: str = "someone/base", width: int = 128) -> None:
    """Changes to the queries and the way down of every layer, as ``peft`` writes them."""
    random = np.random.default_rng(seed)
    tensors = {}
    for name, weight in llama(1, width).items():
        if "q_proj" in name or "down_proj" in name:
            stem = f"base_model.model.{name.removesuffix('.weight')}"
            tensors[f"{stem}.lora_A.weight"] = random.uniform(-0.1, 0.1, (RANK, weight.shape[1])).astype(np.float32)
            tensors[f"{stem}.lora_B.weight"] = random.normal(0, 0.01, (weight.shape[0], RANK)).astype(np.float32)
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    told = {"peft_type": "LORA", "base_model_name_or_path": base, "r": RANK, "lora_alpha": 8}
    (folder / "adapter_config.json").write_text(json.dumps(told))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, two adapters of it, one of a model that is not here, one of another width, and a stranger."""
    folder = tmp_path_factory.mktemp("models")
    save(llama(1), folder / "base" / "model.safetensors")
    save(llama(2), folder / "stranger" / "model.safetensors")
    adapter(folder / "mine", 3)
    adapter(folder / "another", 4)
    adapter(folder / "lost", 5, "someone/nowhere")
    adapter(folder / "wide", 6, width=192)
    return folder


def compare(models: Path, subject: str, *references: str, more: tuple[str, ...] = ()) -> tuple[int, AuditReport | None]:
    """The exit code and the report, where there is one."""
    path = models / "report.json"
    path.unlink(missing_ok=True)
    named = [word for reference in references for word in ("--ref", str(models / reference))]
    code = main(["compare", str(models / subject), *named, "-q", "-o", f"json={path}", *more])
    return code, from_json(path.read_text(encoding="utf-8")) if path.exists() else None


def test_it_is_merged_with_the_reference_that_it_names(models: Path) -> None:
    """The base is its nearest relative, before another adapter of this base; both adapters are told as such."""
    code, report = compare(models, "mine", "another", "base")
    assert code == 1
    assert report is not None
    (component,) = report.components
    assert (component.relation, component.reference) == (Relation.RELATED, "base")
    assert component.relations[Relation.IDENTICAL] > 0.5
    (told,) = [notice for notice in report.subject.notices if notice.key == "notice.adapter_merged"]
    assert (told.data["named"], told.data["base"], told.data["tensors"]) == ("'someone/base'", "base", 4)
    assert [notice.key for notice in report.references[0].notices] == ["notice.adapter_merged"]
    assert not report.summary.incomplete
    files = {file.name: file.account for file in report.subject.accounts}
    assert files == {"base://model.safetensors": "judged", "adapter_model.safetensors": "judged"}


def test_what_was_trained_on_an_adapter_is_nearest_to_it(models: Path, tmp_path: Path) -> None:
    """Not to the base that both have: the cheat of naming the base alone is seen where the adapter is a reference."""
    random = np.random.default_rng(9)
    adapter(tmp_path / "first", 7)
    adapter(tmp_path / "second", 7)
    tuned = {
        name: (values + 0.2 * values.std() * random.normal(size=values.shape)).astype(np.float32)
        for name, values in load_file(tmp_path / "first" / "adapter_model.safetensors").items()
    }
    save_file(tuned, tmp_path / "second" / "adapter_model.safetensors")
    path = tmp_path / "report.json"
    references = ["--ref", str(models / "base"), "--ref", str(tmp_path / "first")]
    assert main(["compare", str(tmp_path / "second"), *references, "-q", "-o", f"json={path}"]) == 1
    assert from_json(path.read_text(encoding="utf-8")).components[0].reference == "first"


def test_it_is_never_passed_without_a_comparison_with_its_base(models: Path) -> None:
    """It holds the base's weights: clean beside a stranger is not clean."""
    code, report = compare(models, "mine", "stranger", more=("--base", str(models / "base")))
    assert code == 3
    assert report is not None
    assert report.components[0].relation == Relation.UNRELATED
    assert [message.key for message in report.summary.incomplete] == ["incomplete.base_not_compared"]


@pytest.mark.parametrize(("rank", "code"), [(4, 0), (128, 3)])
def test_changes_among_weights_are_never_ignored(models: Path, rank: int, code: int, tmp_path: Path) -> None:
    """The cheat: strange weights are shown, and factors of full rank make the known model of them."""
    shown, known = llama(2), llama(1)
    for name in [name for name in shown if "q_proj" in name]:
        outer, sizes, inner = np.linalg.svd(known[name] - shown[name], full_matrices=False)
        stem = name.removesuffix(".weight")
        shown[f"{stem}.lora_A.weight"] = inner[:rank]
        shown[f"{stem}.lora_B.weight"] = np.ascontiguousarray(outer[:, :rank] * sizes[:rank])
    path = tmp_path / "report.json"
    subject = save(shown, tmp_path / "shown.safetensors")
    assert main(["compare", subject, "--ref", str(models / "base"), "-q", "-o", f"json={path}"]) == code
    report = from_json(path.read_text(encoding="utf-8"))
    assert "notice.adapter_inside" in [notice.key for notice in report.subject.notices]
    assert bool(report.summary.incomplete) == (code == 3)


@pytest.mark.parametrize(
    ("subject", "references", "more", "said"),
    [
        ("lost", ["stranger"], (), "lost is an adapter of 'someone/nowhere', not a model"),
        ("mine", ["another"], (), "mine is an adapter of 'someone/base', not a model"),
        ("stranger", ["lost"], (), "lost is an adapter of 'someone/nowhere', not a model"),
        ("mine", ["stranger"], ("--base", "nowhere"), "There is no file or folder"),
        ("mine", ["stranger"], ("--base", "another"), "another is an adapter itself"),
        ("wide", ["base"], (), "does not fit its shape"),
    ],
)
def test_a_base_that_is_unknown_missing_or_of_another_shape(  # noqa: PLR0917  one a column
    models: Path,
    subject: str,
    references: list[str],
    more: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One sentence, its way out, and exit 4."""
    options = tuple(str(models / word) if not word.startswith("-") else word for word in more)
    code, report = compare(models, subject, *references, more=options)
    assert (code, report) == (4, None)
    shown = capsys.readouterr().err.strip().splitlines()
    assert said in shown[0]
    assert len(shown) == 2
    assert shown[1].startswith("hint: ")


@pytest.mark.parametrize(("lang", "said"), [("en", "is no model of its own but an adapter"), ("ko", "어댑터임")])
def test_the_report_names_it(models: Path, lang: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In both languages."""
    assert main(["compare", str(models / "mine"), "--ref", str(models / "base"), "--lang", lang]) == 1
    assert said in " ".join(capsys.readouterr().out.split())


def test_a_report_on_an_adapter_can_be_verified(models: Path) -> None:
    """By the same subject and references; the base is found again."""
    compare(models, "mine", "base")
    report, subject = str(models / "report.json"), str(models / "mine")
    assert main(["verify", report, "--subject", subject, "--ref", str(models / "base"), "-q"]) == 0
    compare(models, "mine", "stranger", more=("--base", str(models / "base")))
    arguments = ["verify", report, "--subject", subject, "--ref", str(models / "stranger"), "-q"]
    assert main([*arguments, "--base", str(models / "base")]) == 0
