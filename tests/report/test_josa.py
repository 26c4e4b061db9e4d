"""Korean particles: the form that a reader would say after each word of this field."""

from __future__ import annotations

import pytest

from independence_audit.evidence.measurement import Message, Value
from independence_audit.report.josa import PARTICLES, particle
from independence_audit.report.languages import KOREAN
from independence_audit.report.wording import say


@pytest.mark.parametrize(
    ("word", "topic", "together", "towards"),
    [
        ("오디오 인코더", "는", "와", "로"),
        ("비전 인코더 (model.vision_model)", "는", "와", "로"),
        ("모델", "은", "과", "로"),
        ("층", "은", "과", "으로"),
        ("Qwen2-Audio", "는", "와", "로"),
        ("Qwen2.5-VL", "은", "과", "로"),
        ("Qwen", "은", "과", "으로"),
        ("GLM", "은", "과", "으로"),
        ("GLM-4.5-Air", "는", "와", "로"),
        ("HyperCLOVA X", "는", "와", "로"),
        ("Mistral", "은", "과", "로"),
        ("Llama", "는", "와", "로"),
        ("CLIP", "은", "과", "으로"),
        ("BERT", "는", "와", "로"),
        ("DeepSeek-V3", "은", "과", "으로"),
        ("Whisper", "는", "와", "로"),
        ("model-00001.safetensors", "는", "와", "로"),
        ("Solar-10.7B", "는", "와", "로"),
        ("bf16", "은", "과", "으로"),
        ("int8", "은", "과", "로"),
        ("Gemma 2", "는", "와", "로"),
        ("1,000", "은", "과", "으로"),
        ("1,000,000,000,000", "는", "와", "로"),
        ("0.97", "은", "과", "로"),
        ("50%", "는", "와", "로"),
        ("<script>", "는", "와", "로"),
        ("", "는", "와", "로"),
        ("(x)", "는", "와", "로"),
    ],
)
def test_particles_fit(word: str, topic: str, together: str, towards: str) -> None:
    """Each form follows the last sound, of the word before brackets where there are some."""
    assert [particle(word, written) for written in ("은(는)", "와(과)", "(으)로")] == [topic, together, towards]


def test_every_particle_is_chosen() -> None:
    """What a catalogue may write has two forms."""
    assert [(particle("층", written), particle("토대", written)) for written in PARTICLES] == [
        ("은", "는"),
        ("이", "가"),
        ("을", "를"),
        ("과", "와"),
        ("으로", "로"),
    ]


def test_sentences_use_them() -> None:
    """A sentence shows one form, and a name that holds a written particle keeps it."""
    data: dict[str, Value] = {"component": "A", "fraction": 1.0, "values": 7, "reference": "Qwen2.5-VL"}
    assert "A: Qwen2.5-VL과 100% 동일 (비교값 7개)." in say(Message("fact.identical", data), KOREAN)
    assert "와(과)는 " in say(Message("notice.one_shard_of_many", {"file": "와(과)"}), KOREAN) + " "
