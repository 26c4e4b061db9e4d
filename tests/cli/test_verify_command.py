"""audit verify: whatever was changed in inputs, settings, policy, results or signatures is named."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from independence_audit.cli.entry import main
from independence_audit.evidence.report_json import from_json
from independence_audit.signing.keys import read_public_key
from tests.cli.small_models import llama, save
from tests.signing.key_files import saved
from tests.signing.signed_models import resigned

POLICY = """name = "ours"
version = "1"
date = "2026-01-01"
[[criterion]]
id = "a"
[[criterion.rule]]
outcome = "not_met"
severity = "not_met"
message = "criterion.shared"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed report of a subject that shares its weights with one of two references."""
    folder = tmp_path_factory.mktemp("made")
    save(llama(1), folder / "subject" / "model.safetensors")
    save(llama(1), folder / "known" / "model.safetensors")
    save(llama(2), folder / "other" / "model.safetensors")
    (folder / "ours.toml").write_text(POLICY, encoding="utf-8")
    saved(ed25519.Ed25519PrivateKey.generate(), folder)
    code = main(
        [
            *("compare", str(folder / "subject"), "--ref", str(folder / "known"), "--ref", str(folder / "other"), "-q"),
            *("-o", f"json={folder / 'report.json'}", "-o", f"intoto={folder / 'statement.json'}"),
            *("--sign-key", str(folder / "key.pem"), "--policy", str(folder / "ours.toml")),
        ]
    )
    assert code == 1
    return folder


@pytest.fixture
def case(made: Path, tmp_path: Path) -> Path:
    """A copy to change; its folders have other names than those that were audited."""
    for name in ("report.json", "statement.json", "key.pub", "ours.toml"):
        shutil.copy(made / name, tmp_path / name)
    for name in ("subject", "known", "other"):
        shutil.copytree(made / name, tmp_path / f"copy-of-{name}")
    return tmp_path


def verify(case: Path, *options: str, weights: bool = False, signature: bool = False) -> int:
    """Verify the report of a case."""
    arguments = ["verify", str(case / "report.json"), "--policy", str(case / "ours.toml"), "-q", *options]
    if weights:
        arguments += ["--subject", str(case / "copy-of-subject")]
        arguments += ["--ref", str(case / "copy-of-known"), "--ref", str(case / "copy-of-other")]
    if signature:
        arguments += ["--attestation", str(case / "statement.json"), "--key", str(case / "key.pub")]
    return main(arguments)


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file."""
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def test_an_unchanged_report_agrees(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is recomputed, from copies in other folders, and the signature is verified."""
    assert verify(case, weights=True, signature=True) == 0
    said = capsys.readouterr().out
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        *("signature", "inputs", "settings", "policy", "results"),
    ]
    assert said.count("agrees") == 5


def test_without_weights_it_says_what_is_open(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An opinion that follows from the report's own evidence is not a result that was recomputed."""
    assert verify(case) == 0
    assert "results: not checked in full" in capsys.readouterr().out


def test_it_speaks_korean(case: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In the language that the environment names."""
    monkeypatch.setenv("AUDIT_LANG", "ko")
    assert verify(case) == 0
    said = capsys.readouterr().out
    assert "결과: 전부 확인하지는 못함" in said
    assert "적용 기준: 일치" in said


@pytest.mark.parametrize("name", ["copy-of-subject", "copy-of-known"])
@pytest.mark.parametrize("position", [0.3, 0.6, 0.999])
def test_one_changed_byte_of_the_inputs(
    name: str, position: float, case: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also one that no sample reads: digests of whole files cover every byte."""
    path = case / name / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[int(len(content) * position)] ^= 1
    path.write_bytes(content)
    assert verify(case, weights=True) == 1
    assert "inputs: differs at $." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("edit", "weights", "part"),
    [
        (lambda r: r["tensors"][3].update(r=0.25), True, "results"),
        (lambda r: r["components"][0].update(relation="unrelated"), False, "results"),
        (lambda r: r["opinion"]["criteria"][0].update(outcome="met", severity="none"), False, "results"),
        (lambda r: r["summary"]["shares"].update(identical=0.5), False, "results"),
        (lambda r: r["summary"].update(tests=1), True, "results"),
        (lambda r: r["settings"].update(policy_digest="0" * 64), False, "policy"),
        (lambda r: r["settings"].update(alpha=0.01), True, "results"),
        (lambda r: r["settings"].update(sampler="another"), True, "settings"),
        (lambda r: r["subject"]["files"][0].update(sha256="0" * 64), True, "inputs"),
        (lambda r: r["references"][1].update(owner="Somebody"), True, "results"),
    ],
    ids=["r", "relation", "outcome", "share", "tests", "policy", "alpha", "sampler", "digest", "owner"],
)
def test_a_changed_report(
    edit: Callable[[dict[str, Any]], object],
    weights: bool,  # noqa: FBT001
    part: str,
    case: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A changed number is named, with what it should be; so is one in what the signature covers."""
    change(case / "report.json", edit)
    assert verify(case, weights=weights) == 1
    assert f"{part}: differs at $." in capsys.readouterr().out
    assert verify(case, signature=True) == 1
    assert "signature: differs at $: reported report" in capsys.readouterr().out


def test_a_changed_policy(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A comment is enough."""
    with (case / "ours.toml").open("a", encoding="utf-8") as file:
        file.write("# harmless")
    assert verify(case) == 1
    assert "policy: differs at $.settings.policy_digest" in capsys.readouterr().out


def test_a_signature_by_another_key(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Refused, and the key is named."""
    saved(ec.generate_private_key(ec.SECP256R1()), case)
    assert verify(case, signature=True) == 1
    assert "not signed by the key" in capsys.readouterr().out


def test_signatures_and_weights_go_in_pairs(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half of what is needed is a usage error; a statement about something else is malformed."""
    assert verify(case, "--attestation", str(case / "statement.json")) == 2
    assert verify(case, "--ref", "x") == 2
    assert verify(case, "--attestation", str(case / "report.json"), "--key", str(case / "key.pub")) == 4
    assert main(["verify", str(case / "none.json")]) == 4
    assert "Traceback" not in capsys.readouterr().err


def test_references_in_another_number(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report's references have to be named in its order."""
    assert verify(case, "--subject", str(case / "copy-of-subject"), "--ref", str(case / "copy-of-known")) == 2
    assert "Name every reference" in capsys.readouterr().err


def signed_model(folder: Path, keys: Path) -> str:
    """Sign every file of a folder as model-signing does, and return the signer's public key."""
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}

    def files(statement: dict[str, Any]) -> None:
        resources = [{"name": name, "digest": digest, "algorithm": "sha256"} for name, digest in digests.items()]
        statement["predicate"]["resources"] = resources
        root = hashlib.sha256(b"".join(bytes.fromhex(digest) for digest in digests.values())).hexdigest()
        statement["subject"][0]["digest"]["sha256"] = root

    content, public = resigned(keys, files)
    (folder / "model.sig").write_bytes(content)
    return public


def test_a_signed_model_is_named_by_its_key(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All files are read and are those that were signed; a byte that changes afterwards stops the audit."""
    subject = case / "copy-of-subject"
    (case / "signer").mkdir()
    public = signed_model(subject, case / "signer")
    new = case / "new.json"
    compare = ["compare", str(subject), "--ref", str(case / "copy-of-other"), "-q", "-o", f"json={new}"]
    assert main([*compare, "--model-key", public]) == 0
    report = from_json(new.read_text(encoding="utf-8"))
    assert report.subject.signed_by == read_public_key(public).keyid
    assert {file.digest_scope for file in report.subject.files} == {"file"}
    verify_it = ["verify", str(new), "--subject", str(subject), "--ref", str(case / "copy-of-other"), "-q"]
    assert main(verify_it) == 2
    assert main([*verify_it, "--model-key", public]) == 0
    content = bytearray((subject / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (subject / "model.safetensors").write_bytes(content)
    assert main([*verify_it, "--model-key", public]) == 4
    assert "is not the file that was signed" in capsys.readouterr().err


def test_the_models_own_signature(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model.sig that nobody verifies is a notice; one by another key, or of other files, stops the audit."""
    data = Path(__file__).parents[1] / "signing" / "data"
    subject = case / "copy-of-subject"
    compare = ["compare", str(subject), "--ref", str(case / "copy-of-known"), "-q", "-o", f"json={case / 'new.json'}"]
    assert main([*compare, "--model-key", str(data / "signer.pub")]) == 2
    shutil.copy(data / "model.sig", subject / "model.sig")
    assert main(compare) == 1
    assert "notice.signature_not_verified" in (case / "new.json").read_text(encoding="utf-8")
    assert main([*compare, "--model-key", str(case / "key.pub")]) == 4
    assert main([*compare, "--model-key", str(data / "signer.pub")]) == 4
    assert "is not the file that was signed" in capsys.readouterr().err
