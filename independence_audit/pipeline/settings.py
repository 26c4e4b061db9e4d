"""What an audit is asked to do, and the secret salt that decides which rows it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from independence_audit.core.bounded import read_bounded
from independence_audit.errors import UsageError
from independence_audit.evidence.audit_report import Reference, Submission
from independence_audit.fingerprint import Sampler, sampler_of
from independence_audit.pipeline.options import Asked, options


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """Everything beside the models that decides an audit's result.

    Raises:
        UsageError: The level is none.

    Attributes:
        full: Read every value of both models rather than a sample.
        jobs: Processes that share the reading of every value; None for as many as there are processors.
        work: Folder that partial results are kept in, so that an audit that was interrupted goes on; empty for none.
        alpha: Family-wise level of a false finding over the whole audit.
        policy: Name or file of the policy that turns evidence into an opinion.
        declaration: File of the submission's declaration; empty for the one beside the subject.
        submission: What the subject was submitted as.
        command: The command line, for the report's way to reproduce it.
        offline: Touch no network.
        base: The model that adapters are merged with; empty for the one that they name, where that is here.
        library: The user's library of references; empty for the usual one.
        salt: Decides which rows are read; None for the public one.
        whole_files: Digests of the whole files of all weights on this machine, and of the subject's wherever it is.
        model_key: File of the public key that the signature beside the subject (model.sig) is verified by.
        trajectory: Checkpoints of the subject's training, as an exhibit; empty for none.
        initialiser: What the first of them is held against: empty for any known law, ``transformers``, or a file.
        step_regex: Finds the step in a checkpoint's name.
        called: Names for the subject and every reference, in their order, in place of their own; empty for their own.
        search_layers: Layers of a component that are read whole in search of disguised copies; None for two where the
            weights are on this machine, more where it costs little, none where they are not.
        verify: Read the values of every fingerprint of the library again at the repository that the catalogue names.
        allow_missing: References that cannot be had leave the audit complete; the report says that it was allowed.
        absent: References that are not asked for because an earlier audit could not have them, by their names there.
    """

    full: bool = False
    jobs: int | None = None
    work: str = ""
    alpha: float = 1e-6
    policy: str = "evidence-only"
    declaration: str = ""
    submission: Submission = field(default_factory=Submission)
    command: str = ""
    offline: bool = False
    base: str = ""
    library: str = ""
    salt: bytes | None = None
    search_layers: int | None = None
    verify: bool = False
    allow_missing: bool = False
    absent: Mapping[str, Reference] = field(default_factory=dict)
    whole_files: bool = False
    model_key: str = ""
    trajectory: tuple[str, ...] = ()
    initialiser: str = ""
    step_regex: str = ""
    called: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not is_level(self.alpha):
            raise UsageError(f"A level of {self.alpha} is none.", "Name one between 0 and 1, such as 1e-6.")

    @property
    def sampler(self) -> Sampler:
        """What is read of every model."""
        return sampler_of("default", self.salt)


def is_level(alpha: float) -> bool:
    """Whether it can be the level of a test; NaN cannot."""
    return 0.0 < alpha < 1.0


SHORTEST_SALT, LONGEST_SALT = 16, 1_000_000
"""Bytes: 128 bits cannot be guessed."""


def settings_of(asked: Asked, *, command: str, intoto: bool) -> AuditSettings:
    """The settings of an audit that a command line, or a file, asks for.

    Args:
        asked: What was asked for.
        command: The command line, for the report's way to reproduce it.
        intoto: Whether a statement is written, which names whole files.

    Raises:
        UsageError: The salt cannot be used.
    """
    plain = {
        option.setting: getattr(asked, option.name)
        for option in options()
        if option.setting and option.setting not in {"salt", "submission", "whole_files"}
    }
    return AuditSettings(
        salt=read_salt(asked.salt_file),
        submission=Submission(asked.team, asked.stage, asked.model),
        whole_files=asked.whole_files or intoto,
        command=command,
        **plain,
    )


def read_salt(file: str) -> bytes | None:
    """The salt in a file, byte for byte: which rows are read is known to nobody before it is disclosed.

    Returns:
        None where no file was named.

    Raises:
        UsageError: The file cannot be read, or holds too little to be a secret.
    """
    if not file:
        return None
    try:
        salt = read_bounded(file, LONGEST_SALT)
    except OSError as error:
        raise UsageError(f"The salt file {file} cannot be read: {error.strerror}.", "Check the path.") from error
    if len(salt) < SHORTEST_SALT:
        raise UsageError(
            f"The salt file {file} holds {len(salt)} bytes, which can be guessed.",
            f"Make one with at least {SHORTEST_SALT}: head -c 32 /dev/urandom > {file}",
        )
    return salt
