"""``-o`` writes whole files, says before the audit where it cannot, and replaces nothing that anybody would miss."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from independence_audit.cli.entry import main
from independence_audit.cli.outputs import check_outputs
from independence_audit.core import atomic
from independence_audit.errors import UsageError
from tests.cli.small_models import llama, save

FORMATS = ("json", "html", "text", "markdown")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with a subject's folder, a reference, and a folder for reports."""
    (tmp_path / "subject").mkdir()
    save(llama(1), tmp_path / "subject" / "model.safetensors")
    (tmp_path / "subject" / "config.json").write_text("{}")
    save(llama(2), tmp_path / "reference.safetensors")
    (tmp_path / "out").mkdir()
    return tmp_path


@pytest.fixture
def no_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is refused is refused before the audit."""

    def begun(*_: object) -> None:
        pytest.fail("the audit began")

    monkeypatch.setattr("independence_audit.pipeline.audit.audit", begun)
    monkeypatch.setattr("independence_audit.pipeline.scratch.scratch", begun)
    monkeypatch.setattr("independence_audit.pipeline.trajectory.trajectory", begun)
    monkeypatch.setattr("independence_audit.fingerprint.making.save_fingerprint", begun)
    monkeypatch.setattr("independence_audit.pipeline.declaration.draft_declaration", begun)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def linked(out: Path) -> str:
    """A link to a file that somebody needs."""
    (out / "precious").write_bytes(b"precious")
    (out / "link.json").symlink_to("precious")
    return "link.json"


def pointing_nowhere(out: Path) -> str:
    """A link to nothing: writing through it would make a file elsewhere."""
    (out / "link.json").symlink_to(out.parent / "elsewhere")
    return "link.json"


def piped(out: Path) -> str:
    """A pipe."""
    os.mkfifo(out / "pipe")
    return "pipe"


def hard_linked_subject(out: Path) -> str:
    """The subject's weights by another name."""
    (out / "other.json").hardlink_to(out.parent / "subject" / "model.safetensors")
    return "other.json"


def behind_a_link_of_the_subject(out: Path) -> str:
    """Where the subject's weights lie, as in the cache of the Hub's library."""
    weights = out.parent / "subject" / "model.safetensors"
    weights.rename(out / "blob")
    weights.symlink_to(out / "blob")
    return "blob"


def below_a_file(out: Path) -> str:
    """A file where a folder should be."""
    (out / "file").touch()
    return "file/report.json"


PLACES: list[str | Callable[[Path], str]] = [
    linked,
    pointing_nowhere,
    piped,
    hard_linked_subject,
    behind_a_link_of_the_subject,
    below_a_file,
    ".",
    "../subject",
    "../subject/model.safetensors",
    "../subject/../subject/model.safetensors",
    "../subject/config.json",
    "../reference.safetensors",
    "/dev/null",
    "/dev/full",
    "/dev/stdout",
    "-",
    "/proc/nowhere/report",
    "x" * 256,
    "x/" * 3000 + "y",
    "a\0b",
]


@pytest.mark.usefixtures("no_audit")
@pytest.mark.parametrize("place", PLACES, ids=lambda place: getattr(place, "__name__", repr(place)[:30]))
def test_what_cannot_or_must_not_be_written_is_told_before_the_audit(
    place: str | Callable[[Path], str],
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With exit 2 and one sentence, and everything stays as it is."""
    monkeypatch.chdir(models / "out")
    path = place(models / "out") if callable(place) else place
    before = contents(models)
    compare = ["compare", "../subject", "--ref", "../reference.safetensors", "-q"]
    assert main([*compare, "-o", f"json={path}"]) == 2
    assert main([*compare, "-o", "json=good.json", "-o", f"html={path}"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [line.split(":")[0] for line in shown.err.strip().splitlines()] == ["error", "hint"] * 2
    assert contents(models) == before
    assert not (models / "elsewhere").exists()


@pytest.mark.usefixtures("no_audit")
@pytest.mark.parametrize(
    "arguments",
    [
        ["scratch", "subject", "-o", "json=subject/config.json"],
        ["trajectory", "subject", "subject", "--ref", "reference.safetensors", "-o", "json=reference.safetensors"],
        ["trajectory", "subject", "subject", "--log", "log.csv", "-o", "json=log.csv"],
        ["fingerprint", "subject", "-o", "subject/model.safetensors"],
        ["fingerprint", "reference.safetensors", "-o", "reference.safetensors"],
        ["fingerprint", "subject", "-o", "/dev/stdout"],
        ["compare", "subject", "--ref", "reference.safetensors", "--policy", "p.toml", "-o", "json=p.toml"],
        ["compare", "subject", "--ref", "reference.safetensors", "--salt-file", "salt", "-o", "json=salt"],
        ["compare", "subject", "--ref", "reference.safetensors", "--declaration", "p.toml", "-o", "html=p.toml"],
        ["compare", "subject/model.safetensors", "--ref", "reference.safetensors", "-o", "json=subject/config.json"],
        ["self-check", "--config", "audit.toml", "-o", "json=audit.toml"],
        ["self-check", "-o", "json=reference.safetensors"],
        ["self-check", "-o", "html=report.json"],
        ["report", "old.json", "-o", "json=old.json"],
        ["refs", "export", "qwen", "-o", "-"],
        ["declare", "subject", "-o", "subject/config.json"],
        ["declare", "subject", "-o", "missing\0folder/a.toml"],
        ["declare", "subject", "-o", "x" * 256],
    ],
    ids=lambda arguments: ascii(f"{arguments[0]} {arguments[-1]}")[1:60],
)
def test_every_command_keeps_what_it_reads(
    arguments: list[str], models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is handed in is not written over: weights, logs, policies, salts, configurations, reports."""
    for name in ("log.csv", "p.toml", "salt", "old.json"):
        (models / name).write_bytes(b"x" * 32)
    (models / "audit.toml").write_text(
        'subject = "subject"\nreferences = ["reference.safetensors"]\n[outputs]\njson = "report.json"\n'
    )
    before = contents(models)
    monkeypatch.chdir(models)
    assert main(arguments) == 2
    assert contents(models) == before
    assert "Traceback" not in capsys.readouterr().err


def test_an_earlier_report_in_the_subjects_folder_is_replaced(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run can be repeated as it was: reports are not part of what is read."""
    monkeypatch.chdir(models / "subject")
    outputs = [word for name in ("json=r.json", "html=r.html", "markdown=r.md") for word in ("-o", name)]
    for _ in range(2):
        assert main(["compare", ".", "--ref", "../reference.safetensors", "-q", *outputs]) in (0, 3)
    assert {"r.json", "r.html", "r.md"} < contents(models / "subject").keys()


def test_two_outputs_to_one_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever ways they lead there, whether the file is there or not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "way").symlink_to("folder")
    for there in (False, True):
        for one, other in [
            ("a", "a"),
            ("a", "./a"),
            ("a", "folder/../a"),
            ("folder/a", "way/a"),
            ("folder/a", str(tmp_path / "way" / "a")),
        ]:
            if there:
                Path(one).touch()
            with pytest.raises(UsageError, match="write the same file"):
                check_outputs([f"json={one}", f"html={other}"], FORMATS)
        assert len(check_outputs(["json=a", "html=b", "text=folder/a"], FORMATS)) == 3
    monkeypatch.setattr(atomic, "_lies_in", lambda name, folder: True)
    with pytest.raises(UsageError, match="write the same file"):
        check_outputs(["json=Report", "html=report"], FORMATS)


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    """But the folders that are needed."""
    check_outputs([f"json={tmp_path / 'new' / 'folder' / 'a.json'}"], FORMATS)
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "folder"]


def test_a_full_disk_is_told_before_the_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_audit: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk without room still makes empty files, so that some bytes are tried."""

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert main(["compare", "a", "--ref", "b", "-o", f"json={tmp_path / 'a.json'}"]) == 2
    assert "No space left" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_one_failure_keeps_no_other_output_back(
    models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The disk fills up after the audit: what can be written and printed is, and the exit code is that of a failure."""
    shutil.copy(models / "reference.safetensors", models / "same.safetensors")
    real = atomic.write_whole

    def fail_once(path: Path, content: bytes, **options: bool) -> None:
        if path.name == "first.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, content, **options)

    monkeypatch.setattr("independence_audit.cli.outputs.write_whole", fail_once)
    outputs = ["-o", f"json={models / 'first.json'}", "-o", f"json={models / 'second.json'}"]
    arguments = [str(models / "same.safetensors"), "--ref", str(models / "reference.safetensors"), "--format", "json"]
    assert main(["compare", *arguments, *outputs]) == 4
    shown = capsys.readouterr()
    assert "first.json could not be written: No space left" in shown.err
    assert json.loads(shown.out)["components"][0]["relation"] == "identical"
    assert (models / "second.json").read_text() == shown.out


def test_a_declaration_that_is_there_is_kept(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A link that points nowhere counts as there."""
    (models / "link.toml").symlink_to("nowhere")
    (models / "a.toml").write_text("mine")
    for name in ("link.toml", "a.toml"):
        assert main(["declare", str(models / "subject"), "-o", str(models / name)]) == 2
    assert (models / "a.toml").read_text() == "mine"
    assert main(["declare", str(models / "subject"), "-o", str(models / "new.toml")]) == 0
    assert (models / "new.toml").read_text().startswith("#")
