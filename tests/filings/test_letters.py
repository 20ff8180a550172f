"""Arabic names on paper: joined, from right to left, in a font that has them; what no font has is told, not boxed."""

from __future__ import annotations

import io

import pytest

from aurora.filings import letters
from aurora.filings.letters import FONT, draw, line, markup, not_shown, note_on, runs

NAME = "محمد بن راشد"


def test_letters_are_joined_and_turned_round():
    """By hand: meem initial, hah medial, meem medial, dal final, seen from the left the other way round."""
    assert list(runs("محمد")) == [(FONT, "\ufeaa\ufee4\ufea4\ufee3")]
    assert list(runs("دار")) == [(FONT, "\ufead\ufe8d\ufea9")]  # none of them joins what follows
    assert list(runs("سلام")) == [(FONT, "\ufee1\ufefc\ufeb3")]  # lam and alef are one letter
    assert list(runs("مُحَمَّد")) == list(runs("محمد"))  # vowel signs are left out


def test_words_numbers_and_brackets_stand_as_they_are_read():
    ((font, told),) = runs("شارع 12 (دبي)")
    assert font == FONT
    assert told.startswith("(")
    assert told.endswith("\ufeb7")  # the first letter, sheen, is rightmost
    assert "12" in told
    assert told.count("(") == told.count(")") == 1
    assert told.index("(") < told.index(")") < told.index("12")


def test_latin_stays_what_it_was_and_mixes():
    assert list(runs("Élan & Söhne – 5 €")) == [(None, "Élan & Söhne – 5 €")]
    assert markup("A & <b>\nB") == "A &amp; &lt;b&gt;<br/>B"
    pieces = list(runs(f"Buyer {NAME}, villa 7"))
    assert [font for font, _ in pieces] == [None, FONT, None]
    assert (pieces[0][1], pieces[2][1]) == ("Buyer ", ", villa 7")
    assert list(runs("Иван")) == [(FONT, "Иван")]


def test_a_long_run_is_broken_so_that_its_lines_read_in_order():
    ((_, told),) = runs(" ".join(["محمد"] * 12))
    lines = told.split("\n")
    assert len(lines) > 2
    assert max(map(len, lines)) <= 25
    assert "<br/>" in markup(" ".join(["محمد"] * 12))
    label, _ = line("شركة العقارات الذهبية في دبي", "Helvetica")
    assert "\n" not in label
    assert label.endswith("\ufeb7")  # one line, whole: its first letter, sheen, is rightmost


def test_what_no_font_has_is_a_question_mark_and_is_told():
    assert list(runs("王 Wang")) == [(None, "? Wang")]
    assert not_shown("王 Wang 王") == "王"
    assert not_shown(f"{NAME} مُ – 12 €") == ""
    assert note_on(NAME, "The JSON") is None
    assert (
        note_on("王", "The JSON")
        == "1 kinds of letters are not in this file's fonts and stand as ?. The JSON holds them."
    )


def test_without_the_font_nothing_is_boxed_and_the_note_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(letters, "_glyphs", frozenset)
    assert list(runs(f"Buyer {NAME}")) == [(None, "Buyer "), (None, "?")]
    assert "stand as ?" in str(note_on(NAME, "The JSON"))


def test_a_pdf_with_an_arabic_name_embeds_the_font_and_is_the_same_each_time():
    from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]
    from reportlab.platypus import Paragraph, SimpleDocTemplate  # type: ignore[import-untyped]

    def made() -> bytes:
        buffer = io.BytesIO()
        document = SimpleDocTemplate(buffer, invariant=1)
        document.build(
            [Paragraph(markup(f"Buyer {NAME}"))],
            onFirstPage=lambda canvas, _: draw(canvas, 20, 20, f"{NAME} LLC", "Helvetica", 8),
        )
        return buffer.getvalue()

    assert made() == made()
    assert b"DejaVuSans" in made()
    assert b"/ToUnicode" in made()
    told, font = line(f"{NAME} LLC", "Helvetica")
    assert (font, told.endswith(" LLC")) == (FONT, True)
    assert Canvas(io.BytesIO()).stringWidth(told, font, 8) > 0
