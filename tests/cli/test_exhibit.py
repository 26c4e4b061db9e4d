"""`audit compare --trajectory`: checkpoints of the training as an exhibit, and what a cheat would hand in instead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from independence_audit.cli.entry import main
from independence_audit.evidence.audit_report import badge_of
from independence_audit.evidence.report_json import from_json
from tests.cli.small_models import Weights, llama, save
from tests.cli.test_trajectory_command import training, write

TRAINED = "initialised_then_trained"


def halved(weights: Weights) -> Weights:
    """The weights as they are released: cast to half precision."""
    return {name: each.astype(np.float16) for name, each in weights.items()}


def made(folder: Path) -> Path:
    """A subject released in half precision, the run that it is the end of, and a stranger."""
    write(training(1), folder / "run")
    save(halved(training(1)[-1]), folder / "subject" / "model.safetensors")
    save(llama(9), folder / "stranger" / "model.safetensors")
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder of one's own with a subject, its run and a stranger."""
    return made(tmp_path)


def audited(place: Path, *arguments: str, subject: str = "subject", policy: str = "kai-stage1") -> dict[str, Any]:
    """The JSON report of an audit against the stranger; statuses that are errors fail the test."""
    output = place / "report.json"
    output.unlink(missing_ok=True)
    names = (str(place / subject), "--ref", str(place / "stranger"), "--policy", policy)
    assert main(["compare", *names, *arguments, "-q", "-o", f"json={output}"]) in (0, 1, 3)
    report: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return report


def swapped() -> list[Weights]:
    """A run of one model that goes on with the weights of another."""
    return [*training(2)[:3], *training(1)[3:]]


def noised() -> list[Weights]:
    """Checkpoints made of the finished model by adding less and less noise."""
    random = np.random.default_rng(5)
    end = training(1)[-1]
    sizes = np.linspace(2.0, 0.0, 6)
    return [
        {
            name: (each + size * each.std() * random.normal(size=each.shape)).astype(np.float32)
            for name, each in end.items()
        }
        for size in sizes
    ]


def interpolated() -> list[Weights]:
    """Checkpoints on the straight line from a fresh draw to the finished model."""
    start, end = training(3)[0], training(1)[-1]
    return [
        {name: ((1 - t) * start[name] + t * end[name]).astype(np.float32) for name in end}
        for t in np.linspace(0.0, 1.0, 6)
    ]


def posing() -> list[Weights]:
    """The finished model alone, as a run that begins with it."""
    return [training(1)[-2], training(1)[-1]]


FAKES = (swapped, noised, interpolated, posing)


def other() -> list[Weights]:
    """Another model's honest run."""
    return training(2)


def shuffled() -> list[Weights]:
    """The run, with its checkpoints in another order."""
    return [training(1)[number] for number in (0, 3, 1, 2, 4, 5)]


class Told:
    """Audits that several tests look at, each made once, in a folder that none of them changes.

    Attributes:
        place: The folder, as of :func:`made`.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._made: dict[tuple[str, str, str], Path] = {}

    def folder(self, run: str = "", policy: str = "kai-stage1", lang: str = "en") -> Path:
        """Where the reports on a run lie, by the names of their formats; no run is no exhibit."""
        key = run, policy, lang
        if key not in self._made:
            folder = self.place / " ".join(("told", *key))
            folder.mkdir()
            outputs = [word for name in ("text", "markdown", "html") for word in ("-o", f"{name}={folder / name}")]
            exhibit = ("--trajectory", str(self.place / run)) if run else ()
            audited(self.place, *exhibit, "--lang", lang, *outputs, policy=policy)
            (self.place / "report.json").rename(folder / "json")
            self._made[key] = folder
        return self._made[key]

    def report(self, run: str = "", policy: str = "kai-stage1") -> dict[str, Any]:
        """The JSON report on a run."""
        report: dict[str, Any] = json.loads((self.folder(run, policy) / "json").read_text(encoding="utf-8"))
        return report


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Audits of a subject with its run, and with what a cheat would hand in instead."""
    place = made(tmp_path_factory.mktemp("exhibits"))
    for fake in FAKES:
        write([*fake()[:-1], training(1)[-1]], place / fake.__name__)
    write(other(), place / "other")
    for number, weights in enumerate(shuffled()):
        save(weights, place / "shuffled" / f"x{number}" / "model.safetensors")
    return Told(place)


def outcome(report: dict[str, Any], criterion: str = TRAINED) -> str:
    """What the criterion about training comes to."""
    [found] = [each for each in report["opinion"]["criteria"] if each["id"].partition("/")[0] == criterion]
    return str(found["outcome"])


def limits(report: dict[str, Any]) -> set[str]:
    """Keys of the limits of the only component's conclusion."""
    [component] = report["training"]["components"]
    return {limit["key"] for limit in component["limits"]}


@pytest.mark.parametrize("policy", ["kai-stage1", "strict-from-scratch"])
def test_an_honest_run_meets_the_criterion(told: Told, policy: str) -> None:
    """Without the exhibit material is missing; with it everything is met: the release is the last checkpoint cast."""
    bare, shown = told.report(policy=policy), told.report("run", policy)
    assert outcome(bare) == "material_missing"
    assert outcome(shown) == "met"
    assert [badge_of(from_json(json.dumps(each))) for each in (bare, shown)] == ["material_missing", "met"]
    assert shown["opinion"]["headline"]["key"] == "headline.requirements_met"
    assert "cannot.frozen" in {each["key"] for each in bare["opinion"]["cannot_judge"]}
    assert "cannot.frozen" not in {each["key"] for each in shown["opinion"]["cannot_judge"]}


def test_every_format_says_what_the_exhibit_shows(told: Told) -> None:
    """Text, Markdown and HTML, in both languages."""
    for lang, words in (("en", "initialised and trained"), ("ko", "초기화")):
        for name in ("text", "markdown", "html"):
            assert words in (told.folder("run", lang=lang) / name).read_text(encoding="utf-8"), (lang, name)


def test_a_run_that_ends_elsewhere_says_nothing(told: Told) -> None:
    """Another model's honest run is none of the subject's."""
    report = told.report("other")
    assert outcome(report) == "material_missing"
    assert "limit.ends_elsewhere" in limits(report)


def test_a_run_that_goes_on_says_nothing(place: Path) -> None:
    """The subject is a checkpoint in the middle; where it went on to is another model."""
    save(training(1)[2], place / "middle" / "model.safetensors")
    report = audited(place, "--trajectory", str(place / "run"), subject="middle")
    assert outcome(report) == "material_missing"
    assert "limit.ends_elsewhere" in limits(report)


def test_a_corrupt_checkpoint_lowers_the_conclusion(place: Path) -> None:
    """It is named, and the criterion is for people to review."""
    (place / "run" / "checkpoint-20" / "model.safetensors").write_bytes(b"\0" * 100)
    report = audited(place, "--trajectory", str(place / "run"))
    assert outcome(report) == "review"
    assert {"limit.skipped", "limit.lowered"} <= limits(report)


@pytest.mark.parametrize("fake", [fake.__name__ for fake in FAKES])
def test_a_fake_never_meets_the_criterion(told: Told, fake: str) -> None:
    """Whatever ends in the subject's weights without having grown into them."""
    assert outcome(told.report(fake)) != "met"


def test_a_foreign_component_stays_foreign(place: Path) -> None:
    """A model with the weights of a reference is not met, whatever run is handed in."""
    save(training(1)[-1], place / "stranger" / "model.safetensors")
    report = audited(place, "--trajectory", str(place / "run"))
    assert outcome(report) == "not_met"
    assert outcome(report, "no_external_decoder") == "not_met"


def test_a_report_with_an_exhibit_is_verified_with_it(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    """All of it agrees; another run in its place is named; without it there is a sentence."""
    place, report = told.place, str(told.folder("run") / "json")
    capsys.readouterr()
    names = [report, "--subject", str(place / "subject"), "--ref", str(place / "stranger"), "-q"]
    assert main(["verify", *names, "--trajectory", str(place / "run")]) == 0
    capsys.readouterr()
    assert main(["verify", *names]) == 2
    assert "Name them with --trajectory" in capsys.readouterr().err
    assert main(["verify", *names, "--trajectory", str(place / "other")]) == 1
    assert "differs at $.training" in capsys.readouterr().out


def test_the_configuration_names_an_exhibit(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `audit self-check` does with it is what `audit compare` does."""
    (place / "audit.toml").write_text(
        'subject = "subject"\nreferences = ["stranger"]\npolicy = "kai-stage1"\ntrajectory = ["run"]\n'
        '[outputs]\njson = "out.json"\n',
        encoding="utf-8",
    )
    monkeypatch.chdir(place)
    assert main(["self-check", "-q"]) in (0, 3)
    assert outcome(json.loads((place / "out.json").read_text(encoding="utf-8"))) == "met"


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["--init", "transformers"], 2, "Name them with --trajectory"),
        (["--trajectory", "{place}/run/checkpoint-0"], 2, "at least two checkpoints"),
        (["--trajectory", "{place}/nowhere"], 4, "nowhere"),
        (["--trajectory", "{place}/run", "--init", "{place}/nowhere.toml"], 2, "nowhere.toml"),
    ],
)
def test_bad_exhibits(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, sentence: str
) -> None:
    """One sentence, and never a verdict."""
    named = [each.format(place=place) for each in arguments]
    assert main(["compare", str(place / "subject"), "--ref", str(place / "stranger"), *named, "-q"]) == status
    assert sentence in capsys.readouterr().err


SCHEMES = {
    "a release beside its steps": ["A2-init", "A2-step100", "A2-step300", "A2-step900", "A2-step2000", "A2"],
    "words": ["초기", "1000스텝", "2000스텝", "3000스텝", "4000스텝", "최종"],
    "tokens": ["0B", "100B", "500B", "900B", "1.5T", "2T"],
}


@pytest.mark.parametrize("policy", ["kai-stage1", "strict-from-scratch"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_honest_run_is_met_whatever_its_checkpoints_are_called(place: Path, scheme: str, policy: str) -> None:
    """Given one by one, with the initialiser that the team declares."""
    for name, weights in zip(SCHEMES[scheme], training(1), strict=True):
        save(weights, place / "named" / name / "model.safetensors")
    (place / "init.toml").write_text("[default]\nscale = 0.02\n", encoding="utf-8")
    given = [word for name in SCHEMES[scheme] for word in ("--trajectory", str(place / "named" / name))]
    report = audited(place, *given, "--init", str(place / "init.toml"), policy=policy)
    assert outcome(report) == "met"
    assert not [finding for each in report["training"]["components"] for finding in each["findings"]]
    assert report["training"]["trajectory"]["order"] == "given"


def test_checkpoints_that_show_nothing_were_handed_in_all_the_same(told: Told) -> None:
    """That none were is said only where none were; else why they could not be used."""
    [bare] = [each for each in told.report()["opinion"]["criteria"] if each["id"].startswith(TRAINED)]
    assert bare["message"]["key"] == "criterion.no_trajectory"
    for run, reason in (("other", "ends_elsewhere"), ("noised", "contradicted"), ("shuffled", "order")):
        [found] = [each for each in told.report(run)["opinion"]["criteria"] if each["id"].startswith(TRAINED)]
        assert (found["message"]["key"], found["message"]["data"]["unusable"]) == (
            "criterion.trajectory_unusable",
            reason,
        )
    text = " ".join((told.folder("other") / "text").read_text(encoding="utf-8").split())
    assert "were not handed in" not in text
