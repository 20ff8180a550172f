"""Classes of identifiers: which columns hold them by their name, how a value is written in one form.

A class is what a value is; `normal_form` makes equal things equal ("050 123 4567" and "+971501234567"), so
that keyed hashes of them match across sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from aurora.privacy.checksums import digits_of, e164
from contracts.field import Field

SHOWS_LAST4: Final = frozenset({"emirates_id", "phone", "iban", "card_number", "trn", "account_number"})
"""Classes long enough that four characters help a person and give nothing away."""

FLAGGED: Final = frozenset({"health", "trakheesi_permit"})
"""Found in free text and left there: a word list is no proof, and a permit number must stand on every advert."""

IDENTIFYING: Final = frozenset(
    {"emirates_id", "passport", "phone", "iban", "card_number", "email", "ssn", "secret", "date_of_birth", "health"}
    | {"medical_record", "health_plan", "account_number", "biometric", "geolocation", "url_credentials"}
)
"""Classes whose declared columns must be protected: a house test holds the contracts to it."""

_BY_NAME: Final[Mapping[str, str]] = MappingProxyType(
    {
        "emirates_id": r"emirates_?id|\beid\b|national_id",
        "passport": r"passport",
        "card_number": r"card_(number|no)\b|\bpan\b",
        "iban": r"iban|account_$",
        "account_number": r"account_(number|no)\b",
        "trn": r"\btrn\b|tax_registration",
        "email": r"e_?mail",
        "phone": r"phone|mobile|whatsapp|\bfax|msisdn",
        "date_of_birth": r"birth|\bdob\b",
        "ssn": r"\bssn\b|social_security",
        "ip_address": r"\bip\b|ip_address",
        "medical_record": r"medical_record|\bmrn\b",
        "health_plan": r"health_plan|insurance_member",
        "health": r"health_(condition|record|info|data|status)|medical|diagnos|allerg",
        "title_deed": r"title_deed",
        "ejari": r"ejari",
        "trakheesi_permit": r"trakheesi|permit_no",
        "licence_number": r"licen[cs]e_(no|number)",
        "plate": r"\bplate",
        "vehicle_id": r"\bvin\b|chassis",
        "device_id": r"device_id|imei|serial_no",
        "geolocation": r"latitude|longitude|geo_?location|coordinates",
        "biometric": r"biometric|voiceprint|fingerprint_template",
        "photo": r"photo|face_image",
        "secret": r"password|api_key_$|secret_$|secret_key",
        "address": r"\baddress|street",
        "name": r"(full|first|last|given|family|display|party|client|customer|owner|buyer|seller|contact|holder|person)_name",
    }
)
_NOT_VALUES: Final = re.compile(r"(_at|_date|_count|_share|_ms|_kind|_type|_status|_state|_hash|_token|_pct|_score)$")
"""A column named `email_verified_at` or `phone_token` holds no e-mail and no phone. `birth_date` is asked first."""


@cache
def class_of_name(name: str) -> str | None:
    """The class that a column or JSON key of that name holds, as far as the name tells; None when it does not."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("-", "_")
    words = "_" + spaced + "_"
    bounded = re.sub(r"_+", "_", words)
    if _NOT_VALUES.search(spaced) and "birth" not in spaced:
        return None
    for found, pattern in _BY_NAME.items():
        if re.search(pattern.replace(r"\b", r"(?:(?<=_)|(?=_))"), bounded):
            return found
    return None


def class_of_field(field: Field) -> str | None:
    """The class of a declared column: by name where that tells, else by its privacy; None for a column without."""
    if field.privacy not in ("personal", "sensitive") and field.protection == "none":
        return None
    if field.token_of is not None:
        return None
    return class_of_name(field.name) or ("sensitive" if field.privacy == "sensitive" else "personal")


def normal_form(identifier_class: str, value: str) -> str:
    """The one way to write a value of that class; what cannot be read as one is only folded."""
    folded = " ".join(value.casefold().split())
    match identifier_class:
        case "phone":
            return e164(value) or digits_of(value) or folded
        case "emirates_id" | "card_number" | "trn" | "ssn":
            return digits_of(value) or folded
        case "iban" | "passport" | "title_deed" | "ejari" | "account_number" | "licence_number" | "plate":
            return re.sub(r"[\s\-]+", "", value).upper()
        case "url_credentials" | "secret":
            return value.strip()
        case _:
            return folded
