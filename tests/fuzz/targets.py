"""Every reader of the program, with what is thrown at it; only an :class:`AuditError` may come back."""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache, partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from independence_audit.checkpoint import open_checkpoint, read_vocabulary
from independence_audit.checkpoint.gguf.gguf_header import read_gguf_header
from independence_audit.cli.entry import main
from independence_audit.core.progress import NoProgress
from independence_audit.declaration.card import declaration_of, licence_of, parse_card
from independence_audit.declaration.declaration_file import parse_declaration
from independence_audit.evidence.report_json import from_json, to_json
from independence_audit.fingerprint.library import import_bundle, read_file
from independence_audit.fingerprint.library.bundle import export_bundle
from independence_audit.fingerprint.library.catalogue import read_catalogue
from independence_audit.fingerprint.making import read_model, save_fingerprint
from independence_audit.fingerprint.sampler import Sampler, sampler_of
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.configuration import find_configuration
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.pipeline.verify import Against, read_report, verify_report
from independence_audit.policy.policy_file import parse_policy
from independence_audit.report.formats import ALL
from independence_audit.signing.dsse import is_signed_by, read_envelope
from independence_audit.signing.keys import read_private_key, read_public_key
from independence_audit.signing.model_signature import verify_model_signature
from independence_audit.training.initialisers import read_initialiser
from independence_audit.training.logs import read_log
from tests.checkpoint.gguf.gguf_files import Array, write
from tests.checkpoint.gguf.llama_files import converted
from tests.checkpoint.memory_source import MemorySource
from tests.checkpoint.packed.quantisers import SCHEMES, scheme
from tests.fingerprint.library.small_library import CATALOGUE, entry_of, fingerprint_of, library_in, reopened
from tests.fuzz import hub
from tests.fuzz.made import TEXTS, Draw, as_json, card_like, changed, damaged, json_like, text_like, toml_like
from tests.fuzz.target import Files, Target, one_file
from tests.report.sample_reports import SAMPLES

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = "model.safetensors"
GGUF = "model.gguf"
SMALL = partial(sampler_of, "small")


# Safetensors: headers, indices and configurations


@cache
def small_model() -> Mapping[str, np.ndarray]:
    """A decoder of one layer, small enough to be read in a moment."""
    random = np.random.default_rng(0)
    shapes = {"model.embed_tokens.weight": (24, 16), "model.norm.weight": (16,), "lm_head.weight": (24, 16)}
    prefix = "model.layers.0."
    shapes |= {f"{prefix}self_attn.{role}_proj.weight": (16, 16) for role in "qkvo"}
    shapes |= {f"{prefix}mlp.{role}_proj.weight": (32, 16) for role in ("gate", "up")}
    shapes |= {f"{prefix}mlp.down_proj.weight": (16, 32), f"{prefix}input_layernorm.weight": (16,)}
    return {name: random.normal(0, 0.02, shape).astype(np.float32) for name, shape in shapes.items()}


def header_and_data(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> tuple[dict[str, Any], bytes]:
    """The two parts of a file."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    data = b""
    for name, values in tensors.items():
        kind = {"float32": "F32", "uint8": "U8", "int32": "I32", "float16": "F16"}[str(values.dtype)]
        header[name] = {
            "dtype": kind,
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + values.nbytes],
        }
        data += values.tobytes()
    return header, data


def framed(header: bytes, data: bytes, size: int | None = None) -> bytes:
    """A file of its parts, with another size than the header has where it is to lie."""
    return struct.pack("<Q", len(header) if size is None else size) + header + data


@st.composite
def safetensors(draw: Draw, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """A file whose header was changed, or whose parts do not fit."""
    header, data = header_and_data(tensors, metadata)
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(damaged(framed(as_json(header), data)))
    if kind == 1:
        size = draw(st.sampled_from((0, 1, 2, 99_999_999, 100_000_001, 2**31, 2**63, 2**64 - 1)))
        return framed(as_json(header), data, size)
    if kind == 2:
        return draw(st.binary(max_size=300))
    return framed(draw(json_like(header)), data[: len(data) - draw(st.sampled_from((0, 0, 0, 1, 100)))])


@cache
def gguf_parts() -> tuple[bytes, bytes]:
    """A GGUF file's header, with tokens and packed weights, and its tensors' bytes."""
    stored: dict[str, Array | tuple[Array, str]] = dict(converted(small_model(), 4, 4))
    down = "blk.0.ffn_down.weight"
    stored[down] = (small_model()["model.layers.0.mlp.down_proj.weight"], "Q4_0")
    with tempfile.TemporaryDirectory() as name:
        numbers: dict[str, int | float | Sequence[int]] = {
            "block_count": 1,
            "attention.head_count": 4,
            "sizes": [1, 2, 3],
        }
        path = write(Path(name) / GGUF, "llama", stored, numbers, [f"t{number}" for number in range(24)])
        content = path.read_bytes()
    size = read_gguf_header(MemorySource({GGUF: content}), GGUF).tensors[0].start
    return content[:size], content[size:]


@st.composite
def gguf_files(draw: Draw) -> Files:
    """A GGUF file whose header or values were changed; numbers of eight bytes are what it is made of."""
    head, data = gguf_parts()
    made = bytearray(draw(damaged(head)))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, max(0, len(made) - 8)))
        made[place : place + 8] = draw(st.sampled_from((0, 1, 7, 2**31, 2**32, 2**63, 2**64 - 1))).to_bytes(8, "little")
    return {GGUF: bytes(made) + draw(damaged(data))}


def read_gguf(folder: Path) -> None:
    """Read what an audit reads of a GGUF file, and its tokens."""
    read_tokens(folder)
    read_weights(folder)


CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 16,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "num_hidden_layers": 1,
    "head_dim": 4,
    "vocab_size": 24,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
    "torch_dtype": "float32",
    "text_config": {"model_type": "llama", "hidden_size": 16},
    "vision_config": {"hidden_size": 16, "num_heads": 2},
    "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False, "sym": True},
}
INDEX = {
    "metadata": {"total_size": 100},
    "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"},
}


def read_weights(folder: Path) -> None:
    """Open a checkpoint and read what an audit reads of it."""
    read_model(str(folder), Sampler(), NoProgress(), offline=True).close()


def open_only(folder: Path) -> None:
    """Read a checkpoint's headers."""
    open_checkpoint(folder).source.close()


@st.composite
def indexed(draw: Draw) -> Files:
    """An index that was changed, beside its shards."""
    names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    shards = {
        shard: framed(*map_first(as_json, header_and_data({tensor: np.zeros((2, 3), np.float32)}, {})))
        for shard, tensor in zip(names, "ab", strict=True)
    }
    return {"model.safetensors.index.json": draw(json_like(INDEX)), **shards}


def map_first(change: Callable[[Any], bytes], pair: tuple[Any, bytes]) -> tuple[bytes, bytes]:
    """A pair with its first part changed."""
    return change(pair[0]), pair[1]


@st.composite
def configured(draw: Draw) -> Files:
    """Sound weights with a configuration that was changed."""
    header, data = header_and_data(small_model(), {})
    return {WEIGHTS: framed(as_json(header), data), "config.json": draw(json_like(CONFIG))}


@st.composite
def packed(draw: Draw) -> Files:
    """Quantised weights whose headers, configuration or values were changed."""
    random = np.random.default_rng(1)
    tensors: dict[str, np.ndarray] = {"model.embed_tokens.weight": random.normal(0, 1, (8, 128)).astype(np.float32)}
    name = "model.layers.0.self_attn.q_proj.weight"
    header, data = _packed(draw(st.sampled_from(SCHEMES)), name)
    plain, more = header_and_data(tensors, {})
    shifted = {
        key: {**entry, "data_offsets": [offset + len(data) for offset in entry["data_offsets"]]}
        for key, entry in plain.items()
    }
    made = draw(changed({**header, **shifted}))
    return {
        WEIGHTS: framed(as_json(made), draw(damaged(data + more))),
        "config.json": draw(json_like(CONFIG)),
    }


@cache
def _packed(which: str, name: str) -> tuple[dict[str, Any], bytes]:
    """A small packed matrix as a file's header and data."""
    from safetensors.torch import save

    weight = np.random.default_rng(0).normal(0, 0.02, (16, 128)).astype(np.float32)
    content = save(scheme(which, name, weight)[0])
    size = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + size]), content[8 + size :]


SPECIAL = (0.0, -0.0, 1.0, -1.0, float("nan"), float("inf"), -float("inf"), 3e38, 1e-45, 1e20)


@st.composite
def audited(draw: Draw) -> Files:
    """Sound files with values that no training leaves: constants, infinities, patterns, another's matrices."""
    tensors = {name: values.copy() for name, values in small_model().items()}
    for _ in range(draw(st.integers(0, 6))):
        name = draw(st.sampled_from(sorted(tensors)))
        change = draw(st.integers(0, 5))
        values, special = tensors[name], np.float32(draw(st.sampled_from(SPECIAL)))
        if change == 0:
            values[...] = special
        elif change == 1:
            values.reshape(-1)[:: draw(st.integers(1, 7))] = special
        elif change == 2:
            with np.errstate(all="ignore"):
                values *= special
        elif change == 3:
            tensors[f"{draw(st.sampled_from(TEXTS))}{name}"] = tensors.pop(name)
        elif change == 4:
            tensors[name] = values.reshape(-1, 1) if draw(st.booleans()) else values.reshape(-1)
        else:
            tensors[name] = np.sign(values)
    header, data = header_and_data(tensors, {})
    return {WEIGHTS: framed(as_json(header), data)}


def audit_and_render(folder: Path) -> None:
    """Audit weights against sound ones, and render what came of it."""
    reference = folder / "reference"
    reference.mkdir()
    header, data = header_and_data(small_model(), {})
    (reference / WEIGHTS).write_bytes(framed(as_json(header), data))
    report = audit(str(folder), [str(reference)], AuditSettings(offline=True))
    assert from_json(to_json(report)) == report
    for name in ("text", "markdown"):
        ALL[name].render(report, "ko")


# Vocabularies

TOKENIZER = {
    "version": "1.0",
    "added_tokens": [{"id": 3, "content": "<s>", "special": True}],
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]},
}


@st.composite
def vocabulary(draw: Draw) -> Files:
    """Weights with one of the files that number tokens."""
    header, data = header_and_data(small_model(), {})
    name, content = draw(
        st.sampled_from(
            (
                ("tokenizer.json", json_like(TOKENIZER)),
                ("vocab.json", json_like({"a": 0, "b": 1})),
                ("x.tiktoken", text_like("YQ== 0\nYg== 1\nYWI= 2")),
            )
        )
    )
    return {WEIGHTS: framed(as_json(header), data), name: draw(content)}


def read_tokens(folder: Path) -> None:
    """Read a checkpoint's vocabulary."""
    checkpoint = open_checkpoint(folder)
    try:
        read_vocabulary(checkpoint)
    finally:
        checkpoint.source.close()


# Fingerprints and the library


@cache
def fingerprint_parts() -> tuple[dict[str, Any], bytes]:
    """A fingerprint's header, its table parsed, and its data."""
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / WEIGHTS, Path(name) / "x.fp.safetensors"
        header, data = header_and_data(small_model(), {})
        source.write_bytes(framed(as_json(header), data))
        save_fingerprint(str(source), target, SMALL(None), NoProgress(), everything=True)
        content = target.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    (key,) = header["__metadata__"]
    header["__metadata__"][key] = json.loads(header["__metadata__"][key])
    return header, content[8 + size :]


@st.composite
def fingerprints(draw: Draw) -> bytes:
    """A fingerprint whose table was changed; sometimes its header as well."""
    header, data = fingerprint_parts()
    (key,) = header["__metadata__"]
    table = draw(json_like(header["__metadata__"][key])).decode("utf-8", "replace")
    whole = {**header, "__metadata__": {key: table}}
    return framed(as_json(draw(changed(whole)) if draw(st.integers(0, 3)) == 0 else whole), draw(damaged(data)))


@cache
def bundle_content() -> bytes:
    """A bundle with two fingerprints."""
    from independence_audit.fingerprint.library import add
    from tests.fingerprint.library.small_library import fingerprint_file

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = library_in(folder)
        for number, one in enumerate(("wren-1b", "example/egg")[:1]):
            file = fingerprint_file(folder / f"{number}.fp.safetensors", fingerprint_of(number))
            add(library, entry_of(library, one), file)
        export_bundle(reopened(library), [entry_of(library, "wren-1b")], folder / "bundle.tar")
        return (folder / "bundle.tar").read_bytes()


@st.composite
def bundles(draw: Draw) -> bytes:
    """A bundle whose manifest was changed, with the size that it then has, or whose bytes were damaged."""
    content = bundle_content()
    if draw(st.integers(0, 2)) == 0:
        return draw(damaged(content))
    size = int(content[124:135], 8)
    end = 512 + -(-size // 512) * 512
    manifest = draw(json_like(json.loads(content[512 : 512 + size])))
    head = bytearray(content[:512])
    head[124:136] = f"{len(manifest):011o}\0".encode()
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    return bytes(head) + manifest + bytes(-len(manifest) % 512) + draw(damaged(content[end:]))


def read_bundle(path: Path) -> None:
    """Import a bundle into an empty library."""
    import_bundle(library_in(path.parent), path)


# Reports, policies, declarations, configurations, cards


def read_and_render(path: Path) -> None:
    """Read a report, judge it again and render it in every format and language."""
    report = read_report(str(path))
    verify_report(report, Against(offline=True), NoProgress())
    forms = list(ALL.values())
    chosen = path.stat().st_size  # all forms of every report would take a second each
    forms[chosen % len(forms)].render(report, ("en", "ko")[chosen % 2])
    assert from_json(to_json(report)) == report


@cache
def short_report(name: str) -> dict[str, Any]:
    """A sample report with few of its tensors: one is as good as a thousand."""
    report = SAMPLES[name]()
    document: dict[str, Any] = json.loads(to_json(replace(report, tensors=report.tensors[::97])))
    return document


DECLARATION = """
format = 1
team = "Example AI"
model = "example-omni-32b"
stage = "1"
licence = "apache-2.0"

[rights]
modify = true
operate = true

[[component]]
name = "model.vision_model"
origin = "initialised_from"
source = "Qwen/Qwen2.5-VL-7B-Instruct"
licence = "apache-2.0"
notes = "trained further on our own images"

[[component]]
name = "model.language_model.model"
origin = "from_scratch"
"""
CONFIGURATION = """
subject = "out/final"
references = ["qwen", "./teacher"]
policy = "kai-stage1"
fail-on = "review"
offline = true
library = "x"
team = "Example AI"
trajectory = ["a", "b"]
step-regex = "step([0-9]+)"

[outputs]
json = "audit/report.json"
html = "audit/report.html"

[[suppress]]
criterion = "architecture_attribution"
component = "model"
reason = "named in the technical report, section 2"
owner = "lead@example.org"
expires = 2026-12-31
"""
CARD = """---
license: apache-2.0
base_model: Qwen/Qwen3-0.6B
base_model_relation: finetune
tags:
  - text
  - merge
language: [ko, en]
---
# A model
"""
INITIALISER = """
[default]
law = "normal"
scale = 0.02
gain = 1.0
[roles.down]
scale = 0.0029
"""


def read_card(path: Path) -> None:
    """Read a card and everything that is taken from it."""
    card = parse_card(path.read_bytes())
    declaration_of(card)
    licence_of(card)


# Logs

CSV = "step,loss,learning_rate,grad_norm\n" + "\n".join(f"{step},{10 / (step + 1)},0.001,1.0" for step in range(20))
JSONL = "\n".join(json.dumps({"step": step, "loss": 1 / (step + 1)}) for step in range(20))
STATE = {"log_history": [{"step": 1, "loss": 2.0, "learning_rate": 0.1}, {"step": 2, "loss": 1.0}], "global_step": 2}


@cache
def events() -> bytes:
    """A file of TensorBoard's events."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "events"
        with path.open("wb") as file:
            writer = RecordWriter(file)
            for step in range(5):
                value = Summary.Value(tag="train/loss", simple_value=1.0 / (step + 1))
                writer.write(Event(step=step, summary=Summary(value=[value])).SerializeToString())
            file.flush()
            return path.read_bytes()


# Signatures and keys

SIGNED = ROOT / "tests" / "signing" / "data"


@st.composite
def signatures(draw: Draw) -> bytes:
    """A model signature whose bundle or statement was changed."""
    import base64

    document = json.loads((SIGNED / "model.sig").read_bytes())
    if draw(st.booleans()):
        return draw(json_like(document["dsseEnvelope"]))
    if draw(st.booleans()):
        statement = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))
        document["dsseEnvelope"]["payload"] = base64.b64encode(draw(json_like(statement))).decode()
    return draw(json_like(document))


class _Trusting:
    """A key that takes every signature for its own, so that what was signed is read."""

    keyid = hint = "00"

    def verify(self, signature: bytes, message: bytes) -> bool:
        return True


def read_signature(path: Path) -> None:
    """Read a model signature and an envelope."""
    content = path.read_bytes()
    for key in (read_public_key(str(SIGNED / "signer.pub")), _Trusting()):
        _only_audit_errors(partial(verify_model_signature, content, key))
    is_signed_by(read_envelope(content, "x"), _Trusting())


def _only_audit_errors(read: Callable[[], object]) -> None:
    from independence_audit.errors import AuditError

    try:
        read()
    except AuditError:
        return


def read_keys(path: Path) -> None:
    """Read a file as both kinds of keys."""
    _only_audit_errors(partial(read_private_key, str(path)))
    read_public_key(str(path))


# The command line

WORDS = r"""
compare self-check scratch trajectory inspect fingerprint declare report verify refs list show pull add
remove export import --ref --full --policy --declaration --trajectory --init --step-regex --fail-on
--alpha --format -o --output --whole-files --sign-key --model-key --offline --verify --library
--search-layers --lang --salt-file --team --stage --model -q --dry-run --size --source --config --replay
--replay-with --replay-python --log --help evidence-only kai-stage1 policy.toml text json ko en
html=o.html json=o.json json=/dev/null pdf=o.pdf intoto=o model.safetensors . .. / a b@c owner/name
hf://x hf://a/b https:// file:///etc/passwd 0 1 -1 1e-9 nan 2.5 default small not_met remark ([
(a+)+$ [0-9]+ step([0-9]+) --nonsense -- - = , %s {} \ ~ * ?
""".split()  # noqa: SIM905  a list of a hundred lines reads worse


@st.composite
def command_lines(draw: Draw) -> Files:
    """Words that commands know, in an order that they may not; the model that they may name is there."""
    word = st.one_of(st.sampled_from(WORDS), st.text(max_size=6).filter(lambda text: "\0" not in text))
    words = draw(st.lists(word, max_size=8))
    if draw(st.booleans()):
        words = ["compare", WEIGHTS, "--ref", WEIGHTS, "--offline", *words]
    header, data = header_and_data(small_model(), {})
    return {
        "arguments": as_json(["--offline" if word == "pull" else word for word in words]),
        WEIGHTS: framed(as_json(header), data),
        "policy.toml": (ROOT / "independence_audit/policy/policies/evidence-only.toml").read_bytes(),
    }


CODES = {0, 1, 2, 3, 4}


def run_command(folder: Path) -> None:
    """Run the program in a folder of its own."""
    arguments = json.loads((folder / "arguments").read_bytes().decode("utf-8", "surrogatepass"))
    here = Path.cwd()
    os.chdir(folder)
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
            code = main(arguments)
    finally:
        os.chdir(here)
    assert code in CODES, (code, said.getvalue())
    assert "Traceback" not in said.getvalue()


POLICY = (ROOT / "independence_audit/policy/policies/kai-stage1.toml").read_text(encoding="utf-8")

TARGETS: Mapping[str, Target] = {
    "header": one_file(WEIGHTS, safetensors(small_model(), {"format": "pt"}), open_only),
    "weights": Target(safetensors(small_model(), {"format": "pt"}).map(lambda made: {WEIGHTS: made}), read_weights),
    "gguf": Target(gguf_files(), read_gguf),
    "index": Target(indexed(), open_only),
    "config": Target(configured(), read_weights),
    "packed": Target(packed(), read_weights),
    "audit": Target(audited(), audit_and_render),
    "vocabulary": Target(vocabulary(), read_tokens),
    "fingerprint": one_file("x.fp.safetensors", fingerprints(), read_file),
    "bundle": one_file("bundle.tar", bundles(), read_bundle),
    "catalogue": one_file(
        "c.toml", toml_like(CATALOGUE), lambda path: read_catalogue({"catalogue.toml": path.read_bytes()})
    ),
    "report": one_file(
        "r.json",
        st.sampled_from(sorted(SAMPLES)).flatmap(lambda name: json_like(short_report(name))),
        read_and_render,
    ),
    "policy": one_file("p.toml", toml_like(POLICY), lambda path: parse_policy(path.read_bytes())),
    "declaration": one_file("d.toml", toml_like(DECLARATION), lambda path: parse_declaration(path.read_bytes(), "d")),
    "configuration": one_file(
        "audit.toml", toml_like(CONFIGURATION), lambda path: find_configuration(str(path), path.parent)
    ),
    "initialiser": one_file("i.toml", toml_like(INITIALISER), read_initialiser),
    "card": one_file("README.md", card_like(CARD), read_card),
    "log-csv": one_file("log.csv", text_like(CSV), read_log),
    "log-jsonl": one_file("log.jsonl", text_like(JSONL), read_log),
    "log-state": one_file("trainer_state.json", json_like(STATE), read_log),
    "log-events": one_file("events.out.tfevents.1", st.deferred(lambda: damaged(events())), read_log),
    "signature": one_file("model.sig", signatures(), read_signature),
    "keys": one_file("key.pem", st.deferred(lambda: damaged((SIGNED / "signer.pub").read_bytes())), read_keys),
    "hub": Target(hub.answers(framed(*map_first(as_json, header_and_data(small_model(), {})))), hub.read),
    "command-line": Target(command_lines(), run_command),
}
"""By name."""
