"""Finding identifiers in text: shape first, then arithmetic where there is any, then the words around it.

`find` reads one text; `MAY_HOLD` and `MAY_BE` are the same question asked cheaply of a whole column (Rust
regular expressions, no look-around): they may say yes too often, never no wrongly, which a property test
holds them to. What it does not do: find a name without an honorific or "my name is", and tell a health
word about a person from one about the weather.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from aurora.privacy.checksums import IBAN_LENGTHS, card_holds, digits_of, e164, emirates_id_verdict, iban_holds
from aurora.privacy.lexicon import HEALTH, HONORIFIC_NAME, KEYWORD_VALUE

THIS_YEAR: Final = 2100
"""Latest year of birth in an Emirates ID: a bound on the shape, not a clock."""


@dataclass(frozen=True, slots=True)
class Found:
    """One identifier in a text; `is_sure` says that its check digit held, where its class has one."""

    identifier_class: str
    start: int
    end: int
    value: str
    is_sure: bool = True


_DIGITS: Final = str.maketrans(
    "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹０１２３４５６７８９\u00a0\u2009\u202f\u2011\u2013", "0123456789" * 3 + "   --"
)
"""Arabic, Persian and full-width digits and typographic spaces and hyphens: one character for one, so places stay."""

_NOT_BEFORE: Final = r"(?<![\w+.\-])(?<!\d[,/:])"
_NOT_AFTER: Final = r"(?![\w\-])(?![.,/:]\d)"
_UUID: Final = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")
_URL: Final = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.\-]*://[^\s/:@\"'<>]*:[^\s/@\"'<>]+@[^\s\"'<>]+")
_EMAIL: Final = re.compile(r"(?<![\w.+%\-])[\w.+%'\-]{1,64}@(?:[\w\-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w\-])")
_SECRET: Final = re.compile(
    r"\b(?:sk-[A-Za-z0-9_\-]{16,}|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{40,}"
    r"|xox[abprs]-[A-Za-z0-9\-]{10,}|AIza[0-9A-Za-z_\-]{35}|aur_[a-z0-9_\-]+\.[0-9a-f]{12}_[0-9a-f]{48}"
    r"|eyJ[\w\-]{10,}\.eyJ[\w\-]{10,}\.[\w\-]{10,}|[rs]k_live_[0-9A-Za-z]{20,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[^-]|-(?!----END))*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
)
_EMIRATES_ID: Final = re.compile(_NOT_BEFORE + r"784[ \-]?[12]\d{3}[ \-]?\d{7}[ \-]?\d" + _NOT_AFTER)
_CARD: Final = re.compile(
    r"(?<![\w+.])(?<![0-9a-fA-F]-)(?<!\d[,/:])"
    r"(?:\d{4}[ \-]\d{6}[ \-]\d{4,5}|\d{4}[ \-]\d{4}[ \-]\d{4}[ \-]\d{4}(?:[ \-]?\d{3})?|\d{14,19})" + _NOT_AFTER
)
_IBAN: Final = re.compile(r"(?<![\w])[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]){11,30}")
_PHONE: Final = re.compile(
    r"(?<![\w+.])(?<!\d[,/:\-])(?:"
    r"\(?\+[1-9]\d{0,2}\)?(?:[ .\-]{0,2}\(?\d{1,4}\)?){1,6}"
    r"|00(?:97[1-4]|96[1-8]|91|92|44)[ \-]?(?:\d[ \-]?){7,10}\d"
    r"|\(?05[024568]\)?[ \-]?\d{3}[ \-]?\d{4}"
    r"|\(?0[234679]\)?[ \-]\d{3}[ \-]?\d{4}"
    r"|9715[024568][ \-]?\d{3}[ \-]?\d{4})(?!\w)(?![.,/:\-]\d)"
)
_SSN: Final = re.compile(_NOT_BEFORE + r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}" + _NOT_AFTER)
_IPV4: Final = re.compile(r"(?<![\w.\-])(?<![vV] )(?<!ersion )(?:\d{1,3}\.){3}\d{1,3}(?![\w\-]|\.\d)")
_IPV6: Final = re.compile(r"(?<![\w:.])[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:])")
_MAC: Final = re.compile(r"(?<![\w:\-])[0-9a-fA-F]{2}(?:[:\-][0-9a-fA-F]{2}){5}(?![\w:\-])")
_PLACE: Final = re.compile(r"(?<![\d.,\[])(?<!, )(-?\d{1,2}\.\d{4,}),\s?(-?\d{1,3}\.\d{4,})(?!\s?[\d.,\]])")
_PLACE_WORD: Final = re.compile(r"(?i)(?:lat|location|gps|geo|coord|maps|موقع)[^\d\-]{0,24}$")
_PLATE: Final = re.compile(
    r"\b(?:Dubai|Abu Dhabi|Sharjah|Ajman|Fujairah|RAK|UAQ)\s(?:plate\s)?[A-Z]{1,2}[\s\-]?\d{3,5}(?![\w\-])"
)

_NUMBERS: Final[tuple[tuple[re.Pattern[str], str, Callable[[str], bool | None]], ...]] = (
    (_EMIRATES_ID, "emirates_id", lambda text: emirates_id_verdict(digits_of(text), this_year=THIS_YEAR)),
    (_CARD, "card_number", lambda text: card_holds(digits_of(text)) or None),
    (_SSN, "ssn", lambda _: True),
    (_PHONE, "phone", lambda text: e164(text) is not None or None),
)
"""Kinds of long number, most particular first: shape, class, and what its arithmetic says."""

_RUN: Final = re.compile(r"\d(?:[ .\-()]{0,3}\d){7}")
MAY_HOLD: Final = (
    r"[0-9٠-٩۰-۹０-９](?:[ .()\-\u00a0\u2009\u202f\u2011\u2013]{0,3}[0-9٠-٩۰-۹０-９]){7}"
    r"|@|[0-9]\.[0-9]{1,3}\.[0-9]|[0-9a-fA-F]:[0-9a-fA-F:]|[A-Z]{2}[0-9]{2}[A-Z0-9 ]{11}"
    r"|sk-|[A-Z]{4}[0-9A-Z]{16}|gh[pousr]_|github_pat_|xox|AIza|aur_|eyJ|k_live_|-----BEGIN"
    r"|[0-9]\.[0-9]{4,},|(?:ai|abi|jah|man|RAK|UAQ)\s(?:plate\s)?[A-Z]{1,2}[\s\-]?[0-9]{3}"
)
"""What a text must contain for `find` to find anything, the word lists aside."""

_PREFIX: Final = r"^(?:[A-Za-z][A-Za-z0-9_.\-]{0,40}[:/|]){0,3}"
MAY_BE: Final = (
    _PREFIX + r"(?:[+(0-9٠-٩۰-۹０-９][0-9٠-٩۰-۹０-９ .()\-]{6,30}(?:$|[:/|])|[A-Z]{2}[0-9]{2}[A-Z0-9 ]{11}"
    r"|sk-|[A-Z]{4}[0-9A-Z]{16}|gh[pousr]_|github_pat_|xox|AIza|aur_|eyJ|[rs]k_live_)"
)
"""What the value of an id column must begin with, after up to three words such as `whatsapp:`; or it holds an @."""
_WHOLE: Final = re.compile(_PREFIX)


def find(text: str, *, has_words: bool = True) -> list[Found]:
    """Every identifier in a text, in order; of overlapping ones the first kind that claims the place.

    `has_words` False says that none of the word lists has a word in it: they are slow to look for.
    """
    plain = text.translate(_DIGITS)
    return _settled(text, chain(_in_text(plain), _words(plain) if has_words else ()))


def find_in_id(text: str) -> list[Found]:
    """Identifiers in the value of an id column, which has no words around them: the value itself, or an address."""
    plain = text.translate(_DIGITS)
    claims = [*_urls(plain), *_matches(_EMAIL, "email", plain)] if "@" in plain else []
    begin = _WHOLE.match(plain)
    start = begin.end() if begin else 0
    rest = plain[start:]
    whole = next((one for one in _whole_value(rest) if rest[one.end : one.end + 1] in ("", ":", "/", "|")), None)
    if whole:
        claims.append(Found(whole.identifier_class, start, start + whole.end, whole.value, whole.is_sure))
    return _settled(text, claims)


def _whole_value(rest: str) -> Iterator[Found]:
    """Identifiers that a value begins with."""
    if rest[:1] in "+(0123456789":
        for pattern, name, verdict in _NUMBERS:
            match = pattern.match(rest)
            is_sure = verdict(match[0]) if match else None
            if match and is_sure is not None:
                yield Found(name, 0, match.end(), match[0], is_sure)
        address = _IPV4.match(rest)
        if address and _is_ipv4(address[0]):
            yield Found("ip_address", 0, address.end(), address[0])
    elif rest:
        yield from (found for found in (*_secrets(rest), *_ibans(rest)) if found.start == 0)


def _settled(text: str, claims: Iterable[Found]) -> list[Found]:
    """Claims whose place was free, with the text's own characters; a nameless one only holds its place."""
    taken = bytearray(len(text))
    kept: list[Found] = []
    for one in claims:
        if any(taken[one.start : one.end]):
            continue
        taken[one.start : one.end] = b"\x01" * (one.end - one.start)
        if one.identifier_class:
            kept.append(replace(one, value=text[one.start : one.end]))
    return sorted(kept, key=lambda found: found.start)


def _in_text(plain: str) -> Iterator[Found]:
    yield from _urls(plain)
    if "@" in plain:
        yield from _matches(_EMAIL, "email", plain)
    yield from _secrets(plain)
    yield from _numbers(plain)


def _urls(plain: str) -> Iterator[Found]:
    return _matches(_URL, "url_credentials", plain) if "://" in plain and "@" in plain else iter(())


def _secrets(plain: str) -> Iterator[Found]:
    return _matches(_SECRET, "secret", plain)


def _numbers(plain: str) -> Iterator[Found]:
    if "-" in plain:
        yield from _matches(_UUID, "", plain)
    yield from _ibans(plain)
    if _RUN.search(plain):
        for pattern, name, verdict in _NUMBERS:
            yield from _checked(pattern, name, plain, verdict)
    if ":" in plain or "-" in plain:
        yield from _matches(_MAC, "device_id", plain)
    if "." in plain:
        yield from _checked(_IPV4, "ip_address", plain, _is_ipv4)
        yield from _places(plain)
    if ":" in plain:
        yield from _checked(_IPV6, "ip_address", plain, _is_ipv6)
    yield from _matches(_PLATE, "plate", plain)


def _words(plain: str) -> Iterator[Found]:
    for match in KEYWORD_VALUE.finditer(plain):
        group = str(match.lastgroup)
        yield Found(group.rstrip("_"), *match.span(group), match[group])
    for match in HONORIFIC_NAME.finditer(plain):
        yield Found("name", *match.span(str(match.lastgroup)), match[str(match.lastgroup)])
    yield from _matches(HEALTH, "health", plain)


def _matches(pattern: re.Pattern[str], name: str, plain: str) -> Iterator[Found]:
    return (Found(name, *match.span(), match[0]) for match in pattern.finditer(plain))


def _checked(pattern: re.Pattern[str], name: str, plain: str, verdict: Callable[[str], bool | None]) -> Iterator[Found]:
    for match in pattern.finditer(plain):
        is_sure = verdict(match[0])
        if is_sure is not None:
            yield Found(name, *match.span(), match[0], is_sure)


def _ibans(plain: str) -> Iterator[Found]:
    """An IBAN ends where its country says: upper-case words may follow it."""
    for match in _IBAN.finditer(plain):
        wanted = IBAN_LENGTHS.get(match[0][:2])
        places = [place for place, char in enumerate(match[0]) if char != " "]
        if wanted is None or len(places) < wanted:
            continue
        value = match[0][: places[wanted - 1] + 1]
        after = plain[match.start() + len(value) : match.start() + len(value) + 1]
        if not after.isalnum() and iban_holds(value.replace(" ", "")):
            yield Found("iban", match.start(), match.start() + len(value), value)


def _is_ipv4(value: str) -> bool | None:
    parts = value.split(".")
    return True if all(int(part) <= 255 and part == str(int(part)) for part in parts) else None


def _is_ipv6(value: str) -> bool | None:
    import ipaddress

    if "::" not in value and value.count(":") != 7:
        return None
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return None
    return True


def _places(plain: str) -> Iterator[Found]:
    """A pair of coordinates: in the UAE, or where a word says that it is a place. Vectors of numbers are not."""
    for match in _PLACE.finditer(plain):
        latitude, longitude = float(match[1]), float(match[2])
        is_near = 22.4 <= latitude <= 26.6 and 51.0 <= longitude <= 56.6
        if is_near or (abs(latitude) <= 90 and abs(longitude) <= 180 and _PLACE_WORD.search(plain[: match.start()])):
            yield Found("geolocation", *match.span(), match[0])
