"""Random identifiers with known truth, and numbers that only look like them."""

from __future__ import annotations

import random
from collections.abc import Callable

from aurora.privacy.checksums import IBAN_LENGTHS, luhn_holds


def digits(draw: random.Random, count: int) -> str:
    return "".join(draw.choice("0123456789") for _ in range(count))


def with_luhn(body: str) -> str:
    """The body and its Luhn digit."""
    return next(body + last for last in "0123456789" if luhn_holds(body + last))


def emirates_id(draw: random.Random) -> str:
    number = with_luhn(f"784{draw.randrange(1940, 2010)}{digits(draw, 7)}")
    parts = (number[:3], number[3:7], number[7:14], number[14])
    return draw.choice(["-", "", " "]).join(parts)


def phone(draw: random.Random) -> str:
    kind, last = draw.choice("024568"), digits(draw, 7)
    return draw.choice(
        [
            f"+971 5{kind} {last[:3]} {last[3:]}",
            f"+9715{kind}{last}",
            f"05{kind}{last}",
            f"05{kind}-{last[:3]}-{last[3:]}",
            f"009715{kind}{last}",
            f"+44 20 {draw.randrange(7000, 8999)} {digits(draw, 4)}",
            f"+1-212-555-{digits(draw, 4)}",
            f"+91 98{digits(draw, 3)} {digits(draw, 5)}",
        ]
    )


def iban(draw: random.Random) -> str:
    country = draw.choice(["AE", "GB", "DE", "SA"])
    letters = "NWBK" if country == "GB" else ""
    body = letters + digits(draw, IBAN_LENGTHS[country] - 4 - len(letters))
    turned = "".join(str(int(char, 36)) for char in body + country + "00")
    whole = f"{country}{98 - int(turned) % 97:02d}{body}"
    grouped = " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))
    return draw.choice([whole, grouped])


def card(draw: random.Random) -> str:
    head = draw.choice(["4", "51", "55", "2221", "6011"])
    number = with_luhn(head + digits(draw, 15 - len(head)))
    if draw.random() < 0.3:
        return with_luhn("37" + digits(draw, 12))
    grouped = [number[at : at + 4] for at in range(0, 16, 4)]
    return draw.choice([number, " ".join(grouped), "-".join(grouped)])


def email(draw: random.Random) -> str:
    user = draw.choice(["amal.h", "omar_k", "sales+dubai", "j-smith", "nadia77"]) + digits(draw, 2)
    return f"{user}@{draw.choice(['example.com', 'mail.example.ae', 'agents.example.co.uk'])}"


def ssn(draw: random.Random) -> str:
    return f"{draw.randrange(100, 600)}-{draw.randrange(10, 99)}-{draw.randrange(1000, 9999)}"


def secret(draw: random.Random) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return draw.choice(
        [
            "sk-" + "".join(draw.choice(letters) for _ in range(32)),
            "AKIA" + "".join(draw.choice(letters) for _ in range(16)),
        ]
    )


def url(draw: random.Random) -> str:
    return f"postgres://amal:pw{digits(draw, 5)}@db.example.com:5432/crm"


def ip_address(draw: random.Random) -> str:
    return ".".join(str(draw.randrange(1, 255)) for _ in range(4))


KINDS: dict[str, Callable[[random.Random], str]] = {
    "emirates_id": emirates_id,
    "phone": phone,
    "iban": iban,
    "card_number": card,
    "email": email,
    "ssn": ssn,
    "secret": secret,
    "url_credentials": url,
    "ip_address": ip_address,
}
"""Identifiers that need no word before them."""

ANNOUNCED: dict[str, Callable[[random.Random], str]] = {
    "passport": lambda draw: f"passport no. {draw.choice('NPR')}{digits(draw, 7)}",
    "trn": lambda draw: f"TRN: 100{digits(draw, 12)}",
    "title_deed": lambda draw: f"title deed number {digits(draw, 5)}/20{draw.randrange(10, 26)}",
    "ejari": lambda draw: f"Ejari no {digits(draw, 14)}",
    "date_of_birth": lambda draw: f"DOB: {draw.randrange(1, 28)}/{draw.randrange(1, 12)}/{draw.randrange(1950, 2005)}",
    "name": lambda draw: (
        f"{draw.choice(['Mr.', 'Mrs', 'Dr.'])} {draw.choice(['Ahmed', 'Fatima', 'John'])} {draw.choice(['Al Mansoori', 'Khan', 'Smith'])}"
    ),
    "medical_record": lambda draw: f"MRN {digits(draw, 8)}",
}
"""Identifiers that a word or a title announces."""


def near_miss(draw: random.Random) -> str:
    """Something an assistant's log is full of, and that identifies nobody."""
    makers: list[Callable[[], str]] = [
        lambda: f"order {draw.choice('12569')}{digits(draw, 14)}",
        lambda: f"{draw.randrange(1, 9)},{digits(draw, 3)},{digits(draw, 3)}.{digits(draw, 2)} AED",
        lambda: "-".join(f"{draw.getrandbits(bits):0{bits // 4}x}" for bits in (32, 16, 16, 16, 48)),
        lambda: f"2026-{draw.randrange(10, 12)}-{draw.randrange(10, 28)}T08:30:00.{digits(draw, 6)}Z",
        lambda: f"17{digits(draw, 11)}",
        lambda: f"1{digits(draw, 15)}",
        lambda: f"{draw.getrandbits(256):064x}",
        lambda: f"gpt-4o-2024-08-{draw.randrange(10, 28)}",
        lambda: f"claude-3-5-sonnet@2024{draw.randrange(10, 12)}22",
        lambda: f"version {draw.randrange(1, 20)}.{draw.randrange(20)}.{draw.randrange(20)}.{draw.randrange(9)}",
        lambda: f"0.{digits(draw, 16)}",
        lambda: f"[{', '.join('0.' + digits(draw, 6) for _ in range(4))}]",
        lambda: f"12:{draw.randrange(10, 59)}:30 in Dubai Marina, unit {draw.randrange(100, 4000)}",
        lambda: f"batch {digits(draw, 8)}",
        lambda: f"LST-{digits(draw, 6)} page {draw.randrange(99)} of {digits(draw, 3)}",
        lambda: f"+{draw.randrange(1, 99)} % against {digits(draw, 4)} viewings",
        lambda: f"trace {draw.getrandbits(128):032x} took {digits(draw, 5)} ms",
    ]
    return draw.choice(makers)()


FILLER = (
    "the",
    "client",
    "asked",
    "whether",
    "it",
    "is",
    "still",
    "on",
    "market",
    "and",
    "when",
    "a",
    "viewing",
    "could",
)


def sentence(draw: random.Random, *inner: str) -> str:
    """A sentence of filler words with these texts in it."""
    words = [draw.choice(FILLER) for _ in range(draw.randrange(3, 12))]
    for one in inner:
        words.insert(draw.randrange(1, len(words)), one)
    return " ".join(words) + draw.choice(["", ".", "?", ", thanks"])
