"""The arithmetic that tells an identifier from a number that looks like one. Pure functions of text."""

from __future__ import annotations

import re
from typing import Final

IBAN_LENGTHS: Final = {
    "AE": 23, "AT": 20, "BE": 16, "BH": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EG": 29, "ES": 24,
    "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HU": 28, "IE": 22, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28,
    "LU": 20, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PT": 25, "QA": 29, "RO": 24,
    "SA": 24, "SE": 24, "TN": 24, "TR": 26, "UA": 29,
}  # fmt: skip
"""Characters of an IBAN by country: the UAE, its neighbours and where its buyers bank."""

_CARD_RANGES: Final = (
    (1, 4, 4, (16, 19)),
    (2, 51, 55, (16,)),
    (4, 2221, 2720, (16,)),
    (2, 34, 34, (15,)),
    (2, 37, 37, (15,)),
    (4, 6011, 6011, (16, 19)),
    (3, 644, 649, (16, 19)),
    (2, 65, 65, (16, 19)),
    (4, 3528, 3589, (16, 17, 18, 19)),
    (3, 300, 305, (14, 16, 19)),
    (2, 36, 36, (14, 16, 19)),
    (2, 38, 39, (14, 16, 19)),
    (2, 62, 62, (16, 17, 18, 19)),
    (2, 60, 60, (16,)),
    (2, 81, 82, (16,)),
)
"""Issuer ranges: digits looked at, first, last, lengths (Visa, Mastercard, Amex, Discover, JCB, Diners, UnionPay, RuPay)."""

_COUNTRY_CODE: Final = re.compile(
    r"1|7|20|27|30|31|32|33|34|36|39|40|41|43|44|45|46|47|48|49|51|52|53|54|55|56|57|58|60|61|62|63|64|65"
    r"|66|81|82|84|86|90|91|92|93|94|95|98|211|212|213|216|218|220|221|222|223|224|225|226|227|228|229|230"
    r"|231|232|233|234|235|236|237|238|239|240|241|242|243|244|245|246|248|249|250|251|252|253|254|255|256"
    r"|257|258|260|261|262|263|264|265|266|267|268|269|290|291|297|298|299|350|351|352|353|354|355|356|357"
    r"|358|359|370|371|372|373|374|375|376|377|378|380|381|382|383|385|386|387|389|420|421|423|500|501|502"
    r"|503|504|505|506|507|508|509|590|591|592|593|594|595|596|597|598|599|670|672|673|674|675|676|677|678"
    r"|679|680|681|682|683|685|686|687|688|689|690|691|692|800|850|852|853|855|856|870|880|886|960|961|962"
    r"|963|964|965|966|967|968|970|971|972|973|974|975|976|977|992|993|994|995|996|998"
)
"""Country calling codes of ITU-T E.164."""


def digits_of(text: str) -> str:
    """The ASCII digits of a text, in order."""
    return "".join(char for char in text if "0" <= char <= "9")


def luhn_holds(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = ord(char) - 48
        if place % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def card_holds(digits: str) -> bool:
    """Whether it is a card number: an issuer's range, its length, Luhn, and not one digit over and over."""
    in_range = any(
        low <= int(digits[:count]) <= high and len(digits) in lengths for count, low, high, lengths in _CARD_RANGES
    )
    return in_range and len(set(digits)) > 1 and luhn_holds(digits)


def iban_holds(iban: str) -> bool:
    """Whether length and the check digits of ISO 13616 (mod 97) hold; `iban` has no spaces and is upper case."""
    if len(iban) != IBAN_LENGTHS.get(iban[:2]):
        return False
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def e164(text: str) -> str | None:
    """A phone number as `+<country><number>`; a local UAE number gets 971. None when it cannot be one."""
    digits = digits_of(text)
    stripped = text.strip().lstrip("(")
    if stripped.startswith("+"):
        number = digits
    elif digits.startswith("00"):
        number = digits[2:]
    elif digits.startswith("0"):
        number = "971" + digits[1:]
    elif digits.startswith("971") and len(digits) in (11, 12):
        number = digits
    else:
        return None
    if number.startswith("9710"):  # +971 (0)50 ...
        number = "971" + number[4:]
    if not 8 <= len(number) <= 15 or not _COUNTRY_CODE.match(number):
        return None
    if number.startswith("971") and len(number) not in (11, 12):
        return None
    return "+" + number


def emirates_id_verdict(digits: str, *, this_year: int) -> bool | None:
    """True when shape and Luhn hold, False when only the shape does, None when it is no Emirates ID.

    That the last digit is a Luhn digit is common knowledge and not published, so the shape decides.
    """
    if len(digits) != 15 or not digits.startswith("784") or not 1900 <= int(digits[3:7]) <= this_year:
        return None
    return luhn_holds(digits)
