"""The options of an audit, once: name, type, default, help, and where each may be set.

The commands, the configuration of a self-check, the settings of an audit and the documentation come from this table or
are checked against it. A new option is a field here, and the code that uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, get_type_hints

from independence_audit.report.languages import ENGLISH, LANGUAGES

COMPARE, SELF_CHECK, VERIFY, SCRATCH, TRAJECTORY = "compare", "self-check", "verify", "scratch", "trajectory"
FINGERPRINT, REPORT, DECLARE = "fingerprint", "report", "declare"
AUDITS = (COMPARE, SELF_CHECK)
TRAININGS = (SCRATCH, TRAJECTORY)

SEVERITIES = ("remark", "review", "not_met")
FORMATS = ("text", "json", "markdown", "html")
"""What can go to stdout."""
EXCHANGE = ("intoto", "cyclonedx", "sarif", "summary")
"""Forms for other programs."""
FILES = (*FORMATS, "pdf", *EXCHANGE)
_OPTION = "option"


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table."""

    help: str
    commands: tuple[str, ...]
    """The commands that have it on their command line."""
    flag: str
    """On the command line, without dashes."""
    name: str
    """The field of :class:`Asked`."""
    kind: Any
    """The type of its value, as annotated."""
    default: Any
    short: str = ""
    metavar: str = ""
    choices: tuple[str, ...] = ()
    most: float | None = None
    """The largest number; the smallest is 0, which a level may not be."""
    variable: str = ""
    """Of the environment; empty where it is not looked at. ``compare`` looks at that of the language alone."""
    key: str = ""
    """In ``audit.toml``; empty where it cannot be set there."""
    is_path: bool = False
    """Whether the configuration may name a path in its folder."""
    action: bool = False
    """Whether the GitHub Action has an input of its name."""
    opposite: str = ""
    """The flag that switches it off in a self-check, whose file may have switched it on."""
    setting: str = ""
    """The field of ``AuditSettings`` that it becomes; empty where it decides nothing of the result."""
    helps: Mapping[str, str] = field(default_factory=dict)
    """Other words, for commands to which it means something else."""
    unset: tuple[str, ...] = ()
    """Commands to which it is empty where nobody sets it."""


def _option(
    default: Any,  # noqa: ANN401  of whatever type the option has
    help: str,  # noqa: A002  the word of every command line
    commands: tuple[str, ...],
    **more: Any,  # noqa: ANN401  the rest of the row
) -> Any:  # noqa: ANN401  as of :func:`dataclasses.field`
    return field(default=default, metadata={_OPTION: {"help": help, "commands": commands, **more}})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks of an audit: a value for every option, the default where nobody set it."""

    references: tuple[str, ...] = _option(
        (),
        "A reference; repeatable.",
        (*AUDITS, VERIFY, TRAJECTORY),
        flag="ref",
        metavar="REF",
        variable="AUDIT_REFERENCES",
        key="references",
        is_path=True,
        helps={
            VERIFY: "The references, in the report's order.",
            TRAJECTORY: "Compare every checkpoint; repeatable.",
        },
    )
    full: bool = _option(
        False,  # noqa: FBT003  the default
        "Read every value, not a sample; adds exact counts.",
        (COMPARE, FINGERPRINT, TRAJECTORY),
        key="full",
        setting="full",
        helps={
            FINGERPRINT: "Read all bytes; adds digests and linear sketches of every value.",
            TRAJECTORY: "Read every value, not a sample; holds five checkpoints in memory.",
        },
    )
    jobs: int | None = _option(
        None,
        "Processes that share the values of --full. [default: the processors]",
        (COMPARE,),
        metavar="N",
        most=1024,
        setting="jobs",
    )
    work: str = _option(
        "",
        "Keep partial results of --full here, so that an audit that was stopped goes on.",
        (COMPARE,),
        metavar="FOLDER",
        setting="work",
    )
    policy: str = _option(
        "evidence-only",
        "Rules from evidence to opinion: a shipped policy's name, or a .toml file.",
        (*AUDITS, VERIFY),
        metavar="NAME|FILE",
        variable="AUDIT_POLICY",
        key="policy",
        is_path=True,
        action=True,
        setting="policy",
        helps={VERIFY: "The policy's file, where it is no shipped one."},
        unset=(VERIFY,),
    )
    declaration: str = _option(
        "",
        "The declaration, in place of independence.toml.",
        (*AUDITS, VERIFY),
        metavar="FILE",
        key="declaration",
        is_path=True,
        setting="declaration",
        helps={VERIFY: "The declaration, where it is not beside the subject."},
    )
    trajectory: tuple[str, ...] = _option(
        (),
        "Checkpoints of the training, as for `audit trajectory`.",
        (COMPARE, VERIFY),
        metavar="CKPT",
        key="trajectory",
        is_path=True,
        setting="trajectory",
        helps={VERIFY: "The checkpoints that were handed in; repeatable."},
    )
    initialiser: str = _option(
        "",
        "Their declared initialiser.",
        (COMPARE, VERIFY, TRAJECTORY),
        flag="init",
        metavar="FILE|transformers",
        key="init",
        is_path=True,
        setting="initialiser",
        helps={TRAJECTORY: "The declared initialiser."},
    )
    step_regex: str = _option(
        "",
        "Finds the step in a checkpoint's name.",
        (COMPARE, VERIFY, TRAJECTORY),
        metavar="REGEX",
        key="step-regex",
        setting="step_regex",
        helps={TRAJECTORY: "Finds the step in a name, as its first group."},
    )
    fail_on: str = _option(
        "not_met",
        "Exit with 1 at findings of this severity or above.",
        AUDITS,
        choices=SEVERITIES,
        variable="AUDIT_FAIL_ON",
        key="fail-on",
        action=True,
    )
    alpha: float = _option(
        1e-6,
        "Family-wise level of a false finding, over the whole audit.",
        (COMPARE, TRAJECTORY),
        most=0.05,
        setting="alpha",
        helps={TRAJECTORY: "Family-wise level of a false relation to a reference."},
    )
    format: str = _option("text", "On stdout.", (*AUDITS, *TRAININGS), choices=FORMATS)
    outputs: tuple[str, ...] = _option(
        (),
        "Also write a file; repeatable.",
        (*AUDITS, *TRAININGS, REPORT),
        flag="output",
        short="o",
        metavar="FORMAT=PATH",
    )
    whole_files: bool = _option(
        False,  # noqa: FBT003  the default
        "Digests of every byte of the weights; -o intoto= asks for it.",
        (COMPARE,),
        key="whole-files",
        setting="whole_files",
    )
    sign_key: str = _option(
        "",
        "Sign the statement of -o intoto= with this private key.",
        (COMPARE, REPORT),
        metavar="PEM",
        key="sign-key",
        is_path=True,
    )
    model_key: str = _option(
        "",
        "Verify the subject's own signature (model.sig).",
        (COMPARE, VERIFY),
        metavar="PEM",
        key="model-key",
        is_path=True,
        setting="model_key",
        helps={VERIFY: "The key of the model's own signature (model.sig)."},
    )
    offline: bool = _option(
        False,  # noqa: FBT003  the default
        "Touch no network; what is missing is listed as not available.",
        (*AUDITS, VERIFY, *TRAININGS, DECLARE),
        variable="AUDIT_OFFLINE",
        key="offline",
        opposite="online",
        setting="offline",
        helps=dict.fromkeys((VERIFY, *TRAININGS, DECLARE), "Touch no network."),
    )
    allow_missing: bool = _option(
        False,  # noqa: FBT003  the default
        "References that cannot be had leave the audit complete.",
        AUDITS,
        variable="AUDIT_ALLOW_MISSING",
        key="allow-missing",
        opposite="all-references",
        action=True,
        setting="allow_missing",
    )
    base: str = _option(
        "",
        "Base of a subject or reference that is an adapter. [default: the one it names, if here]",
        (*AUDITS, VERIFY),
        metavar="FOLDER",
        key="base",
        is_path=True,
        setting="base",
        helps={VERIFY: "The base of an adapter."},
    )
    verify: bool = _option(
        False,  # noqa: FBT003  the default
        "Read the values of fingerprints again at their source, and compare.",
        (COMPARE,),
        setting="verify",
    )
    library: str = _option(
        "",
        "The user's library, in place of the usual one.",
        (*AUDITS, VERIFY, TRAJECTORY),
        metavar="FOLDER",
        variable="AUDIT_LIBRARY",
        key="library",
        is_path=True,
        setting="library",
    )
    search_layers: int | None = _option(
        None,
        "Layers read whole to find disguised copies: by default 2 of weights on this machine, 0 of others; compare "
        "reads more where both sides are on this machine and it is cheap.",
        (COMPARE, FINGERPRINT),
        metavar="N",
        most=8,
        setting="search_layers",
    )
    lang: str = _option(
        ENGLISH,
        "Language of text, Markdown, HTML and PDF.",
        (*AUDITS, VERIFY, *TRAININGS, REPORT),
        choices=LANGUAGES,
        variable="AUDIT_LANG",
        key="lang",
    )
    salt_file: str = _option(
        "",
        "A file with at least 16 secret bytes that decide which rows are read; disclose it afterwards.",
        (*AUDITS, VERIFY, *TRAININGS, FINGERPRINT),
        metavar="PATH",
        variable="AUDIT_SALT_FILE",
        key="salt-file",
        is_path=True,
        setting="salt",
    )
    team: str = _option("", "Who handed the subject in, for the report.", (COMPARE,), key="team", setting="submission")
    stage: str = _option("", "Stage of the evaluation, for the report.", (COMPARE,), key="stage", setting="submission")
    model: str = _option("", "The subject's name, for the report.", (COMPARE,), key="model", setting="submission")
    quiet: bool = _option(
        False,  # noqa: FBT003  the default
        "No progress, and no report on stdout.",
        (*AUDITS, VERIFY, *TRAININGS, FINGERPRINT, REPORT),
        short="q",
        helps={VERIFY: "No progress.", FINGERPRINT: "No progress.", REPORT: "Nothing on stdout."},
    )


def options(command: str = "") -> Iterator[Option]:
    """The rows of the table, or those of one command, in the order in which its help lists them."""
    hints = get_type_hints(Asked)
    for each in fields(Asked):
        row = {"flag": each.name.replace("_", "-"), **each.metadata[_OPTION]}
        if not command or command in row["commands"]:
            yield Option(name=each.name, kind=hints[each.name], default=each.default, **row)
