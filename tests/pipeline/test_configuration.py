"""The file of a self-check: found where it stands, read strictly, its paths beside it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from independence_audit.errors import UsageError
from independence_audit.pipeline.configuration import FILE, PROJECT, find_configuration


def configured(folder: Path, text: str, name: str = FILE) -> Path:
    """A folder with a configuration in it."""
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_without_a_file_nothing_is_set(tmp_path: Path) -> None:
    """An empty folder, and a project that says nothing of audits."""
    assert find_configuration("", tmp_path).given == {}
    assert find_configuration("", configured(tmp_path, "[project]\nname = 'a'\n", PROJECT)).given == {}


def test_the_own_file_goes_before_the_project(tmp_path: Path) -> None:
    """Both may be there; a third that is named goes before both."""
    configured(tmp_path, "[tool.audit]\nsubject = 'of project'\n", PROJECT)
    assert find_configuration("", tmp_path).subject == "of project"
    configured(tmp_path, "subject = 'own'\n")
    assert find_configuration("", tmp_path).subject == "own"
    configured(tmp_path, "subject = 'third'\n", "third.toml")
    assert find_configuration(str(tmp_path / "third.toml"), tmp_path).subject == "third"


def test_paths_lie_beside_the_file_and_names_stay_names(tmp_path: Path) -> None:
    """What is not there under that name may be one of the Hub or of the library."""
    (tmp_path / "weights").mkdir()
    configured(tmp_path, 'subject = "weights"\nreferences = ["weights", "qwen"]\n[outputs]\nhtml = "r.html"\n')
    found = find_configuration("", tmp_path)
    assert found.subject == str(tmp_path / "weights")
    assert found.given == {"references": (str(tmp_path / "weights"), "qwen")}
    assert found.outputs == (f"html={tmp_path / 'r.html'}",)


def test_a_suppression_has_its_reason_its_owner_and_its_end(tmp_path: Path) -> None:
    """All of them, or the file is refused."""
    whole = '[[suppress]]\ncriterion = "x"\nreason = "agreed"\nowner = "Kim"\nexpires = 2026-12-31\n'
    (found,) = find_configuration("", configured(tmp_path, whole)).suppress
    assert (found.criterion, found.component, found.owner, found.expires) == ("x", "", "Kim", date(2026, 12, 31))
    for line in whole.splitlines()[1:]:
        with pytest.raises(UsageError, match="cannot be used"):
            find_configuration("", configured(tmp_path, whole.replace(f"{line}\n", "")))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("subjet = 'a'", "subjet"),
        ("subject = 1", "subject"),
        ("lang = 'fr'", "en or ko"),
        ("[outputs]\nhtml = 1", "without a path"),
        ("suppress = ['a']", "not a table"),
        ("subject = ", "cannot be used"),
        (
            "[[suppress]]\ncriterion='x'\nreason='r'\nowner='o'\nexpires=2026-12-31T00:00:00\n",
            "a day is needed",
        ),
    ],
)
def test_what_cannot_be_used_is_one_sentence_with_the_file(tmp_path: Path, text: str, says: str) -> None:
    """A misspelt key would be a setting that nobody has."""
    with pytest.raises(UsageError) as caught:
        find_configuration("", configured(tmp_path, text))
    assert says in caught.value.message
    assert FILE in caught.value.message


def test_a_file_that_was_named_and_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It is never taken for an empty one."""
    with pytest.raises(UsageError, match="cannot be read"):
        find_configuration(str(tmp_path / "gone.toml"), tmp_path)
