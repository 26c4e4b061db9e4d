"""Korean particles (josa) that fit the last sound of the word before them, whether Hangul, Latin letters or digits.

A catalogue writes both forms, as Korean forms do, 은(는) or (으)로; what the word ends in decides which one is shown.
Names have no recorded pronunciation: Latin words are read by their spelling, abbreviations letter by letter. That is
right for the names of this field (``Qwen``, ``GLM``, ``Llama``, ``Qwen2-VL``), and a miss is a blemish, never a fact.
"""

from __future__ import annotations

import re

PAIRS = {"은(는)": ("은", "는"), "이(가)": ("이", "가"), "을(를)": ("을", "를"), "와(과)": ("과", "와")}
"""How a catalogue writes each particle, with its form after a consonant and after a vowel."""
TOWARDS = "(으)로"
"""The particle that keeps its short form after the consonant ㄹ as well."""
PARTICLES = (*PAIRS, TOWARDS)

HANGUL = range(ord("가"), ord("힣") + 1)
FINALS = 28
"""Final sounds of a syllable block, none included; Unicode orders the blocks by them last."""
RIEUL = 8
"""Number of the final sound ㄹ."""
NONE, OTHER = 0, 1
DIGITS = {"0": OTHER, "1": RIEUL, "3": OTHER, "6": OTHER, "7": RIEUL, "8": RIEUL}
"""Final sounds of 영, 일, 삼, 육, 칠 and 팔; 이, 사, 오 and 구 have none."""
TRILLIONS = re.compile(r"[1-9]0{12}(?:0{4})?$")
"""Numbers read as …조 or …경; the other round ones end in 십, 백, 천, 만 or 억."""
LETTERS = {"L": RIEUL, "R": RIEUL, "M": OTHER, "N": OTHER}
"""Final sounds of 엘, 알, 엠 and 엔; the other letters' names end in vowels."""
BRACKETED = re.compile(r"\s*\([^()]*\)$")
TAIL = re.compile(r"[^\w]+$")
LATIN = re.compile(r"[A-Za-z]+$")
SPOKEN = re.compile(r"[B-DF-HJ-NP-TV-Z][AEIOU][A-Z]+$")
"""Capitals that are read as a word, such as CLIP."""
RIEUL_WORD = re.compile(r"(?:l|[^aeiou]le|[aeiou]le)$")
CONSONANT_WORD = re.compile(r"(?:[mn]e?|ng|(?:^|[^aeiou])[aeiou][ptkc]|[aeiou]ck|oo[kdt])$")
"""Spellings of a closed last syllable: Qwen, Stone, Jamba-Ming, Net, Stack, Book."""


def particle(word: str, written: str) -> str:
    """Choose the form of a particle that fits the word before it.

    Args:
        word: What stands before the particle; a part in brackets at its end is not read.
        written: One of ``PARTICLES``.
    """
    final = final_sound(word)
    if written == TOWARDS:
        return "로" if final in (NONE, RIEUL) else "으로"
    after_consonant, after_vowel = PAIRS[written]
    return after_vowel if final == NONE else after_consonant


def final_sound(word: str) -> int:
    """Number of the final consonant of a word's last syllable: 0 for none, 8 for ㄹ, another for any other."""
    read = TAIL.sub("", BRACKETED.sub("", word)) or TAIL.sub("", word)
    if not read or word.endswith("%"):
        return NONE  # 퍼센트
    last = read[-1]
    if ord(last) in HANGUL:
        return (ord(last) - HANGUL.start) % FINALS
    if last.isdigit():
        plain = read.replace(",", "")
        return NONE if TRILLIONS.search(plain) else DIGITS.get(last, NONE)
    match = LATIN.search(read)
    return _latin(match[0]) if match else NONE


def _latin(word: str) -> int:
    """Final sound of a Latin word, or of its last letter's name where it ends as an abbreviation."""
    if word[-1].isupper() and not SPOKEN.search(word):
        return LETTERS.get(word[-1], NONE)
    if RIEUL_WORD.search(word.lower()):
        return RIEUL
    return OTHER if CONSONANT_WORD.search(word.lower()) else NONE
