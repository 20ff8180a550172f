"""Names by their sound: what stays of a name when spelling, script and order do not count.

Mohammed, Muhammad, Mohd and the Arabic for it have one skeleton; so have Yousef and Yusuf. A skeleton is the
consonants of each word, so that it is coarse on purpose: it finds candidates, other evidence judges them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Final

_DIGRAPHS: Final = (
    ("kh", "X"),
    ("gh", "j"),
    ("sh", "S"),
    ("ch", "S"),
    ("th", "t"),
    ("dh", "d"),
    ("ph", "f"),
    ("ck", "k"),
)
_LETTERS: Final[Mapping[str, str]] = {"q": "k", "c": "k", "g": "j", "v": "f", "p": "b", "x": "ks"}
_ARABIC: Final[Mapping[str, str]] = {
    **dict(zip("بتثجحخدذرزسشصضطظغفقكلمنه", "bttjhXddrzsSsdtdjfkklmnh", strict=True)),
    **dict.fromkeys("اأإآءعئؤى", "@"),
    **dict.fromkeys("وي", "y"),
    "ة": "",
    "گ": "j",
    "پ": "b",
    "چ": "S",
    "ڤ": "f",
}
_VOWELS: Final = frozenset("aeiou")
_SHORT_FORMS: Final[Mapping[str, str]] = {"mohd": "mohamed", "md": "mohamed", "muhd": "mohamed", "abdel": "abdul"}
_PARTICLES: Final = frozenset({"al", "el", "ul", "bin", "ibn", "bint", "mr", "mrs", "ms", "dr", "eng", "the", "and"})
_ARABIC_PARTICLES: Final = frozenset({"بن", "ابن", "بنت", "ال"})
_COMPOUND: Final = re.compile(r"\babd[aeu]l?[ -]+(?=\w)", re.IGNORECASE)
"""Abdul Rahman is one word, as it is in Arabic."""
_WORD: Final = re.compile(r"[^\W_]+")
_IS_ARABIC: Final = re.compile(r"[؀-ۿ]")
SOUNDS_SAME: Final = 0.97
"""Of two names that sound alike and are spelled differently: Hussain and Hassan sound alike too."""
_CLOSE: Final = 0.75
"""Words at least this alike count as one word written twice."""
_MISSING_WORD: Final = 0.06
"""Taken off for each word that only the longer name has."""
_ONE_WORD: Final = 0.7
"""At most, where one name is a single word of the other."""

_OTHER_GIVEN_NAME: Final = 0.8
"""Of a name that is another's without its first word: Hassan Othman is the father of Bilal Hassan Othman."""

Words = tuple[str, ...]


@lru_cache(maxsize=200_000)
def name_words(name: str | None) -> Words:
    """The skeletons of a name's words, sorted; without titles and particles."""
    return tuple(sorted(sound_of(name))) if name else ()


def sound_of(name: str) -> list[str]:
    """The skeletons of a name's words in their order."""
    return [word for word in map(_skeleton, spelled_words(name)) if word]


def spelled_words(name: str) -> list[str]:
    """The words of a name as spelled, compounds joined."""
    joined = _COMPOUND.sub("abdul", name.replace("'", "")).replace("عبد ال", "عبدال")
    return _WORD.findall(joined.replace("-", " "))


@cache
def _skeleton(word: str) -> str:
    if _IS_ARABIC.search(word):
        return _arabic_skeleton(word)
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode().lower()
    plain = _SHORT_FORMS.get(plain, plain)
    if plain in _PARTICLES or plain.isdigit():
        return "" if plain in _PARTICLES else plain
    if (
        plain.startswith(("al", "el"))
        and len(plain) > 5
        and plain[2] not in _VOWELS
        and plain[:3] not in {"all", "ell"}
    ):
        plain = plain[2:]  # Alnuaimi is Al Nuaimi
    for written, sound in _DIGRAPHS:
        plain = plain.replace(written, sound)
    sounds = [_LETTERS.get(letter, letter) for letter in _without_doubles(plain)]
    return _consonants("".join(sounds), vowels=_VOWELS)


def _arabic_skeleton(word: str) -> str:
    plain = "".join(letter for letter in unicodedata.normalize("NFC", word) if not unicodedata.combining(letter))
    if plain in _ARABIC_PARTICLES:
        return ""
    if plain.startswith("ال") and len(plain) > 4:
        plain = plain[2:]
    sounds = "".join(_ARABIC.get(letter, letter) for letter in plain.replace("ـ", ""))
    return _consonants(_without_doubles(sounds), vowels=frozenset("@"))


def _without_doubles(word: str) -> str:
    return re.sub(r"(.)\1+", r"\1", word)


def _consonants(sounds: str, *, vowels: frozenset[str]) -> str:
    """The first sound, and the consonants behind it. Glides (y, w) are vowels unless a word begins with one; a last h is mute."""
    if not sounds:
        return ""
    first = "@" if sounds[0] in vowels else "y" if sounds[0] in "yw" else sounds[0]
    rest = "".join(sound for sound in sounds[1:] if sound not in vowels and sound not in "yw")
    return first + rest.removesuffix("h")


def name_share(left: Words, right: Words) -> float:
    """How alike two names sound, 0 to 1."""
    if not left or not right:
        return 0.0
    if left == right:
        return 1.0
    return _uneven_share(*sorted((left, right), key=lambda words: (len(words), words)))


@lru_cache(maxsize=500_000)
def _uneven_share(short: Words, long: Words) -> float:
    """Each word of the shorter name takes the likest word of the longer one that is still free."""
    free = list(long)
    total = 0.0
    for word in short:
        best = max(free, key=lambda other: word_share(word, other))
        alike = word_share(word, best)
        if alike >= _CLOSE:
            free.remove(best)
            total += alike
    share = total / len(short) - _MISSING_WORD * (len(long) - len(short))
    return max(0.0, min(share, _ONE_WORD) if len(short) == 1 < len(long) else share)


@lru_cache(maxsize=500_000)
def word_share(left: str, right: str) -> float:
    """How alike two skeletons are: 1 less the share of letters that must change."""
    if left == right:
        return 1.0
    return 1.0 - _edits(left, right) / max(len(left), len(right))


def _edits(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for place, letter in enumerate(left, start=1):
        before, row[0] = row[0], place
        for at, other in enumerate(right, start=1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (letter != other))
    return row[-1]


def likest(left: Iterable[str | None], right: Iterable[str | None]) -> float | None:
    """The best share over every spelling of two names; None where one of them has no name."""
    lefts = [name for name in left if name_words(name)]
    rights = [name for name in right if name_words(name)]
    if not lefts or not rights:
        return None
    return max(_spelling_share(one, other) for one in lefts for other in rights)


def _spelling_share(left: str | None, right: str | None) -> float:
    share = name_share(name_words(left), name_words(right))
    if share < SOUNDS_SAME and len(name_words(left)) != len(name_words(right)) and not _begin_alike(left, right):
        share *= _OTHER_GIVEN_NAME
    return share if share < SOUNDS_SAME or _folded(left) == _folded(right) else SOUNDS_SAME


def _begin_alike(left: str | None, right: str | None) -> bool:
    firsts = [sound_of(name or "")[:1] for name in (left, right)]
    return all(firsts) and word_share(firsts[0][0], firsts[1][0]) >= _CLOSE


@lru_cache(maxsize=200_000)
def _folded(name: str | None) -> Words:
    return tuple(sorted(word.lower() for word in spelled_words(name or "") if _skeleton(word)))
