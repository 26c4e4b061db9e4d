"""Weights beside weights: wherever stolen ones are put, the audit says that they are there, and never exits with 0."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import socket
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from safetensors.numpy import save, save_file

from independence_audit.anatomy import Anatomy
from independence_audit.checkpoint import open_named
from independence_audit.cli.entry import main
from independence_audit.core.progress import NoProgress
from independence_audit.errors import UnsupportedError
from independence_audit.evidence.audit_report import Account, AuditReport, Severity
from independence_audit.evidence.relation import Relation
from independence_audit.fingerprint.samples import Fingerprint
from independence_audit.fingerprint.weights import Model, WeightsAccess
from independence_audit.pipeline.accounts import Accounts, accounts_of
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.incomplete import exit_code
from independence_audit.report import html, markdown, text
from tests.cli.small_models import Weights, llama

STOLEN = llama(1)
RAW = save(STOLEN)
HALF = b"".join(value.astype(np.float16).tobytes() for value in STOLEN.values())
WORDS = " ".join(f"the model number {number} reads a line of words and says another" for number in range(20_000))
HIDDEN = {name: value for name, value in STOLEN.items() if "layers.0" in name}
"""One layer."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An own model, in a folder of its own."""
    path = tmp_path / "model"
    path.mkdir()
    save_file(llama(2), path / "model.safetensors", {"format": "pt"})
    (path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    return path


@pytest.fixture
def reference(tmp_path: Path) -> str:
    """What was stolen."""
    path = tmp_path / "known.safetensors"
    path.write_bytes(RAW)
    return str(path)


def png(pixels: bytes, width: int, extra: bytes = b"", *, level: int = 6) -> bytes:
    """A picture of grey pixels with a private chunk."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")

    height = len(pixels) // width
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 0, 0, 0, 0))
    rows = b"".join(b"\0" + pixels[at * width : (at + 1) * width] for at in range(height))
    private = chunk(b"prVt", extra) if extra else b""
    body = chunk(b"IHDR", head) + private + chunk(b"IDAT", zlib.compress(rows, level)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def archive() -> bytes:
    """A ZIP archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("model.safetensors", RAW)
    return content.getvalue()


def tar() -> bytes:
    """A tape archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as file:
        entry = tarfile.TarInfo("model.safetensors")
        entry.size = len(RAW)
        file.addfile(entry, io.BytesIO(RAW))
    return content.getvalue()


def npz() -> bytes:
    """NumPy's own archive."""
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **STOLEN)
    return content.getvalue()


def jpeg(payload: bytes) -> bytes:
    """A picture's head with something else in the scan."""
    size = (4000).to_bytes(2, "big") * 2
    head = b"\xff\xc0\x00\x0b\x08" + size + b"\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    return b"\xff\xd8" + head + payload + b"\xff\xd9"


def sentencepiece(charmap: bytes, extra: bytes = b"") -> bytes:
    """A tokenizer's model with some pieces."""

    def field(number: int, content: bytes) -> bytes:
        length, out = len(content), bytearray()
        while True:
            out.append(length & 0x7F | (0x80 if length > 0x7F else 0))
            length >>= 7
            if not length:
                return bytes((number << 3 | 2,)) + bytes(out) + content

    words = [f"▁word{number}" for number in range(20_000)]
    pieces = b"".join(field(1, field(1, word.encode()) + b"\x15\0\0\0\0") for word in words)
    return pieces + field(3, field(2, charmap)) + extra


def events(records: int, payload: bytes = b"") -> bytes:
    """A TensorBoard log of scalars, with something else in every record."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    from independence_audit.checkpoint.submission.records import _masked

    content = bytearray()
    for step in range(records):
        value = Summary.Value(tag="train/loss", simple_value=1.0 / (step + 1))
        if payload:
            value = Summary.Value(tag="train/weights")
            value.tensor.tensor_content = payload[step * 50_000 : (step + 1) * 50_000]
        record = Event(wall_time=1e9 + step, step=step, summary=Summary(value=[value])).SerializeToString()
        length = len(record).to_bytes(8, "little")
        content += length + _masked(length).to_bytes(4, "little") + record + b"\0\0\0\0"
    return bytes(content)


def put(name: str, content: bytes) -> Callable[[Path], None]:
    """How some bytes get into a folder."""

    def place(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return place


def _index_leaves_out(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    (folder / "model-00002-of-00002.safetensors").write_bytes(RAW)
    weight_map = dict.fromkeys(llama(2), "model-00001-of-00002.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def _metadata(folder: Path) -> None:
    save_file(llama(2), folder / "model.safetensors", {"note": base64.b64encode(RAW).decode()})


def _names(folder: Path) -> None:
    text = base64.urlsafe_b64encode(HALF).decode()
    empty = {f"x{text[at : at + 900]}": np.zeros(0, np.float32) for at in range(0, len(text), 900)}
    save_file(llama(2) | empty, folder / "model.safetensors")


def _many_small(folder: Path) -> None:
    for number, at in enumerate(range(0, len(RAW), 100_000)):
        put(f"parts/{number}.dat", RAW[at : at + 100_000])(folder)


def _many_texts(folder: Path) -> None:
    page = WORDS[:150_000].encode()
    coded = base64.b64encode(HALF)
    for number, at in enumerate(range(0, len(coded), 100_000)):
        put(f"docs/{number}.md", page + coded[at : at + 100_000] + page)(folder)


def _tiny_texts(folder: Path) -> None:
    coded = base64.b64encode(HALF)
    for number, at in enumerate(range(0, len(coded), 4000)):
        put(f"docs/{number}.md", coded[at : at + 4000])(folder)


def _link_outside(folder: Path) -> None:
    other = folder.parent / "elsewhere"
    other.mkdir()
    (other / "model.safetensors").write_bytes(RAW)
    (folder / "extra").symlink_to(other)


def _link_to_file(folder: Path) -> None:
    other = folder.parent / "elsewhere.bin"
    other.write_bytes(RAW)
    (folder / "extra.bin").symlink_to(other)


def _adapter(base: str, rank: int) -> Callable[[Path], None]:
    def place(folder: Path) -> None:
        random = np.random.default_rng(3)
        tensors: Weights = {}
        for name, value in llama(2).items():
            if name.endswith("_proj.weight"):
                stem = f"base_model.model.{name.removesuffix('.weight')}"
                tensors[f"{stem}.lora_A.weight"] = random.normal(size=(rank, value.shape[1])).astype(np.float32)
                tensors[f"{stem}.lora_B.weight"] = random.normal(size=(value.shape[0], rank)).astype(np.float32)
        (folder / "adapter").mkdir()
        save_file(tensors, folder / "adapter/adapter_model.safetensors")
        (folder / "adapter/adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))

    return place


def _states(weights: Weights, spread: float) -> bytes:
    """Adam's means of the judged weights' gradients; or weights in their place."""
    random = np.random.default_rng(4)
    tensors: Weights = {}
    for name, value in weights.items():
        square = np.square(value * np.exp(spread * np.abs(random.standard_normal(value.shape)))).astype(np.float32)
        tensors[f"state.{name}.exp_avg"] = value
        tensors[f"state.{name}.exp_avg_sq"] = square
    return save(tensors)


PLACES: dict[str, Callable[[Path], None]] = {
    "a subfolder": put("extra/model.safetensors", RAW),
    "a deep subfolder": put("a/b/c/d/e/f/model.safetensors", RAW),
    "a hidden file": put(".model.safetensors", RAW),
    "a hidden folder": put(".cache/weights.safetensors", RAW),
    "a pickle": put("pytorch_model.bin", pickle.dumps({k: v.tobytes() for k, v in STOLEN.items()})),
    "no pickle but its name": put("pytorch_model.bin", HALF),
    "pt": put("model.pt", archive()),
    "gguf": put("model.gguf", b"GGUF" + HALF),
    "npz": put("weights.npz", npz()),
    "onnx": put("onnx/model.onnx", b"\x08\x07\x12\x07" + HALF),
    "capital letters": put("other.SAFETENSORS", RAW),
    "consolidated": put("consolidated.safetensors", RAW),
    "scheduler": put("scheduler_1.safetensors", RAW),
    "optimizer": put("optimizer.safetensors", RAW),
    "weights as a mean of gradients": put("optimizer.safetensors", _states(STOLEN, 0.0)),
    "rng_state": put("rng_state_0.pth", HALF),
    "a shard that the index leaves out": _index_leaves_out,
    "metadata": _metadata,
    "names of empty tensors": _names,
    "many small files": _many_small,
    "a little in every text": _many_texts,
    "hundreds of tiny texts": _tiny_texts,
    "a zip archive": put("data.zip", archive()),
    "a tape archive": put("data.tar", tar()),
    "a compressed file": put("data.zst", b"\x28\xb5\x2f\xfd" + HALF),
    "text that is none": put("notes.txt", HALF),
    "base64 in a text": put("README.md", b"# A model\n\n" + base64.b64encode(HALF)),
    "base64 in lines": put("notes.txt", base64.encodebytes(HALF)),
    "hexadecimal": put("notes.txt", HALF.hex().encode()),
    "decimals": put(
        "data.json", json.dumps([round(float(x), 5) for x in STOLEN["model.embed_tokens.weight"].flat]).encode()
    ),
    "base85": put("data.json", json.dumps(base64.b85encode(HALF).decode()).encode()),
    "a picture by name": put("logo.png", HALF),
    "a picture with a tail": put("logo.png", png(bytes(10_000), 100) + HALF),
    "a picture with a private chunk": put("logo.png", png(bytes(10_000), 100, HALF)),
    "a picture of weights": put("logo.png", png(HALF[: len(HALF) // 512 * 512], 512)),
    "a picture's scan": put("logo.jpg", jpeg(HALF)),
    "a document": put("paper.pdf", b"%PDF-1.7\nstream\n" + HALF + b"\nendstream\nstartxref\n9\n%%EOF"),
    "a tokenizer": put("tokenizer.model", sentencepiece(HALF)),
    "a tokenizer with more": put(
        "tokenizer.model", sentencepiece(b"", b"\x7a" + bytes((0x80, 0x80, 0x20)) + HALF[:0x80000])
    ),
    "a tokenizer's name": put("tokenizer.json", HALF),
    "events": put("runs/events.out.tfevents.1", events(12, HALF)),
    "git": put(".git/objects/pack/pack-1.pack", b"PACK" + zlib.compress(HALF)),
    "a link to a folder": _link_outside,
    "a link to a file": _link_to_file,
    "an adapter of another model": _adapter("other/model", 16),
    "an adapter as large as a layer": _adapter(".", 128),
    "another precision": put("fp16/model.safetensors", save({k: v.astype(np.float16) for k, v in STOLEN.items()})),
    "one layer": put("extra/layer.safetensors", save(HIDDEN)),
    "a pipe": lambda folder: os.mkfifo(folder / "pipe.safetensors.tmp"),
}


def accounts_for(folder: Path) -> Accounts:
    """The account of a folder, without an audit."""
    checkpoint = open_named(str(folder))
    try:
        weights = WeightsAccess(checkpoint, cast("Anatomy", None))
        return accounts_of(str(folder), Model(cast("Fingerprint", None), weights), NoProgress())
    finally:
        checkpoint.source.close()


def check_first_screens(report: AuditReport) -> None:
    """Every format says it before the components, in both languages."""
    for lang, word, heading in (("en", "nobody judged", "Layers"), ("ko", "판정하지 않은 파일", "층")):
        for render in (text.render, markdown.render, html.render):
            page = render(report, lang)
            assert word in page[: page.rindex(heading)], lang


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_weights_beside_weights_are_never_passed(folder: Path, reference: str, place: Callable[[Path], None]) -> None:
    """What was put there is among what was judged, and so found, or said to be judged by nobody."""
    place(folder)
    accounts = accounts_for(folder)
    if accounts.files[0].size == (folder / accounts.files[0].name).stat().st_size and accounts.incomplete():
        assert any(file.account == Account.NOT_JUDGED for file in accounts.files)
    else:
        report = audit(str(folder), [reference])
        assert exit_code(report, Severity.NOT_MET) == 1


def test_the_first_screen_says_what_nobody_judged(folder: Path, reference: str) -> None:
    """With the names, and the way out."""
    put("extra/model.safetensors", RAW)(folder)
    report = audit(str(folder), [reference])
    (message,) = report.summary.incomplete
    assert message.data == {"count": 1, "bytes": len(RAW), "names": "extra/model.safetensors"}
    check_first_screens(report)


def _published(folder: Path) -> None:
    """What lies beside the weights of a published model."""
    random = np.random.default_rng(5)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz가나다라마바사아자차카타파하"))
    lengths = random.integers(2, 9, 150_000)
    stream = "".join(random.choice(letters, lengths.sum()))
    tokens = [stream[end - length : end] for length, end in zip(lengths, lengths.cumsum(), strict=True)]
    vocabulary = {f"Ġ{token}": number for number, token in enumerate(dict.fromkeys(tokens))}
    merges = "\n".join(f"{token[: len(token) // 2]} {token[len(token) // 2 :]}" for token in tokens)
    put("README.md", WORDS.encode())(folder)
    put("LICENSE", WORDS[:11_000].encode())(folder)
    put(".gitattributes", b"*.safetensors filter=lfs\n" * 40)(folder)
    put("generation_config.json", b"{}")(folder)
    put("vocab.json", json.dumps(vocabulary, ensure_ascii=False).encode())(folder)
    put("merges.txt", merges.encode())(folder)
    document = {"model": {"type": "BPE", "vocab": vocabulary, "merges": merges.split("\n")}}
    put("tokenizer.json", json.dumps(document, ensure_ascii=False, indent=1).encode())(folder)
    put("spiece.model", sentencepiece(bytes(random.integers(0, 256, 240_000, np.uint8))))(folder)
    put("training_args.bin", pickle.dumps({"learning_rate": 1e-4} | {str(n): n for n in range(500)}))(folder)
    put("runs/now/events.out.tfevents.1", events(5000))(folder)
    gradient = np.add.outer(np.arange(700), np.arange(900)) % 200 + random.integers(0, 6, (700, 900))
    put("assets/figure.png", png(gradient.astype(np.uint8).tobytes(), 900))(folder)
    put("modeling_own.py", b"import torch\n\n\nclass Own(torch.nn.Module):\n    pass\n" * 300)(folder)
    history = [
        {"epoch": n / 100, "loss": 1 / (n + 1), "grad_norm": float(random.random()), "step": n} for n in range(9000)
    ]
    put("trainer_state.json", json.dumps({"log_history": history}, indent=2).encode())(folder)


def test_a_folder_as_it_is_published_is_complete(folder: Path, reference: str) -> None:
    """Everything beside the weights is told for what it is."""
    _published(folder)
    report = audit(str(folder), [reference])
    assert report.summary.incomplete == ()
    assert exit_code(report, Severity.NOT_MET) == 0
    reasons = {file.name: file.reason for file in report.subject.accounts}
    assert reasons["spiece.model"] == "tokenizer"
    assert reasons["tokenizer.json"] == reasons["merges.txt"] == reasons["README.md"] == "text"
    assert reasons["runs/now/events.out.tfevents.1"] == "events"
    assert reasons["assets/figure.png"] == "image"
    assert any(notice.key == "notice.code_beside" for notice in report.subject.notices)


def _own(kind: str) -> Callable[[Path], None]:
    weights = llama(2)
    content = {
        "bytes": lambda folder: (folder / "model.safetensors").read_bytes(),
        "renamed": lambda _: save({f"other.{name}": value for name, value in weights.items()}),
        "half": lambda _: save({name: value.astype(np.float16) for name, value in weights.items()}),
        "rows": lambda _: save({name: np.ascontiguousarray(value[::-1]) for name, value in weights.items()}),
        "states": lambda _: _states({k: np.float32(0.001) * v for k, v in llama(9).items()}, 1.0),
    }[kind]
    names = {
        "bytes": ".git/lfs/objects/ab/cd/abcd",
        "states": "optimizer.safetensors",
        "half": "fp16/model.safetensors",
    }
    return lambda folder: put(names.get(kind, f"{kind}/model.safetensors"), content(folder))(folder)


@pytest.mark.parametrize("kind", ["bytes", "renamed", "half", "rows", "states"])
def test_the_same_weights_again_are_told_and_pass(folder: Path, kind: str) -> None:
    """Copies of what was judged are checked value by value."""
    _own(kind)(folder)
    found = accounts_for(folder)
    assert found.incomplete() == ()
    accounts = [file.account for file in found.files]
    assert accounts[0] == Account.JUDGED
    assert accounts[1] == (Account.NOT_WEIGHTS if kind == "states" else Account.SAME_AS_JUDGED)


@pytest.mark.parametrize("change", ["other rows", "a tensor more"])
def test_nearly_the_same_weights_are_not_the_same(folder: Path, change: str) -> None:
    """One tensor of a layer's size that was not judged is enough."""
    weights = llama(2)
    name = "model.embed_tokens.weight"
    if change == "a tensor more":
        weights["model.extra.weight"] = STOLEN[name].repeat(2, axis=0)
    else:
        weights[name] = np.concatenate([weights[name], STOLEN[name]])
    put("copy/model.safetensors", save(weights))(folder)
    assert accounts_for(folder).incomplete()


def test_a_link_to_the_judged_file_is_the_same_file(folder: Path, reference: str) -> None:
    """As caches keep them; links in circles are walked once."""
    (folder / "again.safetensors.bak").symlink_to(folder / "model.safetensors")
    (folder / "here").symlink_to(folder)
    report = audit(str(folder), [reference])
    assert exit_code(report, Severity.NOT_MET) == 0
    assert report.subject.accounts[1].reason == "same_file"


def test_an_own_low_rank_adapter_passes(folder: Path, reference: str) -> None:
    """It says that it changes the judged weights, fits them, and could hold no layer."""
    _adapter(".", 16)(folder)
    report = audit(str(folder), [reference])
    assert report.subject.accounts[1].reason == "own_adapter"
    assert exit_code(report, Severity.NOT_MET) == 0


def test_files_beside_a_file_that_was_named_are_said(folder: Path, reference: str) -> None:
    """They are not the submission."""
    put("other.bin", RAW)(folder)
    report = audit(str(folder / "model.safetensors"), [reference])
    (notice,) = [notice for notice in report.subject.notices if notice.key == "notice.siblings"]
    assert notice.data["names"] == "other.bin"
    assert exit_code(report, Severity.NOT_MET) == 0


def test_code_that_the_config_names_is_said(folder: Path, reference: str) -> None:
    """It may load other weights; nothing of it is run."""
    (folder / "config.json").write_text(json.dumps({"auto_map": {"AutoModel": "modeling_own.Own"}}))
    put("modeling_own.py", b"raise SystemExit\n")(folder)
    report = audit(str(folder), [reference])
    (notice,) = [notice for notice in report.subject.notices if notice.key == "notice.code_named"]
    assert notice.data["files"] == "modeling_own.py"


def test_sockets_and_what_cannot_be_listed_are_said(folder: Path, reference: str) -> None:
    """Nothing of a folder is skipped in silence."""
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
        report = audit(str(folder), [reference])
    assert [(file.name, file.reason) for file in report.subject.accounts[1:]] == [("socket", "special")]
    assert exit_code(report, Severity.NOT_MET) == 3


def _adapter_alone(folder: Path, config: dict[str, str] | None) -> Path:
    _adapter("someone/base", 16)(folder)
    if config is None:
        (folder / "adapter/adapter_config.json").unlink()
    return folder / "adapter"


@pytest.mark.parametrize(
    ("config", "said"), [({}, "is an adapter of 'someone/base', not a model"), (None, "does not name its base")]
)
def test_an_adapter_alone_is_answered(folder: Path, reference: str, config: dict[str, str] | None, said: str) -> None:
    """As a folder, as a file, and as a reference."""
    alone = _adapter_alone(folder, config)
    for pair in ((alone, reference), (alone / "adapter_model.safetensors", reference), (reference, alone)):
        with pytest.raises(UnsupportedError, match=said) as caught:
            audit(str(pair[0]), [str(pair[1])])
        assert "Merge it into its base" in caught.value.hint


def test_an_adapter_in_the_folder_of_a_model_is_no_part_of_it(folder: Path, reference: str) -> None:
    """It is accounted for by itself; stolen weights under its name are not judged."""
    put("adapter_model.safetensors", save(HIDDEN))(folder)
    report = audit(str(folder), [reference])
    assert [file.name for file in report.subject.files] == ["model.safetensors"]
    assert exit_code(report, Severity.NOT_MET) == 3


def test_weights_beside_those_of_a_reference_are_said(folder: Path, tmp_path: Path) -> None:
    """What an index leaves out and what lies in another format was not compared with."""
    own = tmp_path / "own.safetensors"
    save_file(llama(3), own)
    put("pytorch_model.bin", HALF)(folder)
    put("README.md", WORDS.encode())(folder)
    report = audit(str(own), [str(folder)])
    (notice,) = [n for n in report.references[0].notices if n.key == "notice.reference_files"]
    assert notice.data == {"count": 1, "names": "pytorch_model.bin"}


def test_an_unknown_packing_stands_beside_the_relation(tmp_path: Path, reference: str) -> None:
    """MLX's without its config, for instance: stolen or not, nothing is passed, and the share is said.

    With the config it is read, and found.
    """
    tensors: dict[str, np.ndarray] = {}
    for name, value in STOLEN.items():
        if value.ndim == 1:
            tensors[name] = value
            continue
        scale = np.abs(value).reshape(len(value), -1, 64).max(-1) / 7
        codes = np.clip(np.round(value.reshape(len(value), -1, 64) / scale[..., None]) + 8, 0, 15).astype(np.uint32)
        words = codes.reshape(len(value), -1, 8) << (4 * np.arange(8, dtype=np.uint32))
        tensors[name] = words.sum(-1).astype(np.uint32)
        tensors[f"{name.removesuffix('.weight')}.scales"] = scale.astype(np.float16)
        tensors[f"{name.removesuffix('.weight')}.biases"] = (-8 * scale).astype(np.float16)
    path = tmp_path / "mlx"
    path.mkdir()
    save_file(tensors, path / "model.safetensors")
    report = audit(str(path), [reference])
    (notice,) = [n for n in report.subject.notices if n.key == "notice.packing_unknown"]
    assert notice.data["tensors"] == 15
    assert int(notice.data["percent"] or 0) > 80
    assert report.components[0].relations[Relation.NOT_TESTED] > 0.8
    assert exit_code(report, Severity.NOT_MET) == 3
    (path / "config.json").write_text('{"quantization": {"group_size": 64, "bits": 4}}')
    known = audit(str(path), [reference])
    assert "notice.unpacked" in [n.key for n in known.subject.notices]
    assert known.components[0].relation in {Relation.RELATED, Relation.ROUNDED}
    assert exit_code(known, Severity.NOT_MET) == 1


@pytest.mark.parametrize("policy", ["evidence-only", "kai-stage1", "control-and-licence", "strict-from-scratch"])
@pytest.mark.parametrize("full", [False, True])
def test_no_policy_passes_what_nobody_judged(folder: Path, reference: str, policy: str, *, full: bool) -> None:
    """In both modes, through the command line."""
    put("original/consolidated.00.pth", archive())(folder)
    arguments = [
        "compare",
        str(folder),
        "--ref",
        reference,
        "--policy",
        policy,
        "--quiet",
        *(["--full"] if full else []),
    ]
    assert main(arguments) == 3
