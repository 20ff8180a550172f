"""How many tokens a text has, about: for sources that keep what was said and count nothing.

No tokenizer is used: they differ by language model, and an estimate must not look like a count. Words of six
letters are a token, numbers one in three digits, signs one each; other alphabets have two letters a token and
Chinese, Japanese and Korean one a character. Over 309 recorded English answers of 10 providers with their
counts, the sum was 1 % over and a single answer 11 % off (mean absolute error).
"""

from __future__ import annotations

import re
from typing import Final

_PIECES: Final = re.compile(
    r"(?P<word>[A-Za-z]+)|(?P<digits>[0-9]+)|(?P<sign>[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[!-/:-@\[-`{-~])"
    r"|(?P<other>[^\s!-~]+)"
)
_LETTERS_PER_TOKEN: Final = 6
_DIGITS_PER_TOKEN: Final = 3
_OTHERS_PER_TOKEN: Final = 2


def estimated_tokens(text: str) -> int:
    """About as many tokens as a language model would count in `text`."""
    total = 0
    for piece in _PIECES.finditer(text):
        size = piece.end() - piece.start()
        match piece.lastgroup:
            case "word":
                total += max(1, round(size / _LETTERS_PER_TOKEN))
            case "digits":
                total += -(-size // _DIGITS_PER_TOKEN)
            case "sign":
                total += 1
            case _:
                total += -(-size // _OTHERS_PER_TOKEN)
    return total
