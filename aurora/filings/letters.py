"""Letters that PDF's built-in fonts lack, Arabic above all: set in DejaVu Sans, joined, and from right to left.

DejaVu Sans (free to use and to embed) lies with matplotlib, which is found and not imported. Joining follows Unicode's
own presentation forms; vowel signs are left out, as print does. A run is broken after some twenty letters, so that lines
read in order. What no font here has is shown as `?` and told (`not_shown`); HTML, XLSX and JSON hold every letter.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

FONT: Final = "DejaVuSans"
_FILE: Final = Path("mpl-data", "fonts", "ttf", "DejaVuSans.ttf")
_RUN_LENGTH: Final = 20
_FORMS: Final = ("<isolated>", "<final>", "<initial>", "<medial>")
_LAM: Final = "\u0644"
_PLAIN: Final = {"\u2011": "-", "\u202f": "\u00a0"}


def markup(text: str) -> str:
    """The text as reportlab's XML. New lines become `<br/>`."""
    parts = []
    for font, run in runs(text):
        told = escape(run).replace("\n", "<br/>")
        parts.append(told if font is None else f'<font name="{font}">{told}</font>')
    return "".join(parts)


def runs(text: str, *, most: int = _RUN_LENGTH) -> Iterator[tuple[str | None, str]]:
    """The text in pieces as they are drawn, each with its font; None is the style's own.

    A run from right to left is broken by new lines after about `most` letters.
    """
    glyphs = _glyphs()
    clean = unicodedata.normalize("NFC", "".join(_PLAIN.get(one, one) for one in text))
    for is_right_to_left, letters in groupby(_directed(clean), key=lambda one: one[1]):
        run = "".join(letter for letter, _ in letters)
        if not is_right_to_left:
            yield from _left_to_right(run, glyphs)
        elif not glyphs:
            yield None, "?"
        else:
            yield FONT, "\n".join(_visual(part, glyphs) for part in _broken(run, most))


def draw(canvas: Any, x: float, y: float, text: str, font: str, size: float) -> None:
    """Write a line on a canvas, from x on."""
    for name, run in runs(text.replace("\n", " "), most=len(text)):
        canvas.setFont(name or font, size)
        canvas.drawString(x, y, run)
        x += canvas.stringWidth(run, name or font, size)


def line(text: str, font: str) -> tuple[str, str]:
    """The text as one line in one font, and which: for labels of drawings."""
    pieces = list(runs(text.replace("\n", " "), most=len(text)))
    told = "".join(run for _, run in pieces)
    return told, FONT if any(name for name, _ in pieces) else font


def not_shown(text: str) -> str:
    """Letters of the text that stand as `?` in a PDF, each once; empty where all are there."""
    glyphs = _glyphs()
    return "".join(sorted({one for one in text if one.isprintable() and not _is_shown(one, glyphs)}))


def note_on(text: str, elsewhere: str) -> str | None:
    """What to say of letters that are not shown; None where all are. `elsewhere` names what holds them."""
    lacking = not_shown(text)
    if not lacking:
        return None
    return f"{len(lacking)} kinds of letters are not in this file's fonts and stand as ?. {elsewhere} holds them."


def _is_shown(letter: str, glyphs: frozenset[int]) -> bool:
    plain = _PLAIN.get(letter, letter)
    return _is_plain(plain) or ord(plain) in glyphs or (bool(glyphs) and unicodedata.category(plain) in ("Mn", "Cf"))


def _is_plain(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    """Letters of the font, which is registered with the first use; none where it is not installed."""
    from reportlab.pdfbase.pdfmetrics import registerFont  # type: ignore[import-untyped]
    from reportlab.pdfbase.ttfonts import TTFont  # type: ignore[import-untyped]

    spec = importlib.util.find_spec("matplotlib")
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    file = next((Path(one) / _FILE for one in places if (Path(one) / _FILE).is_file()), None)
    if file is None:
        return frozenset()
    font = TTFont(FONT, str(file))
    registerFont(font)
    return frozenset(font.face.charToGlyph)


def _directed(text: str) -> list[tuple[str, bool]]:
    """Each letter, and whether it is read from right to left; what stands between two such words goes with them."""
    strong = [unicodedata.bidirectional(one) in ("R", "AL", "AN") for one in text]
    found, last = list(strong), None
    for at, one in enumerate(text):
        if strong[at]:
            if last is not None and not any(unicodedata.bidirectional(text[k]) == "L" for k in range(last, at)):
                found[last:at] = [True] * (at - last)
            last = at
        elif one == "\n":
            last = None
        elif last == at - 1 and (unicodedata.category(one) == "Mn" or _closes(text, found, at)):
            found[at], last = True, at
    return list(zip(text, found, strict=True))


def _closes(text: str, found: list[bool], at: int) -> bool:
    """Whether a closing bracket ends one that was opened in the run before it."""
    start = at
    while start and found[start - 1]:
        start -= 1
    opened = [unicodedata.category(one) for one in text[start:at]]
    return unicodedata.category(text[at]) == "Pe" and opened.count("Ps") > opened.count("Pe")


def _left_to_right(run: str, glyphs: frozenset[int]) -> Iterator[tuple[str | None, str]]:
    def font_of(letter: str) -> str | None:
        return None if _is_plain(letter) or ord(letter) not in glyphs else FONT

    for font, letters in groupby(run, key=font_of):
        part = "".join(letters)
        yield font, part if font else part.encode("cp1252", "replace").decode("cp1252")


def _broken(run: str, most: int) -> list[str]:
    """Words together up to some length: each piece is a line, so that lines read in order."""
    lines: list[str] = []
    for word in run.split():
        if lines and len(lines[-1]) + len(word) < most:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _visual(text: str, glyphs: frozenset[int]) -> str:
    """A line of right-to-left text as it is drawn from the left: joined, turned round, its numbers as they are read."""
    turned = []
    for is_number, letters in groupby(_joined(text), key=str.isdecimal):
        part = "".join(letters)
        turned.append(part if is_number else part[::-1])
    drawn = "".join(reversed(turned)).translate(_MIRRORED).replace(" ", "\u00a0")
    return "".join(one if ord(one) in glyphs else "?" for one in drawn)


_MIRRORED: Final = str.maketrans("()[]{}<>«»", ")(][}{><»«")


def _joined(text: str) -> str:
    """Arabic letters in the forms that they have beside each other."""
    forms = _forms()
    letters = [one for one in text if unicodedata.category(one) not in ("Mn", "Cf")]
    units: list[str] = []
    for one in letters:
        if units and units[-1] == _LAM and _LAM + one in forms:
            units[-1] += one
        else:
            units.append(one)
    drawn = []
    for at, unit in enumerate(units):
        mine = forms.get(unit, {})
        after = forms.get(units[at + 1], {}) if at + 1 < len(units) else {}
        before = forms.get(units[at - 1], {}) if at else {}
        joins_before = "<initial>" in before and "<final>" in mine
        joins_after = "<initial>" in mine and "<final>" in after
        form = _FORMS[joins_before + 2 * joins_after]
        drawn.append(mine.get(form, unit))
    return "".join(drawn)


@lru_cache(maxsize=1)
def _forms() -> dict[str, dict[str, str]]:
    """Presentation forms of each letter, and of lam with alef, as Unicode has them. A tatweel joins on both sides."""
    found: dict[str, dict[str, str]] = {"\u0640": dict.fromkeys(_FORMS, "\u0640")}
    for code in (*range(0xFB50, 0xFC00), *range(0xFE70, 0xFEFD)):
        form, *parts = unicodedata.decomposition(chr(code)).split() or [""]
        if form in _FORMS and "0020" not in parts:
            found.setdefault("".join(chr(int(one, 16)) for one in parts), {}).setdefault(form, chr(code))
    return found
