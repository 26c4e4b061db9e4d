"""What became of every file that was submitted: judged, the same as what was judged, no weights, or not judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from independence_audit.checkpoint import Checkpoint, TensorInfo, read_header
from independence_audit.checkpoint.header import LARGE_HEADER, Header, is_fingerprint
from independence_audit.checkpoint.refused_formats import format_of, may_hold_weights
from independence_audit.checkpoint.sources.local import display_name
from independence_audit.checkpoint.submission import adapters, media, records
from independence_audit.checkpoint.submission.file_content import Content, strange_bytes
from independence_audit.checkpoint.submission.optimiser_states import are_adam_states
from independence_audit.checkpoint.submission.same_content import Judged, same_bytes
from independence_audit.checkpoint.submission.submitted_files import Submission, siblings_of, submission_of
from independence_audit.checkpoint.tensors import SMALLEST
from independence_audit.core.outside_names import natural_key
from independence_audit.core.progress import Progress
from independence_audit.errors import ChangedError, InputError
from independence_audit.evidence.audit_report import Account, AccountedFile
from independence_audit.evidence.measurement import Message, Value
from independence_audit.fingerprint import Model
from independence_audit.fingerprint.making import reported_to

SHOWN = 3
"""Files that a sentence names; the report lists them all."""
MOST_SMALL = 1000
"""Small files that are looked at one by one."""
CODE = ".py"


@dataclass(frozen=True, slots=True)
class Accounts:
    """The account of a submission."""

    files: tuple[AccountedFile, ...] = ()
    notices: tuple[Message, ...] = ()

    def incomplete(self) -> tuple[Message, ...]:
        """Why the audit is inconclusive, if some files were judged by nobody."""
        open_ones = [file for file in self.files if file.account == Account.NOT_JUDGED]
        if not open_ones:
            return ()
        total = sum(file.size for file in open_ones)
        data: dict[str, Value] = {"count": len(open_ones), "bytes": total, "names": _named(open_ones)}
        return (Message("incomplete.files_not_judged", data),)


def accounts_of(named: str, model: Model, progress: Progress) -> Accounts:
    """Account for every file of a submission; of a fingerprint there is nothing to account for.

    Args:
        named: What the user called the subject.
        model: The same, with its checkpoint opened.
        progress: Is told how far it has come.

    Raises:
        ChangedError: A file was changed meanwhile.
    """
    checkpoint = model.checkpoint
    if checkpoint is None:
        return Accounts()
    submission = submission_of(named, checkpoint)
    files = tuple(_Accounting(submission, checkpoint, progress).files())
    return Accounts(files, (*_code(submission, checkpoint), *_siblings(named, checkpoint)))


def unread_of(named: str, model: Model) -> tuple[Message, ...]:
    """A notice where weights lie beside those of a reference that were read; whoever names it decides what it is.

    Args:
        named: What the user called the reference.
        model: The same, with its checkpoint opened.
    """
    if model.checkpoint is None:
        return ()
    sizes = submission_of(named, model.checkpoint).sizes
    files = [
        AccountedFile(display_name(name), size, Account.NOT_JUDGED)
        for name, size in sorted(sizes.items(), key=lambda pair: natural_key(pair[0]))
        if size >= SMALLEST and name not in model.checkpoint.files and may_hold_weights(name)
    ]
    if not files:
        return ()
    return (Message("notice.reference_files", {"count": len(files), "names": _named(files)}),)


def _named(files: Sequence[AccountedFile]) -> str:
    shown = ", ".join(file.name for file in files[:SHOWN])
    return shown if len(files) <= SHOWN else f"{shown}, …"


def _code(submission: Submission, checkpoint: Checkpoint) -> Iterator[Message]:
    """Say which programs lie beside the weights: they may load others, and were neither run nor judged."""
    programs = sorted(display_name(name) for name in submission.sizes if name.endswith(CODE))
    if checkpoint.config.get("auto_map"):
        yield Message("notice.code_named", {"files": ", ".join(programs[:SHOWN]) or "auto_map", "count": len(programs)})
    elif programs:
        yield Message("notice.code_beside", {"files": ", ".join(programs[:SHOWN]), "count": len(programs)})


def _siblings(named: str, checkpoint: Checkpoint) -> Iterator[Message]:
    """Say that files beside the one that was named are not what was audited."""
    large = {name: size for name, size in siblings_of(named, checkpoint).items() if size >= SMALLEST}
    if large:
        names = sorted(large, key=natural_key)
        shown = ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
        data: dict[str, Value] = {"file": next(iter(checkpoint.files)), "count": len(large), "names": shown}
        yield Message("notice.siblings", data)


class _Accounting:
    """One submission on its way to its account."""

    def __init__(self, submission: Submission, checkpoint: Checkpoint, progress: Progress) -> None:
        self._submission = submission
        self._checkpoint = checkpoint
        self._judged = Judged(checkpoint)
        self._progress = progress
        self._media = 0
        self._strange = 0
        """Bytes of text files that are no text."""
        self._left = 0
        """Bytes of files that count as the same as what was judged, which are not."""

    def files(self) -> Iterator[AccountedFile]:
        """Every file that is large enough, or belongs to many that are together, and what became of it."""
        for file, size in self._checkpoint.files.items():
            yield AccountedFile(file, size, Account.JUDGED)
        for notice in self._checkpoint.notices:
            if notice.key == LARGE_HEADER:
                name, size = f"{notice.data['file']} (header)", int(notice.data["bytes"])
                yield AccountedFile(name, size, Account.NOT_JUDGED, "large_header")
        others = {
            name: size
            for name, size in sorted(self._submission.sizes.items(), key=lambda pair: natural_key(pair[0]))
            if name not in self._checkpoint.files
        }
        for name, reason in self._submission.untold.items():
            yield AccountedFile(display_name(name), 0, Account.NOT_JUDGED, reason)
        large = [name for name, size in others.items() if size >= SMALLEST]
        tell = reported_to(self._progress, "accounting for the other files")
        for done, name in enumerate(large, 1):
            yield self._account(name)
            tell(name, done, len(large))
        yield from self._together({name: size for name, size in others.items() if 0 < size < SMALLEST})

    def _together(self, small: Mapping[str, int]) -> Iterator[AccountedFile]:
        """Small files that are no text, if together they could hold a layer.

        As many of them are looked at, the largest first, as are needed to know.
        """
        largest = sorted(small, key=lambda name: small[name], reverse=True)
        unknown: list[str] = []
        rest, held = sum(small.values()), 0
        for number, name in enumerate(largest):
            if rest + held < SMALLEST or number >= MOST_SMALL:
                break
            rest -= small[name]
            if self._account(name).account == Account.NOT_JUDGED:
                unknown.append(name)
                held += small[name]
        if held >= SMALLEST:
            for name in unknown:
                yield AccountedFile(display_name(name), small[name], Account.NOT_JUDGED, "many_small")
        if rest + held >= SMALLEST and rest:
            left = len(largest) - MOST_SMALL
            yield AccountedFile(
                f"{display_name(largest[MOST_SMALL])} +{left - 1}", rest, Account.NOT_JUDGED, "many_small"
            )

    def _account(self, name: str) -> AccountedFile:
        size = self._submission.sizes[name]
        shown = display_name(name)
        if name != shown:
            return AccountedFile(shown, size, Account.NOT_JUDGED, "unreadable")
        try:
            source = self._submission.open(name)
            try:
                account, reason = self._examined(Content(source, name))
                if source is not self._checkpoint.source:
                    source.confirm()
            finally:
                if source is not self._checkpoint.source:
                    source.close()
        except ChangedError:
            raise
        except InputError:
            account, reason = Account.NOT_JUDGED, "unreadable"
        return AccountedFile(shown, size, account, reason)

    def _examined(self, content: Content) -> tuple[Account, str]:
        """What a file is, by its content."""
        same = self._same(content)
        if same:
            return Account.SAME_AS_JUDGED, same
        strange = strange_bytes(content)
        if strange < content.size and self._strange + strange < SMALLEST:
            self._strange += strange
            return Account.NOT_WEIGHTS, "text"
        first = content.read(0, 8)
        recognised = self._recognised(content)
        if recognised:
            return Account.NOT_WEIGHTS, recognised
        try:
            header = read_header(content.source, content.name)
        except InputError as error:
            if isinstance(error, ChangedError):
                raise
            return Account.NOT_JUDGED, format_of(first, content.name)
        return self._weights(content, header)

    def _same(self, content: Content) -> str:
        """Why a file is one of those that were judged; empty where it is not."""
        states = self._checkpoint.source.states()
        own = content.source.states()[content.name]
        for file, size in self._checkpoint.files.items():
            if size != content.size:
                continue
            if own == states[file] and len(own) > 1 and None not in own:
                return "same_file"
            if content.source.near and same_bytes(content.source, content.name, self._checkpoint.source, file):
                return "same_bytes"
        return ""

    def _recognised(self, content: Content) -> str:
        """What a file is that is parsed whole; empty where it is none of these, or too large to be."""
        first = content.read(0, 12)
        if not (media.begins(first) or records.begins(first)):
            return ""
        if content.size <= media.LARGEST:
            data = content.whole()
            reason = media.media_reason(data)
            if reason:
                self._media += content.size
                return reason if self._media <= media.MOST else ""
        elif content.size <= records.LARGEST and content.source.near:
            data = content.whole()
        else:
            return ""
        if records.is_events(data):
            return "events"
        return "tokenizer" if records.is_sentencepiece(data) else ""

    def _weights(self, content: Content, header: Header) -> tuple[Account, str]:
        """What a safetensors file is that was not judged."""
        if is_fingerprint(header):
            return Account.NOT_JUDGED, "fingerprint"
        if header.tensors and content.source.near and not any(n.key == LARGE_HEADER for n in header.notices):
            lacking = self._judged.lacks(content.source, header.tensors)
            if self._left + lacking < SMALLEST:
                self._left += lacking
                return Account.SAME_AS_JUDGED, "same_values"
            if are_adam_states(content.source, header.tensors, self._judged.tensors()):
                return Account.NOT_WEIGHTS, "optimizer_state"
        if adapters.is_adapter(header.tensors):
            own = self._is_own_adapter(content.name, header.tensors)
            return (Account.NOT_WEIGHTS, "own_adapter") if own else (Account.NOT_JUDGED, "adapter")
        return Account.NOT_JUDGED, "other_weights"

    def _is_own_adapter(self, name: str, tensors: Sequence[TensorInfo]) -> bool:
        """Whether an adapter says that it changes the judged weights, and can do nothing else."""
        config = str(PurePath(name).with_name(adapters.CONFIG))
        if not 0 < self._submission.sizes.get(config, 0) < SMALLEST:
            return False
        source = self._submission.open(config)
        try:
            base = adapters.base_of(Content(source, config).whole())
        finally:
            if source is not self._checkpoint.source:
                source.close()
        names = {self._checkpoint.name, self._checkpoint.name.rpartition("@")[0] or ".", ".", "./", ".."}
        return base.rstrip("/") in {each.rstrip("/") for each in names} and adapters.changes_only(
            tensors, self._judged.tensors()
        )
